package vdm_test

import (
	"context"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// LeastVariance changes the gradient of the interior's weights alone, to that of the second moment.
func TestLeastVariance(t *testing.T) {
	loss := func(end, inner *Node) *Node { // [3]
		x := Const(end.Graph(), []float64{.3, -1, 2})
		return Add(Mul(end, Square(x)), Mul(Sin(inner), x))
	}
	out := backendtest.Call(t, func(end, inner *Node) []*Node {
		mean, second := ReduceAllMean(loss(end, inner)), ReduceAllMean(Square(loss(end, inner)))
		least := vdm.LeastVariance(loss(end, inner), inner)
		return append([]*Node{least, mean}, append(Gradient(least, end, inner), Gradient(mean, end)[0], Gradient(second, inner)[0])...)
	}, .7, .4)
	value := make([]float64, len(out))
	for i := range out {
		value[i] = check.Floats(out[i])[0]
	}
	check.T(t).Near("E5.49 the value is the loss", value[0], value[1], 1e-14)
	check.T(t).Near("E5.49 the ends follow the bound", value[2], value[4], 1e-14)
	check.T(t).Near("E5.49 the interior the second moment", value[3], value[5], 1e-14)
	check.T(t).Differ("E5.49 which is not the bound's", value[3], math.Cos(.4)*1.3/3, .1)
}

// repeatBatch is one batch, at every step.
type repeatBatch struct{ x *tensors.Tensor }

func (r repeatBatch) Batch(int) ([]*tensors.Tensor, error) { return []*tensors.Tensor{r.x}, nil }

// The interior learns to spread the loss evenly: with data without noise in ε̂ the best schedule has log(1+v₀SNR) linear in t.
func TestLearnedInterior(t *testing.T) {
	b, learned := backendtest.Open(t), vdm.LearnedSNR{Omega: nets.Monotone{Start: -6, End: 6, Hidden: 16}}
	store := model.NewStore()
	loss := func(scope *model.Scope, batch []*Node) *Node {
		omega := scope.At("omega")
		p := process.Process{TMax: 1, Schedule: process.Learned(func(t *Node) *Node { // the ends do not move
			start, end := learned.Omega.Ends(omega, t)
			start, end = StopGradient(start), StopGradient(end)
			return Neg(Add(start, Mul(Sub(end, start), learned.Omega.Interior(omega, t))))
		})}
		// the mean of ‖x̂₀−x₀‖² in place of its draws, so that t alone makes the estimate vary
		mean := func(xt, t *Node) *Node { return Sqrt(gd.PosteriorVar(p)(xt, t)) }
		m := vdm.VDM{ReverseStep: sampler.ReverseStep{Process: p}, Times: []float64{0, 1}}
		o := vdm.Objective{Head: vdm.Head{Kind: param.X0, Net: mean}, Continuous: true, Times: vdm.Stratified}
		each := m.Matching(noise.Finite(scope), ZerosLike(batch[0]), o)
		return vdm.LeastVariance(each, learned.Interior(omega, batch[0])...)
	}
	data := repeatBatch{tensors.FromFlatDataAndDimensions(make([]float32, 128), 128, 1)}
	if _, err := fit.Train(context.Background(), b, store, loss, data, fit.Config{Steps: 400, LearningRate: .05, Schedule: fit.WarmupCosine{Warmup: 1}, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	ts := []float64{0, .1, .25, .5, .75, .9, 1}
	out, err := model.CallOnceN(b, store, func(scope *model.Scope, u, fine *Node) []*Node {
		schedule := learned.Schedule(scope.At("omega"))
		p, straight := process.Process{Schedule: schedule}, process.Process{Schedule: process.LogSNRLinear{Max: 6, Min: -6}}
		cost := func(p process.Process) *Node { return Mul(p.SNRRate(fine), gd.PosteriorVar(p)(fine, fine)) }
		return []*Node{schedule(u), cost(p), cost(straight)}
	}, []float32{0, .1, .25, .5, .75, .9, 1}, column32(grid(1000)))
	if err != nil {
		t.Fatal(err)
	}
	information := func(logSNR float64) float64 { return math.Log1p(.5 * math.Exp(logSNR)) }
	var lost []float64
	for _, logSNR := range check.Floats(out[0]) {
		lost = append(lost, (information(6)-information(logSNR))/(information(6)-information(-6)))
	}
	c := check.T(t)
	c.Near("E5.49 the share of log(1+v₀SNR) that is lost by t", lost, ts, .05)
	c.Less("E5.49 the estimate's variance over t, next to λ linear in t", check.SE(check.Floats(out[1])), .3*check.SE(check.Floats(out[2])))
	ascending := func(scope *model.Scope) process.Schedule { return learned.Schedule(scope.At("omega")) }
	times := process.Process{TMax: 1}.Grid(100)
	if err := vdm.CheckSchedule(b, store, times, ascending); err != nil {
		t.Errorf("E5.38 the learned schedule: %v", err)
	}
}

func TestCheckSchedule(t *testing.T) {
	b, store := backendtest.Open(t), model.NewStore()
	times := process.Process{TMax: 1}.Grid(100)
	rising := func(*model.Scope) process.Schedule {
		return process.Learned(func(t *Node) *Node { return Sub(Sin(MulScalar(t, 6)), t) }) // rises up to t = .234
	}
	untrained := func(scope *model.Scope) process.Schedule {
		return vdm.LearnedSNR{Omega: nets.Monotone{Start: -6, End: 6, Hidden: 4}}.Schedule(scope.At("omega"))
	}
	for want, schedule := range map[string]func(*model.Scope) process.Schedule{"at t = 0.01": rising, "the store lacks 6 weights": untrained} {
		if err := vdm.CheckSchedule(b, store, times, schedule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("E5.38 %v does not say %q", err, want)
		}
	}
	if n := store.NumVariables(); n != 0 {
		t.Errorf("the check left %d variables in the store", n)
	}
}

func column32(values []float64) [][]float32 {
	out := make([][]float32, len(values))
	for i, v := range values {
		out[i] = []float32{float32(v)}
	}
	return out
}
