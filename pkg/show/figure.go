package show

import (
	"fmt"
	"math"
	"os"
)

// Figure is one pair of axes and what is drawn on them, in the order of the calls. Title, X and Y must not be empty:
// the title says what to see, the labels carry the units.
type Figure struct {
	Title, X, Y string

	XLim, YLim    [2]float64 // limits of the axes; those of the data where both are 0
	ZLim          [2]float64 // limits of a heat map's colours; those of its values where both are 0
	Steps         int        // colours of a heat map, whose edges are its contours; without steps where 0
	LogX, LogY    bool       // logarithmic axes; values that are not positive are left out
	Equal         bool       // one unit is as long on both axes, as maps need
	Stacked       bool       // Bars stack instead of standing side by side
	Categories    []string   // the names under the groups of Bars
	Width, Height float64    // in CSS pixels; 640 by 440 where 0

	marks  []mark
	series int // how many styles are taken
}

// Line draws y over x as a line. NaN and infinities break it.
func (f *Figure) Line(name string, x, y []float64) {
	sameLength("Line", len(x), len(y))
	f.add(line{named{name, f.style()}, x, y, 3, 1})
}

// Step draws a function that keeps y[i] from x[i] to x[i+1].
func (f *Figure) Step(name string, x, y []float64) {
	sameLength("Step", len(x), len(y))
	xs, ys := make([]float64, 0, 2*len(x)), make([]float64, 0, 2*len(x))
	for i := range x {
		if i > 0 {
			xs, ys = append(xs, x[i]), append(ys, y[i-1])
		}
		xs, ys = append(xs, x[i]), append(ys, y[i])
	}
	f.add(line{named{name, f.style()}, xs, ys, 3, 1})
}

// Points draws a marker at every (x, y).
func (f *Figure) Points(name string, x, y []float64) {
	sameLength("Points", len(x), len(y))
	f.add(points{named{name, f.style()}, x, y})
}

// Scatter is Points for a cloud of shape [n][2].
func (f *Figure) Scatter(name string, cloud [][]float64) {
	x, y := columns("Scatter", cloud)
	f.Points(name, x, y)
}

// Path draws a line through a trajectory of shape [n][2], in its order.
func (f *Figure) Path(name string, trajectory [][]float64) {
	x, y := columns("Path", trajectory)
	f.Line(name, x, y)
}

// Paths draws many functions of x, ys[i] over x, as thin lines of one colour, white on a heat map: sample paths, of shape
// [paths][len(x)].
func (f *Figure) Paths(name string, x []float64, ys [][]float64) {
	style := f.style()
	style.dash = ""
	for i, y := range ys {
		sameLength("Paths", len(x), len(y))
		f.add(path{line{named{map[bool]string{true: name}[i == 0], style}, x, y, 1.3, 1}})
	}
}

// Loss draws a noisy curve pale and its running mean, over a fiftieth of its length, bold.
func (f *Figure) Loss(name string, steps, loss []float64) {
	sameLength("Loss", len(steps), len(loss))
	style := f.style()
	f.add(line{named{"", style}, steps, loss, 1, .35})
	f.add(line{named{name, style}, steps, runningMean(loss, max(1, len(loss)/50)), 3, 1})
}

// Histogram draws the density of samples in equal bins over their range, count/(n·width), so that its area is 1.
func (f *Figure) Histogram(name string, samples []float64, bins int) {
	edges, density := binned(samples, bins)
	f.add(histogram{named{name, f.style()}, edges, density})
}

// Band fills between lo and hi over x, as ± one standard error.
func (f *Figure) Band(name string, x, lo, hi []float64) {
	sameLength("Band", len(x), len(lo))
	sameLength("Band", len(x), len(hi))
	f.add(band{named{name, f.style()}, x, lo, hi})
}

// Area fills between y and 0 over x.
func (f *Figure) Area(name string, x, y []float64) { f.Band(name, x, make([]float64, len(x)), y) }

// Bars adds one series of bars: a value for each of f.Categories.
func (f *Figure) Bars(name string, values []float64) {
	sameLength("Bars, with one value for each of Categories", len(f.Categories), len(values))
	f.add(bars{named{name, f.style()}, values})
}

// Heat draws z[row][column] as colours over the box from x[0] to x[1] and y[0] to y[1], row 0 at y[0], with a colour
// bar that carries the label. NaN is grey. A figure has at most one heat map, drawn before its other marks.
func (f *Figure) Heat(label string, z [][]float64, x, y [2]float64) {
	f.add(newHeat(label, z, x, y))
}

// Quiver draws arrows of shape [n][2] from points of shape [n][2], scaled so that they do not overlap on a grid; the
// legend gives the length of the longest.
func (f *Figure) Quiver(name string, at, arrows [][]float64) {
	sameLength("Quiver", len(at), len(arrows))
	x, y := columns("Quiver", at)
	u, v := columns("Quiver", arrows)
	longest := 0.0
	for i := range u {
		longest = math.Max(longest, math.Hypot(u[i], v[i]))
	}
	name = fmt.Sprintf("%s (longest %s)", name, short3(longest))
	f.add(quiver{named{name, f.style()}, x, y, u, v, longest})
}

// VLine draws a vertical reference line at x.
func (f *Figure) VLine(name string, x float64) {
	f.add(rule{named{name, f.ruleStyle()}, x, true})
}

// HLine draws a horizontal reference line at y.
func (f *Figure) HLine(name string, y float64) {
	f.add(rule{named{name, f.ruleStyle()}, y, false})
}

// Show displays the figure in a notebook; elsewhere it prints the alternative text.
func (f *Figure) Show(alt string) { Panels(alt, *f) }

// SVG returns the figure as an SVG document with alt as its description.
func (f *Figure) SVG(alt string) []byte { return panelsSVG("Figure.SVG", alt, []Figure{*f}) }

// Save writes the SVG document to path.
func (f *Figure) Save(path, alt string) error {
	if err := os.WriteFile(path, f.SVG(alt), 0o644); err != nil {
		return fmt.Errorf("show.Figure.Save: %w", err)
	}
	return nil
}

func (f *Figure) add(m mark) {
	f.marks = append(f.marks[:len(f.marks):len(f.marks)], m) // a copy of the figure keeps its own marks
}

func sameLength(what string, a, b int) {
	if a != b || a == 0 {
		panic(fmt.Errorf("show.Figure.%s: %d and %d values, expected as many, at least 1", what, a, b))
	}
}

func columns(what string, cloud [][]float64) (x, y []float64) {
	for i, p := range cloud {
		if len(p) != 2 {
			panic(fmt.Errorf("show.Figure.%s: point %d has %d coordinates, expected 2", what, i, len(p)))
		}
		x, y = append(x, p[0]), append(y, p[1])
	}
	return x, y
}
