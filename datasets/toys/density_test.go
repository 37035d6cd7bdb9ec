package toys_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
)

// TestSpiralDensity holds the density against Gauss and Legendre's rule on pieces of the curve, its integral over the plane against 1, and
// its mean over draws against the mean over the plane.
func TestSpiralDensity(t *testing.T) {
	s, c := toys.Spiral{Start: 1.5 * math.Pi, End: 4.5 * math.Pi, Scale: 2 / (4.5 * math.Pi), StdDev: .1}, check.T(t)
	for _, x := range [][2]float64{{0, 0}, {1.1, -.4}, {-2, 0.3}, s.At(.7)} {
		want := 0.0
		for piece := range 20 {
			lo := float64(piece) / 20
			want += quad.Fixed(func(u float64) float64 {
				at := s.At(u)
				d := math.Hypot(x[0]-at[0], x[1]-at[1]) / s.StdDev
				return math.Exp(-d*d/2) / (2 * math.Pi * s.StdDev * s.StdDev)
			}, lo, lo+.05, 40, nil, 0)
		}
		c.Near("log p by another rule", s.LogProb(x), math.Log(want), 1e-5)
	}
	const cells, half = 100, 3.0
	total, entropy := 0.0, 0.0
	for i := range cells {
		for j := range cells {
			at := func(k int) float64 { return half * ((2*float64(k)+1)/cells - 1) }
			l := s.LogProb([2]float64{at(i), at(j)})
			total += math.Exp(l) * 4 * half * half / cells / cells
			entropy -= l * math.Exp(l) * 4 * half * half / cells / cells
		}
	}
	c.Near("its integral over the plane", total, 1, 1e-6)
	var l []float64
	for _, x := range s.Sample(4000, 3).X {
		l = append(l, -s.LogProb(x))
	}
	c.MC("the mean of −log p over draws is the integral", l, entropy, .02)
}
