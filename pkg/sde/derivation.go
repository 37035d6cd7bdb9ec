package sde

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Kernel returns the law of x_u given x_t = x, as SDE.Step and process.Process.Transition do.
type Kernel func(x, t, u *Node) dist.DiagNormal

// Derivation leads from Bayes' rule to the reverse SDE, for one step from x at t to y at u = t+dt, dt > 0:
//
//  1. Bayes      log p(x|y) = log p(y|x) + log p_t(x) − log p_u(y)
//  2. Taylor     log p_u(y) ≈ log p_t(x) + (y−x)ᵀ∇log p_t(x) + dt ∂/∂t log p_t(x)
//  3. Square     log p(x|y) ≈ log N(y; x + (f − g²∇log p_t(x)) dt, g²dt)
//  4. SDE.Step   x|y ~ N(y − (f − g²∇log p_u(y)) dt, g²dt): a step of Reverse, from u down to t
//
// The term of second order that line 2 drops, Curvature, is O(dt), not o(dt), since y−x is of size √dt. It changes the mean
// and the variance of x given y only at O(dt²), and so not the limit. Line 4 moves the coefficients from (x, t) to (y, u), which
// again costs O(dt²). Source of the result: Anderson 1982, "Reverse-time diffusion equation models".
//
// x and y are [batch, event...], t and u as in LogDensity; results are [batch], in nats.
type Derivation struct {
	SDE        SDE
	LogDensity LogDensity // of the marginals of SDE
}

// Bayes returns line 1 for the given law of a step. It is exact with the exact law.
func (d Derivation) Bayes(kernel Kernel, x, y, t, u *Node) *Node {
	return Add(kernel(x, t, u).LogProb(y), Sub(d.LogDensity(x, t), d.LogDensity(y, u)))
}

// Taylor returns line 2, the expansion of log p_u(y) about (x, t) to first order in both.
func (d Derivation) Taylor(x, y, t, u *Node) *Node {
	inX := mathx.SumEvent(Mul(Sub(y, x), d.LogDensity.Score(x, t)))
	inT := Mul(Reshape(Sub(u, t), -1), d.LogDensity.Rate(x, t))
	return Add(d.LogDensity(x, t), Add(inX, inT))
}

// Curvature returns ½(y−x)ᵀ∇²log p_t(x)(y−x), which Taylor drops.
func (d Derivation) Curvature(x, y, t *Node) *Node {
	score := func(x *Node) *Node { return d.LogDensity.Score(x, t) }
	return MulScalar(mathx.Quadratic(score, Identity(x), Sub(y, x)), 0.5) // Identity: y−x is no part of what is differentiated
}

// Expanded returns line 1 for an Euler–Maruyama step with Taylor in place of log p_u(y). As a function of y it differs from
// Square by a constant, which is O(dt).
func (d Derivation) Expanded(x, y, t, u *Node) *Node {
	return Add(d.SDE.Step(x, t, u).LogProb(y), Sub(d.LogDensity(x, t), d.Taylor(x, y, t, u)))
}

// Square returns line 3, the completed square: log N(y; x + (f − g²∇log p_t(x)) dt, g²dt).
func (d Derivation) Square(x, y, t, u *Node) *Node {
	return d.SDE.Reverse(d.LogDensity.Score).Step(x, t, u).LogProb(y)
}

// Law returns line 4, the law of x given y: a step of Reverse from u to t.
func (d Derivation) Law(y, t, u *Node) dist.DiagNormal {
	return d.SDE.Reverse(d.LogDensity.Score).Step(y, u, t)
}
