package sampler_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// Bad input of the chains and of the solvers is an error that names the value and what is expected.
func TestChainErrors(t *testing.T) {
	narrow := func(x *Node) *Node { return Slice(x, AxisRange(), AxisElem(0)) }
	narrowAt := func(x, _ *Node) *Node { return narrow(x) }
	wide, one := tensors.FromValue([][]float64{{1, 2}}), tensors.FromValue([][]float64{{1}})
	forward := sde.Forward(vp)
	pc := func(change func(*sampler.PredictorCorrector)) sampler.Stepper {
		c := corrected(vp, gd, .2, 1)
		change(&c)
		return c
	}
	langevin := func(c float64) sampler.Stepper { return sampler.Langevin{Score: scoreOf(gd), Size: c} }
	mala := func(c float64) sampler.Stepper { return sampler.MALA{LogProb: logProbOf(gd), Size: c} }
	annealed := func(eps, sigmaMin float64) sampler.Stepper { return annealed(noiseLevels, gd, eps, sigmaMin) }
	for want, c := range map[string]struct {
		step  sampler.Stepper
		x     *tensors.Tensor
		times []float64
	}{
		"sampler.Langevin: Size = 0, expected a positive, finite number: take less than twice":                                  {langevin(0), one, sampler.Count(3)},
		"sampler.Langevin: Size = -1, expected a positive":                                                                      {langevin(-1), one, sampler.Count(3)},
		"sampler.Langevin: Size = NaN, expected a positive":                                                                     {langevin(math.NaN()), one, sampler.Count(3)},
		"sampler.Langevin: Size = +Inf, expected a positive":                                                                    {langevin(math.Inf(1)), one, sampler.Count(3)},
		"sampler.Langevin: 1 times, expected at least 2: n steps need the n+1 times of Count(n)":                                {langevin(1), one, []float64{1}},
		"sampler.Langevin: the score has shape (Float64)[1, 1] and x (Float64)[1, 2], expected one shape":                       {sampler.Langevin{Score: narrow, Size: 1}, wide, sampler.Count(3)},
		"sampler.MALA: Size = -0.5, expected a positive, finite number: take one with which about half":                         {mala(-.5), one, sampler.Count(3)},
		"sampler.MALA: 0 times, expected at least 2":                                                                            {mala(1), one, nil},
		"sampler.MALA: log p has shape (Float64)[1, 1] for x of (Float64)[1, 1], expected [1]: one number":                      {sampler.MALA{LogProb: narrow, Size: 1}, one, sampler.Count(3)},
		"sampler.Annealed: Eps = 0, expected a positive":                                                                        {annealed(0, 1), one, []float64{1, 0}},
		"sampler.Annealed: SigmaMin = NaN, expected a positive":                                                                 {annealed(1, math.NaN()), one, []float64{1, 0}},
		"sampler.Annealed: 1 times, expected at least 2":                                                                        {annealed(1, 1), one, []float64{1}},
		"sampler.Annealed: times[2] = 2 after times[1] = 1, expected levels that fall or repeat":                                {annealed(1, 1), one, []float64{3, 1, 2, 0}},
		"sampler.Annealed: times[0] = 101, expected a level between TMin = 0 and TMax = 100":                                    {annealed(1, 1), one, []float64{101, 0}},
		"sampler.Annealed: times[1] = NaN, expected a level between":                                                            {annealed(1, 1), one, []float64{3, math.NaN(), 0}},
		"sampler.Annealed: the score has shape (Float64)[1, 1] and x (Float64)[1, 2]":                                           {sampler.Annealed{Process: noiseLevels, Score: narrowAt, Eps: 1, SigmaMin: 1}, wide, []float64{2, 0}},
		"sampler.EulerMaruyama: Last = LastX0, expected LastMean or LastDraw: an SDE has no x̂₀":                                {sampler.EulerMaruyama{SDE: forward.Reverse(gd.Score(vp)), Process: vp, Last: sampler.LastX0}, one, vp.Grid(3)},
		"sampler.EulerMaruyama: the drift has shape (Float64)[1, 1] and x (Float64)[1, 2]":                                      {sampler.EulerMaruyama{SDE: sde.SDE{Drift: narrowAt}, Process: vp}, wide, vp.Grid(3)},
		"sampler.CheckTimes: times[1] = 1 after times[0] = 1, expected falling times":                                           {sampler.EulerMaruyama{SDE: forward, Process: vp}, one, []float64{1, 1}},
		"sampler.ReverseDiffusion: the score has shape (Float64)[1, 1] and x (Float64)[1, 2]":                                   {sampler.ReverseDiffusion{Process: vp, Score: narrowAt}, wide, vp.Grid(3)},
		"sampler.CheckTimes: times[1] = 2, expected a time between":                                                             {sampler.ReverseDiffusion{Process: vp, Score: gd.Score(vp)}, one, []float64{1, 2}},
		"sampler.PredictorCorrector: SNR = 0, expected a positive, finite number: take 0.16":                                    {pc(func(c *sampler.PredictorCorrector) { c.SNR = 0 }), one, vp.Grid(3)},
		"sampler.PredictorCorrector: Corrections = 0, expected at least 1: for none take the predictor alone":                   {pc(func(c *sampler.PredictorCorrector) { c.Corrections = 0 }), one, vp.Grid(3)},
		"sampler.PredictorCorrector: the score has shape (Float64)[1, 1] and x (Float64)[1, 2]":                                 {pc(func(c *sampler.PredictorCorrector) { *c = corrected(vp, pair, .2, 1); c.Score = narrowAt }), wide, vp.Grid(3)},
		"sampler.PredictorCorrector: Predictor is a sampler_test.halving, which chooses its own times, expected one that takes": {pc(func(c *sampler.PredictorCorrector) { c.Predictor = halving{} }), one, vp.Grid(3)},
		"sampler.CheckTimes: times[1] = 0, expected a time between TMin = 0.001":                                                {pc(func(*sampler.PredictorCorrector) {}), one, []float64{1, 0}},
	} {
		run := sampler.Of(onHost, c.step)
		if _, err := run.Sample(c.x, c.times, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		run.Finalize()
	}
}

// pair is a law in two dimensions.
var pair = oracle.Gaussian{Mean: []float64{0, 0}, Var: []float64{1, 1}}

// Steps that are too long for an ODE's drift end the run, and the error says so.
func TestEulerDiverges(t *testing.T) {
	stiff := sampler.EulerMaruyama{SDE: sde.SDE{Drift: func(x, _ *Node) *Node { return MulScalar(Mul(x, Square(x)), -1e9) }}, Process: vp}
	_, err := sampler.Of(onHost, stiff).Sample(column([]float64{0, 1}), vp.Grid(50), 1)
	if err == nil || !strings.Contains(err.Error(), "row 1 of x is +Inf") && !strings.Contains(err.Error(), "row 1 of x is -Inf") ||
		!strings.Contains(err.Error(), "sampler.EulerMaruyama: the steps may be too long for the drift, so take more of them") {
		t.Errorf("%v", err)
	}
}

// Init and Step of the chains take any rank of x, and one compiled loop serves all seeds.
func TestChainsOfImages(t *testing.T) {
	for name, step := range map[string]sampler.Stepper{
		"Langevin": sampler.Langevin{Score: Neg, Size: .5},
		"MALA":     sampler.MALA{LogProb: func(x *Node) *Node { return MulScalar(ReduceSum(Square(x), 1, 2), -.5) }, Size: .5},
		"Annealed": sampler.Annealed{Process: noiseLevels, Score: func(x, t *Node) *Node { return Neg(Div(x, Square(t))) }, Eps: .1, SigmaMin: 1},
		"corrector": sampler.PredictorCorrector{
			Predictor: sampler.ReverseDiffusion{Process: vp, Score: func(x, _ *Node) *Node { return Neg(x) }},
			Process:   vp, Score: func(x, _ *Node) *Node { return Neg(x) }, SNR: .1, Corrections: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			times := []float64{1, .9, .8, .7}
			x := tensors.FromValue([][][]float64{{{1, -1}, {.5, 2}}, {{0, 0}, {.1, .2}}, {{-2, 1}, {1, 1}}})
			for _, b := range backends(t) {
				run := sampler.Of(b, step)
				first, second := sample(t, run, clone(t, x), times, 1), sample(t, run, clone(t, x), times, 2)
				if !first.Shape().Equal(x.Shape()) || first.Equal(second) {
					t.Errorf("%s of x of %s; as from another seed: %t", first.Shape(), x.Shape(), first.Equal(second))
				}
				if run.Compiles() > 3 {
					t.Errorf("%d compilations, want those of the start, the step and the loop at most", run.Compiles())
				}
				run.Finalize()
			}
		})
	}
}

func clone(t *testing.T, x *tensors.Tensor) *tensors.Tensor {
	t.Helper()
	y, err := x.LocalClone()
	if err != nil {
		t.Fatal(err)
	}
	return y
}
