package sde_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// TestForward holds f x and g of VP at t = .5 against −½βx and √β with β = .1+19.9t.
func TestForward(t *testing.T) {
	got := floatsOf(t, func(x, at *Node) *Node {
		s := sde.Forward(vpf)
		return Concatenate([]*Node{s.Drift(x, at), Square(s.Diffusion(at))}, 0)
	}, [][]float64{{2}}, [][]float64{{.5}})
	check.T(t).Near("VP's drift and diffusion", got, []float64{-10.05, 10.05}, 1e-12)
}

// TestEquations writes f − ½(1+ℓ²)g²s and ℓg by hand for VP and the score of N(1, .5).
func TestEquations(t *testing.T) {
	forward, xs, ts := sde.Forward(vpf), []float64{-1.5, .2, 3}, []float64{.1, .45, .9}
	for l, s := range map[float64]sde.SDE{
		0: forward.ProbabilityFlow(gd.Score(vpf)), .5: forward.Family(gd.Score(vpf), .5), 1: forward.Reverse(gd.Score(vpf)),
	} {
		if (l == 0) != (s.Diffusion == nil) {
			t.Errorf("ℓ = %g: the equation has noise: %t", l, s.Diffusion != nil)
		}
		mean, variance := laws(t, s.Step, xs, ts, []float64{.05, .4, .7})
		for i, dt := range []float64{-.05, -.05, -.2} {
			score := (alpha(ts[i]) - xs[i]) / (alpha(ts[i])*alpha(ts[i])*.5 + sigma2(ts[i]))
			drift := -.5*beta(ts[i])*xs[i] - .5*(1+l*l)*beta(ts[i])*score
			check.T(t).Near("mean of a step", mean[i], xs[i]+drift*dt, 1e-12)
			check.T(t).Near("its variance", variance[i], l*l*beta(ts[i])*-dt, 1e-12)
		}
	}
}

// TestDivergence of the probability flow: in the plane against differences, with one time for all rows and one for each; and
// along v.
func TestDivergence(t *testing.T) {
	s := sde.Forward(vpf).ProbabilityFlow(humps.Score(vpf))
	xs := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	drift := func(at float64, x []float64) []float64 {
		return floatsOf(t, func(x, t *Node) *Node { return s.Drift(x, t) }, [][]float64{x}, column(at))
	}
	slope := func(at float64, x []float64, i, j int) float64 { // ∂f_i/∂x_j
		return check.Derivative(func(v float64) float64 {
			moved := append([]float64{}, x...)
			moved[j] = v
			return drift(at, moved)[i]
		}, x[j])
	}
	ats, v := []float64{.2, .5, .8}, []float64{1, -2}
	var want, along []float64
	for r, x := range xs {
		j := [2][2]float64{{slope(ats[r], x, 0, 0), slope(ats[r], x, 0, 1)}, {slope(ats[r], x, 1, 0), slope(ats[r], x, 1, 1)}}
		want = append(want, j[0][0]+j[1][1])
		along = append(along, v[0]*(j[0][0]*v[0]+j[0][1]*v[1])+v[1]*(j[1][0]*v[0]+j[1][1]*v[1]))
	}
	check.T(t).Near("∇·f at a time for each row", floatsOf(t, s.Divergence, xs, column(ats...)), want, 1e-8)
	for r, x := range xs {
		check.T(t).Near("∇·f at one time", floatsOf(t, s.Divergence, [][]float64{x, x}, column(ats[r])), want[r], 1e-8)
	}
	got := floatsOf(t, s.DivergenceAlong, xs, column(ats...), [][]float64{v, v, v})
	check.T(t).Near("vᵀ(∂f/∂x)v", got, along, 1e-8)
}

// TestEuler holds n Euler–Maruyama steps of VP from x₀ ~ N(1, .5) to t = .3 against the exact path that the same Brownian
// motion drives. Both are normal jointly, so their moments are recursions and no draw is needed.
func TestEuler(t *testing.T) {
	const end = .3
	var h, mean, variance, strong []float64
	for _, n := range []int{100, 200, 400} {
		e := eulerMoments(t, floats.Span(make([]float64, n+1), vpf.TMin, end))
		h = append(h, (end-vpf.TMin)/float64(n))
		mean, variance = append(mean, math.Abs(e.y-e.x)), append(variance, math.Abs(e.yy-e.xx))
		strong = append(strong, math.Sqrt((e.y-e.x)*(e.y-e.x)+e.xx+e.yy-2*e.xy))
	}
	t.Run("E8.2 Euler–Maruyama, weak order", func(t *testing.T) {
		check.T(t).Order("of the mean", h, mean, 1, .15)
		check.T(t).Order("of the variance", h, variance, 1, .15)
	})
	t.Run("E8.2 strong order, the noise is additive", func(t *testing.T) {
		check.T(t).Order("of √E(x−y)²", h, strong, 1, .15)
	})
}

