package show_test

import (
	"fmt"
	"math"

	"github.com/lowerbound-ml/lowerbound/pkg/show"
)

func Example() {
	x, density := make([]float64, 201), make([]float64, 201)
	for i := range x {
		x[i] = -4 + 8*float64(i)/200
		density[i] = math.Exp(-x[i]*x[i]/2) / math.Sqrt(2*math.Pi)
	}
	fig := show.Figure{Title: "The standard normal law", X: "x", Y: "density (1/unit of x)"}
	fig.Area("N(0, 1)", x, density)
	fig.VLine("mean", 0)
	fig.Show("A bell over 0, 0.4 high, that ends near -3 and 3.")
	// Output: figure: A bell over 0, 0.4 high, that ends near -3 and 3.
}

func ExamplePanels() {
	var panels []show.Figure
	for _, rate := range []float64{1, 4} {
		x, y := []float64{}, []float64{}
		for i := range 50 {
			x, y = append(x, float64(i)/10), append(y, math.Exp(-rate*float64(i)/10))
		}
		fig := show.Figure{Title: "Decay", X: "t (s)", Y: "share left"}
		fig.Line("", x, y)
		panels = append(panels, fig)
	}
	show.Panels("Two falling curves; the right one falls four times as fast.", panels...)
	// Output: figure: Two falling curves; the right one falls four times as fast.
}

func ExampleImages() {
	stripes := []float64{0, 1, 0, 0, 1, 0, 0, 1, 0}
	cross := []float64{0, 1, 0, 1, 1, 1, 0, 1, 0}
	show.Images("A vertical stripe, and a cross.",
		show.Grid{Title: "Two images", Images: [][]float64{stripes, cross}, ImageHeight: 3, ImageWidth: 3})
	// Output: figure: A vertical stripe, and a cross.
}

func ExampleAnimate() {
	path := func(yield func(t float64, err error) bool) {
		for t := 1.0; t >= 0; t -= .25 {
			if !yield(t, nil) {
				return
			}
		}
	}
	box := show.Cloud{Title: "Two points meet", X: [2]float64{-1, 1}, Y: [2]float64{-1, 1}}
	show.Animate("Two points move along the axis until they meet at 0.", box, path, func(t float64) (string, [][]float64) {
		return fmt.Sprintf("t = %.2f", t), [][]float64{{-t, 0}, {t, 0}}
	})
	// Output: figure: Two points move along the axis until they meet at 0.
}
