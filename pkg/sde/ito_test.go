package sde_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// TestRules takes one step of dx = −tx dt + t(1+x²) dw by hand, towards growing and falling times.
func TestRules(t *testing.T) {
	s := sde.Ito{Drift: func(x, t *Node) *Node { return Neg(Mul(t, x)) }, Diffusion: func(x, t *Node) *Node { return Mul(t, OnePlus(Square(x))) }}
	xs, from, to, dw := []float64{-.5, 0, 2}, []float64{.4, .4, .6}, []float64{.5, .1, .7}, []float64{.3, -.2, .1}
	out := call(t, func(x, t, u, dw *Node) (*Node, *Node) { return s.Euler(x, t, u, dw), s.Milstein(x, t, u, dw) },
		column(xs...), column(from...), column(to...), column(dw...))
	var euler, milstein []float64
	for i, x := range xs {
		g, dt := from[i]*(1+x*x), to[i]-from[i]
		euler = append(euler, x-from[i]*x*dt+g*dw[i])
		milstein = append(milstein, euler[i]+.5*g*2*from[i]*x*(dw[i]*dw[i]-math.Abs(dt)))
	}
	check.T(t).Near("Euler and Maruyama's step", out[0], euler, 1e-14)
	check.T(t).Near("Milstein's step", out[1], milstein, 1e-14)
	out = call(t, func(x, t, u, dw *Node) []*Node {
		vp, ode := sde.Forward(vpf).Ito(), sde.Forward(vpf).ProbabilityFlow(gd.Score(vpf))
		return []*Node{vp.Euler(x, t, u, dw), vp.Milstein(x, t, u, dw), ode.Ito().Euler(x, t, u, dw), ode.Step(x, t, u).Mean}
	}, column(xs...), column(from...), column(to...), column(dw...))
	check.T(t).Near("where g does not depend on x they agree", out[1], out[0], 1e-14)
	check.T(t).Near("an ODE takes no noise", out[2], out[3], 1e-14)
}

var stock = sde.GeometricBrownian{Mu: .3, Sigma: .5}

func TestGeometricBrownian(t *testing.T) {
	const x0, end = 1.5, 1.2
	law := distuv.Normal{Sigma: math.Sqrt(end)}
	moment := func(k float64) float64 { // E x_t^k by quadrature over w(t)
		return check.Integral(pureGo(t), func(w *Node) *Node {
			at := func(v float64) *Node { return Scalar(w.Graph(), w.DType(), v) }
			x := stock.Solve(AddScalar(ZerosLike(w), x0), at(0), at(end), w)
			return Mul(PowScalar(x, k), Exp(AddScalar(MulScalar(Square(w), -1/(2*end)), law.LogProb(0))))
		}, -12, 12)
	}
	t.Run("E10.10 Milstein's step is the solution's, but for h^1.5, towards growing and falling times", func(t *testing.T) {
		const h = 1e-8
		out := call(t, func(x, t, u, dw *Node) (*Node, *Node) {
			return stock.Solve(x, t, u, dw), stock.Ito().Milstein(x, t, u, dw)
		}, column(2, 2), column(.5, .5), column(.5+h, .5-h), column(3e-4, 3e-4)) // dw = 3√h
		check.T(t).Near("E10.10 both ways", out[0], out[1], 1e-10) // σ²h is 2.5e-9
	})
	out := call(t, func(x, t *Node) (*Node, *Node) { return stock.Mean(x, t), stock.Variance(x, t) }, column(x0), column(end))
	mean := check.Floats(out[0])[0]
	t.Run("E10.10 a stock's mean and variance in closed form", func(t *testing.T) {
		check.T(t).Near("E10.10 E x_t = x e^{μt}, by quadrature of the solution", mean, moment(1), 1e-9)
		check.T(t).Near("E10.10 Var x_t", out[1], moment(2)-mean*mean, 1e-9)
		check.T(t).Near("E10.10 by hand", check.Floats(out[1])[0], x0*x0*math.Exp(.72)*(math.Exp(.3)-1), 1e-12)
	})
}

// moments are E x², E xy and E y² of the exact x and of y by a rule, both from 1 along the same path.
type moments struct{ xx, xy, yy float64 }

