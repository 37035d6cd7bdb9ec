package show

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"iter"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// countdown yields n, n−1, … 0.
func countdown(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := n; i >= 0; i-- {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func noPath(yield func(int, error) bool) {}

// screens decodes a GIF and returns what is seen at each frame.
func screens(t *testing.T, data []byte) []*image.RGBA {
	t.Helper()
	g, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if g.LoopCount != 0 {
		t.Errorf("loop count %d, expected 0: without end", g.LoopCount)
	}
	screen := image.NewRGBA(image.Rect(0, 0, g.Config.Width, g.Config.Height))
	var out []*image.RGBA
	for _, f := range g.Image {
		draw.Draw(screen, f.Rect, f, f.Rect.Min, draw.Over)
		seen := image.NewRGBA(screen.Rect)
		copy(seen.Pix, screen.Pix)
		out = append(out, seen)
	}
	return out
}

func TestAnimationOfImages(t *testing.T) {
	g := Grid{Title: "t", ImageHeight: 1, ImageWidth: 2, Scale: 4}
	data, err := AnimationGIF(g, countdown(2), func(i int) (string, [][]float64) {
		return fmt.Sprintf("t = %d", i), [][]float64{{float64(i) / 2, 1}, {0, 1 - float64(i)/2}}
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := screens(t, data)
	if len(seen) != 3 || seen[0].Rect.Size() != image.Pt(leastWidth, 4+filmHead) {
		t.Fatalf("%d frames of %v", len(seen), seen[0].Rect)
	}
	y := filmHead + 2
	for frame, want := range [][]uint8{{255, 255, 0, 0}, {136, 255, 0, 136}, {0, 255, 0, 255}} { // ½ is 8/15 in 16 greys
		for i, x := range []int{1, 5, 8 + gridGap + 1, 8 + gridGap + 5} {
			if got := seen[frame].RGBAAt(x, y); got != (color.RGBA{want[i], want[i], want[i], 255}) && math.Abs(float64(got.R)-float64(want[i])) > 17 {
				t.Errorf("frame %d, image pixel %d: %v, want %d", frame, i, got, want[i])
			}
		}
	}
	if bytes.Equal(seen[0].Pix[:filmHead*seen[0].Stride], seen[1].Pix[:filmHead*seen[0].Stride]) {
		t.Error("the label does not change")
	}
}

func TestAnimationInColour(t *testing.T) {
	g := Grid{Title: "t", ImageHeight: 1, ImageWidth: 1, Channels: 3, Scale: 8}
	data, err := AnimationGIF(g, countdown(1), func(i int) (string, [][]float64) { return "", [][]float64{{1, 0, float64(i)}} })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []color.RGBA{{255, 0, 255, 255}, {255, 0, 0, 255}} {
		if got := screens(t, data)[i].RGBAAt(4, filmHead+4); got != want {
			t.Errorf("frame %d: %v, want %v", i, got, want)
		}
	}
}

func TestAnimationOfPoints(t *testing.T) {
	c := Cloud{Title: "t", X: [2]float64{0, 4}, Y: [2]float64{0, 2}, Density: [][]float64{{0, 0}, {0, 1}}}
	data, err := AnimationGIF(c, countdown(1), func(i int) (string, [][]float64) {
		return "step", [][]float64{{1, .5 + float64(i)}, {100, 0}, {math.NaN(), 0}}
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := screens(t, data)
	at := func(x, y float64) image.Point { return image.Pt(cloudLeft+int(x*90), filmHead+int((2-y)*90)) }
	ink, white, deep := clouds[pointInk], clouds[0], clouds[shades-1]
	for i, want := range map[image.Point][2]color.Color{
		at(1, 1.5): {ink, white}, at(1, .5): {white, ink}, // the point falls from 1.5 to 0.5, and what it hid is seen again
		at(3, 1.5): {deep, deep}, at(3, .5): {white, white}, // the second row of the map lies above
	} {
		for frame := range 2 {
			if got := seen[frame].At(i.X, i.Y); got != want[frame] {
				t.Errorf("frame %d at %v: %v, want %v", frame, i, got, want[frame])
			}
		}
	}
	near(t, "one unit is as long on both axes", float64(seen[0].Rect.Dy()), filmHead+180+letterHeight+6, 0)
}

func TestCollect(t *testing.T) {
	for _, n := range []int{0, 1, 5, 22, 23, 24, 47, 100, 999} {
		frames, err := collect(countdown(n), func(i int) (string, [][]float64) { return fmt.Sprint(i), nil }, 24)
		if err != nil || len(frames) > 24 || len(frames) < min(n+1, 12) {
			t.Fatalf("%d of %d points are kept (%v)", len(frames), n+1, err)
		}
		if frames[0].label != fmt.Sprint(n) || frames[len(frames)-1].label != "0" {
			t.Errorf("from %s to %s, expected %d to 0", frames[0].label, frames[len(frames)-1].label, n)
		}
		step := -1
		for i := 1; i < len(frames)-1; i++ {
			var a, b int
			fmt.Sscan(frames[i-1].label+" "+frames[i].label, &a, &b)
			if step >= 0 && a-b != step {
				t.Errorf("n = %d: steps of %d and %d", n, step, a-b)
			}
			step = a - b
		}
	}
}

func TestStrip(t *testing.T) {
	take := func(i int) (string, [][]float64) {
		return fmt.Sprint("t = ", i), [][]float64{{float64(i)}, {float64(i + 1)}}
	}
	g, err := Strip(Grid{Title: "t", ImageHeight: 1, ImageWidth: 1, RowLabels: []string{"a", "b"}}, 3, countdown(4), take)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(g.ColumnLabels, g.Images, g.Columns); got != "[t = 4 t = 2 t = 0] [[4] [2] [0] [5] [3] [1]] 3" {
		t.Error(got)
	}
	if text := parse(t, ImagesSVG("alt", g))["text"]; !strings.Contains(text, "t = 2") || !strings.Contains(text, "b") {
		t.Errorf("labels are missing in %q", text)
	}
	if g, err = Strip(g, 9, countdown(1), take); err != nil || g.Columns != 2 {
		t.Errorf("%d columns (%v), expected 2 for a path of 2 points", g.Columns, err)
	}
}

func TestPathsThatFail(t *testing.T) {
	broken := errors.New("no more noise")
	path := func(yield func(int, error) bool) { _ = yield(1, nil) && yield(0, broken) }
	take := func(i int) (string, [][]float64) { return "", [][]float64{{1}} }
	g := Grid{Title: "t", ImageHeight: 1, ImageWidth: 1}
	if _, err := AnimationGIF(g, path, take); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "show.AnimationGIF: ") {
		t.Errorf("error %v", err)
	}
	if _, err := Strip(g, 2, path, take); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "show.Strip: ") {
		t.Errorf("error %v", err)
	}
	growing := func(i int) (string, [][]float64) {
		return "t", slices.Repeat([][]float64{make([]float64, 10_000)}, 3-i)
	}
	if _, err := AnimationGIF(Grid{Title: "t", ImageHeight: 100, ImageWidth: 100}, countdown(1), growing); err == nil || !strings.Contains(err.Error(), "has 3 rows") {
		t.Errorf("error %v", err)
	}
	if _, err := AnimationGIF(g, noPath, take); err == nil || !strings.Contains(err.Error(), "without a point") {
		t.Errorf("error %v", err)
	}
}

func TestStepsOfColour(t *testing.T) {
	f := Figure{Title: "t", X: "x", Y: "y", Steps: 2}
	f.Heat("z", [][]float64{{0, .4, .6, 1}}, [2]float64{0, 4}, [2]float64{0, 1})
	h := newPlot(new(canvas), &f).heat
	low, high := h.index(0), h.index(1)
	if h.index(.4) != low || h.index(.6) != high || low != 1+64 || high != 1+191 { // a quarter and three quarters of 254
		t.Errorf("colours %d %d %d %d", low, h.index(.4), h.index(.6), high)
	}
}

func TestMeshIsWhereHeatShowsIt(t *testing.T) {
	points := Mesh([2]float64{0, 4}, [2]float64{10, 12}, 2, 2)
	if got := fmt.Sprint(points); got != "[[1 10.5] [3 10.5] [1 11.5] [3 11.5]]" {
		t.Error(got)
	}
	if got := fmt.Sprint(Table([]float64{1, 2, 3, 4, 5, 6}, 3)); got != "[[1 2 3] [4 5 6]]" {
		t.Error(got)
	}
}

func TestPaths(t *testing.T) {
	f := figure()
	f.Paths("walks", []float64{0, 10}, [][]float64{{0, 1}, {0, -1}, {0, 0}})
	doc := f.SVG("alt")
	if n := strings.Count(parse(t, doc)["text"], "walks"); n != 1 {
		t.Errorf("%d legend entries, expected 1", n)
	}
	f.Heat("z", [][]float64{{0, 1}}, [2]float64{0, 10}, [2]float64{-1, 1})
	if n := strings.Count(string(f.SVG("alt")), `stroke="#ffffff" stroke-width="1.3"`); n != 4 {
		t.Errorf("%d white lines on a heat map, expected 3 and one in the legend", n)
	}
	if n := len(regexp.MustCompile(`<path d="M\S+ \S+L\S+ \S+" fill="none" stroke="#0072B2" stroke-width="1.3"`).FindAll(drawing(string(doc)), -1)); n != 3 {
		t.Errorf("%d lines of one colour, expected 3", n)
	}
}
