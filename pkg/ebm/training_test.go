package ebm_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

// quantiles is one batch for ever: n quantiles of N(0, v), scaled so that their mean square is v exactly.
type quantiles struct {
	n int
	v float64
}

func (q quantiles) Batch(int) ([]*tensors.Tensor, error) {
	x, square := make([]float64, q.n), 0.
	for i := range x {
		x[i] = distuv.UnitNormal.Quantile((float64(i) + .5) / float64(q.n))
		square += x[i] * x[i] / float64(q.n)
	}
	for i := range x {
		x[i] *= math.Sqrt(q.v / square)
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, q.n, 1)}, nil
}

// TestE75 trains f = θx²/2 on data of variance v by persistent chains. Where the chains' variance is v, θv is the root u of
// u(2 − (c/v)u) = 2 near 1, which is 1 + c/2v to first order: the bias of the Langevin step, not of the data.
func TestE75(t *testing.T) {
	const v = .8
	for _, c := range []struct{ step, tol float64 }{{.01, .03}, {.3, .02}} {
		loss := func(scope *model.Scope, batch []*Node) *Node {
			theta := scope.VariableWithValue("theta", 2.5).NodeValue(batch[0].Graph())
			m := ebm.EBM{Energy: func(x *Node) *Node { return MulScalar(Mul(theta, ReduceSum(Square(x), -1)), .5) }}
			negatives := ebm.Replay{Size: 2000, Std: 1}.Draw(scope, scope, batch[0], func(x *Node) *Node {
				return ebm.Walk(scope, m.Langevin(c.step*v), x, 5)
			})
			return ReduceAllMean(m.Loss(batch[0], negatives))
		}
		store := model.NewStore()
		_, err := fit.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), store, loss, quantiles{2000, v},
			fit.Config{Steps: 1500, LearningRate: 5e-3, EMA: .998, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		theta := tensors.ToScalar[float64](store.GetVariable("/theta").MustValue())
		want := (1 - math.Sqrt(1-2*c.step)) / c.step
		check.T(t).Near(fmt.Sprintf("E7.5 θv at c = %gv", c.step), theta*v/want, 1, c.tol/2)
		if c.step == .01 {
			check.T(t).Near("E7.5 θ = 1/v within 3%", theta*v, 1, .03/2)
			check.T(t).Near("E7.5 the bias is 1 + c/2v to first order", want, 1+c.step/2, c.step*c.step)
		}
	}
}

// small is a model that trains in no time.
var small = ebm.Config{Data: 2, Hidden: []int{8}, Steps: 3, Chains: 24, Restart: .1, Noise: .1, Penalty: .01}

// TestResume holds that a run that is stopped and resumed is the same run: weights and chains, bit for bit.
func TestResume(t *testing.T) {
	train := func(dir string, look func(int), ctx context.Context) (map[string][]float64, error) {
		data := normals(16, 2, 1)
		data.look = look
		m, _, err := ebm.LoadOrTrain(ctx, backendtest.Open(t), dir, small, data, fit.Config{Steps: 60, LearningRate: 1e-2, Seed: 3, SaveEvery: 10})
		if err != nil {
			return nil, err
		}
		values := map[string][]float64{}
		for v := range m.Store.IterVariables() {
			if v.DType() == dtypes.Float32 {
				values[v.Path()] = check.Floats(v.MustValue())
			}
		}
		return values, nil
	}
	whole, err := train(t.TempDir(), nil, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	_, err = train(dir, func(step int) {
		if step == 25 {
			stop()
		}
	}, ctx)
	if left, _ := filepath.Glob(filepath.Join(dir, "step-*")); err == nil || len(left) == 0 {
		t.Fatalf("the run was not stopped half way: error %v, checkpoints %v", err, left)
	}
	parts, err := train(dir, nil, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(whole["/chains"]) != 48 {
		t.Errorf("chains of %d numbers, expected 24 in the plane", len(whole["/chains"]))
	}
	for path := range maps.Keys(whole) {
		check.T(t).Near(path, parts[path], whole[path], 0)
	}
}

// TestDiverged holds that chains which run away end the training with the first one's index and the step size that would do.
func TestDiverged(t *testing.T) {
	for _, negatives := range []ebm.Negatives{ebm.Persistent, ebm.FromData, ebm.FromNoise} {
		c := ebm.Config{Data: 2, Hidden: []int{4}, Std: .5, Size: 1000, Steps: 3, Negatives: negatives}
		data := normals(6, 2, .1)
		_, _, err := ebm.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, data, fit.Config{Steps: 2, LearningRate: 1e-3, Seed: 3})
		wants(t, err, "ebm.LoadOrTrain: step 1: chain 0 of 6, "+negatives.String(), "sampler.Langevin: the chain diverged with Size = 1000, expected less than",
			"fit: step 1: the loss is")
	}
	c := ebm.Config{Data: 2, Hidden: []int{4}, Steps: 2, Negatives: ebm.FromData}
	_, _, err := ebm.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, poisoned{}, fit.Config{Steps: 6, LearningRate: 1e-3})
	wants(t, err, "ebm.LoadOrTrain: step 4: chain 2 of 6, from data, is NaN")
	c.Negatives = ebm.Persistent
	_, _, err = ebm.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, poisoned{}, fit.Config{Steps: 6, LearningRate: 1e-3})
	wants(t, err, "fit: step 4: the loss is NaN")
	if strings.Contains(err.Error(), "chain") {
		t.Errorf("error %q blames a chain for a NaN in the data", err)
	}
}

// poisoned is normals(6, 2, 1) with a NaN in row 2 of step 3, counted from 0.
type poisoned struct{}

func (poisoned) Batch(step int) ([]*tensors.Tensor, error) {
	batch, err := normals(6, 2, 1).Batch(step)
	if step == 3 {
		tensors.MustMutableFlatData(batch[0], func(x []float32) { x[5] = float32(math.NaN()) })
	}
	return batch, err
}
