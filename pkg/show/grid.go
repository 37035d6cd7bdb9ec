package show

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
)

// Grid is a table of small images, filled row by row.
type Grid struct {
	Title                   string
	Images                  [][]float64 // [n][height*width*channels], rows from the top, channels last
	ImageHeight, ImageWidth int
	Channels                int        // 1, grey, where 0; 3 for red, green, blue
	Columns                 int        // images in a row; all in one where 0
	RowLabels, ColumnLabels []string   // beside the rows and above the columns, or nil
	Range                   [2]float64 // the values of black and white; 0 and 1 where both are 0, values beyond are clipped
	Scale                   int        // pixels for each of an image's; where 0 so many that an image is about 64 pixels wide
}

const gridGap = 3 // pixels between images

// Images displays grids of images side by side in a notebook; elsewhere it prints the alternative text.
func Images(alt string, grids ...Grid) { display(alt, ImagesSVG(alt, grids...)) }

// ImagesSVG returns what Images displays as an SVG document, in which each grid is one PNG.
func ImagesSVG(alt string, grids ...Grid) []byte {
	requireAlt("Images", alt)
	var c canvas
	width, height, titles := 0.0, 0.0, ""
	for i := range grids {
		g := grids[i].checked()
		c.put(`<g transform="translate(%s 0)">`, px(width))
		w, h := g.draw(&c)
		c.put(`</g>`)
		width, height, titles = width+w, math.Max(height, h), titles+g.Title+" "
	}
	return document(titles, alt, width, height, c.String())
}

// Save writes the grid, with its title and labels, as an SVG document to path.
func (g Grid) Save(path, alt string) error {
	if err := os.WriteFile(path, ImagesSVG(alt, g), 0o644); err != nil {
		return fmt.Errorf("show.Grid.Save: %w", err)
	}
	return nil
}

// PNG returns the grid without title and labels, each pixel of an image enlarged to Scale by Scale.
func (g Grid) PNG() []byte { return encodePNG(g.checked().picture()) }

// checked fills in the defaults and panics where the grid cannot be drawn.
func (g Grid) checked() Grid {
	if g.Channels == 0 {
		g.Channels = 1
	}
	if g.Title == "" || len(g.Images) == 0 || g.Channels != 1 && g.Channels != 3 {
		panic(fmt.Errorf("show.Grid: Title %q, %d images, %d channels: expected a title, at least 1 image, 1 or 3 channels", g.Title, len(g.Images), g.Channels))
	}
	for i, img := range g.Images {
		if want := g.ImageHeight * g.ImageWidth * g.Channels; len(img) != want || want == 0 {
			panic(fmt.Errorf("show.Grid: image %d has %d values, expected %d*%d*%d", i, len(img), g.ImageHeight, g.ImageWidth, g.Channels))
		}
	}
	if g.Columns == 0 {
		g.Columns = len(g.Images)
	}
	if g.Scale == 0 {
		g.Scale = max(1, 64/g.ImageWidth)
	}
	if g.Range == [2]float64{} {
		g.Range = [2]float64{0, 1}
	}
	g.checkLabels()
	return g
}

func (g Grid) checkLabels() {
	if n := len(g.RowLabels); n > 0 && n != g.rows() {
		panic(fmt.Errorf("show.Grid: %d row labels for %d rows", n, g.rows()))
	}
	if n := len(g.ColumnLabels); n > 0 && n != g.Columns {
		panic(fmt.Errorf("show.Grid: %d column labels for %d columns", n, g.Columns))
	}
}

func (g Grid) rows() int { return (len(g.Images) + g.Columns - 1) / g.Columns }

// cell returns the distance from one image to the next.
func (g Grid) cell() (w, h int) {
	return g.ImageWidth*g.Scale + gridGap, g.ImageHeight*g.Scale + gridGap
}

func (g Grid) picture() image.Image {
	w, h := g.cell()
	bounds := image.Rect(0, 0, g.Columns*w-gridGap, g.rows()*h-gridGap)
	if g.Channels == 1 {
		return g.grey(bounds)
	}
	out := image.NewRGBA(bounds)
	g.paint(out.Bounds(), func(x, y int, v []float64) {
		out.SetRGBA(x, y, color.RGBA{g.level(v[0]), g.level(v[1]), g.level(v[2]), 255})
	}, func(x, y int) { out.SetRGBA(x, y, color.RGBA{255, 255, 255, 255}) })
	return out
}

func (g Grid) grey(bounds image.Rectangle) image.Image {
	out := image.NewGray(bounds)
	g.paint(bounds, func(x, y int, v []float64) { out.SetGray(x, y, color.Gray{g.level(v[0])}) },
		func(x, y int) { out.SetGray(x, y, color.Gray{255}) })
	return out
}

// paint visits every pixel of the grid: those of images with their values, the others as gaps.
func (g Grid) paint(bounds image.Rectangle, pixel func(x, y int, v []float64), gap func(x, y int)) {
	w, h := g.cell()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			i, row, col := y/h*g.Columns+x/w, y%h/g.Scale, x%w/g.Scale
			if i >= len(g.Images) || row >= g.ImageHeight || col >= g.ImageWidth {
				gap(x, y)
				continue
			}
			at := (row*g.ImageWidth + col) * g.Channels
			pixel(x, y, g.Images[i][at:at+g.Channels])
		}
	}
}

// level maps a value to 0 to 255; NaN is black.
func (g Grid) level(v float64) uint8 {
	at := math.Round((v - g.Range[0]) / (g.Range[1] - g.Range[0]) * 255)
	return uint8(math.Max(0, math.Min(255, at)))
}

// draw writes title, labels and picture and returns the size they take.
func (g Grid) draw(c *canvas) (width, height float64) {
	img := g.picture()
	w, h := g.cell()
	left, top := 16.0, 8.0
	for _, label := range g.RowLabels {
		left = math.Max(left, 26+textWidth(label, fontSize))
	}
	right := left + float64(img.Bounds().Dx())
	width = math.Max(right+16, 220)
	for _, row := range wrap(g.Title, width-24, titleSize) {
		top += titleSize + 5
		c.text(width/2, top, titleSize, "middle", row, ` font-weight="600"`)
	}
	top += 14
	if len(g.ColumnLabels) > 0 {
		top += 12
		for i, label := range g.ColumnLabels {
			c.text(left+float64(i*w)+float64(w-gridGap)/2, top, fontSize, "middle", label, "")
		}
		top += 10
	}
	for i, label := range g.RowLabels {
		c.text(left-10, top+float64(i*h)+float64(h-gridGap)/2+5, fontSize, "end", label, "")
	}
	c.image(img, left, top, float64(img.Bounds().Dx()), float64(img.Bounds().Dy()))
	return width, top + float64(img.Bounds().Dy()) + 14
}
