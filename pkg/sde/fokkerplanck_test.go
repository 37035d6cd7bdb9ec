package sde_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// density is the mixture's p_t under VP by hand.
func density(x, t float64) float64 {
	sum := 0.0
	for k, w := range []float64{.3, .7} {
		m, v := alpha(t)*[]float64{-2, 1}[k], alpha(t)*alpha(t)*[]float64{.25, .16}[k]+sigma2(t)
		sum += w * math.Exp(-(x-m)*(x-m)/(2*v)) / math.Sqrt(2*math.Pi*v)
	}
	return sum
}

// residual is FokkerPlanck times p on xs and ts, all pairs.
func residual(t *testing.T, s sde.SDE, p sde.LogDensity, towards sde.Direction, xs, ts []float64) []float64 {
	t.Helper()
	var x, at []float64
	for _, u := range ts {
		for _, v := range xs {
			x, at = append(x, v), append(at, u)
		}
	}
	return each(t, func(x, t *Node) *Node { return Mul(Exp(p(x, t)), s.FokkerPlanck(p, x, t, towards)) }, x, at...)
}

func TestFokkerPlanck(t *testing.T) {
	xs, ts := floats.Span(make([]float64, 61), -4.5, 4.5), []float64{.05, .2, .5, .9}
	t.Run("E8.10 by differences, the mixture under VP", func(t *testing.T) {
		var res []float64
		for _, u := range ts {
			for _, x := range xs {
				rate := check.Derivative(func(u float64) float64 { return density(x, u) }, u)
				flow := check.Derivative(func(x float64) float64 { return -.5 * beta(u) * x * density(x, u) }, x)
				spread := check.Derivative(func(x float64) float64 {
					return check.Derivative(func(x float64) float64 { return density(x, u) }, x)
				}, x)
				res = append(res, rate+flow-.5*beta(u)*spread)
			}
		}
		check.T(t).Near("residual", res, 0, 1e-5)
	})
	for name, p := range map[string]process.Process{"VP": vpf, "sub-VP": subVPf, "VE": vef} {
		marginal, forward := marginals(p, gm), sde.Forward(p)
		t.Run("E8.10 by analytic derivatives, "+name, func(t *testing.T) {
			check.T(t).Near("forward", residual(t, forward, marginal, sde.Growing, xs, ts), 0, a64)
			check.T(t).Near("reverse", residual(t, forward.Reverse(gm.Score(p)), marginal, sde.Falling, xs, ts), 0, a64)
			check.T(t).Near("half way between reverse and flow", residual(t, forward.Family(gm.Score(p), .5), marginal, sde.Falling, xs, ts), 0, a64)
			flow := forward.ProbabilityFlow(gm.Score(p))
			check.T(t).Near("probability flow", residual(t, flow, marginal, sde.Falling, xs, ts), 0, a64)
			check.T(t).Near("probability flow, onwards", residual(t, flow, marginal, sde.Growing, xs, ts), 0, a64)
			check.T(t).Differ("not the forward one backwards", residual(t, forward, marginal, sde.Falling, xs, ts), 0, .1)
			check.T(t).Differ("nor other data's score", residual(t, forward.Reverse(gd.Score(p)), marginal, sde.Falling, xs, ts), 0, .1)
		})
	}
}

// TestFokkerPlanckInTails has x where p is below the least float64, and the plane, with one time for all rows and for each.
func TestFokkerPlanckInTails(t *testing.T) {
	res := func(x, t *Node) *Node {
		return sde.Forward(vpf).FokkerPlanck(marginals(vpf, gm), x, t, sde.Growing)
	}
	far := each(t, res, []float64{-60, 60}, .5)
	check.T(t).Near("relative to p, where log p is near −1800 and its terms near 4e4", far, 0, 1e-8)
	plane := func(x, t *Node) *Node {
		return sde.Forward(vpf).Reverse(humps.Score(vpf)).FokkerPlanck(marginals(vpf, humps), x, t, sde.Falling)
	}
	xs := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	check.T(t).Near("in the plane, a time for each", floatsOf(t, plane, xs, column(.1, .4, .8)), 0, 1e-8)
	check.T(t).Near("in the plane, one time", floatsOf(t, plane, xs, column(.3)), 0, 1e-8)
}

// TestLangevinIsStationary: dx = c∇log π dt + √(2c) dw keeps π, and not a law with another variance.
func TestLangevinIsStationary(t *testing.T) {
	const c = .7
	pi := func(x, _ *Node) *Node { return humps.Law(x.Graph(), x.DType()).LogProb(x) }
	langevin := sde.SDE{
		Drift:     func(x, t *Node) *Node { return MulScalar(sde.LogDensity(pi).Score(x, t), c) },
		Diffusion: func(t *Node) *Node { return MulScalar(OnesLike(t), math.Sqrt(2*c)) },
	}
	at := func(p sde.LogDensity) []float64 {
		return floatsOf(t, func(x, t *Node) *Node { return langevin.FokkerPlanck(p, x, t, sde.Growing) },
			[][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}, column(.3))
	}
	check.T(t).Near("π", at(pi), 0, a64)
	check.T(t).Differ("another law", at(func(x, t *Node) *Node { return MulScalar(pi(x, t), 1.1) }), 0, .1)
}
