package show

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

func decode(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// drawing returns the marks of a document, without title and legend.
func drawing(doc string) []byte {
	_, after, _ := strings.Cut(doc, "<g clip-path")
	return []byte(after)
}

func TestGridPixels(t *testing.T) {
	g := Grid{Title: "t", Images: [][]float64{{0, 1, .2, .4}, {1, 1, 1, 1}, {.6, -3, 5, math.NaN()}},
		ImageHeight: 2, ImageWidth: 2, Columns: 2, Scale: 4}
	img := decode(t, g.PNG())
	if want := image.Pt(2*8+gridGap, 2*8+gridGap); img.Bounds().Size() != want {
		t.Fatalf("size %v, want %v", img.Bounds().Size(), want)
	}
	second := 8 + gridGap // where the second column and row start
	for _, c := range []struct{ x, y, want int }{
		{0, 0, 0}, {3, 3, 0}, {4, 0, 255}, {7, 3, 255}, {0, 4, 51}, {3, 7, 51}, {7, 7, 102},
		{8, 0, 255},               // a gap
		{second, 7, 255},          // the second image
		{0, second, 153},          // the third, on the second row
		{4, second, 0},            // clipped from below
		{0, second + 4, 255},      // clipped from above
		{second + 4, second, 255}, // no fourth image
	} {
		if got := color.GrayModel.Convert(img.At(c.x, c.y)).(color.Gray).Y; int(got) != c.want {
			t.Errorf("pixel (%d, %d) = %d, want %d", c.x, c.y, got, c.want)
		}
	}
}

func TestColourGrid(t *testing.T) {
	g := Grid{Title: "t", Images: [][]float64{{-1, 0, 1}}, ImageHeight: 1, ImageWidth: 1, Channels: 3, Range: [2]float64{-1, 1}, Scale: 1}
	if got, want := decode(t, g.PNG()).At(0, 0), (color.RGBA{0, 128, 255, 255}); color.RGBAModel.Convert(got) != want {
		t.Errorf("pixel %v, want %v", got, want)
	}
}

func TestImagesSVG(t *testing.T) {
	g := Grid{Title: "Digits", Images: [][]float64{{0}, {1}}, ImageHeight: 1, ImageWidth: 1, Columns: 1,
		RowLabels: []string{"first", "second"}, ColumnLabels: []string{"only"}}
	text := parse(t, ImagesSVG("what it shows", g, g))
	for _, want := range []string{"Digits", "first", "second", "only"} {
		if strings.Count(text["text"], want) != 2 {
			t.Errorf("%q is not twice in %q", want, text["text"])
		}
	}
	if !strings.Contains(text["desc"], "what it shows") {
		t.Error("no description")
	}
}

func TestHeatPixels(t *testing.T) {
	f := Figure{Title: "t", X: "x", Y: "y"}
	f.Heat("z", [][]float64{{0, 5}, {10, math.NaN()}}, [2]float64{0, 2}, [2]float64{0, 2})
	doc := f.SVG("alt")
	m := regexp.MustCompile(`data:image/png;base64,([^"]+)`).FindSubmatch(doc)
	data, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	img := decode(t, data)
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{0, h - 1, color.RGBA{68, 1, 84, 255}},        // row 0 lies at the bottom: 0, the lowest, is violet
		{w - 1, h - 1, color.RGBA{33, 145, 140, 255}}, // 5, the middle
		{0, 0, color.RGBA{253, 231, 37, 255}},         // 10, the highest, is yellow
		{w - 1, 0, color.RGBA{190, 190, 190, 255}},    // NaN
	} {
		if got := color.RGBAModel.Convert(img.At(c.x, c.y)); got != c.want {
			t.Errorf("pixel (%d, %d) = %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestViridisGrowsLighter(t *testing.T) {
	last := -1.0
	for i := 1; i < len(palette); i += 5 { // fewer steps than levels: a single one may round down
		c := palette[i]
		r, g, b, _ := c.RGBA()
		luma := .2126*float64(r) + .7152*float64(g) + .0722*float64(b)
		if luma <= last {
			t.Fatalf("luma falls from %v to %v", last, luma)
		}
		last = luma
	}
}

func TestQuiver(t *testing.T) {
	f := Figure{Title: "t", X: "x", Y: "y", XLim: [2]float64{0, 4}, YLim: [2]float64{0, 4}, Equal: true}
	f.Quiver("force", [][]float64{{1, 1}, {3, 3}}, [][]float64{{0, 2.5}, {1, 0}})
	doc := f.SVG("alt")
	x, y, w, h := area(t, doc)
	p := floats(t, drawing(string(doc)), `d="M(\S+) (\S+)L(\S+) ([\d.]+)M`)
	near(t, "tail x", p[0], x+w/4, .11)
	near(t, "tail y", p[1], y+3*h/4, .11)
	near(t, "up: x", p[2], p[0], .11)
	near(t, "the longest fills 0.9 of a cell", p[1]-p[3], .9*math.Sqrt(w*h/2), .21)
	if !strings.Contains(parse(t, doc)["text"], "force (longest 2.5)") {
		t.Error("the legend does not give the scale")
	}
}

func TestSlider(t *testing.T) {
	var figures []Figure
	var values []float64
	for i := range 6 {
		f := Figure{Title: "Frame", X: "x", Y: "y"}
		f.Line("l", []float64{0, 1}, []float64{0, float64(i)})
		figures, values = append(figures, f), append(values, float64(i)/5)
	}
	html := SliderHTML(`says "it"`, "t", values, figures)
	if !strings.Contains(html, `<img alt="says &#34;it&#34;"`) || strings.Count(html, "http") != 0 {
		t.Error("expected a static frame with its alternative text, and nothing from a network")
	}
	packed, err := base64.StdEncoding.DecodeString(regexp.MustCompile(`atob\("([^"]+)"\)`).FindStringSubmatch(html)[1])
	if err != nil {
		t.Fatal(err)
	}
	unpack, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var frames []struct{ Text, SVG string }
	if err := json.NewDecoder(unpack).Decode(&frames); err != nil {
		t.Fatal(err)
	}
	if len(frames) != 6 || frames[3].Text != "t = 0.6" || !strings.Contains(parse(t, []byte(frames[3].SVG))["text"], "t = 0.6") {
		t.Errorf("%d frames, the fourth %q", len(frames), frames[3].Text)
	}
	// The axes are shared: the last line ends at the top of its data, the first stays level.
	_, top, _, height := area(t, []byte(frames[5].SVG))
	end := floats(t, drawing(frames[5].SVG), `d="M\S+ \S+L\S+ ([\d.]+)" fill="none"`)
	near(t, "end of the last frame", end[0], top+height*.04/1.08, .2)
	level := floats(t, drawing(frames[0].SVG), `d="M\S+ (\S+)L\S+ ([\d.]+)" fill="none"`)
	near(t, "level of the first frame", level[1], level[0], 0)
	near(t, "level of the first frame", level[1], top+height*1.04/1.08, .2)
	if figures[0].Title != "Frame" || figures[0].YLim != [2]float64{} {
		t.Error("the caller's figures are changed")
	}
}

func TestProgress(t *testing.T) {
	var shown []string
	syncs := 0
	show := progress(func(html string) { shown = append(shown, html) }, func() { syncs++ })
	show(fit.Status{Step: 1, Steps: 10, Loss: 2.5})
	show(fit.Status{Step: 5, Steps: 10, Loss: 1.5, StepsPerSecond: 20, ETA: 2400 * time.Millisecond})
	show(fit.Status{Step: 9, Steps: 10, Loss: 1, Done: true})
	if len(shown) != 3 || syncs != 3 {
		t.Fatalf("%d updates, %d syncs, want 3 and 3", len(shown), syncs)
	}
	if want := `<progress max="10" value="1"></progress> step 1 of 10  loss 2.5`; shown[0] != want {
		t.Errorf("%q, want %q", shown[0], want)
	}
	if !strings.HasSuffix(shown[1], "loss 1.5  20 steps/s  2s to go") {
		t.Errorf("%q", shown[1])
	}
	if shown[2] != "" {
		t.Errorf("%q is left at the end", shown[2])
	}
}
