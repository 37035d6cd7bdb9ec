package show

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const limit = 60_000 // bytes of an SVG

// parse checks that doc is XML and returns its text by element name.
func parse(t *testing.T, doc []byte) map[string]string {
	t.Helper()
	text, element := map[string]string{}, ""
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			element = token.Name.Local
		case xml.CharData:
			text[element] += string(token) + "|"
		}
	}
}

// floats returns the numbers of the first match of the pattern's groups.
func floats(t *testing.T, doc []byte, pattern string) []float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindSubmatch(doc)
	if m == nil {
		t.Fatalf("%s is not in %s", pattern, doc)
	}
	var out []float64
	for _, s := range m[1:] {
		v, err := strconv.ParseFloat(string(s), 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// area returns the pixels of the axes: left, top, width, height.
func area(t *testing.T, doc []byte) (x, y, w, h float64) {
	t.Helper()
	a := floats(t, doc, `<clipPath id="clip\d+"><rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/>`)
	return a[0], a[1], a[2], a[3]
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tol)
	}
}

func figure() Figure {
	return Figure{Title: "Title <1> & more", X: "x (m)", Y: "y (s)", XLim: [2]float64{0, 10}, YLim: [2]float64{-1, 1}}
}

func TestDocument(t *testing.T) {
	f := figure()
	for i := range len(okabeIto) {
		f.Line(fmt.Sprint("line ", i), []float64{0, 10}, []float64{0, float64(i) / 8})
	}
	doc := f.SVG("What <it> shows")
	text := parse(t, doc)
	if !strings.HasPrefix(text["title"], "Title <1> & more") {
		t.Errorf("title %q", text["title"])
	}
	if !strings.HasPrefix(text["desc"], "What <it> shows") {
		t.Errorf("desc %q", text["desc"])
	}
	for _, want := range []string{"Title <1> & more", "x (m)", "y (s)", "line 0", "line 7", "10", "−1"} {
		if !strings.Contains(text["text"], want) {
			t.Errorf("%q is not in the text %q", want, text["text"])
		}
	}
	looks := map[string]bool{}
	for i, colour := range okabeIto {
		if !bytes.Contains(doc, []byte(colour)) {
			t.Errorf("colour %d, %s, is not used", i, colour)
		}
		looks[colour] = true
	}
	strokes := regexp.MustCompile(`stroke-width="3"[^/]*`).FindAll(doc, -1)
	dashed := map[string]bool{}
	for _, s := range strokes {
		dashed[string(s)] = true
	}
	if len(looks) != 8 || len(dashed) != 8 {
		t.Errorf("%d colours and %d dashes for 8 lines", len(looks), len(dashed))
	}
}

func TestPointsLieWhereTheyShould(t *testing.T) {
	f := figure()
	f.Points("p", []float64{2.5}, []float64{.5})
	doc := f.SVG("alt")
	x, y, w, h := area(t, doc)
	use := floats(t, doc, `<use href="#m\d+" x="(\S+)" y="(\S+)"/>`)
	near(t, "x of 2.5 on 0 to 10", use[0], x+w/4, .11)
	near(t, "y of 0.5 on -1 to 1", use[1], y+h/4, .11)
}

func TestLinesLieWhereTheyShould(t *testing.T) {
	f := figure()
	f.LogX, f.XLim = true, [2]float64{1, 100}
	f.Line("l", []float64{1, 10, 100}, []float64{-1, 1, 0})
	doc := f.SVG("alt")
	x, y, w, h := area(t, doc)
	p := floats(t, doc, `<path d="M(\S+) (\S+)L(\S+) (\S+)L(\S+) (\S+)" fill="none" stroke="#0072B2"`)
	for i, want := range []float64{x, y + h, x + w/2, y, x + w, y + h/2} {
		near(t, fmt.Sprint("number ", i), p[i], want, .11)
	}
}

func TestEqualAxes(t *testing.T) {
	f := figure()
	f.Equal = true
	f.Points("p", []float64{1}, []float64{0})
	x, y, w, h := area(t, f.SVG("alt"))
	near(t, "width to height of 10 by 2", w/h, 5, .01)
	if x < 0 || y < 0 || x+w > aloneWidth || y+h > aloneHeight {
		t.Errorf("axes of %v by %v at (%v, %v) leave the picture", w, h, x, y)
	}
}

