package process_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// vpf and vef are the diffusions of the figures: β from .1 to 20, σ from .01 to 50.
var (
	vpf = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-5, TMax: 1}
	vef = process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-5, TMax: 1}
)

func TestSDEs(t *testing.T) {
	t.Run("E8.12 VE: g and the variance it adds up to", func(t *testing.T) {
		check.T(t).Near("g(.5)", math.Sqrt(eval(t, vef.Diffusion2, .5)[0]), 2.9184230659, printed)
		check.T(t).Near("σ²(.5)", square(eval(t, vef.Sigma, .5)), .4999, 1e-12)
		b := backendtest.Open(t)
		check.T(t).Near("∫g²dt to .5", check.Integral(b, vef.Diffusion2, 0, .5), .4999, 1e-8)
		check.T(t).Near("f", eval(t, vef.Drift, .2, .9), 0, 0)
	})
	t.Run("E8.13 VP: ᾱ, and the moments by Runge and Kutta", func(t *testing.T) {
		abar := square(eval(t, vpf.Alpha, 1, .5))
		check.T(t).Near("ᾱ(1)", abar[0]/4.318574906e-5, 1, 3e-10)
		check.T(t).Near("ᾱ(.5)", abar[1], .0790638125, printed)
		m, v := moments(t, vpf, .01, .5, 400)
		check.T(t).Near("mean and variance", []float64{m, v}, []float64{math.Exp(-integralBeta(.5) / 2), 1 - math.Exp(-integralBeta(.5))}, a64)
	})
	t.Run("E8.14 VE explodes, VP keeps the variance", func(t *testing.T) {
		end := func(p process.Process) []float64 { // Var x_1 for Var x_0 = 1
			return eval(t, func(t *Node) *Node { return Add(Square(p.Alpha(t)), Square(p.Sigma(t))) }, 1)
		}
		check.T(t).Near("VE", end(vef), 2499.9999+1, a64)
		check.T(t).Near("VP", end(vpf), 1, a64)
	})
	t.Run("E8.15 DDPM tends to VP", func(t *testing.T) {
		var steps, errs []float64
		for _, n := range []int{100, 1000, 10000} {
			chain := process.Process{Schedule: vpf.Schedule.(process.VP).Discrete(n), TMax: float64(n)}
			one := math.Expm1(2 * (eval(t, chain.LogAlpha, 3)[0] - eval(t, chain.LogAlpha, 2)[0]))
			check.T(t).Near("β_3", -one, beta(3/float64(n))/float64(n), 1e-12)
			logBar := 2 * eval(t, chain.LogAlpha, float64(n))[0]
			if n == 1000 {
				check.T(t).Near("ᾱ at N = 1000", math.Exp(logBar)/3.995601966e-5, 1, 3e-10)
			}
			steps, errs = append(steps, 1/float64(n)), append(errs, math.Abs(logBar+integralBeta(1)))
		}
		check.T(t).Order("log ᾱ against −B", steps, errs, 1, .15)
	})
	t.Run("E8.16 SMLD's steps add up to VE", func(t *testing.T) {
		grid := floats.Span(make([]float64, 101), 0, 1)
		step := read(t, grid[1:100], grid[2:], vef.Transition)
		sigma2 := square(eval(t, vef.Sigma, grid[1:]...))
		for i := range step.variance {
			check.T(t).Near("σ_i²−σ_{i−1}² over its own", (sigma2[i+1]-sigma2[i])/step.variance[i], 1, a64)
		}
		check.T(t).Near("their sum", floats.Sum(step.variance)+sigma2[0], sigma2[99], a64)
		check.T(t).Near("nothing shrinks", step.slope, 1, 1e-12)
	})
}

// moments solves dm/dt = fm and dv/dt = 2fv + g² from m = α, v = σ² at from, by n classical Runge–Kutta steps.
func moments(t *testing.T, p process.Process, from, to float64, n int) (m, v float64) {
	t.Helper()
	h := (to - from) / float64(n)
	half := floats.Span(make([]float64, 2*n+1), from, to) // both ends and the middle of every step
	f, g2 := eval(t, p.Drift, half...), eval(t, p.Diffusion2, half...)
	m, v = eval(t, p.Alpha, from)[0], square(eval(t, p.Sigma, from))[0]
	for i := 0; i < 2*n; i += 2 {
		slope := func(k int, m, v float64) (dm, dv float64) { return f[i+k] * m, 2*f[i+k]*v + g2[i+k] }
		m1, v1 := slope(0, m, v)
		m2, v2 := slope(1, m+h/2*m1, v+h/2*v1)
		m3, v3 := slope(1, m+h/2*m2, v+h/2*v2)
		m4, v4 := slope(2, m+h*m3, v+h*v3)
		m, v = m+h/6*(m1+2*m2+2*m3+m4), v+h/6*(v1+2*v2+2*v3+v4)
	}
	return m, v
}
