package nets

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
)

// MLP is the multi-layer perceptron with layer widths sizes:
//
//	h₀ = x,  hₗ = φ(hₗ₋₁ Wₗ + bₗ) for l = 1 … L−1,  output h_L₋₁ W_L + b_L
//
// x is [batch, …, in] and the output [batch, …, sizes[L−1]]; the last layer has no activation φ. Weights take the
// dtype of x, start by the law init (biases at 0), and are named <scope>/layer_l/dense. act is any
// elementwise function: graph.Tanh, graph.Sigmoid, activation.Relu, activation.Swish. It may be nil when there is
// one layer, which is then an affine map.
//
// It panics when sizes is empty or not positive, when x is a scalar or not a float, and when this scope value
// already built an MLP: see the package's comment on In and At.
func MLP(scope *model.Scope, x *graph.Node, init Init, act func(*graph.Node) *graph.Node, sizes ...int) *graph.Node {
	checkMLP(x, act, sizes)
	scope = scope.WithInitializer(init(scope))
	for l, size := range sizes {
		x = layers.Dense(scope.In("layer_%d", l+1), x, true, size)
		if l < len(sizes)-1 {
			x = act(x)
		}
	}
	return x
}

func checkMLP(x *graph.Node, act func(*graph.Node) *graph.Node, sizes []int) {
	if x.Rank() == 0 || !x.DType().IsFloat() {
		panic(fmt.Errorf("nets.MLP: x is %s, expected a float of shape [batch, …, features]", x.Shape()))
	}
	if len(sizes) == 0 {
		panic(fmt.Errorf("nets.MLP: no sizes, expected the width of one layer or more (x is %s)", x.Shape()))
	}
	for _, size := range sizes {
		if size < 1 {
			panic(fmt.Errorf("nets.MLP: sizes %v, expected positive widths (x is %s)", sizes, x.Shape()))
		}
	}
	if act == nil && len(sizes) > 1 {
		panic(fmt.Errorf("nets.MLP: no activation for the %d hidden layers of sizes %v", len(sizes)-1, sizes))
	}
}