func TestStep(t *testing.T) {
	f := figure()
	f.Step("s", []float64{0, 5, 10}, []float64{-1, 0, 1})
	doc := f.SVG("alt")
	x, y, w, h := area(t, doc)
	p := floats(t, doc, `<path d="M(\S+) (\S+)L(\S+) (\S+)L(\S+) (\S+)L(\S+) (\S+)L(\S+) (\S+)" fill="none"`)
	for i, want := range []float64{x, y + h, x + w/2, y + h, x + w/2, y + h/2, x + w, y + h/2, x + w, y} {
		near(t, fmt.Sprint("number ", i), p[i], want, .11)
	}
}

func TestLineBreaksAtNaN(t *testing.T) {
	x, y := []float64{0, 1, 2, 3, 4}, []float64{0, .5, 0, .5, 0}
	for _, v := range [][]float64{x, y} {
		kept := v[2]
		v[2] = math.NaN()
		f := figure()
		f.Line("l", x, y)
		if doc := f.SVG("alt"); bytes.Contains(doc, []byte("NaN")) || !regexp.MustCompile(`d="M\S+ \S+L\S+ [\d.]+M\S+ \S+L\S+ \S+" fill="none"`).Match(doc) {
			t.Error("a NaN must leave two pieces and no number")
		}
		v[2] = kept
	}
}

func TestBars(t *testing.T) {
	for _, stacked := range []bool{false, true} {
		f := Figure{Title: "t", X: "x", Y: "y", Categories: []string{"first"}, Stacked: stacked, YLim: [2]float64{0, 10}}
		f.Bars("a", []float64{2})
		f.Bars("b", []float64{4})
		doc := f.SVG("alt")
		_, y, _, h := area(t, doc)
		a := floats(t, drawing(string(doc)), `<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)" fill="#0072B2"`)
		b := floats(t, drawing(string(doc)), `<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)" fill="url`)
		near(t, "height of 2", a[3], .2*h, .11)
		near(t, "height of 4", b[3], .4*h, .11)
		near(t, "a stands on 0", a[1]+a[3], y+h, .11)
		if stacked {
			near(t, "b stands on a", b[1]+b[3], a[1], .21)
			near(t, "b lies over a", b[0], a[0], 0)
		} else {
			near(t, "b stands on 0", b[1]+b[3], y+h, .11)
			near(t, "b stands beside a", b[0], a[0]+a[2], .21)
		}
	}
}

func TestHistogramIsADensity(t *testing.T) {
	edges, density := binned([]float64{0, .1, .2, 7.9, 8, math.NaN()}, 2)
	for i, want := range []float64{0, 4, 8} {
		near(t, "edge", edges[i], want, 1e-15)
	}
	near(t, "first bin: 3 of 6 over 4", density[0], .125, 1e-15)
	near(t, "second bin: 2 of 6 over 4, the upper edge included", density[1], 2./24, 1e-15)
}

func TestLegendLiesAboveTheData(t *testing.T) {
	f := figure()
	f.Line("a rather long name of a curve", []float64{0, 10}, []float64{0, 1})
	f.Line("another rather long name of a curve", []float64{0, 10}, []float64{0, 1})
	f.VLine("and a third to fill the next row", 5)
	doc := f.SVG("alt")
	_, top, _, _ := area(t, doc)
	for _, m := range regexp.MustCompile(`y="(\S+)"[^>]*>(an?[^<]* name|and a third)`).FindAllSubmatch(doc, -1) {
		if y, _ := strconv.ParseFloat(string(m[1]), 64); y > top-5 {
			t.Errorf("%s at %v, below the top of the axes %v", m[2], y, top)
		}
	}
}

func TestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 100_000
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i], y[i] = float64(i), rng.NormFloat64()
	}
	y[70_001], y[30_001] = 50, -50 // spikes, which thinning must keep
	fill := map[string]func(f *Figure){
		"line":   func(f *Figure) { f.Line("l", x, y) },
		"loss":   func(f *Figure) { f.Loss("l", x, y) },
		"points": func(f *Figure) { f.Points("p", x, y) },
		"band":   func(f *Figure) { f.Band("b", x, y, y) },
		"heat": func(f *Figure) {
			f.Heat("z", [][]float64{y[:200], y[200:400], y[400:600], y[600:800]}, [2]float64{0, 1}, [2]float64{0, 1})
		},
	}
	for name, draw := range fill {
		f := Figure{Title: "t", X: "x", Y: "y"}
		draw(&f)
		doc := f.SVG("alt")
		parse(t, doc)
		if len(doc) > limit {
			t.Errorf("%s: %d bytes, at most %d", name, len(doc), limit)
		}
		if name == "points" && !bytes.Contains(doc, []byte("p (600 of 100000)")) {
			t.Error("the legend does not say that the points are thinned")
		}
	}
	f := Figure{Title: "t", X: "x", Y: "y", YLim: [2]float64{-50, 50}}
	f.Line("l", x, y)
	doc := f.SVG("alt")
	_, top, _, height := area(t, doc)
	for _, end := range []float64{top, top + height} {
		if !bytes.Contains(doc, []byte(" "+px(end)+"L")) {
			t.Error("a spike is lost")
		}
	}
}

func TestSimplifyStaysWithinTolerance(t *testing.T) {
	var path [][2]float64
	for i := range 500 {
		x := float64(i)
		path = append(path, [2]float64{x, 100 * math.Sin(x/40)})
	}
	kept := simplify(path, .15)
	noise := slices.Repeat([][2]float64{{0, 0}, {1, 90}, {2, -90}}, 1000)
	if thinned := thin(noise); thinned[0] != noise[0] || thinned[len(thinned)-1] != noise[len(noise)-1] || len(thinned) > maxVertices+2 {
		t.Errorf("%d vertices from %v to %v", len(thinned), thinned[0], thinned[len(thinned)-1])
	}
	if len(kept) > 120 {
		t.Errorf("%d of %d vertices are kept", len(kept), len(path))
	}
	for _, p := range path {
		least := math.Inf(1)
		for i := range len(kept) - 1 {
			least = math.Min(least, distance(p, kept[i], kept[i+1]))
		}
		near(t, "distance", least, 0, .15)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		a    axis
		n    float64
		want string
	}{
		{axis{lo: -.1, hi: 1.05}, 6, "0 0.2 0.4 0.6 0.8 1"},
		{axis{lo: -4, hi: 4}, 3, "−4 −2 0 2 4"},
		{axis{lo: .5, hi: 20, log: true}, 6, "0.5 1 2 5 10 20"},
		{axis{lo: 1e-9, hi: 1e-2, log: true}, 4, "10⁻⁹ 10⁻⁷ 10⁻⁵ 10⁻³"},
		{axis{lo: 0, hi: 4e-5}, 4, "0 10⁻⁵ 2×10⁻⁵ 3×10⁻⁵ 4×10⁻⁵"},
	} {
		var got []string
		for _, v := range c.a.ticks(c.n) {
			got = append(got, c.a.label(v))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("ticks of %v: %q, want %q", c.a, s, c.want)
		}
	}
}

func TestPanelsShareTheirTop(t *testing.T) {
	a, b := figure(), figure()
	a.Line("", []float64{0, 1}, []float64{0, 1})
	b.Line("with a legend", []float64{0, 1}, []float64{0, 1})
	doc := PanelsSVG("alt", a, b)
	parse(t, doc)
	m := regexp.MustCompile(`<clipPath id="(\w+)"><rect x="\S+" y="(\S+)"`).FindAllSubmatch(doc, -1)
	if len(m) != 2 || string(m[0][2]) != string(m[1][2]) || string(m[0][1]) == string(m[1][1]) {
		t.Errorf("clip paths %q: expected two names and one top", m)
	}
}

func TestSave(t *testing.T) {
	f := figure()
	f.HLine("zero", 0)
	path := filepath.Join(t.TempDir(), "figure.svg")
	if err := f.Save(path, "alt"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, f.SVG("alt")) {
		t.Errorf("the file differs from SVG (%v)", err)
	}
	if err := f.Save(filepath.Join(path, "no", "folder"), "alt"); err == nil || !strings.HasPrefix(err.Error(), "show.Figure.Save: ") {
		t.Errorf("error %v, expected one of show.Figure.Save", err)
	}
}

