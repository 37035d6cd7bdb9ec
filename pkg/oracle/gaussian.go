package oracle

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Gaussian is the law x₀ ~ N(m, diag v) with Mean m and Var v, both of length d. A variance of 0 is a point.
// Its functions panic when the lengths differ or a variance is negative.
type Gaussian struct{ Mean, Var []float64 }

var _ Data = Gaussian{}

// Law returns N(m, diag v) itself, its parameters [1, d].
func (d Gaussian) Law(g *Graph, dtype dtypes.DType) dist.DiagNormal {
	m, v := d.params(g, dtype)
	return dist.DiagNormal{Mean: m, LogStd: MulScalar(Log(v), 0.5)}
}

// Marginal returns q(x_t) = N(αm, α²v+σ²) as a dist.DiagNormal.
func (d Gaussian) Marginal(p process.Process, t *Node) Law { return d.marginal(p, t) }

func (d Gaussian) marginal(p process.Process, t *Node) dist.DiagNormal {
	m, v := d.params(t.Graph(), t.DType())
	alpha, sigma2 := moments(p, t)
	return dist.DiagNormal{Mean: Mul(alpha, m), LogStd: MulScalar(Log(diffusedVar(v, alpha, sigma2)), 0.5)}
}

// Denoiser returns E[x₀|x_t] = m + (αv/V)(x_t − αm) with V = α²v+σ² (Bishop 2006, equation 2.116).
func (d Gaussian) Denoiser(p process.Process) param.Denoiser {
	return func(xt, t *Node) *Node {
		checkX("Gaussian", xt, len(d.Mean))
		m, v := d.params(t.Graph(), t.DType())
		alpha, sigma2 := moments(p, t)
		return posteriorMean(xt, m, v, alpha, sigma2)
	}
}

// Score returns −(x_t − αm)/(α²v+σ²).
func (d Gaussian) Score(p process.Process) param.ScoreFn {
	return func(xt, t *Node) *Node {
		checkX("Gaussian", xt, len(d.Mean))
		return d.marginal(p, t).Score(xt)
	}
}

// PosteriorVar returns Var(x₀|x_t) = vσ²/(α²v+σ²), the same for every x_t (Bishop 2006, equation 2.117).
func (d Gaussian) PosteriorVar(p process.Process) func(xt, t *Node) *Node {
	return func(xt, t *Node) *Node {
		checkX("Gaussian", xt, len(d.Mean))
		_, v := d.params(t.Graph(), t.DType())
		alpha, sigma2 := moments(p, t)
		return Add(posteriorVar(v, alpha, sigma2), ZerosLike(xt))
	}
}

func (d Gaussian) params(g *Graph, dtype dtypes.DType) (m, v *Node) {
	checkMoments("Gaussian", d.Mean, d.Var)
	return row(g, dtype, d.Mean), row(g, dtype, d.Var)
}

// diffusedVar returns V = α²v + σ², the variance of x_t.
func diffusedVar(v, alpha, sigma2 *Node) *Node { return Add(Mul(Square(alpha), v), sigma2) }

// over divides by V. Where V = 0 both v and σ² are, and what is divided by it is 0: so is the quotient.
func over(a, v, alpha, sigma2 *Node) *Node {
	all := diffusedVar(v, alpha, sigma2)
	return Div(a, Where(Equal(all, ZerosLike(all)), OnesLike(all), all))
}

// posteriorMean returns m + (αv/V)(x_t − αm).
func posteriorMean(xt, m, v, alpha, sigma2 *Node) *Node {
	gain := over(Mul(alpha, v), v, alpha, sigma2)
	return Add(m, Mul(gain, Sub(xt, Mul(alpha, m))))
}

// posteriorVar returns vσ²/V.
func posteriorVar(v, alpha, sigma2 *Node) *Node {
	return over(Mul(v, sigma2), v, alpha, sigma2)
}

func checkMoments(name string, mean, variance []float64) {
	if len(mean) == 0 || len(mean) != len(variance) {
		panic(fmt.Errorf("oracle.%s: %d means and %d variances, expected as many of each", name, len(mean), len(variance)))
	}
	for i, v := range variance {
		if !(v >= 0) {
			panic(fmt.Errorf("oracle.%s: variance %d is %g, expected 0 or more", name, i, v))
		}
	}
}
