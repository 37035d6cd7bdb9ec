package nets

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// MADE is a multi-layer perceptron of x [batch, d] whose output i, of [batch, d], depends on x_{<i} only:
//
//	h₀ = x,  hₗ = φ(hₗ₋₁ (Mₗ⊙Wₗ) + bₗ),  output h_L (M⊙W) + b
//
// The masks M are 0 or 1. Input i has degree i = 1 … d, hidden unit k has degree 1 + (k mod d−1); a hidden unit
// sees units of at most its own degree, an output sees hidden units of a smaller degree than its own. So output 1 is
// its bias alone, and no output sees itself (Germain et al. 2015, "MADE", section 3; degrees in turn instead of drawn).
// Weights start by the law init, biases at 0, and are named <scope>/layer_l.
//
// It panics when x is not [batch, d] of floats, when hidden has no width or one that is not positive, when φ is nil, and
// when this scope value already built a network: see the package's comment on In and At.
func MADE(scope *model.Scope, x *graph.Node, init Init, act func(*graph.Node) *graph.Node, hidden ...int) *graph.Node {
	checkMADE(x, act, hidden)
	d := x.Shape().Dimensions[1]
	scope = scope.WithInitializer(init(scope))
	degrees := cycle(d, d)
	for l, width := range hidden {
		next := cycle(width, max(1, d-1))
		x = act(maskedDense(scope.In("layer_%d", l+1), x, mask(degrees, next, 0)))
		degrees = next
	}
	return maskedDense(scope.In("layer_%d", len(hidden)+1), x, mask(degrees, cycle(d, d), 1))
}

func checkMADE(x *graph.Node, act func(*graph.Node) *graph.Node, hidden []int) {
	if x.Rank() != 2 || !x.DType().IsFloat() {
		panic(fmt.Errorf("nets.MADE: x is %s, expected floats of shape [batch, d]", x.Shape()))
	}
	if len(hidden) == 0 || slices.Min(hidden) < 1 {
		panic(fmt.Errorf("nets.MADE: hidden widths %v, expected one or more, all positive (x is %s)", hidden, x.Shape()))
	}
	if act == nil {
		panic(fmt.Errorf("nets.MADE: no activation for the hidden widths %v", hidden))
	}
}

// cycle returns n degrees 1, 2, …, most, 1, 2, …
func cycle(n, most int) []int {
	degrees := make([]int, n)
	for k := range degrees {
		degrees[k] = 1 + k%most
	}
	return degrees
}

// mask returns [len(from), len(to)] with 1 where the degree in to is at least that in from, plus gap.
func mask(from, to []int, gap int) [][]float64 {
	m := make([][]float64, len(from))
	for i, a := range from {
		m[i] = make([]float64, len(to))
		for j, b := range to {
			if b >= a+gap {
				m[i][j] = 1
			}
		}
	}
	return m
}

// maskedDense returns x (M⊙W) + b.
func maskedDense(scope *model.Scope, x *graph.Node, m [][]float64) *graph.Node {
	g, dtype := x.Graph(), x.DType()
	w := scope.VariableWithShape("weights", shapes.Make(dtype, len(m), len(m[0]))).NodeValue(g)
	b := scope.VariableWithShape("biases", shapes.Make(dtype, len(m[0]))).NodeValue(g)
	masked := graph.Mul(w, graph.ConstAsDType(g, dtype, m))
	return graph.Add(graph.MatMul(x, masked), graph.ExpandLeftToRank(b, 2))
}
