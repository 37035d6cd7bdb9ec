package nets

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// normEpsilon keeps the division of a normalisation away from 0/0; the value of Ba et al. 2016.
const normEpsilon = 1e-6

// dense returns x W + b for x [rows, in], with W [in, width] started by init, and b at 0.
func dense(scope *model.Scope, x *graph.Node, init Init, width int) *graph.Node {
	return graph.Add(linear(scope, x, init, width), bias(scope, x, width))
}

// linear returns x W for x [rows, in].
func linear(scope *model.Scope, x *graph.Node, init Init, width int) *graph.Node {
	return graph.MatMul(x, weights(scope, x, init, x.Shape().Dim(-1), width))
}

// weights returns the variable W of the dims, of like's dtype, started by init.
func weights(scope *model.Scope, like *graph.Node, init Init, dims ...int) *graph.Node {
	scope = scope.WithInitializer(init(scope))
	return scope.VariableWithShape("weights", shapes.Make(like.DType(), dims...)).NodeValue(like.Graph())
}

// bias returns the variable b [1, width], which starts at 0.
func bias(scope *model.Scope, like *graph.Node, width int) *graph.Node {
	scope = scope.WithInitializer(Zero(scope))
	return scope.VariableWithShape("biases", shapes.Make(like.DType(), 1, width)).NodeValue(like.Graph())
}

// layerNorm returns (x − m)/√(v + ε) with m and v the mean and variance over the last axis (Ba et al. 2016,
// "Layer normalization", without gain and bias). Sqrt and a division, since Rsqrt has no gradient.
func layerNorm(x *graph.Node) *graph.Node {
	centred := graph.Sub(x, graph.ReduceAndKeep(x, graph.ReduceMean, -1))
	variance := graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, -1)
	return graph.Div(centred, graph.Sqrt(graph.AddScalar(variance, normEpsilon)))
}

// swish returns x·sigmoid(x).
func swish(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Sigmoid(x)) }
