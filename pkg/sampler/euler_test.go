package sampler_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// vpFrom is VPf with the given end.
func vpFrom(tMin float64) process.Process {
	return process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: tMin, TMax: 1}
}

// family is Euler–Maruyama for gd under p with the ℓ of sde.SDE.Family, noise also in the last step.
func family(p process.Process, l float64) sampler.EulerMaruyama {
	return sampler.EulerMaruyama{SDE: sde.Forward(p).Family(gd.Score(p), l), Process: p, Last: sampler.LastDraw}
}

// What is left of N(1, .5) at t = 1 of VPf: α₁ = e^(−B/2), and V₁ = ½ᾱ + 1 − ᾱ.
var (
	alpha1 = math.Exp(-(.1 + 19.9/2) / 2)
	total1 = 1 - .5*alpha1*alpha1
)

// limit is where the mean and variance of the exact solution of the ℓ-family end that starts at N(m, v): the distance to the
// marginal's mean shrinks by (v₀/V₁)^((1+ℓ²)/2) e^(−ℓ²B/2), the distance to its variance by the square of that.
func limit(l, m, v float64) (mean, variance float64) {
	shrink := math.Pow(.5/total1, (1+l*l)/2) * math.Pow(alpha1, l*l)
	return 1 + shrink*(m-alpha1), .5 + shrink*shrink*(v-total1)
}

func TestEulerReverse(t *testing.T) {
	golden := map[int][]float64{100: {1.00661, .50737}, 1000: {1.00064, .50072}, 10000: {1.00004, .50007}}
	for tMin, ns := range map[float64][]int{0: {100, 1000, 10000}, 1e-5: {100, 1000}} {
		for _, n := range ns {
			t.Run(fmt.Sprintf("E8.9 moments of the reverse SDE from N(0, 1), N = %d, TMin = %g", n, tMin), func(t *testing.T) {
				t.Parallel()
				p := vpFrom(tMin)
				check.T(t).Near("mean and variance", carried(t, onHost, family(p, 1), p.Grid(n), 0, 1), golden[n], 4e-6)
			})
		}
	}
}

// The moments are also those of the equation made by Reverse, impulse by impulse.
func TestEulerImpulses(t *testing.T) {
	for name, b := range backends(t) {
		t.Run("E8.9 "+name, func(t *testing.T) {
			p := vpFrom(0)
			equation := sampler.EulerMaruyama{SDE: sde.Forward(p).Reverse(gd.Score(p)), Process: p, Last: sampler.LastDraw}
			m, v := moments(t, b, equation, p.Grid(100), 0, 1)
			check.T(t).Near("mean and variance", []float64{m, v}, []float64{1.00661, .50737}, 4e-6)
		})
	}
}

func TestEulerFlow(t *testing.T) {
	t.Run("E8.20 the flow's end from N(0, 1), and from the true marginal", func(t *testing.T) {
		mean, variance := limit(0, 0, 1)
		check.T(t).Near("exact limits", []float64{mean, variance}, []float64{.9953531365, .5000107967}, printed)
		for tMin, want := range map[float64]float64{0: .9953741463, 1e-5: .9953736382} {
			p := vpFrom(tMin)
			end := carried(t, onHost, family(p, 0), p.Grid(10000), 0, 1, alpha1, total1)
			check.T(t).Near(fmt.Sprintf("mean at N = 10000, TMin = %g", tMin), end[0], want, printed)
			check.T(t).Near("variance near its limit", end[1], variance, 5e-5)
			check.T(t).Near("no bias from the marginal", end[2], 1, 3e-5)
		}
	})
	t.Run("E8.20 without noise the seed is without effect", func(t *testing.T) {
		run := sampler.Of(onHost, family(vp, 0))
		check.T(t).Near("x", sample(t, run, prior(3), vp.Grid(20), 1), sample(t, run, prior(3), vp.Grid(20), 2), 0)
	})
}

// Every ℓ has the moments of the exact solution in the limit, and reaches them at order 1: E8.9 is ℓ = 1.
func TestEulerFamily(t *testing.T) {
	for l, want := range map[float64]float64{0: .9953531365, .5: .9987867511, 1: .9999784067} {
		t.Run(fmt.Sprintf("E8.21 ℓ = %g", l), func(t *testing.T) {
			mean, variance := limit(l, 0, 1)
			check.T(t).Near("limit of the mean from N(0, 1)", mean, want, printed)
			limits := []float64{mean, variance, 1, .5} // from N(0, 1), and from the true marginal
			errors := make([][]float64, len(limits))
			var h []float64
			for _, n := range []int{500, 1000, 2000} {
				p := vpFrom(0)
				end := carried(t, onHost, family(p, l), p.Grid(n), 0, 1, alpha1, total1)
				h = append(h, 1/float64(n))
				for i, want := range limits {
					errors[i] = append(errors[i], math.Abs(end[i]-want))
				}
			}
			for i, of := range []string{"mean from N(0, 1)", "variance from N(0, 1)", "mean from the marginal", "variance from the marginal"} {
				check.T(t).Order(map[bool]string{true: "E8.9 "}[l == 1]+of, h, errors[i], 1, .05)
			}
		})
	}
}

// The last step to TMin draws noise only when it is asked to.
func TestEulerLast(t *testing.T) {
	for last, share := range map[sampler.Last]float64{sampler.LastMean: 0, sampler.LastDraw: 1} {
		step := sampler.EulerMaruyama{SDE: sde.SDE{
			Drift:     func(x, _ *Node) *Node { return MulScalar(x, 2) },
			Diffusion: func(t *Node) *Node { return MulScalar(t, 3) },
		}, Process: vp, Last: last}
		check.T(t).Near("between", carried(t, onHost, step, []float64{.6, .4}, 1, 0), []float64{1 - .2*2, 1.8 * 1.8 * .2}, 1e-12)
		dt := .4 - vp.TMin
		check.T(t).Near("last", carried(t, onHost, step, []float64{.4, vp.TMin}, 1, 0), []float64{1 - dt*2, share * 1.2 * 1.2 * dt}, 1e-12)
	}
}
