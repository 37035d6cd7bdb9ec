package show

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// mark is one thing drawn on a figure.
type mark interface {
	extend(f *Figure, x, y *span)    // includes its data in the ranges
	draw(p *plot)                    // draws it
	label() string                   // its name in the legend, or ""
	swatch(p *plot, x, y, w float64) // its sample in the legend, w wide, centred on height y
}

type named struct {
	name string
	style
}

func (n named) label() string { return n.name }

func (n named) dashed() string {
	if n.dash == "" {
		return ""
	}
	return fmt.Sprintf(` stroke-dasharray="%s"`, n.dash)
}

// line is a broken line.
type line struct {
	named
	x, y           []float64
	width, opacity float64
}

func (l line) extend(_ *Figure, x, y *span) { x.include(l.x...); y.include(l.y...) }

func (l line) stroke() string {
	dash := l.dashed()
	if l.opacity < 1 {
		dash = fmt.Sprintf(` stroke-opacity="%v"`, l.opacity)
	}
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s" stroke-linejoin="round"%s`, l.colour, px(l.width), dash)
}

func (l line) draw(p *plot) { p.onHeat(p.polyline(l.x, l.y), l.width, l.stroke()) }

// onHeat draws a path, on a heat map over a white one that sets it off.
func (p *plot) onHeat(d string, width float64, stroke string) {
	if p.heat == nil {
		p.put(`<path d="%s" %s/>`, d, stroke)
		return
	}
	id := p.id("p")
	p.put(`<defs><path id="%s" d="%s"/></defs><use href="#%s" fill="none" stroke="#fff" stroke-width="%s" stroke-linecap="round"/><use href="#%s" %s/>`,
		id, d, id, px(1.8*width), id, stroke)
}

func (l line) swatch(p *plot, x, y, w float64) { p.segment(x, y, x+w, y, l.stroke()) }

// path is one of many thin lines.
type path struct{ line }

func (l path) draw(p *plot) { p.put(`<path d="%s" %s/>`, p.polyline(l.x, l.y), l.on(p).stroke()) }

// on returns the line as it is drawn on p.
func (l path) on(p *plot) line {
	if p.heat != nil {
		l.colour, l.opacity = "#ffffff", .8
	}
	return l.line
}

func (l path) swatch(p *plot, x, y, w float64) {
	if p.heat != nil {
		p.put(`<rect x="%s" y="%s" width="%s" height="12" fill="#3b528b"/>`, px(x), px(y-6), px(w))
	}
	p.segment(x, y, x+w, y, l.on(p).stroke())
}

// polyline returns the thinned path through the points, broken at what the axes cannot show.
func (p *plot) polyline(xs, ys []float64) string {
	var d strings.Builder
	var piece [][2]float64
	flush := func() {
		for i, q := range thin(piece) {
			d.WriteString(map[bool]string{true: "M", false: "L"}[i == 0] + px(q[0]) + " " + px(q[1]))
		}
		piece = piece[:0]
	}
	sx, sy := span{log: p.x.log}, span{log: p.y.log}
	for i := range xs {
		if !sx.shows(xs[i]) || !sy.shows(ys[i]) {
			flush()
			continue
		}
		piece = append(piece, [2]float64{p.x.at(xs[i]), p.y.at(ys[i])})
	}
	flush()
	return d.String()
}

// points is a cloud of markers.
type points struct {
	named
	x, y []float64
}

func (m points) extend(_ *Figure, x, y *span) { x.include(m.x...); y.include(m.y...) }

func (m points) label() string {
	if len(m.x) <= maxMarkers {
		return m.name
	}
	return fmt.Sprintf("%s (%d of %d)", m.name, len(every(m.x)), len(m.x))
}

// few is the number of points up to which each stands for itself, as a measurement does, and is drawn larger and opaque.
const few = 30

// size is the attribute that enlarges the markers of few points.
func (m points) size() string {
	if len(m.x) > few {
		return ""
	}
	return ` transform="scale(1.5)"`
}

