package sampler_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// law is an exact law in one dimension: a mixture of normals, which variances of 0 make a finite set of points.
type law struct {
	data                 oracle.Data
	weights, means, vars []float64
}

// The exact laws.
var laws = map[string]law{
	"Gaussian":    {gd, []float64{1}, []float64{1}, []float64{.5}},
	"mixture":     {gm, []float64{.3, .7}, []float64{-2, 1}, []float64{.25, .16}},
	"finite data": {oracle.Points{{-1}, {.5}, {2}}, []float64{1. / 3, 1. / 3, 1. / 3}, []float64{-1, .5, 2}, []float64{0, 0, 0}},
}

// at returns the normals of the law of x_t.
func (l law) at(alpha, sigma float64) []distuv.Normal {
	out := make([]distuv.Normal, len(l.means))
	for k, m := range l.means {
		out[k] = distuv.Normal{Mu: alpha * m, Sigma: math.Sqrt(alpha*alpha*l.vars[k] + sigma*sigma)}
	}
	return out
}

// cdf returns P(x_t ≤ x).
func (l law) cdf(alpha, sigma float64) func(x float64) float64 {
	normals := l.at(alpha, sigma)
	return func(x float64) (sum float64) {
		for k, w := range l.weights {
			sum += w * normals[k].CDF(x)
		}
		return sum
	}
}

// draw returns n rows of x_t.
func (l law) draw(n int, alpha, sigma float64) *tensors.Tensor {
	x := check.Floats(sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 1, 11))
	normals := l.at(alpha, sigma)
	for i := range x {
		u, k := (float64(i)+.5)/float64(n), 0 // each component gets its share of the rows
		for u > l.weights[k] && k < len(l.weights)-1 {
			u -= l.weights[k]
			k++
		}
		x[i] = normals[k].Mu + normals[k].Sigma*x[i]
	}
	return tensors.FromFlatDataAndDimensions(x, n, 1)
}

// quantiles returns x_t at the middles of n equal shares of its law. A flow keeps their order, and so carries them to the same shares
// of the law where it ends: nothing is random.
func (l law) quantiles(n int, alpha, sigma float64) *tensors.Tensor {
	cdf, far := l.cdf(alpha, sigma), 3*alpha+8*sigma
	x := make([]float64, n)
	for i := range x {
		share := (float64(i) + .5) / float64(n)
		x[i] = root(func(x float64) float64 { return cdf(x) - share }, -far, far)
	}
	return tensors.FromFlatDataAndDimensions(x, n, 1)
}

// apart returns the largest distance of the distribution function of x to cdf.
func apart(x []float64, cdf func(x float64) float64) (d float64) {
	slices.Sort(x)
	n := float64(len(x))
	for i, v := range x {
		d = math.Max(d, math.Max(cdf(v)-float64(i)/n, float64(i+1)/n-cdf(v)))
	}
	return d
}

// kind says how the moments of a sampler on Gaussian data are found.
type kind int

const (
	linear kind = iota // it is affine in x and in one draw a step: exactly, by impulses
	smooth             // it is affine in x and draws nothing: exactly, by two rows
	drawn              // by Monte Carlo
)

// conforming is a sampler in the table. within is how far the exact mean and variance of Gaussian data may be off. make returns nil
// for a process that the sampler is not made for.
type conforming struct {
	kind   kind
	within float64
	make   func(t *testing.T, p process.Process, data oracle.Data) (sampler.Stepper, []float64)
}

const conformingSteps = 150

