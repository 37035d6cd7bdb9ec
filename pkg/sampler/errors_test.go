package sampler_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// altered is a step whose outcome is changed by change.
type altered struct {
	sampler.Stepper
	change func(sampler.State) sampler.State
}

func (a altered) Step(src noise.Source, st sampler.State, t, s *Node) sampler.State {
	return a.change(a.Stepper.Step(src, st, t, s))
}

func ancestral(denoise param.Denoiser) sampler.Stepper {
	return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: d4, Denoise: denoise}}
}

// Bad input is an error of Sample and of Path that names the values and what is expected.
func TestErrors(t *testing.T) {
	good := exact(d4, nil, sampler.LastMean)
	freed := prior(1)
	freed.MustFinalizeAll()
	times := []float64{4, 2, 0}
	for want, c := range map[string]struct {
		step  sampler.Stepper
		x     *tensors.Tensor
		times []float64
	}{
		"0 times, expected at least 2: T steps need T+1 times":                                                 {good, prior(2), nil},
		"1 times, expected at least 2":                                                                         {good, prior(2), []float64{4}},
		"times[2] = 3 after times[1] = 2, expected falling times":                                              {good, prior(2), []float64{4, 2, 3}},
		"times[1] = 4 after times[0] = 4, expected falling times":                                              {good, prior(2), []float64{4, 4}},
		"times[0] = 5, expected a time between TMin = 0 and TMax = 4":                                          {good, prior(2), []float64{5, 4}},
		"times[1] = -1, expected a time between":                                                               {good, prior(2), []float64{4, -1}},
		"times[1] = NaN, expected a time between":                                                              {good, prior(2), []float64{4, math.NaN()}},
		"times[1] = 2.5 of a Discrete schedule, expected one of its indices":                                   {good, prior(2), []float64{4, 2.5, 0}},
		"times[1] = 0.0001, expected a time between TMin = 0.001 and TMax = 1":                                 {ddim(vp, 0, 0), prior(2), []float64{1, 1e-4}},
		"x is no valid tensor, expected x at times[0]: see Prior":                                              {good, nil, times},
		"x is no valid tensor, expected":                                                                       {good, freed, times},
		"x is (Int32)[1, 1], expected [batch, …] of float32 or float64":                                        {good, tensors.FromValue([][]int32{{1}}), times},
		"x is (Float64), expected [batch, …] of float32 or float64":                                            {good, tensors.FromScalar(1.), times},
		"row 1 of the starting x holds NaN, expected finite numbers":                                           {good, tensors.FromValue([][]float64{{1}, {math.NaN()}}), times},
		"oracle.Gaussian: x has shape (Float64)[1, 2], expected [n, 1]":                                        {good, tensors.FromValue([][]float64{{1, 2}}), times},
		"process.DDIM: η = 2, expected a number from 0":                                                        {ddim(d4, 2, 0), prior(2), times},
		"sampler.Last: 3, expected LastMean, LastDraw or LastX0":                                               {exact(d4, nil, 3), prior(2), times},
		"the denoiser made x̂₀ of shape (Float64)[2, 3] from x_t of shape (Float64)[2, 1]":                     {ancestral(func(x, _ *Node) *Node { return Concatenate([]*Node{x, x, x}, 1) }), prior(2), times},
		"the denoiser made x̂₀ of shape (Float64)[1, 1] from x_t of shape (Float64)[1, 2], expected one shape": {ancestral(func(x, _ *Node) *Node { return ReduceAndKeep(x, ReduceSum, 1) }), tensors.FromValue([][]float64{{1, 2}}), times},
		"the denoiser made x̂₀ of shape (Float64)[1, 1] from x_t of shape (Float64)[1, 3]":                     {sampler.DDIM{Process: d4, Denoise: func(x, _ *Node) *Node { return ReduceAndKeep(x, ReduceSum, 1) }}, tensors.FromValue([][]float64{{1, 2, 3}}), times},
		"X is (Float64)[2, 3] after a step, expected (Float64)[2, 1] as before it": {altered{good, func(s sampler.State) sampler.State {
			return sampler.State{X: Concatenate([]*Node{s.X, s.X, s.X}, 1)}
		}}, prior(2), times},
		"X is nothing after a step, expected (Float64)[2, 1]": {altered{good, func(sampler.State) sampler.State { return sampler.State{} }}, prior(2), times},
		"1 nodes of Aux after a step, expected 0 as before it": {altered{good, func(s sampler.State) sampler.State {
			return sampler.State{X: s.X, Aux: []*Node{s.X}}
		}}, prior(2), times},
		"Aux[0] is (Float64)[1, 1] after a step, expected (Float64)[2, 1] as before it": {altered{impulses{good}, func(s sampler.State) sampler.State {
			return sampler.State{X: s.X, Aux: []*Node{Slice(s.Aux[0], AxisRange(0, 1))}}
		}}, prior(2), times},
	} {
		run := sampler.Of(onHost, c.step)
		if _, err := run.Sample(c.x, c.times, 1); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sampler.Run.Sample: ") {
			t.Errorf("Sample: %v, want %s", err, want)
		}
		yields := 0
		for p, err := range run.Path(c.x, c.times, 1) {
			yields++
			if p.X != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sampler.Run.Path: ") {
				t.Errorf("Path: %v, %v, want %s", p, err, want)
			}
		}
		if yields != 1 {
			t.Errorf("Path yields %d times, want one error: %s", yields, want)
		}
	}
	for i := range 2 { // a run is as good as new after an error
		run := sampler.Of(onHost, good)
		if _, err := run.Sample(prior(2), times[:i], 1); err == nil {
			t.Error("no error")
		}
		sample(t, run, prior(2), times, 1)
	}
}

