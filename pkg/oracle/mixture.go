package oracle

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Mixture is the law x₀ ~ Σₖ wₖ N(mₖ, diag vₖ): Weights [K], Means and Vars [K][d]. The weights are normalised.
// Its functions panic when the lengths differ, or a weight or a variance is negative.
type Mixture struct {
	Weights     []float64
	Means, Vars [][]float64
}

var _ Data = Mixture{}

// Law returns the mixture itself.
func (d Mixture) Law(g *Graph, dtype dtypes.DType) dist.Mixture {
	return d.law(g, dtype, func(k Gaussian) dist.DiagNormal { return k.Law(g, dtype) })
}

// Marginal returns q(x_t) = Σₖ wₖ N(αmₖ, Vₖ), Vₖ = α²vₖ+σ², as a dist.Mixture.
func (d Mixture) Marginal(p process.Process, t *Node) Law { return d.marginal(p, t) }

func (d Mixture) marginal(p process.Process, t *Node) dist.Mixture {
	return d.law(t.Graph(), t.DType(), func(k Gaussian) dist.DiagNormal { return k.marginal(p, t) })
}

// Denoiser returns E[x₀|x_t] = Σₖ rₖ μₖ with the responsibilities rₖ = P(k|x_t) and the means
// μₖ = mₖ + (αvₖ/Vₖ)(x_t − αmₖ) of x₀ given x_t and k.
func (d Mixture) Denoiser(p process.Process) param.Denoiser {
	return func(xt, t *Node) *Node {
		checkX("Mixture", xt, d.dim())
		return d.marginal(p, t).Average(xt, func(k int) *Node { return d.component(k).Denoiser(p)(xt, t) })
	}
}

// Score returns Σₖ rₖ (αmₖ − x_t)/Vₖ.
func (d Mixture) Score(p process.Process) param.ScoreFn {
	return func(xt, t *Node) *Node {
		checkX("Mixture", xt, d.dim())
		return d.marginal(p, t).Score(xt)
	}
}

// PosteriorVar returns Var(x₀|x_t) = Σₖ rₖ [vₖσ²/Vₖ + (μₖ − E[x₀|x_t])²], the law of total variance.
func (d Mixture) PosteriorVar(p process.Process) func(xt, t *Node) *Node {
	return func(xt, t *Node) *Node {
		mean := d.Denoiser(p)(xt, t)
		return d.marginal(p, t).Average(xt, func(k int) *Node {
			c := d.component(k)
			return Add(c.PosteriorVar(p)(xt, t), Square(Sub(c.Denoiser(p)(xt, t), mean)))
		})
	}
}

func (d Mixture) component(k int) Gaussian { return Gaussian{d.Means[k], d.Vars[k]} }

func (d Mixture) dim() int {
	d.check()
	return len(d.Means[0])
}

// law returns the mixture of the laws that component makes.
func (d Mixture) law(g *Graph, dtype dtypes.DType, component func(Gaussian) dist.DiagNormal) dist.Mixture {
	d.check()
	m, logWeights, total := dist.Mixture{}, make([]float64, len(d.Weights)), floats.Sum(d.Weights)
	for k, w := range d.Weights {
		logWeights[k] = math.Log(w / total)
		m.Components = append(m.Components, component(d.component(k)))
	}
	m.LogWeights = ConstAsDType(g, dtype, logWeights)
	return m
}

func (d Mixture) check() {
	if len(d.Weights) == 0 || len(d.Means) != len(d.Weights) || len(d.Vars) != len(d.Weights) {
		panic(fmt.Errorf("oracle.Mixture: %d weights, %d means and %d variances, expected as many of each",
			len(d.Weights), len(d.Means), len(d.Vars)))
	}
	for k, w := range d.Weights {
		checkMoments("Mixture", d.Means[k], d.Vars[k])
		if !(w >= 0) || len(d.Means[k]) != len(d.Means[0]) {
			panic(fmt.Errorf("oracle.Mixture: component %d has weight %g and %d dimensions, expected a weight of 0 or more and %d dimensions",
				k, w, len(d.Means[k]), len(d.Means[0])))
		}
	}
	if !(floats.Sum(d.Weights) > 0) {
		panic(fmt.Errorf("oracle.Mixture: the weights %v sum to 0, expected a positive sum", d.Weights))
	}
}
