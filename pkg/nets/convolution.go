package nets

import (
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// kernel is the side of the convolutions: odd, since GoMLX's gradient of an even one with respect to its input is wrong.
const kernel = 3

// convolution returns the kernel × kernel convolution of x [batch, h, w, in] with bias, padded with zeros to [batch, h, w, width].
func convolution(scope *model.Scope, x *graph.Node, init Init, width int) *graph.Node {
	k := weights(scope, x, init, kernel, kernel, x.Shape().Dim(-1), width)
	y := graph.Convolve(x, k).PadSame().Done()
	return graph.Add(y, graph.Reshape(bias(scope, x, width), 1, 1, 1, width))
}

// pixelwise returns x W for x [batch, h, w, in]: the 1 × 1 convolution, as a matrix product.
func pixelwise(scope *model.Scope, x *graph.Node, init Init, width int) *graph.Node {
	d := x.Shape().Dimensions
	return graph.Reshape(linear(scope, graph.Reshape(x, -1, d[3]), init, width), d[0], d[1], d[2], width)
}

// groupNorm normalises x [batch, h, w, channels] to mean 0 and variance 1 over the pixels and the channels of each of the groups.
// Source: Wu and He 2018, "Group normalization", equations 1, 2 and 7, without gain and bias.
func groupNorm(x *graph.Node, groups int) *graph.Node {
	d := x.Shape().Dimensions
	y := graph.Reshape(x, d[0], d[1]*d[2], groups, d[3]/groups)
	centred := graph.Sub(y, graph.ReduceAndKeep(y, graph.ReduceMean, 1, 3))
	variance := graph.ReduceAndKeep(graph.Square(centred), graph.ReduceMean, 1, 3)
	return graph.Reshape(graph.Div(centred, graph.Sqrt(graph.AddScalar(variance, normEpsilon))), d...)
}

// gainAndBias returns gain ⊙ x + bias with one of each a channel, which start at 1 and 0.
func gainAndBias(scope *model.Scope, x *graph.Node) *graph.Node {
	width := x.Shape().Dim(-1)
	shape := shapes.Make(x.DType(), 1, 1, 1, width)
	gain := scope.WithInitializer(constant(1)).VariableWithShape("gain", shape).NodeValue(x.Graph())
	return graph.Add(graph.Mul(gain, x), graph.Reshape(bias(scope, x, width), 1, 1, 1, width))
}