func TestACopyKeepsItsOwnMarks(t *testing.T) {
	f := figure()
	for range 3 { // so that the slice of marks has room to spare
		f.HLine("", 0)
	}
	a, b := f, f
	a.HLine("only in a", 0)
	b.HLine("only in b", 0)
	if doc := a.SVG("alt"); !bytes.Contains(doc, []byte("only in a")) || bytes.Contains(doc, []byte("only in b")) {
		t.Error("two copies of a figure share their marks")
	}
}

func TestPanics(t *testing.T) {
	ready := figure()
	ready.HLine("", 0)
	for text, call := range map[string]func(){
		"show.Panels: empty alternative text":         func() { ready.Show(" ") },
		"show.Figure.SVG: empty alternative text":     func() { ready.SVG("") },
		"show.Images: empty alternative text":         func() { Images("", Grid{}) },
		"show.Slider: empty alternative text":         func() { Slider("", "t", nil, nil) },
		"show.Slider: 1 values and 2 figures":         func() { Slider("alt", "t", []float64{1}, []Figure{ready, ready}) },
		"show.Panels: no figures":                     func() { Panels("alt") },
		`figure with Title "", X "x", Y "y"`:          func() { (&Figure{X: "x", Y: "y"}).SVG("alt") },
		"show.Figure.Line: 2 and 1 values":            func() { ready.Line("", []float64{1, 2}, []float64{1}) },
		"show.Figure.Points: 0 and 0 values":          func() { ready.Points("", nil, nil) },
		"show.Figure.Scatter: point 0 has 3":          func() { ready.Scatter("", [][]float64{{1, 2, 3}}) },
		"with one value for each of Categories: 0":    func() { ready.Bars("", []float64{1}) },
		"show.Figure.Histogram: 4 bins over 1 to 1":   func() { ready.Histogram("", []float64{1, 1}, 4) },
		"show.Figure.Heat: row 1 has 1 columns":       func() { ready.Heat("", [][]float64{{1, 2}, {1}}, [2]float64{0, 1}, [2]float64{0, 1}) },
		"show.Figure.Heat(\"z\"): 0 rows":             func() { ready.Heat("z", nil, [2]float64{0, 1}, [2]float64{0, 1}) },
		"the x axis runs from +Inf to -Inf":           func() { (&Figure{Title: "t", X: "x", Y: "y"}).SVG("alt") },
		"show.Grid: image 0 has 3 values, expected 2": func() { Grid{Title: "t", Images: [][]float64{{1, 2, 3}}, ImageHeight: 2, ImageWidth: 1}.PNG() },
		"show.Animate: empty alternative text":        func() { Animate("", Cloud{}, noPath, nil) },
		"show.AnimationGIF: a path without a":         func() { Animate("alt", Cloud{}, noPath, nil) },
		"show.Strip: 1 columns":                       func() { Strip(Grid{}, 1, noPath, nil) },
		`show.Cloud: Title ""`:                        func() { Cloud{}.frame("", nil) },
		"show.Cloud: point 0 has 1 coordinates":       func() { Cloud{Title: "t", X: [2]float64{0, 1}, Y: [2]float64{0, 1}}.frame("", [][]float64{{1}}) },
		`show: the label "α = 1" has 'α'`:             func() { Grid{Title: "t", ImageHeight: 1, ImageWidth: 1}.frame("α = 1", [][]float64{{1}}) },
		"show.Mesh: 0 columns and 2 rows":             func() { Mesh([2]float64{}, [2]float64{}, 0, 2) },
		"show.Table: 3 values in rows of 2":           func() { Table(make([]float64, 3), 2) },
		"show.Figure.Paths: 2 and 1 values":           func() { ready.Paths("", []float64{0, 1}, [][]float64{{1}}) },
		"show.Grid: 2 row labels for 1 rows": func() {
			Grid{Title: "t", Images: [][]float64{{1}}, ImageHeight: 1, ImageWidth: 1, RowLabels: []string{"a", "b"}}.PNG()
		},
	} {
		t.Run(text, func(t *testing.T) {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("panic %v, expected one that holds %q", err, text)
				}
			}()
			call()
		})
	}
}
