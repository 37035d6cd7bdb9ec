package sampler_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

func ddim(p process.Process, eta float64, last sampler.Last) sampler.DDIM {
	return sampler.DDIM{Process: p, Denoise: gd.Denoiser(p), Eta: eta, Last: last}
}

// For Gaussian data the probability-flow ODE carries x_t to α_s m + √(V_s/V_t)(x_t − α_t m). DDIM with η = 0 tends to it at
// order 1, from any x_T: here 0 and 1.
func TestDDIMOrder(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "SubVP": sub} {
		t.Run(name, func(t *testing.T) {
			fromM, fromV := marginal(t, p, p.TMax)
			toM, toV := marginal(t, p, p.TMin)
			run := sampler.Of(onHost, ddim(p, 0, sampler.LastMean))
			x := tensors.FromValue([][]float64{{0}, {1}})
			var h []float64
			errs := make([][]float64, 2)
			for _, n := range []int{50, 100, 200, 400} {
				h = append(h, 1/float64(n))
				for row, got := range check.Floats(sample(t, run, x, p.Grid(n), 1)) {
					want := toM + math.Sqrt(toV/fromV)*(float64(row)-fromM)
					errs[row] = append(errs[row], math.Abs(got-want))
				}
			}
			check.T(t).Order("from x_T = 0", h, errs[0], 1, .1)
			check.T(t).Order("from x_T = 1", h, errs[1], 1, .1)
		})
	}
}

// η = 1 is the ancestral step with the posterior's variance: the same numbers from the same seed, whatever ends the chain.
func TestDDIMIsAncestral(t *testing.T) {
	for _, p := range []process.Process{d4, ve} {
		for _, last := range []sampler.Last{sampler.LastMean, sampler.LastDraw, sampler.LastX0} {
			times, x := p.Grid(4), prior(5)
			got := sample(t, sampler.Of(onHost, ddim(p, 1, last)), x, times, 3)
			want := sample(t, sampler.Of(onHost, exact(p, nil, last)), x, times, 3)
			check.T(t).Near("x₀", got, want, a64)
		}
	}
}

// η scales the noise of each step, and η = 0 draws none: the seed is without effect.
func TestEta(t *testing.T) {
	times := []float64{4, 2, 0}
	got, sum := moments(t, onHost, ddim(d4, 0, sampler.LastDraw), times, 0, 0)
	check.T(t).Near("variance from a fixed x_T", sum, 0, 0)
	check.T(t).Near("mean", got, check.Floats(sample(t, sampler.Of(onHost, ddim(d4, 0, sampler.LastDraw)),
		tensors.FromValue([][]float64{{0}}), times, 9)), 1e-12)
	// One step from 4 to 2 with η = .5 adds .25 σ_2² c, c = 1 − SNR(4)/SNR(2).
	_, v := moments(t, onHost, ddim(d4, .5, sampler.LastDraw), []float64{4, 2}, 0, 0)
	snr4, snr2 := .3024/.6976, .72/.28
	check.T(t).Near("variance of one step", v, .25*.28*(1-snr4/snr2), 1e-12)
}

// The three ends of a chain in continuous time, where σ(TMin) > 0.
func TestLast(t *testing.T) {
	coarse := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: .1, TMax: 1}
	times := []float64{1, .6, .1}
	points := path(t, sampler.Of(onHost, exact(coarse, nil, sampler.LastX0)), prior(4), times, 6)
	x0 := backendtest.Call(t, func(x, u *Node) *Node { return gd.Denoiser(coarse)(x, u) }, points[1], [][]float64{{.6}})
	check.T(t).Near("LastX0 is x̂₀ at the last but one", points[2], x0[0], a64)
	for last, share := range map[sampler.Last]float64{sampler.LastMean: 0, sampler.LastX0: 0, sampler.LastDraw: 1} {
		// A start without variance at .6: all variance at .1 is that of the last step, σ_s² c.
		_, v := moments(t, onHost, exact(coarse, nil, last), []float64{.6, .1}, 0, 0)
		snr := func(at float64) (snr, sigma2 float64) {
			b := .1*at + .5*19.9*at*at
			return math.Exp(-b) / -math.Expm1(-b), -math.Expm1(-b)
		}
		late, _ := snr(.6)
		early, sigma2 := snr(.1)
		check.T(t).Near("variance of the last step", v, share*sigma2*(1-late/early), 1e-12)
	}
}
