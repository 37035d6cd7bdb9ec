// Package mathx holds the scalar functions that GoMLX lacks or cannot differentiate, and reductions over events.
//
// All of them are differentiable to any order on both backends, and exact in their tails.
package mathx

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// Expm1 returns eˣ − 1 without cancellation at x near 0, elementwise, as (1+eˣ)·tanh(x/2).
// GoMLX's own Expm1 has no gradient.
func Expm1(x *graph.Node) *graph.Node {
	return graph.Mul(graph.OnePlus(graph.Exp(x)), graph.Tanh(graph.MulScalar(x, 0.5)))
}

// LogSigmoid returns log σ(x) = −log(1+e⁻ˣ), elementwise, as min(x,0) − log(1+e^−|x|).
// Where takes the place of min and |·|, so that both derivatives are right at 0 too.
func LogSigmoid(x *graph.Node) *graph.Node {
	positive := graph.GreaterThan(x, graph.ZerosLike(x))
	return graph.Sub(graph.Where(positive, graph.ZerosLike(x), x), graph.Log1p(graph.Exp(graph.Where(positive, graph.Neg(x), x))))
}

// Softplus returns log(1+eˣ) = −log σ(−x), elementwise.
func Softplus(x *graph.Node) *graph.Node { return graph.Neg(LogSigmoid(graph.Neg(x))) }

// LogSumExp returns log Σ eˣ over the last axis, which it removes; the largest x is taken out first, if it is finite: of nothing but −∞
// it is −∞.
func LogSumExp(x *graph.Node) *graph.Node {
	top := graph.ReduceAndKeep(x, graph.ReduceMax, -1)
	shift := graph.StopGradient(graph.Where(graph.IsFinite(top), top, graph.ZerosLike(top)))
	return graph.Add(graph.Squeeze(shift, -1), graph.Log(graph.ReduceSum(graph.Exp(graph.Sub(x, shift)), -1)))
}

// SumEvent sums over all axes but the first: [batch, event...] to [batch]. It panics when x is a scalar.
func SumEvent(x *graph.Node) *graph.Node {
	switch x.Rank() {
	case 0:
		panic(fmt.Errorf("mathx.SumEvent: x has shape %s, expected [batch, event...]", x.Shape()))
	case 1:
		return x
	}
	axes := make([]int, x.Rank()-1)
	for i := range axes {
		axes[i] = i + 1
	}
	return graph.ReduceSum(x, axes...)
}

// SolveLower returns L⁻¹b by forward substitution, for L [d, d] lower triangular and b [d, n].
// The loop over rows is unrolled, so it serves small d. It panics when the shapes do not fit.
func SolveLower(l, b *graph.Node) *graph.Node {
	if l.Rank() != 2 || b.Rank() != 2 || l.Shape().Dimensions[0] != l.Shape().Dimensions[1] ||
		l.Shape().Dimensions[0] != b.Shape().Dimensions[0] {
		panic(fmt.Errorf("mathx.SolveLower: L has shape %s and b %s, expected [d, d] and [d, n]", l.Shape(), b.Shape()))
	}
	d := l.Shape().Dimensions[0]
	rows := make([]*graph.Node, d)
	for i := range d {
		row := graph.Slice(b, graph.AxisElem(i))
		for j := range i {
			row = graph.Sub(row, graph.Mul(graph.Slice(l, graph.AxisElem(i), graph.AxisElem(j)), rows[j]))
		}
		rows[i] = graph.Div(row, graph.Slice(l, graph.AxisElem(i), graph.AxisElem(i)))
	}
	return graph.Concatenate(rows, 0)
}