func (m points) paint() string {
	if _, filled := marker(m.index); filled && len(m.x) <= few {
		return fmt.Sprintf(`fill="%s"`, m.colour)
	} else if filled {
		return fmt.Sprintf(`fill="%s" fill-opacity=".65"`, m.colour)
	}
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="1.6"`, m.colour)
}

func (m points) draw(p *plot) {
	shape, _ := marker(m.index)
	sx, sy := span{log: p.x.log}, span{log: p.y.log}
	id, halo, paint := p.id("m"), "", m.paint()
	if p.heat != nil { // white around the markers sets them off, where they may not be transparent
		paint = strings.Replace(paint, ` fill-opacity=".65"`, "", 1)
		halo = fmt.Sprintf(`<path d="M0 0%s" fill="none" stroke="#fff" stroke-width="3.5"/>`, shape)
	}
	p.put(`<defs><g id="%s"%s>%s<path d="M0 0%s"/></g></defs><g %s>`, id, m.size(), halo, shape, paint)
	xs, ys := every(m.x), every(m.y)
	for i := range xs {
		if sx.shows(xs[i]) && sy.shows(ys[i]) {
			p.put(`<use href="#%s" x="%s" y="%s"/>`, id, px(p.x.at(xs[i])), px(p.y.at(ys[i])))
		}
	}
	p.put(`</g>`)
}

func (m points) swatch(p *plot, x, y, w float64) {
	shape, _ := marker(m.index)
	p.put(`<g transform="translate(%s %s)"><path%s d="M0 0%s" %s/></g>`, px(x+w/2), px(y), m.size(), shape, m.paint())
}

// histogram is a density that is constant between edges.
type histogram struct {
	named
	edges, density []float64
}

func (h histogram) extend(_ *Figure, x, y *span) {
	x.include(h.edges...)
	y.include(h.density...)
	y.include(0)
	y.grounded = true
}

func (h histogram) draw(p *plot) {
	d, ground := "", px(p.y.from)
	for i, v := range h.density {
		d += fmt.Sprintf("M%s %sV%sH%sV%s", px(p.x.at(h.edges[i])), ground, px(p.y.at(v)), px(p.x.at(h.edges[i+1])), ground)
	}
	p.put(`<path d="%s" %s/>`, d, h.fill())
}

func (n named) fill() string {
	return fmt.Sprintf(`fill="%s" fill-opacity=".3" stroke="%s" stroke-width="1.2"`, n.colour, n.colour)
}

func (n named) swatch(p *plot, x, y, w float64) {
	p.put(`<rect x="%s" y="%s" width="%s" height="12" %s/>`, px(x), px(y-6), px(w), n.fill())
}

// band is filled between two curves.
type band struct {
	named
	x, lo, hi []float64
}

func (b band) extend(_ *Figure, x, y *span) {
	x.include(b.x...)
	y.include(b.lo...)
	y.include(b.hi...)
	y.grounded = y.grounded || !slices.ContainsFunc(b.lo, func(v float64) bool { return v != 0 })
}

func (b band) draw(p *plot) {
	x, lo := slices.Clone(b.x), slices.Clone(b.lo)
	slices.Reverse(x)
	slices.Reverse(lo)
	back := strings.Replace(p.polyline(x, lo), "M", "L", 1)
	p.put(`<path d="%s%sZ" %s/>`, p.polyline(b.x, b.hi), back, b.fill())
}

// rule is a reference line across the axes.
type rule struct {
	named
	at       float64
	vertical bool
}

func (r rule) extend(_ *Figure, x, y *span) {
	if r.vertical {
		x.include(r.at)
		return
	}
	y.include(r.at)
}

func (r rule) stroke() string {
	return fmt.Sprintf(`stroke="%s" stroke-width="2"%s`, r.colour, r.dashed())
}

func (r rule) draw(p *plot) {
	if r.vertical {
		p.segment(p.x.at(r.at), p.y.from, p.x.at(r.at), p.y.to, r.stroke())
		return
	}
	p.segment(p.x.from, p.y.at(r.at), p.x.to, p.y.at(r.at), r.stroke())
}

func (r rule) swatch(p *plot, x, y, w float64) { p.segment(x, y, x+w, y, r.stroke()) }

// quiver is a field of arrows.
type quiver struct {
	named
	x, y, u, v []float64
	longest    float64
}

func (q quiver) extend(_ *Figure, x, y *span) { x.include(q.x...); y.include(q.y...) }

func (q quiver) draw(p *plot) {
	cell := math.Sqrt((p.x.to - p.x.from) * (p.y.from - p.y.to) / float64(len(q.x)))
	perX, perY := (p.x.to-p.x.from)/(p.x.hi-p.x.lo), (p.y.from-p.y.to)/(p.y.hi-p.y.lo)
	scale := .9 * cell / (q.longest * math.Max(perX, perY))
	d := ""
	for i := range q.x {
		d += arrow(p.x.at(q.x[i]), p.y.at(q.y[i]), q.u[i]*scale*perX, -q.v[i]*scale*perY)
	}
	p.onHeat(d, 1.6, q.stroke())
}

func (q quiver) stroke() string {
	return fmt.Sprintf(`fill="none" stroke="%s" stroke-width="1.6" stroke-linecap="round"`, q.colour)
}

func (q quiver) swatch(p *plot, x, y, w float64) {
	p.put(`<path d="%s" %s/>`, arrow(x, y, w, 0), q.stroke())
}

// arrow returns the path of an arrow from (x, y), as long as (u, v), with a head of at most 7 pixels.
func arrow(x, y, u, v float64) string {
	length := math.Hypot(u, v)
	if !(length >= .5) {
		return fmt.Sprintf("M%s %sh0", px(x), px(y))
	}
	head := math.Min(7, .4*length) / length
	tx, ty := x+u, y+v
	return fmt.Sprintf("M%s %sL%s %sM%s %sL%s %sL%s %s", px(x), px(y), px(tx), px(ty),
		px(tx-head*(u-.5*v)), px(ty-head*(v+.5*u)), px(tx), px(ty), px(tx-head*(u+.5*v)), px(ty-head*(v-.5*u)))
}