// joint are the means and the covariances of the exact x and Euler's y.
type joint struct{ x, y, xx, yy, xy float64 }

func eulerMoments(t *testing.T, times []float64) joint {
	t.Helper()
	n := len(times) - 1
	ones := make([]float64, n)
	floats.AddConst(1, ones)
	slope, step := laws(t, sde.Forward(vpf).Step, ones, times[:n], times[1:])
	from := times[0]
	m, v := alpha(from), alpha(from)*alpha(from)*.5+sigma2(from)
	e := joint{m, m, v, v, v}
	for i, a := range slope {
		s, u := times[i], times[i+1]
		exact, g := alpha(u)/alpha(s), math.Sqrt(step[i]/(u-s))
		withW := quad.Fixed(func(r float64) float64 { return alpha(u) / alpha(r) * math.Sqrt(beta(r)) }, s, u, 8, nil, 0) // Cov(∫…dw, Δw)
		e = joint{exact * e.x, a * e.y, exact*exact*e.xx + sigma2(u) - exact*exact*sigma2(s), a*a*e.yy + step[i], exact*a*e.xy + g*withW}
	}
	return e
}

func TestOneStep(t *testing.T) {
	t.Run("E8.4 one step against the exact kernel, x = .7 at t = .3", func(t *testing.T) {
		dt := []float64{1e-2, 1e-3, 1e-4}
		var mean, variance []float64
		for _, h := range dt {
			m, v := laws(t, sde.Forward(vpf).Step, []float64{.7}, []float64{.3}, []float64{.3 + h})
			keep := math.Exp(-(integral(.3+h) - integral(.3)) / 2)
			mean, variance = append(mean, math.Abs(m[0]-.7*keep)), append(variance, math.Abs(v[0]+math.Expm1(integral(.3)-integral(.3+h))))
			check.T(t).Near("the law N(x + f dt, g²dt)", []float64{m[0], v[0]}, []float64{.7 - .5*beta(.3)*.7*h, beta(.3) * h}, 1e-12)
		}
		check.T(t).Order("mean", dt, mean, 2, .15)
		check.T(t).Order("variance", dt, variance, 2, .15)
	})
}

func TestBadInput(t *testing.T) {
	x, flow := [][]float64{{1}}, sde.Forward(vpf).ProbabilityFlow(gd.Score(vpf))
	brownian := sde.SDE{Drift: func(x, _ *Node) *Node { return ZerosLike(x) }, Diffusion: OnesLike}
	for want, build := range map[string]func(x *Node) *Node{
		"sde.SDE.Family: ℓ = -1":               func(x *Node) *Node { return brownian.Family(gd.Score(vpf), -1).Drift(x, x) },
		"sde.SDE.Family: ℓ = 1 of an equation": func(x *Node) *Node { return flow.Reverse(gd.Score(vpf)).Drift(x, x) },
		"sde.SDE.FokkerPlanck: direction 0":    func(x *Node) *Node { return brownian.FokkerPlanck(marginals(vpf, gd), x, x, 0) },
		"sde.SDE.KLRate: an equation without":  func(x *Node) *Node { return flow.KLRate(gd.Score(vpf), gd.Score(vpf), x, x) },
		"sde.SDE.Path: 1 times":                func(x *Node) *Node { return brownian.Path(nil, x, []float64{1})[0] },
		"sde.SDE.Path: times[2] = 0.2 after":   func(x *Node) *Node { return brownian.Path(nil, x, []float64{0, .5, .2})[0] },
		"sde.SDE.Path: times[1] = 0 after":     func(x *Node) *Node { return brownian.Path(nil, x, []float64{0, 0})[0] },
	} {
		if _, err := CallOnce(pureGo(t), build, x); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
