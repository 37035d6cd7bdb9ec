package nets_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// A denoising network of x and t: both enter one MLP, t through its embedding.
func ExampleMLP() {
	b, store := backend.MustOpen(backend.PureGo), model.NewStore()
	out, err := model.CallOnce(b, store, func(scope *model.Scope, x, t *graph.Node) *graph.Node {
		in := graph.Concatenate([]*graph.Node{x, nets.TimeEmbedding(t, 16, 1, 1000)}, -1)
		return nets.MLP(scope.At("denoiser"), in, nets.HeUniform, activation.Swish, 128, 128, 2)
	}, [][]float32{{0.5, -1}, {2, 0}}, [][]float32{{0.1}, {0.9}})
	if err != nil {
		panic(err)
	}
	fmt.Println(out.Shape(), store.NumVariables()-1, "weights and biases")
	// Output: (Float32)[2, 2] 6 weights and biases
}

// A preset is a value: copy it, change a field, and ask what it costs.
func ExamplePatch() {
	p := nets.PatchFashion
	fmt.Println(p)
	p.Classes = 10
	fmt.Println(p.Parameters(), "weights with classes")
	p.Patch = 5
	fmt.Println(p.Check() != nil)
	// Output:
	// patch transformer for 28×28×1: 49 tokens of 128 features, 4 blocks of 4 heads; 1295912 parameters, 85.18 MFLOP an image
	// 1297320 weights with classes
	// true
}
