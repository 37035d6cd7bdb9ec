package check

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
)

// Node is a value of a GoMLX graph.
type Node = graph.Node

// The rules: Gauss–Legendre with so many points on each of so many equal panels.
const (
	order    = 16
	panels   = 128 // for Integral and IntegralFn: 2048 points
	panels2D = 16  // for each axis of Integral2: 256² points
)

// Integral returns ∫ f(x) dx from lo to hi by Gauss–Legendre quadrature, all 2048 points in one call of the backend.
// f maps x, [n] float64, to the integrand, of n entries. It is exact to rounding for smooth integrands; where f has a
// jump or a corner, integrate the pieces. With lo above hi the integral changes its sign.
//
// Limits: give finite ones where the mass lies, as mean ± 12 standard deviations. An infinite limit is taken by
// x = t/(1−t²) on both sides, or x = lo + t/(1−t) on one, which serves laws whose location and scale are of order 1.
func Integral(b compute.Backend, f func(x *Node) *Node, lo, hi float64) float64 {
	x, w := rule(lo, hi, panels)
	return floats.Dot(w, Eval(b, f, x))
}

// IntegralFn is Integral for a plain Go function.
func IntegralFn(f func(float64) float64, lo, hi float64) float64 {
	x, w := rule(lo, hi, panels)
	sum := 0.0
	for i := range x {
		sum += w[i] * f(x[i])
	}
	return sum
}

// Integral2 returns ∫∫ f(x) dx₁ dx₂ over the box from lo to hi (limits as in Integral), 256² points in one call.
// f maps x, [n, 2] float64, to the integrand, of n entries.
func Integral2(b compute.Backend, f func(x *Node) *Node, lo, hi [2]float64) float64 {
	x1, w1 := rule(lo[0], hi[0], panels2D)
	x2, w2 := rule(lo[1], hi[1], panels2D)
	points := make([][]float64, 0, len(x1)*len(x2))
	weights := make([]float64, 0, len(x1)*len(x2))
	for i := range x1 {
		for j := range x2 {
			points = append(points, []float64{x1[i], x2[j]})
			weights = append(weights, w1[i]*w2[j])
		}
	}
	return floats.Dot(weights, run("Integral2", b, f, points, len(points)))
}

// Eval returns f at each of xs, in one call. f maps x, [n] float64, to n entries.
func Eval(b compute.Backend, f func(x *Node) *Node, xs []float64) []float64 {
	return run("Eval", b, f, xs, len(xs))
}

func run(name string, b compute.Backend, f func(x *Node) *Node, x any, n int) []float64 {
	out, err := graph.CallOnce(b, f, x)
	if err != nil {
		panic(fmt.Errorf("check.%s: %w", name, err))
	}
	y := Floats(out)
	if len(y) != n {
		panic(fmt.Errorf("check.%s: f of %d points has shape %s, expected %d entries", name, n, out.Shape(), n))
	}
	return y
}

// rule returns points and weights for ∫ from lo to hi, transformed where a limit is infinite.
func rule(lo, hi float64, panels int) (x, w []float64) {
	switch infLo, infHi := math.IsInf(lo, -1), math.IsInf(hi, 1); {
	case lo > hi: // the integral changes its sign
		x, w = rule(hi, lo, panels)
		floats.Scale(-1, w)
		return x, w
	case !(lo < hi):
		panic(fmt.Errorf("check: integral from %v to %v: expected two different numbers", lo, hi))
	case infLo && infHi:
		return transform(-1, 1, panels, func(t float64) (x, dx float64) {
			s := (1 - t) * (1 + t)
			return t / s, (1 + t*t) / (s * s)
		})
	case infHi:
		return transform(0, 1, panels, func(t float64) (x, dx float64) { return lo + t/(1-t), 1 / ((1 - t) * (1 - t)) })
	case infLo:
		return transform(0, 1, panels, func(t float64) (x, dx float64) { return hi - t/(1-t), 1 / ((1 - t) * (1 - t)) })
	}
	return transform(lo, hi, panels, func(t float64) (x, dx float64) { return t, 1 })
}

func transform(lo, hi float64, panels int, f func(t float64) (x, dx float64)) (x, w []float64) {
	n := panels * order
	x, w = make([]float64, n), make([]float64, n)
	width := (hi - lo) / float64(panels)
	for p := range panels {
		i, start := p*order, lo+float64(p)*width
		quad.Legendre{}.FixedLocations(x[i:i+order], w[i:i+order], start, start+width)
	}
	for i, t := range x {
		var dx float64
		x[i], dx = f(t)
		w[i] *= dx
	}
	return x, w
}
