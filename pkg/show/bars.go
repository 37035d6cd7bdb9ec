package show

import (
	"fmt"
	"math"
)

// bars is one series of bars over f.Categories.
type bars struct {
	named
	values []float64
}

func (b bars) extend(f *Figure, x, y *span) {
	x.include(-.5, float64(len(b.values))-.5)
	x.exact, y.grounded = true, true
	y.include(0)
	for i, v := range b.values {
		_, top := b.ends(f, i)
		y.include(v, top)
	}
}

// ends returns where bar i starts and ends: at 0, or stacked on the earlier series of the same sign.
func (b bars) ends(f *Figure, i int) (from, to float64) {
	if !f.Stacked {
		return 0, b.values[i]
	}
	for _, m := range f.marks {
		other, ok := m.(bars)
		if !ok {
			continue
		}
		if other.index == b.index {
			break
		}
		if other.values[i]*b.values[i] > 0 {
			from += other.values[i]
		}
	}
	return from, from + b.values[i]
}

// slot returns the left edge and width of the bars in units of categories, relative to the category's centre.
func (b bars) slot(f *Figure) (left, width float64) {
	position, total := 0, 0
	for _, m := range f.marks {
		if other, ok := m.(bars); ok {
			if other.index < b.index {
				position++
			}
			total++
		}
	}
	if f.Stacked {
		return -.35, .7
	}
	width = .8 / float64(total)
	return -.4 + float64(position)*width, width
}

func (b bars) draw(p *plot) {
	left, width := b.slot(p.f)
	paint := b.paint(p)
	for i := range b.values {
		from, to := b.ends(p.f, i)
		x := float64(i) + left
		y0, y1 := p.y.at(from), p.y.at(to)
		p.put(`<rect x="%s" y="%s" width="%s" height="%s" %s/>`, px(p.x.at(x)), px(math.Min(y0, y1)),
			px(p.x.at(x+width)-p.x.at(x)), px(math.Abs(y1-y0)), paint)
	}
}

// paint fills the first series and hatches the others, each in its own direction.
func (b bars) paint(p *plot) string {
	fill := b.colour
	if b.index > 0 {
		id := p.id("hatch")
		p.put(`<pattern id="%s" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(%d)"><rect width="8" height="8" fill="%s"/><path d="M0 4H8" stroke="#fff" stroke-width="1.5"/></pattern>`,
			id, 45+45*b.index, b.colour)
		fill = "url(#" + id + ")"
	}
	return fmt.Sprintf(`fill="%s" stroke="%s" stroke-width="1.2"`, fill, b.colour)
}

func (b bars) swatch(p *plot, x, y, w float64) {
	p.put(`<rect x="%s" y="%s" width="%s" height="14" %s/>`, px(x), px(y-7), px(w), b.paint(p))
}
