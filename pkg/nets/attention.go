package nets

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// mix is multi-head self-attention without its two outer products: qkv [batch·n, 3·dim] holds queries, keys and values of n
// tokens, each split into heads of width d = dim/heads, and the result [batch·n, dim] the heads side by side:
//
//	softmax(q kᵀ/√d) v
//
// Source: Vaswani et al. 2017, equation 1.
func mix(qkv *graph.Node, batch, heads int) *graph.Node {
	rows, width := qkv.Shape().Dimensions[0], qkv.Shape().Dimensions[1]
	n, dim := rows/batch, width/3
	d := dim / heads
	split := graph.TransposeAllAxes(graph.Reshape(qkv, batch, n, 3, heads, d), 2, 0, 3, 1, 4) // [3, batch, heads, n, d]
	part := func(i int) *graph.Node {
		return graph.Reshape(graph.SliceAxis(split, 0, graph.AxisElem(i)), batch*heads, n, d)
	}
	scores := graph.Einsum("bnd,bmd->bnm", graph.MulScalar(part(0), 1/math.Sqrt(float64(d))), part(1))
	mixed := graph.Einsum("bnm,bmd->bnd", graph.Softmax(scores, -1), part(2))
	mixed = graph.Reshape(mixed, batch, heads, n, d)
	return graph.Reshape(graph.TransposeAllAxes(mixed, 0, 2, 1, 3), rows, dim)
}

// attention is self-attention of x [batch·n, dim] over each image's n tokens, with its products for q, k, v and the output, whose weights start by init.
func attention(scope *model.Scope, x *graph.Node, batch, heads int, init Init) *graph.Node {
	dim := x.Shape().Dim(-1)
	qkv := dense(scope.In("qkv"), x, GlorotUniform, 3*dim)
	return dense(scope.In("out"), mix(qkv, batch, heads), init, dim)
}
