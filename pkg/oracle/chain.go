package oracle

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

// Chain is the two-level chain z₂ ~ N(0,1), z₁|z₂ ~ N(A₂z₂, V₁), x|z₁ ~ N(A₁z₁, V₀) of scalars,
// the smallest Markovian hierarchical model. All latents and x are [batch, 1].
type Chain struct{ A2, V1, A1, V0 float64 }

// latentVar is Var z₁ = A₂² + V₁.
func (c Chain) latentVar() float64 { return c.A2*c.A2 + c.V1 }

// Top returns p(z₂) = N(0,1).
func (c Chain) Top(g *Graph) dist.DiagNormal { return normal(Const(g, [][]float64{{0}}), 1) }

// Middle returns p(z₁|z₂) = N(A₂z₂, V₁).
func (c Chain) Middle(z2 *Node) dist.DiagNormal { return normal(MulScalar(z2, c.A2), c.V1) }

// Given returns p(x|z₁) = N(A₁z₁, V₀).
func (c Chain) Given(z1 *Node) dist.DiagNormal { return normal(MulScalar(z1, c.A1), c.V0) }

// LogJoint returns log p(x, z₁, z₂), [batch], in nats.
func (c Chain) LogJoint(x, z1, z2 *Node) *Node {
	return Add(Add(c.Top(x.Graph()).LogProb(z2), c.Middle(z2).LogProb(z1)), c.Given(z1).LogProb(x))
}

// Marginal returns p(x) = N(0, A₁²(A₂²+V₁)+V₀).
func (c Chain) Marginal(g *Graph) dist.DiagNormal {
	return normal(Const(g, [][]float64{{0}}), c.A1*c.A1*c.latentVar()+c.V0)
}

// PosteriorMiddle returns p(z₁|x), by the conjugate update of N(0, A₂²+V₁) with x.
func (c Chain) PosteriorMiddle(x *Node) dist.DiagNormal {
	return conjugate(x, c.A1, c.latentVar(), c.V0)
}

// PosteriorTop returns p(z₂|z₁), which does not depend on x, by the conjugate update of N(0,1) with z₁.
func (c Chain) PosteriorTop(z1 *Node) dist.DiagNormal { return conjugate(z1, c.A2, 1, c.V1) }

// conjugate returns the law of u ~ N(0, prior) given y ~ N(au, noise):
// precision 1/prior + a²/noise, mean (a/noise)y over the precision.
func conjugate(y *Node, a, prior, noise float64) dist.DiagNormal {
	precision := 1/prior + a*a/noise
	return normal(MulScalar(y, a/noise/precision), 1/precision)
}

func normal(mean *Node, variance float64) dist.DiagNormal {
	return dist.DiagNormal{Mean: mean, LogStd: ConstAs(mean, [][]float64{{math.Log(variance) / 2}})}
}
