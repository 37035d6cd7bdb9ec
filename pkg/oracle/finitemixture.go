package oracle

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

// FiniteMixture returns the linear-Gaussian model with z on k points instead of a continuum,
//
//	p_k(x) = 1/k Σᵢ N(x; azᵢ+b, s²),  zᵢ = Φ⁻¹((i−½)/k),
//
// which tends to the marginal N(b, a²+s²) of LinearGaussian as k grows; variance is s².
// It panics when k < 1 or the variance is not positive.
func FiniteMixture(g *Graph, a, b, variance float64, k int) dist.Mixture {
	if k < 1 || !(variance > 0) {
		panic(fmt.Errorf("oracle.FiniteMixture: %d components of variance %g, expected at least one and a positive variance", k, variance))
	}
	weights, means, variances := make([]float64, k), make([][]float64, k), make([][]float64, k)
	for i := range k {
		z := distuv.UnitNormal.Quantile((float64(i) + 0.5) / float64(k))
		weights[i], means[i], variances[i] = 1, []float64{a*z + b}, []float64{variance}
	}
	return dist.NewMixture(g, weights, means, variances)
}
