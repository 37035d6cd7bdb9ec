package sampler_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// plane is a mixture in two dimensions whose score has a Jacobian that is not diagonal.
var plane = oracle.Mixture{Weights: []float64{.3, .5, .2}, Means: [][]float64{{-2, 0}, {1.5, 1}, {.5, -1.5}},
	Vars: [][]float64{{.2, .5}, {.3, .1}, {.1, .2}}}

// exactFlow is the flow of data under p with the true law at TMax.
func exactFlow(t *testing.T, b compute.Backend, p process.Process, data oracle.Data, tolerance float64, d sampler.Divergence) *sampler.Flow {
	t.Helper()
	f, err := sampler.NewFlow(b, nil, sampler.FlowConfig{
		Process: p, Score: func(*model.Scope) param.ScoreFn { return data.Score(p) },
		Terminal:   func(z *Node) dist.LogProber { return lawAt(data, p, z, p.TMax) },
		Divergence: d, Tolerance: tolerance,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Finalize)
	return f
}

func lawAt(data oracle.Data, p process.Process, like *Node, time float64) oracle.Law {
	return data.Marginal(p, ConstAs(like, [][]float64{{time}}))
}

// logProb returns log q(x_t) at TMin.
func logProb(t *testing.T, p process.Process, data oracle.Data, x [][]float64) []float64 {
	return backendtest.Floats(t, func(x *Node) *Node { return lawAt(data, p, x, p.TMin).LogProb(x) }, x)
}

// likelihood is LogProb; it must succeed.
func likelihood(t *testing.T, f *sampler.Flow, x [][]float64, seed int64) sampler.Likelihood {
	t.Helper()
	l, err := f.LogProb(tensors.FromValue(x), seed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFlowLogProb(t *testing.T) {
	t.Run("E8.22 log p(1.8) of N(1, .5)", func(t *testing.T) {
		p := process.Process{Schedule: vp.Schedule, TMin: 1e-9, TMax: 1}
		l := likelihood(t, exactFlow(t, onHost, p, gd, 1e-6, nil), [][]float64{{1.8}}, 1)
		check.T(t).Near("by RK45 at 1e-6", l.LogProb, -1.2123649429, 1e-6)
		check.T(t).True("some evaluations", l.Evaluations > 20 && l.Evaluations < 1000, "")
	})
	t.Run("E8.22 mixtures under VP, VE and sub-VP", func(t *testing.T) {
		line, points := [][]float64{{-2.6}, {-.5}, {.2}, {2.7}}, [][]float64{{-2, 0}, {0, 0}, {1.5, -1}, {3, 3}}
		for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
			f := exactFlow(t, onHost, p, gm, 1e-8, nil)
			check.T(t).Near(name+", a line", likelihood(t, f, line, 1).LogProb, logProb(t, p, gm, line), 1e-6)
			f = exactFlow(t, onHost, p, plane, 1e-8, nil)
			check.T(t).Near(name+", a plane", likelihood(t, f, points, 1).LogProb, logProb(t, p, plane, points), 1e-6)
		}
	})
	t.Run("E8.22 the error falls with the tolerance", func(t *testing.T) {
		x := [][]float64{{-2, 0}, {0, 0}, {1.5, -1}}
		want := logProb(t, vp, plane, x)
		worst := func(tol float64) (worst float64) {
			for i, l := range likelihood(t, exactFlow(t, onHost, vp, plane, tol, nil), x, 1).LogProb {
				worst = max(worst, math.Abs(l-want[i]))
			}
			return worst
		}
		tight := worst(1e-5)
		check.T(t).Less("at 1e-5", tight, 1e-3)
		check.T(t).Less("at 1e-5 a thirtieth of that at 1e-3", tight, worst(1e-3)/30)
	})
}

// A graph.Exec keeps 32 programs unless it is told otherwise; a Flow takes as many shapes as come.
func TestFlowManyShapes(t *testing.T) {
	f := exactFlow(t, onHost, vp, gd, 1e-2, nil)
	want := logProb(t, vp, gd, [][]float64{{1.8}})[0]
	for n := 1; n <= 34; n++ {
		check.T(t).Near("log p of each of n rows", likelihood(t, f, slices.Repeat([][]float64{{1.8}}, n), 1).LogProb, slices.Repeat([]float64{want}, n), .01)
	}
}

// Each row has directions of its own: many copies of one point give independent estimates of one number.
func TestHutchinson(t *testing.T) {
	const n = 2000
	at := []float64{1, .5}
	x := slices.Repeat([][]float64{at}, n)
	want := logProb(t, vp, plane, [][]float64{at})[0]
	var se [3]float64
	for i, d := range []sampler.Hutchinson{{Probe: score.Rademacher, Probes: 1}, {Probe: score.Gaussian, Probes: 1}, {Probe: score.Rademacher, Probes: 4}} {
		f := exactFlow(t, backendtest.Open(t), vp, plane, 1e-6, d)
		l := likelihood(t, f, x, 7).LogProb
		check.T(t).MC("E8.22 Hutchinson's mean is the exact log p", l, want, .05)
		se[i] = check.SE(l)
		check.T(t).Near("Start and the loop", float64(f.Compiles()), 2., 0)
		few := likelihood(t, f, x[:20], 7).LogProb // as many would do, and take long
		check.T(t).Near("one seed, one answer", likelihood(t, f, x[:20], 7).LogProb, few, 0)
		check.T(t).Differ("another seed, another answer", likelihood(t, f, x[:20], 8).LogProb, few, .01)
	}
	check.T(t).Less("Rademacher varies less than Gaussian directions", se[0], .9*se[1])
	check.T(t).Near("four directions halve the error", se[2]/se[0], .5, .05)
}

func TestFlowRoundTrip(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		f := exactFlow(t, onHost, p, plane, 1e-8, nil)
		x := tensors.FromValue([][]float64{{-2, 0}, {0, 0}, {1.5, -1}, {3, 3}})
		z, err := f.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.Decode(z)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near("E8.23 data to noise to data, "+name, back, x, 1e-5)
		check.T(t).Near("E8.23 LogProb's z is Encode's, "+name, likelihood(t, f, x.Value().([][]float64), 1).Z, z, 1e-6)
		check.T(t).Differ("E8.23 and z is not x, "+name, z, x, .5)
	}
	t.Run("E8.23 the chain with noise does not come back", func(t *testing.T) {
		const n = 20_000
		x := sampler.Prior(prior(n).Shape(), math.Sqrt(.5), 3) // x − 1
		noisy := backendtest.Call(t, func(x, e *Node) *Node {
			x = OnePlus(x)
			u := ConstAs(x, [][]float64{{1}})
			return Concatenate([]*Node{x, vp.Diffuse(x, e, u)}, 1)
		}, x, prior(n))[0].Value().([][]float64)
		z := make([][]float64, n)
		for i, row := range noisy {
			z[i] = []float64{row[1]}
		}
		run := sampler.Of(backendtest.Open(t), exact(vp, exactStd(vp), sampler.LastDraw))
		back := check.Floats(sample(t, run, tensors.FromValue(z), vp.Grid(200), 4))
		apart := make([]float64, n)
		for i, row := range noisy {
			apart[i] = (back[i] - row[0]) * (back[i] - row[0])
		}
		// x and x' are both N(1, .5); given z they are independent, and z hardly tells one from the other.
		a, s := alphaSigma(t, vp, 1)
		check.T(t).MC("E8.23 mean squared distance, 2v(1−ρ²)", apart, 2*.5*(1-a*a*.5/(a*a*.5+s*s)), .02)
	})
}

func TestSlerp(t *testing.T) {
	a, b := []float64{3, 0, 0}, []float64{0, 0, 3}
	got := sampler.Slerp(a, b, 3)
	check.T(t).Near("a quarter of a circle", got, [][]float64{a, {3 / math.Sqrt2, 0, 3 / math.Sqrt2}, b}, 1e-14)
	check.T(t).Near("one direction: a straight line", sampler.Slerp([]float64{1, 1}, []float64{3, 3}, 3), [][]float64{{1, 1}, {2, 2}, {3, 3}}, 1e-14)
	check.T(t).Near("from 0: a straight line", sampler.Slerp([]float64{0, 0}, []float64{0, 4}, 5)[1], []float64{0, 1}, 1e-14)
	angles := sampler.Slerp([]float64{1, 0}, []float64{math.Cos(2), math.Sin(2)}, 5)
	for i, v := range angles {
		check.T(t).Near("equal angles", v, []float64{math.Cos(.5 * float64(i)), math.Sin(.5 * float64(i))}, 1e-14)
	}
	for _, bad := range []func(){func() { sampler.Slerp(a, b[:2], 3) }, func() { sampler.Slerp(a, b, 1) }} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "expected at least 2 and one length") {
					t.Errorf("%v", err)
				}
			}()
			bad()
		}()
	}
}

