package fit_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// points is y = 2x + 1 at four places, the same in each step.
type points struct{}

func (points) Batch(int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{
		tensors.FromValue([][]float64{{-1}, {0}, {1}, {2}}),
		tensors.FromValue([][]float64{{-1}, {1}, {3}, {5}}),
	}, nil
}

func squaredError(scope *model.Scope, batch []*graph.Node) *graph.Node {
	y := nets.MLP(scope.At("line"), batch[0], nets.GlorotUniform, nil, 1)
	return graph.ReduceAllMean(graph.Square(graph.Sub(y, batch[1])))
}

// The first call trains and saves; the second one, as in a notebook's later cell, loads.
func ExampleLoadOrTrain() {
	dir, err := os.MkdirTemp("", "fit-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	b := backend.MustOpen(backend.PureGo)
	c := fit.Config{Steps: 1500, LearningRate: 0.05, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: 1}
	for range 2 {
		store := model.NewStore()
		report, err := fit.LoadOrTrain(context.Background(), b, dir, store, squaredError, points{}, c)
		if err != nil {
			panic(err)
		}
		slope := store.GetVariable("/line/layer_1/dense/weights").MustValue()
		offset := store.GetVariable("/line/layer_1/dense/biases").MustValue()
		fmt.Printf("loaded %v: y = %.4fx + %.4f after %d steps\n", report.Loaded,
			tensors.MustCopyFlatData[float64](slope)[0], tensors.MustCopyFlatData[float64](offset)[0], report.Steps)
	}
	// Output:
	// loaded false: y = 2.0000x + 1.0000 after 1500 steps
	// loaded true: y = 2.0000x + 1.0000 after 1500 steps
}
