package sde

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// LogDensity returns log p_t(x), [batch], in nats, for x [batch, event...] and t [batch, 1, …, 1] or [1, …, 1].
type LogDensity func(x, t *Node) *Node

// Score returns ∇ log p_t(x), of x's shape, by automatic differentiation: it is a param.ScoreFn.
func (p LogDensity) Score(x, t *Node) *Node {
	x = mathx.Free(x)
	return Gradient(ReduceAllSum(p(x, t)), x)[0]
}

// Rate returns ∂/∂t log p_t(x), [batch], by automatic differentiation. t is as in LogDensity.
func (p LogDensity) Rate(x, t *Node) *Node {
	t = mathx.Free(perRow(t, x))
	return mathx.SumEvent(Gradient(ReduceAllSum(p(x, t)), t)[0])
}

// Direction says which way an SDE is solved.
type Direction int

// The directions.
const (
	Growing Direction = 1  // towards growing times, as Forward
	Falling Direction = -1 // towards falling times, as Reverse
)

// FokkerPlanck returns by how much p_t fails to be the marginals of s at x, [batch], per unit of time. It is the Fokker–Planck
// equation divided by p, so that it does not vanish with p in the tails:
//
//	∂ log p/∂t + ∇·f + fᵀ∇log p ∓ ½g² (Δ log p + ‖∇ log p‖²)
//
// with − when s is solved towards growing times and + towards falling ones. Times p it is ∂p/∂t + ∇·(fp) ∓ ½g²Δp. For an ODE the
// last term is missing, and the direction does not matter. The price is that of Divergence, for the drift and for the score.
// It panics when towards is no Direction. Source: Risken 1996, equation 4.45; Song et al. 2021, appendix D.1.
func (s SDE) FokkerPlanck(p LogDensity, x, t *Node, towards Direction) *Node {
	if towards != Growing && towards != Falling {
		panic(fmt.Errorf("sde.SDE.FokkerPlanck: direction %d, expected Growing or Falling", towards))
	}
	score := p.Score(x, t)
	transport := Add(s.Divergence(x, t), mathx.SumEvent(Mul(s.Drift(x, t), score)))
	residual := Add(p.Rate(x, t), transport)
	if s.Diffusion == nil {
		return residual
	}
	curvature := Add(divergence(p.Score, x, t), mathx.SumEvent(Square(score))) // Δp/p
	half := MulScalar(Square(s.Diffusion(t)), float64(towards)/2)
	return Sub(residual, Mul(Reshape(half, -1), curvature))
}

// divergence returns ∇·f(x, t), [batch], for a t of one row or of x's rows.
func divergence(f func(x, t *Node) *Node, x, t *Node) *Node {
	rows := t.Shape().Dimensions[0]
	return mathx.Divergence(func(copies *Node) *Node {
		if rows == 1 {
			return f(copies, t)
		}
		return f(copies, dist.Repeat(t, copies.Shape().Dimensions[0]/rows))
	}, x)
}

// perRow returns t with one row for each of x's.
func perRow(t, x *Node) *Node {
	dims := t.Shape().Clone().Dimensions
	dims[0] = x.Shape().Dimensions[0]
	return BroadcastToDims(t, dims...)
}
