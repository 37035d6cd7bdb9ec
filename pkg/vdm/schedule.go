package vdm

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// LearnedSNR is the schedule with SNR(t) = e^(−ω(t)), t in [0, 1], whose ω is a monotone network (Luo 2022, equations 112–114).
// Its weights lie under a scope made by At, so that it may be bound more than once.
type LearnedSNR struct{ Omega nets.Monotone }

// Schedule returns the schedule with the weights of scope.
func (l LearnedSNR) Schedule(scope *model.Scope) process.Learned {
	return func(t *Node) *Node { return Neg(l.Omega.Omega(scope, t)) }
}

// Interior returns the weights that shape ω between its two ends, after Schedule has been used in like's graph.
func (l LearnedSNR) Interior(scope *model.Scope, like *Node) (weights []*Node) {
	for _, name := range []string{"slope", "height", "steepness", "centre"} {
		weights = append(weights, scope.GetVariable(name).NodeValue(like.Graph()))
	}
	return weights
}

// CheckSchedule returns an error unless the SNR of a schedule with float32 weights of store falls strictly over times, which
// fall as process.Process.Grid gives them; the error names the t where it does not. Weights that the store lacks are an
// error. The schedule is evaluated on b.
func CheckSchedule(b compute.Backend, store *model.Store, times []float64, schedule func(scope *model.Scope) process.Schedule) error {
	at := make([]float32, len(times))
	for i, t := range times {
		at[i] = float32(t)
	}
	restore := fit.Frozen(store)
	out, err := model.CallOnce(b, store, func(scope *model.Scope, t *Node) *Node {
		return ConvertDType(process.Process{Schedule: schedule(scope)}.LogSNR(t), dtypes.Float64)
	}, at)
	if lacking := restore(); lacking != nil {
		err = lacking
	}
	if err != nil {
		return fmt.Errorf("vdm.CheckSchedule: %w", err)
	}
	logSNR, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		return fmt.Errorf("vdm.CheckSchedule: %w", err)
	}
	return process.CheckLogSNR(times, logSNR)
}

// LeastVariance returns the mean of loss [batch] as a scalar whose gradient is the mean's own for all weights but interior.
// For those it is the gradient of the mean of loss², so that descent lowers the variance of the estimate: where the bound
// does not depend on them, as on the inside of a schedule in continuous time, that is all that they change.
// Source: Kingma et al. 2021, section 5.1 and appendix I.2.
func LeastVariance(loss *Node, interior ...*Node) *Node {
	mean := ReduceAllMean(loss)
	bound, second := Gradient(mean, interior...), Gradient(ReduceAllMean(Square(loss)), interior...)
	result := mean
	for i, w := range interior {
		swap := StopGradient(Sub(second[i], bound[i]))
		result = Add(result, ReduceAllSum(Mul(swap, Sub(w, StopGradient(w)))))
	}
	return result
}
