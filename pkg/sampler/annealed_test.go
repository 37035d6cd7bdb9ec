package sampler_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// geometric returns n levels from first to last with one ratio.
func geometric(first, last float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = first * math.Pow(last/first, float64(i)/float64(n-1))
	}
	return all
}

func TestRepeat(t *testing.T) {
	check.T(t).Near("two levels, three times", sampler.Repeat([]float64{4, 2}, 3), []float64{4, 4, 4, 2, 2, 2, 0}, 0)
	for want, c := range map[string]struct {
		levels []float64
		k      int
	}{
		"2 levels, 0 times each, expected at least one of each": {[]float64{2, 1}, 0},
		"0 levels, 5 times each":                                {nil, 5},
		"level 1 of [2 2] is 2, expected positive levels that":  {[]float64{2, 2}, 1},
		"level 2 of [3 2 0] is 0, expected positive levels":     {[]float64{3, 2, 0}, 1},
		"level 0 of [NaN] is NaN, expected positive":            {[]float64{math.NaN()}, 1},
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "sampler.Repeat: ") || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
			}()
			sampler.Repeat(c.levels, c.k)
		}()
	}
}

// The moments for Gaussian data follow Song's algorithm in plain Go, for levels of EDM and times of VP.
func TestAnnealedMoments(t *testing.T) {
	const eps, sigmaMin = .03, .4
	for name, c := range map[string]struct {
		p     process.Process
		times []float64
	}{
		"EDM": {noiseLevels, sampler.Repeat(geometric(10, sigmaMin, 6), 15)},
		"VP":  {vp, []float64{.9, .9, .9, .5, .5, .5, .2, .2, .1, 0}},
	} {
		t.Run("E7.24 "+name, func(t *testing.T) {
			mean, variance := .5, 2.
			for _, at := range c.times[:len(c.times)-1] {
				alpha, total := marginal(t, c.p, at)
				sigma2 := total - alpha*alpha*.5
				step := eps * sigma2 / (sigmaMin * sigmaMin)
				slope := 1 - step/2/total
				mean, variance = slope*mean+step/2/total*alpha, slope*slope*variance+step
			}
			for name, b := range backends(t) {
				got := carried(t, b, annealed(c.p, gd, eps, sigmaMin), c.times, .5, 2)
				check.T(t).Near(name+": mean and variance", got, []float64{mean, variance}, a64)
			}
		})
	}
}

// At one level the variance settles at 2V²/(2V−c) with Luo's c = Eps σ²/(2 SigmaMin²): order 1 in Eps.
func TestAnnealedOrder(t *testing.T) {
	const sigma, sigmaMin, total = 2., .5, 2*2 + .5
	var eps, bias []float64
	for _, e := range []float64{.04, .02, .01} {
		step := e * sigma * sigma / (2 * sigmaMin * sigmaMin)
		got := carried(t, onHost, annealed(noiseLevels, gd, e, sigmaMin), sampler.Repeat([]float64{sigma}, 1500), 0, 1)
		check.T(t).Near("variance", got, []float64{1, 2 * total * total / (2*total - step)}, a64)
		eps, bias = append(eps, e), append(bias, got[1]-total)
	}
	check.T(t).Order("variance at one level", eps, bias, 1, .05)
}

func annealed(p process.Process, data oracle.Data, eps, sigmaMin float64) sampler.Annealed {
	return sampler.Annealed{Process: p, Score: data.Score(p), Eps: eps, SigmaMin: sigmaMin}
}

// Levels from above the distance of the modes bring the weights back, if there are enough steps at each.
func TestAnnealedKeepsWeights(t *testing.T) {
	b, start := backendtest.Open(t), uniforms(10_000, -8, 8, 3)
	right := func(eps float64, levels, each int) float64 {
		run := sampler.Of(b, annealed(noiseLevels, farApart, eps, .3))
		defer run.Finalize()
		return check.Mean(above(check.Floats(sample(t, run, start, sampler.Repeat(geometric(20, .3, levels), each), 1)), 0))
	}
	t.Run("E7.24 20 levels of 200 steps: .777, not .51", func(t *testing.T) {
		got := right(2e-3, 20, 200)
		check.T(t).True("fraction on the right between .75 and .83", got > .75 && got < .83, fmt.Sprint(got))
	})
	t.Run("E7.24 10 levels of 100 smaller steps fail: .555", func(t *testing.T) {
		check.T(t).Near("fraction on the right", right(2e-4, 10, 100), .555, .03/1.555)
	})
}

// An Eps beyond 4 SigmaMin²/L ends the run, and the error names it: for data N(1, .5) at σ = 20 σ²L is 400/400.5.
func TestAnnealedDiverges(t *testing.T) {
	const sigmaMin = .5
	run := sampler.Of(onHost, annealed(noiseLevels, gd, 1.2, sigmaMin))
	want := fmt.Sprintf("sampler.Annealed: the chain diverged with Eps = 1.2, expected less than %.4g, ", 4*sigmaMin*sigmaMin/(400/400.5))
	if _, err := run.Sample(prior(2), sampler.Repeat([]float64{20, .5}, 300), 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	stable := sampler.Of(onHost, annealed(noiseLevels, gd, .9, sigmaMin))
	last, err := stable.SampleState(prior(300), sampler.Repeat([]float64{20, 3, .5}, 4), 1)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("L is the largest σ²/(v+σ²), and no difference between levels counts", last.Aux[0], 400/400.5, 1e-9)
}
