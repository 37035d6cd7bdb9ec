package check

import (
	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/diff/fd"
)

// central is the five-point central difference
//
//	f'(x) ≈ [f(x−2h) − 8f(x−h) + 8f(x+h) − f(x+2h)] / 12h
//
// with h = 1e-3, an error of h⁴ f⁽⁵⁾(x)/30 and rounding of about 1e-16·(|f|+|x f'|)/h.
var central = fd.Formula{
	Stencil:    []fd.Point{{Loc: -2, Coeff: 1. / 12}, {Loc: -1, Coeff: -8. / 12}, {Loc: 1, Coeff: 8. / 12}, {Loc: 2, Coeff: -1. / 12}},
	Derivative: 1,
	Step:       1e-3,
}

// Derivative returns f'(x) by the five-point central difference with h = 1e-3. The error is near 1e-12 for a function
// that varies on a scale of about 1; for another scale s differentiate u ↦ f(s·u) at x/s, and divide by s.
func Derivative(f func(float64) float64, x float64) float64 {
	return fd.Derivative(f, x, &fd.Settings{Formula: central})
}

// Grad returns the gradient of f at x by the same difference as Derivative on each axis.
// f must not keep its argument.
func Grad(f func([]float64) float64, x []float64) []float64 {
	at, grad := append([]float64{}, x...), make([]float64, len(x))
	for i := range x {
		grad[i] = Derivative(func(v float64) float64 {
			at[i] = v
			return f(at)
		}, x[i])
		at[i] = x[i]
	}
	return grad
}

// Derivatives returns f' at each of xs, as Derivative does, all points in one call; f is as in Eval, and acts on each
// entry alone.
func Derivatives(b compute.Backend, f func(x *Node) *Node, xs []float64) []float64 {
	k := len(central.Stencil)
	points := make([]float64, 0, k*len(xs))
	for _, x := range xs {
		for _, p := range central.Stencil {
			points = append(points, x+central.Step*p.Loc)
		}
	}
	values, out := run("Derivatives", b, f, points, len(points)), make([]float64, len(xs))
	for i := range xs {
		for j, p := range central.Stencil {
			out[i] += p.Coeff * values[k*i+j] / central.Step
		}
	}
	return out
}