// A store that lacks the network's weights, or a step that would change the store, is an error, and the store is left alone.
func TestStore(t *testing.T) {
	store := model.NewStore()
	run := sampler.New(onHost, store, ofNetwork)
	x := sampler.Prior(shapes.Make(dtypes.Float32, 2, 2), 1, 1)
	want := "the store lacks 4 weights of the network, as /net/layer_1/dense/"
	if _, err := run.Sample(x, vp.Grid(2), 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if n := store.NumVariables(); n != 0 {
		t.Errorf("the store has %d variables afterwards, want none", n)
	}
	store = trained(t, onHost, 1)
	draws := func(scope *model.Scope) sampler.Stepper {
		return ancestral(func(x, _ *Node) *Node { return scope.RandomNormal(x.Graph(), x.Shape()) })
	}
	if _, err := sampler.New(onHost, store, draws).Sample(prior(2), d4.Grid(4), 1); err == nil ||
		!strings.Contains(err.Error(), "a step changes the variable /"+model.RNGStateVariableName) {
		t.Errorf("a step that draws from the store: %v", err)
	}
	wide := func(scope *model.Scope) sampler.Stepper {
		return ancestral(func(x, _ *Node) *Node { return nets.MLP(scope.At("net"), x, nets.GlorotUniform, Tanh, 8, 2) })
	}
	if _, err := sampler.New(onHost, store, wide).Sample(x, []float64{4, 0}, 1); err == nil ||
		!strings.Contains(err.Error(), `variable "/net/layer_1/dense/weights", but with different shape`) {
		t.Errorf("another architecture's weights: %v", err)
	}
}

func TestPriorPanics(t *testing.T) {
	defer func() {
		err, ok := recover().(error)
		if !ok || !strings.Contains(err.Error(), "sampler.Prior: shape (Int32)[2], expected one of float32 or float64") {
			t.Errorf("%v", err)
		}
	}()
	sampler.Prior(shapes.Make(dtypes.Int32, 2), 1, 1)
}

func TestLogSNRGridErrors(t *testing.T) {
	for want, c := range map[string]struct {
		p process.Process
		n int
	}{
		"0 steps between t = 0.001 and 1, expected at least 1": {vp, 0},
		"5 steps between t = 0 and 4":                          {d4, 5},
		"expected both finite: move TMin and TMax inwards":     {process.Process{Schedule: vp.Schedule, TMax: 1}, 3},
		"λ(1.1) = NaN and":                                     {process.Process{Schedule: process.Cosine{Offset: .008}, TMin: .001, TMax: 1.1}, 3},
	} {
		if _, err := sampler.LogSNRGrid(onHost, c.p, c.n); err == nil || !strings.Contains(err.Error(), "sampler.LogSNRGrid: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
