package sampler_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// corrected is reverse diffusion of data under p with a corrector.
func corrected(p process.Process, data oracle.Data, snr float64, corrections int) sampler.PredictorCorrector {
	predictor := sampler.ReverseDiffusion{Process: p, Score: data.Score(p), Last: sampler.LastDraw}
	return sampler.PredictorCorrector{Predictor: predictor, Process: p, Score: data.Score(p), SNR: snr, Corrections: corrections}
}

// A step is the predictor's, and then two Langevin steps whose size the means of the norms set, by Song's algorithms 4 and 5
// in plain Go, for two-dimensional x in a batch of two.
func TestCorrectorStep(t *testing.T) {
	const r, from, to = .3, .6, .5
	data := oracle.Gaussian{Mean: []float64{1, -2}, Var: []float64{.5, 3}}
	x := [][]float64{{.3, -1}, {2, .7}}
	z := [][][]float64{{{0, 0}, {0, 0}}, {{1.1, -.4}, {.2, .9}}, {{-.3, .8}, {-1.6, .1}}}
	norm := func(x []float64) float64 { return math.Hypot(x[0], x[1]) }
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve} {
		t.Run(name, func(t *testing.T) {
			c := corrected(p, data, r, 2)
			args := []any{[][]float64{{from}}, [][]float64{{to}}, x, z[0], z[1], z[2]}
			out := backendtest.Call(t, func(in []*Node) (predicted, corrected *Node) {
				t, s, x, z := in[0], in[1], in[2], in[3:]
				st := c.Predictor.Step(noise.Fixed(z[0]), c.Predictor.Init(x), t, s)
				return st.X, c.Step(noise.Fixed(z...), c.Init(x), t, s).X
			}, args...)
			moments := backendtest.Floats(t, func(u *Node) *Node { return Concatenate([]*Node{p.Alpha(u), p.Sigma(u)}, 0) }, [][]float64{{from}, {to}})
			kept, alpha, sigma2 := moments[0]/moments[1], moments[1], moments[3]*moments[3]
			at := check.Floats(out[0])
			for _, z := range z[1:] {
				s := make([]float64, 4)
				for i := range s {
					s[i] = (alpha*data.Mean[i%2] - at[i]) / (alpha*alpha*data.Var[i%2] + sigma2)
				}
				ratio := r * (norm(z[0]) + norm(z[1])) / (norm(s[:2]) + norm(s[2:]))
				size := 2 * kept * kept * ratio * ratio
				for i := range s {
					at[i] += size*s[i] + math.Sqrt(2*size)*z[i/2][i%2]
				}
			}
			check.T(t).Near("x", out[1], at, a64)
		})
	}
}

// Where σ_s is 0 nothing is corrected: a chain of indices ends as its predictor does.
func TestCorrectorEnds(t *testing.T) {
	c := corrected(d4, gd, .2, 3)
	x := prior(4)
	z := noise.Fixed
	got := backendtest.Call(t, func(x, t, s *Node) (alone, both *Node) {
		zero, one := ZerosLike(x), OnesLike(x)
		return c.Predictor.Step(z(zero), c.Init(x), t, s).X, c.Step(z(zero, one, one, one), c.Init(x), t, s).X
	}, x, [][]float64{{1}}, [][]float64{{0}})
	check.T(t).Near("x₀", got[1], got[0], 0)
}

// A chain that is NaN is reported by its own row, and does not spoil the step size of the others.
func TestCorrectorNaN(t *testing.T) {
	c := corrected(vp, gd, .2, 1)
	exact := c.Score
	c.Score = func(x, t *Node) *Node {
		return Where(Equal(Iota(x.Graph(), x.Shape(), 0), OnesLike(x)), Scalar(x.Graph(), x.DType(), math.NaN()), exact(x, t))
	}
	for name, b := range backends(t) {
		_, err := sampler.Of(b, c).Sample(column([]float64{-1, 0, 1}), vp.Grid(5), 1)
		if want := "step 1 of 5, from t = 1 to 0.8002: row 1 of x is NaN"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	out := backendtest.Floats(t, func(x, t, s *Node) *Node {
		return c.Step(noise.Fixed(ZerosLike(x), OnesLike(x)), c.Init(x), t, s).X
	}, [][]float64{{-1}, {0}, {1}}, [][]float64{{.5}}, [][]float64{{.4}})
	c.Score = exact
	without := backendtest.Floats(t, func(x, t, s *Node) *Node {
		return c.Step(noise.Fixed(ZerosLike(x), OnesLike(x)), c.Init(x), t, s).X
	}, [][]float64{{-1}, {1}}, [][]float64{{.5}}, [][]float64{{.4}})
	check.T(t).Near("the other chains", []float64{out[0], out[2]}, without, 1e-12)
}

// idle is a predictor that leaves x where it is.
type idle struct{ sampler.ReverseDiffusion }

func (idle) Step(_ noise.Source, st sampler.State, _, _ *Node) sampler.State { return st }

// Many corrections at one level leave a normal law with the variance (1+r²)V, where α does not change: the bias is of order 2
// in r.
func TestCorrectorOrder(t *testing.T) {
	const n, sigma, v = 200_000, 2, .5
	data := centredNormal(v)
	times := make([]float64, 40)
	for i := range times {
		times[i] = sigma + 1e-12*float64(len(times)-1-i)
	}
	var rs, bias []float64
	for _, r := range []float64{.3, .4, .6} {
		c := sampler.PredictorCorrector{Predictor: idle{sampler.ReverseDiffusion{Process: noiseLevels}}, Process: noiseLevels,
			Score: data.Score(noiseLevels), SNR: r, Corrections: 1}
		run := sampler.Of(backendtest.Open(t), c)
		start := sampler.Prior(prior(n).Shape(), math.Sqrt(v+sigma*sigma), 3)
		x := check.Floats(sample(t, run, start, times, 4))
		run.Finalize()
		for i := range x {
			x[i] *= x[i] / (v + sigma*sigma)
		}
		check.T(t).MC(fmt.Sprintf("variance over V, r = %g", r), x, 1+r*r, .005)
		rs, bias = append(rs, r), append(bias, check.Mean(x)-1)
	}
	check.T(t).Order("variance over V, less 1", rs, bias, 2, .25)
}

// A coarse grid of the mixture: the corrector brings the law nearer. Carried along as a density, the predictor's law ends at
// W₁ = .0369 from the data, and that of both at .0157, a ratio of .43. With the share on the right one draw of W₁ varies by about
// 3·√(.21/n), and the ratio by .057 for this n (sixteen seeds): .75 is more than 5 of these away, and far below the 1 of a corrector
// that does nothing.
func TestCorrectorImproves(t *testing.T) {
	const n, seed = 80_000, 1
	b, exact := backendtest.Open(t), make([]float64, 10_000)
	for i := range exact {
		at := (float64(i) + .5) / float64(len(exact))
		exact[i] = root(func(x float64) float64 { return plainCDF(twoModes)(x) - at }, -6, 5)
	}
	c := corrected(vp, twoModes, .16, 2)
	distance := func(s sampler.Stepper) float64 {
		run := sampler.Of(b, s)
		defer run.Finalize()
		return metric.Wasserstein1(check.Floats(sample(t, run, prior(n), vp.Grid(50), seed)), exact)
	}
	check.T(t).Less("E8.19 50 steps on the mixture: W₁ with the corrector, over that of the predictor alone", distance(c)/distance(c.Predictor), .75)
}
