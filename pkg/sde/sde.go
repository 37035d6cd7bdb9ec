package sde

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// SDE is dx = Drift(x, t) dt + Diffusion(t) dw. Without Diffusion it is the ordinary equation dx = Drift dt. It is solved
// towards growing or falling times: the sign of dt says which.
type SDE struct {
	Drift     func(x, t *Node) *Node
	Diffusion func(t *Node) *Node // g ≥ 0, of t's shape; nil is an ODE
}

// Forward returns dx = f(t) x dt + g(t) dw, whose transitions are those of p (Song et al. 2021, equation 5).
// It panics, when it is used, for a Discrete schedule.
func Forward(p process.Process) SDE {
	return SDE{
		Drift:     func(x, t *Node) *Node { return Mul(p.Drift(t), x) },
		Diffusion: func(t *Node) *Node { return Sqrt(p.Diffusion2(t)) },
	}
}

// Family returns the equation that has the marginals of s, whose score is score, when it is solved towards falling times:
//
//	dx = [f − ½(1+ℓ²) g² ∇log p_t] dt + ℓ g dw̄
//
// ℓ = 1 is Reverse, ℓ = 0 ProbabilityFlow. It panics when s is an ODE, or ℓ is negative or not finite.
// Source: Song et al. 2021, appendix D.1; Karras et al. 2022, equation 6.
func (s SDE) Family(score param.ScoreFn, l float64) SDE {
	if s.Diffusion == nil || !(l >= 0 && l <= math.MaxFloat64) {
		panic(fmt.Errorf("sde.SDE.Family: ℓ = %g of an equation with noise: %t, expected ℓ ≥ 0 and a Diffusion", l, s.Diffusion != nil))
	}
	family := SDE{Drift: func(x, t *Node) *Node {
		g2 := Square(s.Diffusion(t))
		return Sub(s.Drift(x, t), Mul(MulScalar(g2, (1+l*l)/2), score(x, t)))
	}}
	if l > 0 {
		family.Diffusion = func(t *Node) *Node { return MulScalar(s.Diffusion(t), l) }
	}
	return family
}

// Reverse returns the reverse of s, dx = [f − g² ∇log p_t] dt + g dw̄ with dt < 0
// (Anderson 1982; Song et al. 2021, equation 6).
func (s SDE) Reverse(score param.ScoreFn) SDE { return s.Family(score, 1) }

// ProbabilityFlow returns the ordinary equation with the marginals of s, dx = [f − ½g² ∇log p_t] dt
// (Song et al. 2021, equation 13).
func (s SDE) ProbabilityFlow(score param.ScoreFn) SDE { return s.Family(score, 0) }

// Step returns the law of one Euler–Maruyama step from time t to u, whichever is later:
//
//	x_u|x_t ~ N(x_t + f (u−t), g² |u−t| I)
//
// (Kloeden and Platen 1992, section 10.2). For an ODE the LogStd is −∞.
func (s SDE) Step(x, t, u *Node) dist.DiagNormal {
	dt := Sub(u, t)
	law := dist.DiagNormal{Mean: Add(x, Mul(s.Drift(x, t), dt)), LogStd: Log(ZerosLike(t))}
	if s.Diffusion != nil {
		law.LogStd = Add(Log(s.Diffusion(t)), MulScalar(Log(Abs(dt)), 0.5))
	}
	return law
}

// Divergence returns ∇·Drift at x [batch, event...] and t [batch or 1, 1, …, 1], [batch], exactly: for d numbers in an event it
// costs one evaluation and one gradient of the drift on d copies of the batch.
func (s SDE) Divergence(x, t *Node) *Node { return divergence(s.Drift, x, t) }

// DivergenceAlong returns vᵀ(∂Drift/∂x)v, [batch]: for v of independent entries ±1, or N(0,1), an unbiased estimate of
// Divergence at the price of one gradient (Hutchinson 1990; Grathwohl et al. 2019, equation 7).
func (s SDE) DivergenceAlong(x, t, v *Node) *Node {
	return mathx.Quadratic(func(x *Node) *Node { return s.Drift(x, t) }, x, v)
}
