package show

import (
	"fmt"
	"image"
	"image/color"
	plan9 "image/color/palette"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"
)

const (
	letterWidth, letterHeight = 8, 16            // of the font of a film
	filmHead                  = letterHeight + 6 // the row of the label
	leastWidth                = 12 * letterWidth // so that a label fits
	greyLevels                = 16               // fewer than a picture has: a film of noise is large
)

// greys has greyLevels greys from black to white; the entries of a palette that a film does not use are
// black, and the last is transparent.
var greys = filmPalette(func(i int) (c color.RGBA, ok bool) {
	v := uint8(math.Round(float64(i) / (greyLevels - 1) * 255))
	return color.RGBA{v, v, v, 255}, i < greyLevels
})

// colours are those of Plan 9 without the last but one; white is at 254.
var colours = filmPalette(func(i int) (color.RGBA, bool) {
	r, g, b, _ := plan9.Plan9[i+i/254].RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}, i < 255
})

func filmPalette(entry func(i int) (color.RGBA, bool)) color.Palette {
	var out color.Palette
	for i := range unchanged {
		c, ok := entry(i)
		if !ok {
			c = color.RGBA{A: 255}
		}
		out = append(out, c)
	}
	return append(out, color.RGBA{})
}

func (g Grid) title() string { return g.Title }

func (g Grid) frame(label string, rows [][]float64) *image.Paletted {
	g.Images, g.RowLabels, g.ColumnLabels = rows, nil, nil
	g = g.checked()
	picture, colourOf := g.picture(), greys
	if g.Channels == 3 {
		colourOf = colours
	}
	size := picture.Bounds().Size()
	out := blank(max(size.X, leastWidth), size.Y+filmHead, colourOf)
	draw.Draw(out, picture.Bounds().Add(image.Pt(0, filmHead)), picture, image.Point{}, draw.Src)
	write(out, 1, letterHeight, label)
	return out
}

// Cloud is a film of points in the plane: those of a frame on a box, above a map of their law.
type Cloud struct {
	Title   string
	X, Y    [2]float64  // the limits of the box
	Density [][]float64 // z[row][column] on the box, row 0 at Y[0], drawn as twelve shades; nothing where nil
}

const (
	cloudSize = 360 // pixels of the longer side of the box
	cloudLeft = 6 * letterWidth
	shades    = 12
	pointInk  = shades // indexes of the palette from here: one point, more points on one another, black, and a grey
	crowdInk  = shades + 1
	blackInk  = shades + 2
)

// clouds has shades from white to a dark blue, then the inks.
var clouds = filmPalette(func(i int) (color.RGBA, bool) {
	switch i {
	case pointInk:
		return color.RGBA{0xD5, 0x5E, 0x00, 255}, true
	case crowdInk:
		return color.RGBA{0x7A, 0x2E, 0x00, 255}, true
	case blackInk:
		return color.RGBA{0x11, 0x11, 0x11, 255}, true
	}
	part := float64(i) / (shades - 1)
	fade := func(to float64) uint8 { return uint8(255 + part*(to-255)) }
	return color.RGBA{fade(0x40), fade(0x82), fade(0xB4), 255}, i < shades
})

func (c Cloud) title() string { return c.Title }

func (c Cloud) frame(label string, rows [][]float64) *image.Paletted {
	x, y := c.axes()
	out := blank(int(x.to)+letterWidth, int(y.from)+letterHeight+6, clouds)
	box := image.Rect(int(x.from), int(y.to), int(x.to), int(y.from))
	c.shade(out, box)
	for i, p := range rows {
		if len(p) != 2 {
			panic(fmt.Errorf("show.Cloud: point %d has %d coordinates, expected 2", i, len(p)))
		}
		disc(out, box, x.at(p[0]), y.at(p[1]))
	}
	c.frameBox(out, box, x, y)
	write(out, box.Min.X, letterHeight, label)
	return out
}

