package oracle

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Finite returns the model with z on k equally likely points instead of a continuum,
//
//	p_k(x) = 1/k Σᵢ N(x; azᵢ+b, s²),  zᵢ = Φ⁻¹((i−½)/k),
//
// which tends to Marginal as k grows. It panics when k < 1.
func (m LinearGaussian) Finite(k int) dist.LogProber {
	if k < 1 {
		panic(fmt.Errorf("oracle.LinearGaussian.Finite: %d components, expected at least one", k))
	}
	return finiteMixture{m, k}
}

type finiteMixture struct {
	LinearGaussian
	k int
}

// LogProb implements dist.LogProber for x [batch, 1].
func (f finiteMixture) LogProb(x *Node) *Node {
	checkX("LinearGaussian.Finite", x, 1)
	points := make([][]float64, f.k)
	for i := range points {
		points[i] = []float64{distuv.UnitNormal.Quantile((float64(i) + 0.5) / float64(f.k))}
	}
	n := x.Shape().Dimensions[0]
	z := Reshape(BroadcastToDims(ConstAs(x, points), f.k, n), -1, 1)
	each := Reshape(f.Given(z).LogProb(dist.Repeat(x, f.k)), f.k, n)
	return AddScalar(mathx.LogSumExp(Transpose(each, 0, 1)), -math.Log(float64(f.k)))
}
