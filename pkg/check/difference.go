package check

import "github.com/gomlx/compute"

// The five-point central difference
//
//	f'(x) ≈ [f(x−2h) − 8f(x−h) + 8f(x+h) − f(x+2h)] / 12h
//
// with h = 1e-3, an error of h⁴ f⁽⁵⁾(x)/30 and rounding of about 1e-16·(|f|+|x f'|)/h.
const h = 1e-3

var (
	offsets      = [...]float64{-2 * h, -h, h, 2 * h}
	coefficients = [...]float64{1 / (12 * h), -8 / (12 * h), 8 / (12 * h), -1 / (12 * h)}
)

// Derivative returns f'(x) by the five-point central difference with h = 1e-3. The error is near 1e-12 for a function
// that varies on a scale of about 1; for another scale s differentiate u ↦ f(s·u) at x/s, and divide by s.
func Derivative(f func(float64) float64, x float64) float64 {
	sum := 0.0
	for i, offset := range offsets {
		sum += coefficients[i] * f(x+offset)
	}
	return sum
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
	points := make([]float64, 0, len(offsets)*len(xs))
	for _, x := range xs {
		for _, offset := range offsets {
			points = append(points, x+offset)
		}
	}
	values, out := run("Derivatives", b, f, points, len(points)), make([]float64, len(xs))
	for i := range xs {
		for j, c := range coefficients {
			out[i] += c * values[len(offsets)*i+j]
		}
	}
	return out
}