// strong is √E(x−y)² at time 1 of n steps by a rule of GeometricBrownian, exactly: each step multiplies the three moments.
func strong(n int, milstein bool) float64 {
	h, m, s2 := 1/float64(n), stock.Mu, stock.Sigma*stock.Sigma
	e := moments{1, 1, 1}
	for range n {
		xy, yy := 1+m*h+s2*h, (1+m*h)*(1+m*h)+s2*h
		if milstein {
			xy, yy = xy+s2*s2*h*h/2, yy+s2*s2*h*h/2
		}
		e = moments{e.xx * math.Exp((2*m+s2)*h), e.xy * math.Exp(m*h) * xy, e.yy * yy}
	}
	return math.Sqrt(e.xx - 2*e.xy + e.yy)
}

// TestStrongOrder runs both rules along 10,000 paths of 64 steps, coarsened, and holds each mean squared error against its exact value.
func TestStrongOrder(t *testing.T) {
	const paths, fine = 10_000, 64
	steps := []int{64, 32, 16, 8}
	out := call(t, func(x *Node) (all []*Node) {
		w := sde.DrawBrownian(noise.FromSeed(x.Graph(), 7), x, floats.Span(make([]float64, fine+1), 0, 1))
		exact := sde.StochasticFlow{Rule: stock.Solve, Noise: w}.Map(x, 0, fine)
		for _, n := range steps {
			w := w.Coarsen(fine / n)
			for _, rule := range []sde.Rule{stock.Ito().Euler, stock.Ito().Milstein} {
				all = append(all, Square(Sub(sde.StochasticFlow{Rule: rule, Noise: w}.Map(x, 0, n), exact)))
			}
		}
		at := func(t float64) *Node { return Const(x.Graph(), [][]float64{{t}}) }
		return append(all, exact, stock.Solve(x, at(0), at(1), w.Between(0, fine)), stock.Mean(x, at(1)), stock.Variance(x, at(1)))
	}, column(ones(paths)...))
	for k, rule := range []struct {
		name     string
		milstein bool
		order    float64
	}{{"Euler", false, .5}, {"Milstein", true, 1}} {
		var h, err []float64
		for i, n := range steps {
			squares, want := check.Floats(out[2*i+k]), strong(n, rule.milstein)
			check.T(t).MC("E10.10 "+rule.name+": the mean squared error along a path, over its exact value", scaled(squares, want), 1, .06)
			h, err = append(h, 1/float64(n)), append(err, math.Sqrt(check.Mean(squares)))
		}
		check.T(t).Order("E10.10 "+rule.name+"'s strong order for a stock", h, err, rule.order, .15)
	}
	ends := check.Floats(out[8])
	check.T(t).Near("E10.10 the exact flow composes: 64 maps are one", out[8], out[9], 1e-12)
	check.T(t).MC("E10.10 its mean", ends, check.Floats(out[10])[0], .015)
	mean := check.Floats(out[10])[0]
	squares := make([]float64, paths)
	for i, x := range ends {
		squares[i] = (x - mean) * (x - mean)
	}
	check.T(t).MC("E10.10 its variance", squares, check.Floats(out[11])[0], .04)
}

// scaled returns x over the square of by.
func scaled(x []float64, by float64) []float64 {
	return floats.ScaleTo(make([]float64, len(x)), 1/(by*by), x)
}

// ones are n ones.
func ones(n int) []float64 {
	out := make([]float64, n)
	floats.AddConst(1, out)
	return out
}

func TestParticle(t *testing.T) {
	const d, end, n, particles = .3, 2.5, 10, 20_000
	out := call(t, func(x *Node) *Node {
		w := sde.DrawBrownian(noise.FromSeed(x.Graph(), 5), x, floats.Span(make([]float64, n+1), 0, end))
		return sde.StochasticFlow{Rule: sde.Particle(d).Ito().Euler, Noise: w}.Map(x, 0, n)
	}, column(ones(particles)...))
	x := check.Floats(out[0])
	squares := make([]float64, particles)
	for i := range x {
		squares[i] = (x[i] - 1) * (x[i] - 1)
	}
	check.T(t).MC("E10.10 a Brownian particle: E(x_t − x_0)² = 2Dt", squares, 2*d*end, .02)
	check.T(t).KS("E10.10 and its law is N(x_0, 2Dt)", x, distuv.Normal{Mu: 1, Sigma: math.Sqrt(2 * d * end)}.CDF, 1e-7)
}
