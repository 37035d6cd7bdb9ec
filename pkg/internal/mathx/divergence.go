package mathx

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Divergence returns Σᵢ ∂fᵢ/∂xᵢ, [batch], of an f that treats each row of x [batch, event...] alone. With d numbers in an
// event it evaluates f once on d copies of the batch: entry i of row j of copy i gives ∂fᵢ/∂xᵢ. Whatever f holds besides x must
// broadcast along the batch. It panics when f changes the shape.
func Divergence(f func(x *graph.Node) *graph.Node, x *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	n, d := dims[0], x.Shape().Size()/dims[0]
	copies := graph.BroadcastPrefix(x, d) // [d, batch, event...]
	copies = graph.Reshape(copies, append([]int{d * n}, dims[1:]...)...)
	unit := make([][]float64, d)
	for i := range unit {
		unit[i] = make([]float64, d)
		unit[i][i] = 1
	}
	probe := graph.BroadcastToDims(graph.ExpandAxes(graph.ConstAsDType(x.Graph(), x.DType(), unit), 1), d, n, d)
	return graph.ReduceSum(graph.Reshape(Quadratic(f, copies, graph.Reshape(probe, copies.Shape().Dimensions...)), d, n), 0)
}

// Quadratic returns vᵀ(∂f/∂x)v, [batch], by one vector-Jacobian product, for an f that treats each row of x alone. Its mean is
// the divergence when the entries of v are independent with mean 0 and variance 1 (Hutchinson 1990).
// It panics when f changes the shape, or v has another one than x.
func Quadratic(f func(x *graph.Node) *graph.Node, x, v *graph.Node) *graph.Node {
	x = Free(x)
	return QuadraticOf(f(x), x, v)
}

// QuadraticOf is Quadratic for the y that f made of x, where y is of use itself. It panics as Quadratic does.
func QuadraticOf(y, x, v *graph.Node) *graph.Node {
	if !y.Shape().Equal(x.Shape()) || !v.Shape().Equal(x.Shape()) {
		panic(fmt.Errorf("mathx.Quadratic: f(x) has shape %s and v %s, expected x's %s", y.Shape(), v.Shape(), x.Shape()))
	}
	return SumEvent(graph.Mul(v, graph.Gradient(graph.ReduceAllSum(graph.Mul(y, v)), x)[0]))
}

// Free returns x as a node to differentiate with respect to: of a StopGradient node itself GoMLX's Gradient is 0. A plain Identity
// has no second gradient, this has.
func Free(x *graph.Node) *graph.Node {
	return graph.IdentityWithCustomGradient(x, func(_, v *graph.Node) *graph.Node { return v })
}