// axes maps the box to pixels.
func (c Cloud) axes() (x, y axis) {
	width, height := c.X[1]-c.X[0], c.Y[1]-c.Y[0]
	if c.Title == "" || !(width > 0 && height > 0) {
		panic(fmt.Errorf("show.Cloud: Title %q, X %v, Y %v: expected a title and limits lo < hi", c.Title, c.X, c.Y))
	}
	scale := cloudSize / math.Max(width, height)
	x = axis{lo: c.X[0], hi: c.X[1], from: cloudLeft, to: cloudLeft + math.Round(scale*width)}
	y = axis{lo: c.Y[0], hi: c.Y[1], from: filmHead + math.Round(scale*height), to: filmHead}
	return x.check("x"), y.check("y")
}

// shade fills the box with the map.
func (c Cloud) shade(out *image.Paletted, box image.Rectangle) {
	if c.Density == nil {
		return
	}
	h := newHeat("", c.Density, c.X, c.Y)
	for y := range box.Dy() {
		row := c.Density[(box.Dy()-1-y)*len(c.Density)/box.Dy()]
		for x := range box.Dx() {
			part := (row[x*len(row)/box.Dx()] - h.lo) / (h.hi - h.lo)
			out.SetColorIndex(box.Min.X+x, box.Min.Y+y, uint8(math.Max(0, math.Min(shades-1, part*shades))))
		}
	}
}

// disc draws a point of five pixels, darker where others lie.
func disc(out *image.Paletted, box image.Rectangle, x, y float64) {
	if !(math.Abs(x) < 1e6 && math.Abs(y) < 1e6) {
		return
	}
	for dy := -2; dy <= 2; dy++ {
		for dx := -2; dx <= 2; dx++ {
			at := image.Pt(int(math.Round(x))+dx, int(math.Round(y))+dy)
			if dx*dx+dy*dy > 5 || !at.In(box) {
				continue
			}
			ink := uint8(pointInk)
			if old := out.ColorIndexAt(at.X, at.Y); old == pointInk || old == crowdInk {
				ink = crowdInk
			}
			out.SetColorIndex(at.X, at.Y, ink)
		}
	}
}

// frameBox draws the edge of the box and its ticks.
func (c Cloud) frameBox(out *image.Paletted, box image.Rectangle, x, y axis) {
	for i := box.Min.X; i < box.Max.X; i++ {
		out.SetColorIndex(i, box.Max.Y, blackInk)
	}
	for i := box.Min.Y; i <= box.Max.Y; i++ {
		out.SetColorIndex(box.Min.X, i, blackInk)
	}
	for _, v := range x.ticks(4) {
		text, at := short(v), int(x.at(v))
		out.SetColorIndex(at, box.Max.Y+1, blackInk)
		write(out, at-letterWidth*len([]rune(text))/2, box.Max.Y+letterHeight+2, text)
	}
	for _, v := range y.ticks(4) {
		text, at := short(v), int(y.at(v))
		out.SetColorIndex(box.Min.X-1, at, blackInk)
		write(out, box.Min.X-4-letterWidth*len([]rune(text)), at+5, text)
	}
}

// blank returns a white picture.
func blank(width, height int, colourOf color.Palette) *image.Paletted {
	out := image.NewPaletted(image.Rect(0, 0, width, height), colourOf)
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	return out
}

// write writes text in black from (x, y), y at the feet of the letters. It panics on letters that the font has not.
func write(out *image.Paletted, x, y int, text string) {
	for _, r := range text {
		if r != '−' && (r < ' ' || r > '~' && r < 0xA0 || r > 0xFF) {
			panic(fmt.Errorf("show: the label %q has %q, expected Latin letters, as in \"t = 0.25\": a film has no other font", text, r))
		}
	}
	for i, r := range []rune(text) {
		if r == '−' {
			r = '-'
		}
		pen := font.Drawer{Dst: out, Src: image.Black, Face: inconsolata.Regular8x16, Dot: fixed.P(x+i*letterWidth, y-3)}
		pen.DrawString(string(r))
	}
}
