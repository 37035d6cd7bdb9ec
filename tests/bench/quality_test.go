package bench

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// The mixture of notebook 12, and its process.
var (
	mixture = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	vp      = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
)

// contestant is a sampler of the mixture, with the times of so many calls of its score.
type contestant struct {
	name  string
	step  sampler.Stepper
	drawn bool // it draws noise on the way
	times func(calls int) []float64
}

func contestants(b *testing.B) []contestant {
	score, denoise := mixture.Score(vp), mixture.Denoiser(vp)
	grid := func(times []float64, err error) []float64 {
		if err != nil {
			b.Fatal(err)
		}
		return times
	}
	onHost := backend.MustOpen(backend.PureGo)
	even := vp.Grid
	logSNR := func(calls int) []float64 { return grid(sampler.LogSNRGrid(onHost, vp, calls)) }
	pairs := func(times func(int) []float64) func(int) []float64 {
		return func(calls int) []float64 { return times(max(1, calls/2)) }
	}
	flow := sde.Forward(vp).ProbabilityFlow(score)
	cubes := func(calls int) []float64 { return sampler.PowerGrid(vp, calls, 3) }
	karras := func(calls int) []float64 { return grid(sampler.KarrasGrid(onHost, vp, calls, 7)) }
	ancestral := sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp, Denoise: denoise}, Last: sampler.LastDraw}
	return []contestant{
		{"ancestral", ancestral, true, even},
		{"ancestral-cubes", ancestral, true, cubes},
		{"reverse-SDE-Euler", sampler.EulerMaruyama{SDE: sde.Forward(vp).Reverse(score), Process: vp, Last: sampler.LastDraw}, true, even},
		{"EDM-churn", sampler.EDM{Process: vp, Denoise: denoise, Churn: .2}, true, pairs(karras)},
		{"DDIM", sampler.DDIM{Process: vp, Denoise: denoise}, false, logSNR},
		{"flow-Euler", sampler.EulerMaruyama{SDE: flow, Process: vp}, false, even},
		{"flow-Heun", sampler.Heun{SDE: flow, Process: vp}, false, pairs(cubes)},
		{"EDM", sampler.EDM{Process: vp, Denoise: denoise}, false, pairs(karras)},
		{"DPM", sampler.DPMSolver{Process: vp, Denoise: denoise}, false, cubes},
	}
}

// quantiles returns n rows at the middles of n equal shares of the law of x_t.
func quantiles(n int, t float64) []float64 {
	out := graph.MustExecOnceN(backend.MustOpen(backend.PureGo), func(u *graph.Node) []*graph.Node {
		return []*graph.Node{vp.Alpha(u), vp.Sigma(u)}
	}, t)
	alpha, sigma := check.Floats(out[0])[0], check.Floats(out[1])[0]
	cdf := func(x float64) (sum float64) {
		for k, w := range mixture.Weights {
			sum += w * distuv.Normal{Mu: alpha * mixture.Means[k][0], Sigma: math.Sqrt(alpha*alpha*mixture.Vars[k][0] + sigma*sigma)}.CDF(x)
		}
		return sum
	}
	q := make([]float64, n)
	for i := range q {
		low, high := -10., 10.
		for range 50 {
			middle := (low + high) / 2
			if cdf(middle) < (float64(i)+.5)/float64(n) {
				low = middle
			} else {
				high = middle
			}
		}
		q[i] = low
	}
	return q
}

// BenchmarkQuality measures, for each sampler and number of calls of the exact score, Wasserstein's distance W1 between its points and
// the mixture, and the seconds of a run. All start from the exact law at TMax: 100,000 points where noise is drawn, else 4,000 quantiles.
func BenchmarkQuality(b *testing.B) {
	for _, c := range contestants(b) {
		b.Run(c.name, func(b *testing.B) {
			n := 4000
			if c.drawn {
				n = 100_000
			}
			start, want := quantiles(n, vp.TMax), quantiles(n, vp.TMin)
			run := sampler.Of(backendtest.Open(b), c.step)
			defer run.Finalize()
			x := tensors.FromFlatDataAndDimensions(start, n, 1)
			seconds(b, run, x, c.times(10)) // compiles
			for _, calls := range []int{5, 10, 20, 50, 100, 200, 500} {
				var least []float64
				var w1 float64
				for range b.N {
					began := time.Now()
					out, err := run.Sample(x, c.times(calls), 1)
					if err != nil {
						b.Fatal(err)
					}
					least = append(least, time.Since(began).Seconds())
					w1 = metric.Wasserstein1(check.Floats(out), want)
					out.MustFinalizeAll()
				}
				b.ReportMetric(w1, fmt.Sprintf("W1-%d", calls))
				b.ReportMetric(slices.Min(least), fmt.Sprintf("s-%d", calls))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
