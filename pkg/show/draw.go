package show

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// canvas collects SVG elements.
type canvas struct {
	strings.Builder
	ids int // how many clip paths and patterns it has
}

func (c *canvas) put(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

// text writes s at a point; anchor is start, middle or end, more holds further attributes.
func (c *canvas) text(x, y, size float64, anchor, s, more string) {
	c.put(`<text x="%s" y="%s" font-size="%s" text-anchor="%s"%s>%s</text>`, px(x), px(y), px(size), anchor, more, html.EscapeString(s))
}

// vertical writes s upwards, centred at a point.
func (c *canvas) vertical(x, y, size float64, s string) {
	c.text(0, 0, size, "middle", s, fmt.Sprintf(` transform="translate(%s %s) rotate(-90)"`, px(x), px(y)))
}

// id returns a new name for a clip path or pattern.
func (c *canvas) id(kind string) string {
	c.ids++
	return kind + strconv.Itoa(c.ids)
}

// px prints pixels to a tenth.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// plot is one figure being drawn.
type plot struct {
	*canvas
	f    *Figure
	x, y axis
	heat *heat // or nil
}

// drawFigure draws f on the box of the given size whose top left corner is the origin; the axes start below top.
func drawFigure(c *canvas, f *Figure, width, height, top float64) {
	p := newPlot(c, f)
	p.head(width)
	p.place(top, width, height)
	p.grid()
	clip := c.id("clip")
	c.put(`<clipPath id="%s"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath><g clip-path="url(#%s)">`,
		clip, px(p.x.from), px(p.y.to), px(p.x.to-p.x.from), px(p.y.from-p.y.to), clip)
	for _, m := range f.marks {
		m.draw(p)
	}
	c.put(`</g>`)
	p.axes()
}

func newPlot(c *canvas, f *Figure) *plot {
	p := &plot{canvas: c, f: f}
	x, y := newSpan(f.LogX), newSpan(f.LogY)
	for _, m := range f.marks {
		m.extend(f, x, y)
		if h, ok := m.(*heat); ok {
			p.heat = h.coloured(f.ZLim, f.Steps)
		}
	}
	p.x.log, p.y.log = f.LogX, f.LogY
	p.x.lo, p.x.hi = x.limits(f.XLim)
	p.y.lo, p.y.hi = y.limits(f.YLim)
	p.x, p.y = p.x.check("x"), p.y.check("y")
	return p
}

// headHeight returns where title and legend of f end.
func headHeight(f *Figure, width float64) float64 { return newPlot(new(canvas), f).head(width) }

// head draws title and legend and returns where they end.
func (p *plot) head(width float64) (y float64) {
	y = 8
	for _, row := range wrap(p.f.Title, width-24, titleSize) {
		y += titleSize + 5
		p.text(width/2, y, titleSize, "middle", row, ` font-weight="600"`)
	}
	y += 10
	const left, swatch, gap = 16.0, 34.0, 18.0
	x, rows := left, 0
	for _, m := range p.f.marks {
		name := m.label()
		if name == "" {
			continue
		}
		w := swatch + 6 + textWidth(name, fontSize) + gap
		if rows == 0 || x+w-gap > width && x > left {
			x, rows, y = left, rows+1, y+lineHeight
		}
		m.swatch(p, x, y-6, swatch)
		p.text(x+swatch+6, y, fontSize, "start", name, "")
		x += w
	}
	return y + 16
}

// place fixes the pixels of the axes: what is left of the box after labels and ticks.
func (p *plot) place(top, width, height float64) {
	p.y.from, p.y.to = height-30-lineHeight, top
	left, right := 14+lineHeight+tickWidth(p.y, p.yTicks()), 24.0
	if p.heat != nil {
		bar := p.heat.axis(p)
		right = 14 + barWidth + 8 + tickWidth(bar, bar.ticks(5)) + lineHeight
	}
	p.x.from, p.x.to = left, width-right
	if p.f.Equal {
		p.shrink()
	}
}

// shrink makes one unit as long on both axes.
func (p *plot) shrink() {
	dx, dy := p.x.hi-p.x.lo, p.y.hi-p.y.lo
	w, h := p.x.to-p.x.from, p.y.from-p.y.to
	scale := math.Min(w/dx, h/dy)
	p.x.from += (w - scale*dx) / 2
	p.x.to = p.x.from + scale*dx
	p.y.to += (h - scale*dy) / 2
	p.y.from = p.y.to + scale*dy
}

// tickWidth returns the room that the labels of ticks take.
func tickWidth(a axis, ticks []float64) float64 {
	widest := 0.0
	for _, v := range ticks {
		widest = math.Max(widest, textWidth(a.label(v), tickFont))
	}
	return widest + 8
}

func (p *plot) xTicks() []float64 {
	if p.f.Categories != nil {
		return nil
	}
	return p.x.ticks(math.Max(2, math.Min(7, (p.x.to-p.x.from)/80)))
}

func (p *plot) yTicks() []float64 { return p.y.ticks(math.Max(2, math.Min(8, (p.y.from-p.y.to)/42))) }

func (p *plot) grid() {
	if p.heat != nil {
		return
	}
	for _, v := range p.xTicks() {
		p.segment(p.x.at(v), p.y.from, p.x.at(v), p.y.to, `stroke="#e4e4e4"`)
	}
	for _, v := range p.yTicks() {
		p.segment(p.x.from, p.y.at(v), p.x.to, p.y.at(v), `stroke="#e4e4e4"`)
	}
}

// axes draws frame, ticks and labels, and the colour bar of a heat map.
func (p *plot) axes() {
	const stroke = `stroke="#333"`
	p.segment(p.x.from, p.y.from, p.x.to, p.y.from, stroke)
	p.segment(p.x.from, p.y.from, p.x.from, p.y.to, stroke)
	for _, v := range p.xTicks() {
		p.segment(p.x.at(v), p.y.from, p.x.at(v), p.y.from+5, stroke)
		p.text(p.x.at(v), p.y.from+22, tickFont, "middle", p.x.label(v), "")
	}
	for i, name := range p.f.Categories {
		p.text(p.x.at(float64(i)), p.y.from+22, tickFont, "middle", name, "")
	}
	for _, v := range p.yTicks() {
		p.segment(p.x.from-5, p.y.at(v), p.x.from, p.y.at(v), stroke)
		p.text(p.x.from-8, p.y.at(v)+5, tickFont, "end", p.y.label(v), "")
	}
	p.text((p.x.from+p.x.to)/2, p.y.from+22+lineHeight, fontSize, "middle", p.f.X, "")
	p.vertical(p.x.from-8-tickWidth(p.y, p.yTicks())-4, (p.y.from+p.y.to)/2, fontSize, p.f.Y)
	if p.heat != nil {
		p.heat.bar(p)
	}
}

func (c *canvas) segment(x1, y1, x2, y2 float64, style string) {
	c.put(`<path d="M%s %sL%s %s" %s/>`, px(x1), px(y1), px(x2), px(y2), style)
}

// wrap breaks s into rows of at most the given width, at spaces and line feeds.
func wrap(s string, width, size float64) []string {
	var rows []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		rows = append(rows, wrapParagraph(paragraph, width, size)...)
	}
	return rows
}

func wrapParagraph(s string, width, size float64) []string {
	var rows []string
	row := ""
	for _, word := range strings.Fields(s) {
		switch {
		case row == "":
			row = word
		case textWidth(row+" "+word, size) <= width:
			row += " " + word
		default:
			rows, row = append(rows, row), word
		}
	}
	return append(rows, row)
}