// conformingSamplers is every sampler with what it is exact to.
var conformingSamplers = map[string]conforming{
	"Ancestral": {linear, a64, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		step := sampler.ReverseStep{Process: p, Denoise: d.Denoiser(p), Std: sampler.ExactStd(d.PosteriorVar(p))}
		return sampler.Ancestral{ReverseStep: step, Last: sampler.LastDraw}, p.Grid(conformingSteps)
	}},
	"DDIM, η = 0": {smooth, .02, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return sampler.DDIM{Process: p, Denoise: d.Denoiser(p)}, logSNRGrid(t, p, conformingSteps)
	}},
	"DDIM, η = 1": {linear, .02, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		// its variance is too small at every step, so that it needs more of them
		return sampler.DDIM{Process: p, Denoise: d.Denoiser(p), Eta: 1, Last: sampler.LastDraw}, logSNRGrid(t, p, 4*conformingSteps)
	}},
	"Euler-Maruyama, reverse SDE": {linear, .02, eulerFamily(1, conformingSteps)},
	"Euler-Maruyama, λ = 0.5":     {linear, .02, eulerFamily(.5, conformingSteps)},
	"Euler, probability flow":     {smooth, .02, eulerFamily(0, 4*conformingSteps)},
	"reverse diffusion": {linear, .02, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return sampler.ReverseDiffusion{Process: p, Score: d.Score(p), Last: sampler.LastDraw}, logSNRGrid(t, p, conformingSteps)
	}},
	"predictor-corrector": {drawn, 0, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		predictor := sampler.ReverseDiffusion{Process: p, Score: d.Score(p), Last: sampler.LastDraw}
		return sampler.PredictorCorrector{Predictor: predictor, Process: p, Score: d.Score(p), SNR: .1, Corrections: 1}, logSNRGrid(t, p, conformingSteps)
	}},
	"Heun": {smooth, 1e-3, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return heun(p, d), logSNRGrid(t, p, conformingSteps)
	}},
	"RK45": {smooth, 1e-5, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return sampler.RK45{SDE: flowOf(p, d), From: p.TMax, To: p.TMin, Rel: 1e-6, Abs: 1e-6}, sampler.Count(2000)
	}},
	"DPM-Solver++(2M)": {smooth, 1e-3, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return dpm(p, d), logSNRGrid(t, p, conformingSteps)
	}},
	"EDM": {smooth, 1e-3, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return edm(p, d, 0), karras(t, p, conformingSteps)
	}},
	"EDM with churn": {linear, 1e-2, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return edm(p, d, 30./conformingSteps), karras(t, p, conformingSteps)
	}},
	"annealed Langevin": {linear, .05, func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		if _, explodes := p.Schedule.(process.VE); !explodes {
			return nil, nil // its levels are laws around one and the same set of data, α = 1
		}
		_, low := alphaSigma(t, p, p.TMin)
		return sampler.Annealed{Process: p, Score: d.Score(p), Eps: .2 * low * low, SigmaMin: low}, sampler.Repeat(logSNRGrid(t, p, 20), 60)
	}},
}

// eulerFamily is Euler-Maruyama on the λ-family.
func eulerFamily(lambda float64, steps int) func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
	return func(t *testing.T, p process.Process, d oracle.Data) (sampler.Stepper, []float64) {
		return sampler.EulerMaruyama{SDE: sde.Forward(p).Family(d.Score(p), lambda), Process: p, Last: sampler.LastDraw}, logSNRGrid(t, p, steps)
	}
}

// conformingProcesses end where σ is a tenth or more, so that a finite data set has a width for the steps to resolve.
var conformingProcesses = map[string]process.Process{
	"VP":    {Schedule: vp.Schedule, TMin: .05, TMax: 1},
	"VE":    {Schedule: ve.Schedule, TMin: .3, TMax: 1},
	"SubVP": {Schedule: sub.Schedule, TMin: .1, TMax: 1},
}

// Every sampler carries the law at TMax to the law at TMin, of every exact law under every process. For Gaussian data mean and
// variance are held; for the others the distribution function: of 500 quantiles, where nothing is drawn, within .01, and of 4,000 draws
// elsewhere, by Kolmogorov and Smirnov at a false-alarm rate of 1e-6: D ≤ 0.043.
func TestConformance(t *testing.T) {
	const rows, shares = 4000, 500
	for name, c := range conformingSamplers {
		for schedule, p := range conformingProcesses {
			a1, s1 := alphaSigma(t, p, p.TMax)
			a0, s0 := alphaSigma(t, p, p.TMin)
			for of, l := range laws {
				t.Run(name+"/"+schedule+"/"+of, func(t *testing.T) {
					t.Parallel()
					step, times := c.make(t, p, l.data)
					if step == nil {
						return // not made for this process
					}
					if of == "Gaussian" && c.kind != drawn {
						mean, variance := propagate(t, c.kind, step, times, a1, a1*a1*.5+s1*s1)
						check.T(t).Near("mean", mean, a0, c.within)
						check.T(t).Near("variance", variance, a0*a0*.5+s0*s0, c.within)
						return
					}
					run := sampler.Of(onHost, step)
					defer run.Finalize()
					if c.kind == smooth {
						x := check.Floats(sample(t, run, l.quantiles(shares, a1, s1), times, 5))
						check.T(t).Less("law at TMin, distance of distribution functions", apart(x, l.cdf(a0, s0)), .01)
						return
					}
					x := check.Floats(sample(t, run, l.draw(rows, a1, s1), times, 5))
					check.T(t).KS("law at TMin", x, l.cdf(a0, s0), 1e-6)
				})
			}
		}
	}
}

// propagate returns the exact mean and variance after the steps from a law of mean m and variance v.
func propagate(t *testing.T, k kind, step sampler.Stepper, times []float64, m, v float64) (mean, variance float64) {
	t.Helper()
	if k == linear {
		return moments(t, onHost, step, times, m, v)
	}
	run := sampler.Of(onHost, step)
	defer run.Finalize()
	ends := check.Floats(sample(t, run, tensors.FromValue([][]float64{{0}, {1}}), times, 1))
	slope := ends[1] - ends[0]
	return ends[0] + slope*m, slope * slope * v
}
