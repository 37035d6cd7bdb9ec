package fit

import (
	"context"
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// line gives batches of y = 2x₁ − 3x₂ + 0.5, with x from a small fixed lattice.
type line struct{ rows int }

func (l line) Batch(step int) ([]*tensors.Tensor, error) {
	x, y := make([]float64, 0, 2*l.rows), make([]float64, 0, l.rows)
	for i := range l.rows {
		a, b := float64((7*i+3*step)%11)/5-1, float64((5*i+step)%13)/6-1
		x, y = append(x, a, b), append(y, 2*a-3*b+0.5)
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, l.rows, 2), tensors.FromFlatDataAndDimensions(y, l.rows, 1)}, nil
}

// noisyLoss is half the mean squared error of a small network whose input is shaken by noise.
func noisyLoss(scope *model.Scope, batch []*graph.Node) *graph.Node {
	x, y := batch[0], batch[1]
	x = graph.Add(x, graph.MulScalar(scope.RandomNormal(x.Graph(), x.Shape()), 0.1))
	out := nets.MLP(scope.In("net"), x, nets.GlorotUniform, graph.Tanh, 16, 1)
	return graph.MulScalar(graph.ReduceAllMean(graph.Square(graph.Sub(out, y))), 0.5)
}

func bits(t *testing.T, store *model.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for v := range store.IterVariables() {
		if err := v.MustValue().ConstBytes(func(data []byte) { all[v.Path()] = fmt.Sprintf("%x", data) }); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestStepsPerCall(t *testing.T) {
	var first map[string]string
	for _, k := range []int{1, 2, 20} {
		store := model.NewStore()
		r, err := Train(context.Background(), backendtest.Open(t), store, noisyLoss, line{8},
			Config{Steps: 50, LearningRate: 0.01, Seed: 3, EMA: 0.99, ClipNorm: 1, StepsPerCall: k, Schedule: WarmupCosine{Warmup: 5}})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(k, r.Compiles, r.Losses[0], r.Losses[49])
		got := bits(t, store)
		if first == nil {
			first = got
		}
		for path, want := range first {
			if got[path] != want {
				t.Errorf("K=%d: %s = %s, want %s", k, path, got[path], want)
			}
		}
	}
	_ = shapes.Make
	_ = dtypes.Float32
}
