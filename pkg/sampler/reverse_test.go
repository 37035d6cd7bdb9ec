package sampler_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// With the exact denoiser and the exact variance the law is that of x_s given x_t, from their joint normal law.
func TestReverseStepIsExact(t *testing.T) {
	const s, u, xt = .3, .8, -.4
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		t.Run(name, func(t *testing.T) {
			step := sampler.ReverseStep{Process: p, Denoise: gd.Denoiser(p), Std: exactStd(p)}
			out := backendtest.Call(t, func(xt, s, u *Node) (*Node, *Node) {
				law := step.Law(xt, s, u)
				return law.Mean, law.Variance()
			}, [][]float64{{xt}}, [][]float64{{s}}, [][]float64{{u}})
			alphaS, varS := marginal(t, p, s) // the data have mean 1
			alphaT, varT := marginal(t, p, u)
			cov := alphaT / alphaS * varS
			check.T(t).Near("E[x_s|x_t]", out[0], alphaS+cov/varT*(xt-alphaT), a64)
			check.T(t).Near("Var(x_s|x_t)", check.Floats(out[1])[0]/(varS-cov*cov/varT), 1, 1e-8)
		})
	}
}

// The three variances on one step of D4, from 3 to 1, by DDPM's formulas for a step of two indices.
func TestReverseStepVariances(t *testing.T) {
	const bar1, bar3 = .9, .504
	beta := 1 - bar3/bar1
	share := math.Sqrt(bar1) * beta / (1 - bar3) // of x₀ in the posterior's mean
	posterior := beta * (1 - bar1) / (1 - bar3)
	varX0 := .5 * (1 - bar3) / (bar3*.5 + 1 - bar3)
	for name, c := range map[string]struct {
		std  sampler.ReverseStd
		want float64
	}{
		"none given":    {nil, posterior},
		"PosteriorStd":  {sampler.PosteriorStd, posterior},
		"TransitionStd": {sampler.TransitionStd, beta},
		"ExactStd":      {exactStd(d4), posterior + share*share*varX0},
	} {
		t.Run(name, func(t *testing.T) {
			step := sampler.ReverseStep{Process: d4, Denoise: gd.Denoiser(d4), Std: c.std}
			got := backendtest.Floats(t, func(x, s, u *Node) *Node { return step.Law(x, s, u).Variance() },
				[][]float64{{.7}}, [][]float64{{1}}, [][]float64{{3}})
			check.T(t).Near("variance", got, []float64{c.want}, a64)
		})
	}
}
