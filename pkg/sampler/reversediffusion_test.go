package sampler_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// coefficients returns those of x and of the score in a step from t to s without noise.
func coefficients(step func(score param.ScoreFn) sampler.Stepper, from, to float64) (ofX, ofScore float64) {
	out := check.Floats(check.Must(CallOnce(onHost, func(x, t, s *Node) *Node {
		stepper := step(func(x, _ *Node) *Node { return Const(x.Graph(), [][]float64{{0}, {1}}) })
		return stepper.Step(always{ZerosLike(x)}, stepper.Init(x), t, s).X
	}, [][]float64{{1}, {0}}, [][]float64{{from}}, [][]float64{{to}})))
	return out[0], out[1]
}

func TestReverseDiffusionStep(t *testing.T) {
	t.Run("E8.17 ancestral, reverse diffusion and Euler differ by O(β²)", func(t *testing.T) {
		var betas, reverseX, reverseS, eulerX []float64
		for _, beta := range []float64{1e-3, 5e-4, 2e-4, 1e-4} {
			p := process.Process{Schedule: process.NewDiscrete(.3, beta), TMax: 2}
			ancX, ancS := coefficients(func(score param.ScoreFn) sampler.Stepper {
				return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: param.Bind(p, param.Score, score)}, Last: sampler.LastDraw}
			}, 2, 1)
			revX, revS := coefficients(func(score param.ScoreFn) sampler.Stepper {
				return sampler.ReverseDiffusion{Process: p, Score: score, Last: sampler.LastDraw}
			}, 2, 1)
			eulX, eulS := coefficients(func(score param.ScoreFn) sampler.Stepper {
				forward := sde.SDE{
					Drift:     func(x, t *Node) *Node { return MulScalar(x, -beta/2) },
					Diffusion: func(t *Node) *Node { return MulScalar(OnesLike(t), math.Sqrt(beta)) },
				}
				return sampler.EulerMaruyama{SDE: forward.Reverse(score), Process: p, Last: sampler.LastDraw}
			}, 2, 1)
			check.T(t).Near("ancestral", []float64{ancX, ancS}, []float64{1 / math.Sqrt(1-beta), beta / math.Sqrt(1-beta)}, 1e-12)
			check.T(t).Near("reverse diffusion", []float64{revX, revS}, []float64{2 - math.Sqrt(1-beta), beta}, 1e-12)
			check.T(t).Near("Euler", []float64{eulX, eulS}, []float64{1 + beta/2, beta}, 1e-12)
			check.T(t).Near("gap over β²/4, β²/2 and 3β²/8", []float64{
				(ancX - revX) / (beta * beta / 4), (ancS - revS) / (beta * beta / 2), (ancX - eulX) / (3 * beta * beta / 8),
			}, 1., .005)
			betas = append(betas, beta)
			reverseX, reverseS, eulerX = append(reverseX, ancX-revX), append(reverseS, ancS-revS), append(eulerX, ancX-eulX)
		}
		check.T(t).Order("of x", betas, reverseX, 2, .01)
		check.T(t).Order("of the score", betas, reverseS, 2, .01)
		check.T(t).Order("of x, Euler", betas, eulerX, 2, .01)
	})
}

// The chain of GD under D4 by Song's equation 46 in plain Go, with the three ends.
func TestReverseDiffusionChain(t *testing.T) {
	bar := []float64{1, .9, .72, .504, .3024}
	for last, share := range map[sampler.Last]float64{sampler.LastDraw: 1, sampler.LastMean: 0} {
		mean, variance := 0., 1.
		for i := 4; i > 0; i-- {
			beta, total := 1-bar[i]/bar[i-1], bar[i]*.5+1-bar[i]
			slope := 2 - math.Sqrt(1-beta) - beta/total
			mean, variance = slope*mean+beta/total*math.Sqrt(bar[i]), slope*slope*variance
			if i > 1 {
				variance += beta
			}
		}
		variance += share * .1
		for name, b := range backends(t) {
			step := sampler.ReverseDiffusion{Process: d4, Score: gd.Score(d4), Last: last}
			m, v := moments(t, b, step, d4.Grid(4), 0, 1)
			check.T(t).Near(fmt.Sprintf("%s, last %d", name, last), []float64{m, v}, []float64{mean, variance}, a64)
		}
	}
	step := sampler.ReverseDiffusion{Process: vp, Score: gd.Score(vp), Last: sampler.LastX0}
	got := sample(t, sampler.Of(onHost, step), column([]float64{.4}), []float64{.3, vp.TMin}, 1)
	m, v := marginal(t, vp, .3)
	check.T(t).Near("LastX0 is Tweedie's x̂₀", got, 1+m*.5/v*(.4-m), a64)
}

// Under VP and VE the ends of the moments tend to those of the reverse SDE, at order 1.
func TestReverseDiffusionOrder(t *testing.T) {
	exact, exactV := limit(1, 0, 1)
	var h, mean, variance []float64
	for _, n := range []int{250, 500, 1000} {
		p := vpFrom(0)
		end := carried(t, onHost, sampler.ReverseDiffusion{Process: p, Score: gd.Score(p), Last: sampler.LastDraw}, p.Grid(n), 0, 1)
		h, mean, variance = append(h, 1/float64(n)), append(mean, math.Abs(end[0]-exact)), append(variance, math.Abs(end[1]-exactV))
	}
	check.T(t).Order("mean", h, mean, 1, .1)
	check.T(t).Order("variance", h, variance, 1, .1)
}

// SMLD's ancestral step is Ancestral over noise levels.
func TestSMLDAncestral(t *testing.T) {
	data := centredNormal(.5)
	step := sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: noiseLevels, Denoise: data.Denoiser(noiseLevels)}, Last: sampler.LastDraw}
	for n, golden := range map[int]float64{100: .4592643, 1000: .4956630, 10000: .4994745} {
		t.Run(fmt.Sprintf("E8.18 N = %d", n), func(t *testing.T) {
			times := append(geometric(50, .01, n), 0)
			want := times[0] * times[0]
			for i, sigma := range times[:n] {
				drop := sigma*sigma - times[i+1]*times[i+1]
				slope := 1 - drop/(.5+sigma*sigma)
				want = slope*slope*want + times[i+1]*times[i+1]*drop/(sigma*sigma)
			}
			check.T(t).Near("by the formula in plain Go", want, golden, 4e-8)
			check.T(t).Near("final mean and variance", carried(t, onHost, step, times, 0, times[0]*times[0]), []float64{0, want}, a64)
		})
	}
	t.Run("E8.18 x + (σ_i²−σ_{i−1}²)s + √(σ_{i−1}²(σ_i²−σ_{i−1}²)/σ_i²) z", func(t *testing.T) {
		ofX, ofScore := coefficients(func(score param.ScoreFn) sampler.Stepper {
			return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: noiseLevels, Denoise: param.Bind(noiseLevels, param.Score, score)}, Last: sampler.LastDraw}
		}, 3, 2)
		check.T(t).Near("coefficients", []float64{ofX, ofScore}, []float64{1, 5}, 1e-12)
		check.T(t).Near("mean and variance", carried(t, onHost, step, []float64{3, 2}, 0, 0), []float64{0, 4 * 5. / 9}, 1e-12)
	})
}