// The path between two points starts and ends at them, and keeps to where the data are.
func TestInterpolate(t *testing.T) {
	f := exactFlow(t, onHost, vp, gm, 1e-8, nil)
	ends := [][]float64{{-2.2}, {1.3}}
	out, err := f.Interpolate(tensors.FromValue(ends), 9)
	if err != nil {
		t.Fatal(err)
	}
	got := check.Floats(out)
	check.T(t).Near("the ends", []float64{got[0], got[8]}, ends, 1e-6)
	for i := 1; i < len(got); i++ {
		check.T(t).Less("the flow keeps the order", got[i-1], got[i])
	}
	between, err := f.Decode(tensors.FromValue([][]float64{{0}}))
	if err != nil {
		t.Fatal(err)
	}
	a, s := alphaSigma(t, vp, vp.TMin)
	atOne, sOne := alphaSigma(t, vp, 1)
	check.T(t).Near("z = 0 is its quantile of the data", gmCDF(check.Floats(between)[0], a, s), gmCDF(0, atOne, sOne), 1e-6)
}

func TestFlowErrors(t *testing.T) {
	score := func(*model.Scope) param.ScoreFn { return gd.Score(vp) }
	for want, c := range map[string]sampler.FlowConfig{
		"a score: false":              {Process: vp},
		"tolerance -1, 0 evaluations": {Process: vp, Score: score, Tolerance: -1},
		"tolerance 0, -5 evaluations, expected a score and no number below 0": {Process: vp, Score: score, MaxEvaluations: -5},
	} {
		if _, err := sampler.NewFlow(onHost, nil, c); err == nil || !strings.Contains(err.Error(), "sampler.NewFlow: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	flow := func(c sampler.FlowConfig) *sampler.Flow {
		c.Process, c.Score = vp, score
		f, err := sampler.NewFlow(onHost, nil, c)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	x, one := tensors.FromValue([][]float64{{1}, {2}}), tensors.FromValue([][]float64{{1}})
	odd := func(z *Node) dist.LogProber { return total{} }
	for want, call := range map[string]func() error{
		"sampler.Flow.LogProb: no Terminal in the FlowConfig": func() error { _, err := flow(sampler.FlowConfig{}).LogProb(x, 1); return err },
		"sampler.Flow.LogProb: sampler.Run.SampleState: not done after 20 steps: t = 0.": func() error {
			_, err := flow(sampler.FlowConfig{MaxEvaluations: 20, Terminal: sampler.Noise(1)}).LogProb(x, 1)
			return err
		},
		"sampler.Flow.Encode: sampler.Run.Sample: not done after 20 steps":                                                       func() error { _, err := flow(sampler.FlowConfig{MaxEvaluations: 20}).Encode(x); return err },
		"sampler.Flow.Decode: sampler.Run.Sample: x is no valid tensor":                                                          func() error { _, err := flow(sampler.FlowConfig{}).Decode(nil); return err },
		"the log-densities by Terminal have shape (Float64), expected one for each of 2":                                         func() error { _, err := flow(sampler.FlowConfig{Terminal: odd}).LogProb(x, 1); return err },
		"sampler.Flow.Interpolate: 3 points between the rows of a tensor (Float64)[1, 1], expected at least 2 and [2, event...]": func() error { _, err := flow(sampler.FlowConfig{}).Interpolate(one, 3); return err },
		"sampler.Flow.Interpolate: 1 points":                                                                                     func() error { _, err := flow(sampler.FlowConfig{}).Interpolate(x, 1); return err },
		"sampler.Flow.Interpolate: sampler.Flow.Encode: sampler.Run.Sample: not done":                                            func() error { _, err := flow(sampler.FlowConfig{MaxEvaluations: 20}).Interpolate(x, 3); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// total is a law that forgets the batch.
type total struct{}

func (total) LogProb(x *Node) *Node { return ReduceAllSum(x) }

// Noise is the law at TMax that is assumed, with its standard deviation.
func TestNoise(t *testing.T) {
	got := backendtest.Floats(t, func(z *Node) *Node { return sampler.Noise(3)(z).LogProb(z) }, [][]float64{{3, -6}, {0, 0}})
	check.T(t).Near("log N(z; 0, 9)", got, []float64{-2.5 - math.Log(18*math.Pi), -math.Log(18 * math.Pi)}, 1e-14)
}
