package guide_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

const (
	a64     = 1e-9  // formula against formula, in float64
	printed = 1e-10 // against a figure printed with ten digits
)

// The classes of g2, y = −1 and y = 1.
const minus, plus = 0, 1

// normals is a mixture of equally likely normals on the line.
func normals(variance float64, means ...float64) oracle.Mixture {
	var m oracle.Mixture
	for _, mean := range means {
		m.Weights, m.Means, m.Vars = append(m.Weights, 1), append(m.Means, []float64{mean}), append(m.Vars, []float64{variance})
	}
	return m
}

var (
	// g2 is two classes, x|y ~ N(2y, 1).
	g2 = oracle.Labelled{Prior: []float64{.5, .5}, Classes: []oracle.Mixture{normals(1, -2), normals(1, 2)}}
	vp = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
	d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
)

// processes are one of each kind, at times 1 and 2 where neither α nor σ vanishes.
var processes = map[string]process.Process{
	"D4":    d4,
	"VE":    {Schedule: process.VE{SigmaMin: .3, SigmaMax: .5}, TMax: 2},
	"SubVP": {Schedule: process.SubVP{BetaMin: .3, BetaMax: .6}, TMax: 2},
}

// kept is a process of one step to ᾱ.
func kept(abar float64) process.Process {
	return process.Process{Schedule: process.NewDiscrete(1 - abar), TMax: 1}
}

// column makes [n, 1] of values.
func column(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// at is a time, [1, 1].
func at(x *Node, t float64) *Node { return ConstAs(x, [][]float64{{t}}) }

// draw samples n numbers by Euler–Maruyama on the reverse equation, from N(0, 1), of the denoiser that build makes of each knob: γ, or a number that is not
// looked at. The noise is the same for each knob and build.
func draw(t *testing.T, build func(knob *Node) param.Denoiser, n, steps int, seed int64, knobs ...float64) (all [][]float64) {
	t.Helper()
	run := sampler.NewGiven(backendtest.Open(t), model.NewStore(), func(_ *model.Scope, given []*Node) sampler.Stepper {
		equation := sde.Forward(vp).Reverse(param.ScoreOf(vp, build(given[0])))
		return sampler.EulerMaruyama{SDE: equation, Process: vp}
	})
	defer run.Finalize()
	for _, knob := range knobs {
		x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 1, seed), vp.Grid(steps), seed, tensors.FromValue(knob))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, check.Floats(x))
	}
	return all
}

// node is γ as guide's functions take it.
func node(gamma *Node) func(t *Node) *Node { return func(*Node) *Node { return gamma } }

// fixed is a denoiser without a knob.
func fixed(d param.Denoiser) func(knob *Node) param.Denoiser {
	return func(*Node) param.Denoiser { return d }
}

// free is classifier-free guidance to y = 1, its knob γ.
func free(data oracle.Labelled) func(gamma *Node) param.Denoiser {
	return func(gamma *Node) param.Denoiser {
		return guide.ClassifierFreeAt(data.Class(plus).Denoiser(vp), data.All().Denoiser(vp), node(gamma))
	}
}

// where is 1 for the numbers that satisfy is and 0 for the others.
func where(xs []float64, is func(x float64) bool) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		if is(x) {
			out[i] = 1
		}
	}
	return out
}

func right(x float64) bool { return x > 0 }

// deviations are the squared distances from the mean, whose mean is the variance.
func deviations(xs []float64) []float64 {
	out, mean := make([]float64, len(xs)), check.Mean(xs)
	for i, x := range xs {
		out[i] = (x - mean) * (x - mean)
	}
	return out
}

// normal is the density of N(m, v).
func normal(x, m, v float64) float64 { return math.Exp(-(x-m)*(x-m)/2/v) / math.Sqrt(2*math.Pi*v) }

// tempered is p(x)p(y=1|x)^γ of g2 and its normaliser.
func tempered(gamma float64) (density func(x float64) float64) {
	raw := func(x float64) float64 {
		return (normal(x, -2, 1) + normal(x, 2, 1)) / 2 * math.Pow(1/(1+math.Exp(-4*x)), gamma)
	}
	mass := check.IntegralFn(raw, -14, 14)
	return func(x float64) float64 { return raw(x) / mass }
}

// wantPanic builds call's graph, which must fail with an error that holds every part.
func wantPanic(t *testing.T, call func(x, u *Node) *Node, parts ...string) {
	t.Helper()
	err := backendtest.Err(t, call, [][]float64{{1}, {2}}, [][]float64{{1}, {2}})
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want %q in it", err, part)
		}
	}
}
