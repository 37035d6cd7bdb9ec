package oracle

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

// LinearGaussian is the model z ~ N(0,1), x|z ~ N(az+b, s²) of scalars x [batch, 1] and z [batch, 1].
// A, B and LogStd = log s are [1, 1], so that gradients with respect to them exist.
type LinearGaussian struct{ A, B, LogStd *Node }

// NewLinearGaussian makes the model of float64 constants; variance is s². It panics when s² is not positive.
func NewLinearGaussian(g *Graph, a, b, variance float64) LinearGaussian {
	if !(variance > 0) {
		panic(fmt.Errorf("oracle.NewLinearGaussian: variance %g, expected a positive one", variance))
	}
	return LinearGaussian{scalar(g, a), scalar(g, b), scalar(g, math.Log(variance)/2)}
}

// ScalarNormal makes N(mean, variance) of float64 constants [1, 1]. It panics when variance is not positive.
func ScalarNormal(g *Graph, mean, variance float64) dist.DiagNormal {
	if !(variance > 0) {
		panic(fmt.Errorf("oracle.ScalarNormal: variance %g, expected a positive one", variance))
	}
	return normal(scalar(g, mean), variance)
}

func scalar(g *Graph, v float64) *Node { return Const(g, [][]float64{{v}}) }

// Prior returns p(z) = N(0,1).
func (m LinearGaussian) Prior() dist.DiagNormal { return dist.StandardNormal(m.A) }

// Given returns p(x|z) = N(az+b, s²).
func (m LinearGaussian) Given(z *Node) dist.DiagNormal {
	return dist.DiagNormal{Mean: Add(Mul(m.A, z), m.B), LogStd: m.LogStd}
}

// LogJoint returns log p(x,z) = log p(z) + log p(x|z), [batch], in nats.
func (m LinearGaussian) LogJoint(x, z *Node) *Node {
	return Add(m.Prior().LogProb(z), m.Given(z).LogProb(x))
}

// Marginal returns p(x) = N(b, a²+s²).
func (m LinearGaussian) Marginal() dist.DiagNormal {
	return dist.DiagNormal{Mean: m.B, LogStd: MulScalar(Log(m.evidenceVar()), 0.5)}
}

// Posterior returns p(z|x) = N(a(x−b)/(a²+s²), s²/(a²+s²)).
func (m LinearGaussian) Posterior(x *Node) dist.DiagNormal {
	return dist.DiagNormal{
		Mean:   Div(Mul(m.A, Sub(x, m.B)), m.evidenceVar()),
		LogStd: Sub(m.LogStd, MulScalar(Log(m.evidenceVar()), 0.5)),
	}
}

// Recon returns E_q[log p(x|z)] = −½ log 2πs² − ((x−b−am)² + a²v)/(2s²) for q = N(m, v), [batch], in nats.
func (m LinearGaussian) Recon(q dist.DiagNormal, x *Node) *Node {
	likelihood := m.Given(q.Mean)
	spread := Div(Mul(Square(m.A), q.Variance()), MulScalar(likelihood.Variance(), 2))
	return Sub(likelihood.LogProb(x), Reshape(spread, -1))
}

// Bound returns the exact evidence lower bound Recon − KL(q‖p(z)), [batch], in nats.
func (m LinearGaussian) Bound(q dist.DiagNormal, x *Node) *Node {
	return Sub(m.Recon(q, x), dist.KL(q, m.Prior()))
}

// MStep returns the model with the slope that raises Bound's mean over the batch to its maximum while q = N(m, v),
// b and s stay: a = Σ m(x−b) / Σ (m²+v), the M step of expectation-maximisation (Dempster, Laird and Rubin 1977).
// The E step is Posterior.
func (m LinearGaussian) MStep(q dist.DiagNormal, x *Node) LinearGaussian {
	cross := ReduceAndKeep(Mul(q.Mean, Sub(x, m.B)), ReduceMean, 0)
	second := ReduceAndKeep(Add(Square(q.Mean), q.Variance()), ReduceMean, 0)
	return LinearGaussian{Div(cross, second), m.B, m.LogStd}
}

// evidenceVar returns a²+s².
func (m LinearGaussian) evidenceVar() *Node { return Add(Square(m.A), Exp(MulScalar(m.LogStd, 2))) }
