package shapes

import (
	"fmt"
	"math"
)

// Measured is what a picture shows of its factors, in pixels: the centroid of its intensities v,
// (Σ v·x/Σ v, Σ v·y/Σ v) over the centres of the pixels, and the mean distance of the intensity from it.
// For a Circle these are X, Y and the ring's mean radius ⅔(s³−r³)/(s²−r²), with s = Size and r = s − Thickness, to within
// a twentieth of a pixel.
type Measured struct{ X, Y, Radius float64 }

// Measure measures any picture of Side*Side intensities, drawn or generated. Negative intensities count as 0.
// It panics when x has another length or no intensity at all.
func Measure(x []float64) Measured {
	if len(x) != Side*Side {
		panic(fmt.Errorf("shapes.Measure: %d intensities, want %d", len(x), Side*Side))
	}
	average := func(f func(x, y float64) float64) float64 {
		sum, mass := 0.0, 0.0
		for i, v := range x {
			v = math.Max(v, 0)
			sum, mass = sum+v*f(float64(i%Side)+.5, float64(i/Side)+.5), mass+v
		}
		if mass == 0 {
			panic(fmt.Errorf("shapes.Measure: no intensity above 0, want a picture"))
		}
		return sum / mass
	}
	m := Measured{X: average(func(x, _ float64) float64 { return x }), Y: average(func(_, y float64) float64 { return y })}
	m.Radius = average(func(x, y float64) float64 { return math.Hypot(x-m.X, y-m.Y) })
	return m
}
