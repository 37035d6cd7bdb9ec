package guide

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
)

// Interval is where to guide: with the scale γ at the times with From ≤ Of(t) ≤ To, and with γ = 1, the plain conditional model,
// elsewhere. At high noise guidance narrows what may be drawn before anything is seen, at low noise it does nothing for the
// picture (Kynkäänniemi et al. 2024, "Applying guidance in a limited interval improves sample and distribution quality in
// diffusion models", equation 5).
type Interval struct {
	From, To float64
	Of       func(t *Node) *Node // nil is t itself; process.Process.LogSNR, or NoiseLevel as in the paper
}

// Gamma returns γ(t), of t's shape, for the functions that take it as a node:
//
//	guide.ClassifierFreeAt(cond, uncond, guide.Interval{From: 0.3, To: 5, Of: p.NoiseLevel}.Gamma(4))
//
// Both evaluations are made at every t, so that one compiled step serves all. It panics unless From ≤ To.
func (i Interval) Gamma(scale Scale) func(t *Node) *Node {
	scale.check("Interval.Gamma")
	if !(i.From <= i.To) {
		panic(fmt.Errorf("guide.Interval.Gamma: an interval from %g to %g, expected From ≤ To", i.From, i.To))
	}
	return func(t *Node) *Node {
		at := t
		if i.Of != nil {
			at = i.Of(t)
		}
		g, dtype := at.Graph(), at.DType()
		inside := LogicalAnd(GreaterOrEqual(at, Scalar(g, dtype, i.From)), LessOrEqual(at, Scalar(g, dtype, i.To)))
		return Where(inside, MulScalar(OnesLike(at), float64(scale)), OnesLike(at))
	}
}
