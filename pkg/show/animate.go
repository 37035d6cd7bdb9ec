package show

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/gif"
	"iter"
)

// What an animation is made of at most, and how it runs, in hundredths of a second.
const (
	maxFrames  = 24
	frameDelay = 12
	lastDelay  = 250
)

// Film is what Animate draws a frame on: a Grid of images, or a Cloud of points.
type Film interface {
	title() string
	frame(label string, rows [][]float64) *image.Paletted // all frames have one size and palette
}

// Animate displays a path as an animated picture that starts again when it has come to its end; elsewhere than in a
// notebook it prints the alternative text. take returns what to show of a point of the path: a label as "t = 0.25", which
// is written above the picture in Latin letters, and the rows, which are images [n][height*width*channels] for a Grid
// (whose own Images and labels are not shown) and points [n][2] for a Cloud. At most 24 points are shown, evenly
// chosen, the first and the last among them.
// Noise does not compress: twelve images of 28 by 28 take about 240 KB, a Cloud of 300 points 90 KB, in a notebook a third more.
//
// It panics as Images does, and when the path ends with an error: AnimationGIF returns that.
func Animate[P any](alt string, film Film, path iter.Seq2[P, error], take func(P) (label string, rows [][]float64)) {
	requireAlt("Animate", alt)
	data, err := AnimationGIF(film, path, take)
	if err != nil {
		panic(err)
	}
	displayHTML(alt, fmt.Sprintf(`<div><strong>%s</strong></div>`, html.EscapeString(film.title()))+img(alt, "image/gif", data))
}

// AnimationGIF returns what Animate displays as a GIF, without the title. The error is that of the path, or says that
// the path has no point.
func AnimationGIF[P any](film Film, path iter.Seq2[P, error], take func(P) (label string, rows [][]float64)) ([]byte, error) {
	frames, err := collect(path, take, maxFrames)
	if err != nil {
		return nil, fmt.Errorf("show.AnimationGIF: %w", err)
	}
	var out gif.GIF
	var last *image.Paletted
	for _, f := range frames {
		next := film.frame(f.label, f.rows)
		if last != nil && next.Rect != last.Rect {
			return nil, fmt.Errorf("show.AnimationGIF: the frame %q has %d rows and the size %v, expected as many as the first, of size %v",
				f.label, len(f.rows), next.Rect.Size(), last.Rect.Size())
		}
		out.Image = append(out.Image, changes(last, next))
		out.Delay = append(out.Delay, frameDelay)
		last = next
	}
	out.Delay[len(out.Delay)-1] = lastDelay
	var data bytes.Buffer
	if err := gif.EncodeAll(&data, &out); err != nil {
		return nil, fmt.Errorf("show.AnimationGIF: %w", err)
	}
	return data.Bytes(), nil
}

// Strip returns grid filled with a path: each image is a row, and columns of them show it at as many points of the path,
// evenly chosen from the first to the last, with take's labels above. take is as in Animate. It panics when columns < 2;
// the error is that of the path, or says that the path has no point.
func Strip[P any](grid Grid, columns int, path iter.Seq2[P, error], take func(P) (label string, rows [][]float64)) (Grid, error) {
	if columns < 2 {
		panic(fmt.Errorf("show.Strip: %d columns, expected at least 2", columns))
	}
	frames, err := collect(path, take, 4*columns)
	if err != nil {
		return Grid{}, fmt.Errorf("show.Strip: %w", err)
	}
	columns = min(columns, len(frames))
	grid.Columns, grid.ColumnLabels, grid.Images = columns, nil, make([][]float64, columns*len(frames[0].rows))
	for c := range columns {
		f := frames[c*(len(frames)-1)/max(1, columns-1)]
		grid.ColumnLabels = append(grid.ColumnLabels, f.label)
		for row, image := range f.rows {
			grid.Images[row*columns+c] = image
		}
	}
	return grid, nil
}

type taken struct {
	label string
	rows  [][]float64
}

// collect takes at most most points of a path of any length, the first, the last, and others at equal steps between.
func collect[P any](path iter.Seq2[P, error], take func(P) (string, [][]float64), most int) ([]taken, error) {
	var kept []taken
	var last taken
	step, n := 1, 0
	for point, err := range path {
		if err != nil {
			return nil, err
		}
		last.label, last.rows = take(point)
		if n%step == 0 {
			kept = append(kept, last)
		}
		if len(kept) == most {
			kept, step = everySecond(kept), 2*step
		}
		n++
	}
	if n == 0 {
		return nil, errors.New("a path without a point, expected at least one")
	}
	if (n-1)%step != 0 || len(kept) == 0 {
		kept = append(kept, last)
	}
	return kept, nil
}

func everySecond(frames []taken) []taken {
	var out []taken
	for i := 0; i < len(frames); i += 2 {
		out = append(out, frames[i])
	}
	return out
}

// unchanged is the transparent entry of the palette of every film.
const unchanged = 255

// changes returns next with the pixels that last has too as transparent, which makes a GIF small.
func changes(last, next *image.Paletted) *image.Paletted {
	out := image.NewPaletted(next.Rect, append(color.Palette{}, next.Palette...))
	copy(out.Pix, next.Pix)
	if last == nil {
		return out
	}
	for i, v := range last.Pix {
		if v == out.Pix[i] {
			out.Pix[i] = unchanged
		}
	}
	return out
}
