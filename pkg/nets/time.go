package nets

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// TimeEmbedding turns a time into dim smooth features, so that a network can resolve small and large changes of t:
//
//	e(t) = (sin ω₁t, …, sin ω_h t, cos ω₁t, …, cos ω_h t),  h = dim/2
//	ω_k = ω_min (ω_max/ω_min)^((k−1)/(h−1))
//
// The angular frequencies, in radians per unit of t, form a geometric sequence from omegaMin to omegaMax (for h = 1: omegaMin).
// t follows the time contract: it has x's rank with size-1 event axes, as [batch, 1] or [batch, 1, 1, 1].
// The result is [batch, dim].
//
// The form is that of Vaswani et al. 2017, "Attention is all you need", section 3.5, which has ω from 1/10000 to 1 for a
// position that counts in ones. For t in [0, 1], 1 to 1000 covers the same number of decades.
//
// It panics when t's event axes are not of size 1, dim is not an even number above 0, or not 0 < omegaMin <= omegaMax.
func TimeEmbedding(t *graph.Node, dim int, omegaMin, omegaMax float64) *graph.Node {
	checkTime(t, dim, omegaMin, omegaMax)
	h := dim / 2
	omega := make([]float64, h)
	for k := range omega {
		omega[k] = omegaMin * math.Pow(omegaMax/omegaMin, float64(k)/math.Max(1, float64(h-1)))
	}
	angle := graph.Mul(
		graph.Reshape(t, t.Shape().Dimensions[0], 1),
		graph.Const(t.Graph(), shapes.CastAsDType([][]float64{omega}, t.DType())))
	return graph.Concatenate([]*graph.Node{graph.Sin(angle), graph.Cos(angle)}, -1)
}

func checkTime(t *graph.Node, dim int, omegaMin, omegaMax float64) {
	if t.Rank() < 1 || !t.DType().IsFloat() || t.Shape().Size() != t.Shape().Dimensions[0] {
		panic(fmt.Errorf("nets.TimeEmbedding: t is %s, expected a float [batch, 1, …] with event axes of size 1", t.Shape()))
	}
	if dim < 2 || dim%2 != 0 {
		panic(fmt.Errorf("nets.TimeEmbedding: dim = %d, expected an even number of features (t is %s)", dim, t.Shape()))
	}
	if !(0 < omegaMin && omegaMin <= omegaMax) {
		panic(fmt.Errorf("nets.TimeEmbedding: frequencies from %g to %g, expected 0 < omegaMin <= omegaMax", omegaMin, omegaMax))
	}
}
