package show

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
)

// barWidth is the width of a colour bar in pixels.
const barWidth = 18

// viridis is the colour map at tenths of its length; between them it is linear in sRGB.
// The values are those of matplotlib's viridis (S. van der Walt, N. Smith, E. Firing, 2015; CC0).
var viridis = [...][3]float64{{68, 1, 84}, {72, 36, 117}, {65, 68, 135}, {53, 95, 141}, {42, 120, 142}, {33, 145, 140},
	{34, 168, 132}, {68, 191, 112}, {122, 209, 81}, {189, 223, 38}, {253, 231, 37}}

// palette has grey at 0, for NaN, and viridis from 1 to 255.
var palette = func() color.Palette {
	out := color.Palette{color.RGBA{190, 190, 190, 255}}
	for i := range 255 {
		at := float64(i) / 254 * float64(len(viridis)-1)
		k := min(int(at), len(viridis)-2)
		var c [3]uint8
		for j := range c {
			c[j] = uint8(math.Round(viridis[k][j] + (at-float64(k))*(viridis[k+1][j]-viridis[k][j])))
		}
		out = append(out, color.RGBA{c[0], c[1], c[2], 255})
	}
	return out
}()

// heat is a map of z[row][column] over a box.
type heat struct {
	name   string
	z      [][]float64
	x, y   [2]float64
	lo, hi float64 // of z
	steps  int     // how many colours, all of them where 0
}

func newHeat(label string, z [][]float64, x, y [2]float64) *heat {
	s := newSpan(false)
	for i, row := range z {
		if len(row) != len(z[0]) || len(row) == 0 {
			panic(fmt.Errorf("show.Figure.Heat: row %d has %d columns, expected %d, at least 1", i, len(row), len(z[0])))
		}
		s.include(row...)
	}
	if !(s.lo <= s.hi) {
		panic(fmt.Errorf("show.Figure.Heat(%q): %d rows without a finite value", label, len(z)))
	}
	if s.lo == s.hi {
		s.lo, s.hi = s.lo-.5, s.hi+.5
	}
	return &heat{label, z, x, y, s.lo, s.hi, 0}
}

func (h *heat) extend(_ *Figure, x, y *span) {
	x.include(h.x[:]...)
	y.include(h.y[:]...)
	x.exact, y.exact = true, true
}

func (h *heat) label() string                           { return "" } // the colour bar has it
func (h *heat) swatch(*plot, float64, float64, float64) {}

// coloured returns the map with so many steps of colour, between limits unless both are 0.
func (h *heat) coloured(limits [2]float64, steps int) *heat {
	out := *h
	out.steps = steps
	if limits != [2]float64{} {
		out.lo, out.hi = limits[0], limits[1]
	}
	return &out
}

func (h *heat) draw(p *plot) {
	h = p.heat
	rows, cols := len(h.z), len(h.z[0])
	img := image.NewPaletted(image.Rect(0, 0, cols, rows), palette)
	for r, row := range h.z {
		for c, v := range row {
			img.SetColorIndex(c, rows-1-r, h.index(v))
		}
	}
	enlarge := max(1, 300/max(rows, cols)) // so that no renderer needs to smooth it
	p.image(repeat(img, enlarge), p.x.at(h.x[0]), p.y.at(h.y[1]), p.x.at(h.x[1])-p.x.at(h.x[0]), p.y.at(h.y[0])-p.y.at(h.y[1]))
}

func (h *heat) index(v float64) uint8 {
	if math.IsNaN(v) {
		return 0
	}
	at := math.Round(h.stepped((v-h.lo)/(h.hi-h.lo)) * 254)
	return 1 + uint8(math.Max(0, math.Min(254, at)))
}

// stepped rounds a part of the colours' range to the middle of its step, where there are steps.
func (h *heat) stepped(part float64) float64 {
	if h.steps == 0 {
		return part
	}
	n := float64(h.steps)
	return (math.Min(n-1, math.Floor(part*n)) + .5) / n
}

// axis maps z to the colour bar, which is as high as the y axis.
func (h *heat) axis(p *plot) axis { return axis{lo: h.lo, hi: h.hi, from: p.y.from, to: p.y.to} }

// bar draws the colour bar to the right of the axes.
func (h *heat) bar(p *plot) {
	x, a := p.x.to+14, h.axis(p)
	img := image.NewPaletted(image.Rect(0, 0, 1, 255), palette)
	for i := range 255 {
		img.SetColorIndex(0, 254-i, h.index(h.lo+float64(i)/254*(h.hi-h.lo)))
	}
	p.image(img, x, p.y.to, barWidth, p.y.from-p.y.to)
	for _, v := range a.ticks(5) {
		p.segment(x+barWidth, a.at(v), x+barWidth+5, a.at(v), `stroke="#333"`)
		p.text(x+barWidth+8, a.at(v)+5, tickFont, "start", a.label(v), "")
	}
	p.vertical(x+barWidth+8+tickWidth(a, a.ticks(5))+15, (p.y.from+p.y.to)/2, fontSize, h.name)
}

// image embeds img as PNG, stretched over a box.
func (c *canvas) image(img image.Image, x, y, w, h float64) {
	c.put(`<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" style="image-rendering:pixelated" href="%s"/>`,
		px(x), px(y), px(w), px(h), pngURI(img))
}

func pngURI(img image.Image) string {
	return dataURI("image/png", encodePNG(img))
}

func encodePNG(img image.Image) []byte {
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, img); err != nil {
		panic(fmt.Errorf("show: encoding a PNG of %v: %w", img.Bounds(), err)) // only for images beyond PNG's sizes
	}
	return out.Bytes()
}

// repeat enlarges img so that each pixel becomes n by n.
func repeat(img *image.Paletted, n int) *image.Paletted {
	b := img.Bounds()
	out := image.NewPaletted(image.Rect(0, 0, n*b.Dx(), n*b.Dy()), img.Palette)
	for y := range n * b.Dy() {
		for x := range n * b.Dx() {
			out.SetColorIndex(x, y, img.ColorIndexAt(x/n, y/n))
		}
	}
	return out
}
