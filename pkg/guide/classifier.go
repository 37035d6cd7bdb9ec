package guide

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Classifier returns the denoiser of the score ∇log p(x_t) + γ∇log p(y|x_t):
//
//	x̂₀ + γ (σ²/α) ∇log p(y|x_t)
//
// uncond is E[x₀|x_t], and logProb returns log p(y|x_t) in nats, [batch], of a classifier that knows noise: its inputs are
// x_t and t. With γ = 1 it is the denoiser given y, when both are exact. With γ = 0 it is uncond itself, and logProb is never called.
// Source: Luo 2022, equations 162–166; Dhariwal and Nichol 2021, section 4.
func Classifier(p process.Process, uncond param.Denoiser, logProb func(xt, t *Node) *Node, scale Scale) param.Denoiser {
	scale.check("Classifier")
	if scale == 0 {
		return uncond
	}
	return ClassifierAt(p, uncond, logProb, scale.at)
}

// ClassifierAt is Classifier with a γ that is a node: a scalar, or of a shape that broadcasts with x_t, as a function of t (Interval.Gamma) or an input of the
// compiled program.
func ClassifierAt(p process.Process, uncond param.Denoiser, logProb func(xt, t *Node) *Node, gamma func(t *Node) *Node) param.Denoiser {
	score := ClassifierScore(logProb)
	return func(xt, t *Node) *Node { return guideX0(p, uncond(xt, t), score(xt, t), t, gamma(t)) }
}

// ClassifierScore returns ∇log p(y|x_t) with respect to x_t, of x_t's shape, by automatic differentiation: the gradient of the sum over
// the batch, whose rows do not mix. It panics unless logProb returns [batch].
func ClassifierScore(logProb func(xt, t *Node) *Node) param.ScoreFn {
	return func(xt, t *Node) *Node {
		xt = mathx.Free(xt)
		l := logProb(xt, t)
		if l.Rank() != 1 || l.Shape().Dimensions[0] != xt.Shape().Dimensions[0] || l.DType() != xt.DType() {
			panic(fmt.Errorf("guide.ClassifierScore: log p(y|x_t) has shape %s for x_t of shape %s, expected one number of its dtype for each example, "+
				"as the label's own entry of the log-softmax", l.Shape(), xt.Shape()))
		}
		return Gradient(ReduceAllSum(l), xt)[0]
	}
}

// guideX0 returns x̂₀ + γ (σ²/α) ∇log p(y|x_t), where σ²/α = ∂x̂₀/∂score.
func guideX0(p process.Process, x0, gradient, t, gamma *Node) *Node {
	return Add(x0, Mul(Mul(gamma, param.Slope(param.Score, p.Alpha(t), p.Sigma(t))), gradient))
}

// The same guidance written for what else a model may predict: gradient is ∇log p(y|x_t) in all three.

// ShiftScore returns ∇log p(x_t) + γ ∇log p(y|x_t) (Luo 2022, equation 166).
func ShiftScore(score, gradient *Node, scale Scale) *Node {
	scale.check("ShiftScore")
	return Add(score, MulScalar(gradient, float64(scale)))
}

// ShiftEps returns ε̂ − γ σ_t ∇log p(y|x_t). It is ShiftScore in other units, for every process and every step
// (Dhariwal and Nichol 2021, algorithm 2, where σ_t is √(1−ᾱ_t)).
func ShiftEps(p process.Process, eps, gradient, t *Node, scale Scale) *Node {
	scale.check("ShiftEps")
	return Sub(eps, Mul(MulScalar(p.Sigma(t), float64(scale)), gradient))
}

// ShiftMean returns N(μ + γΣ ∇log p(y|x), Σ) for the step's law N(μ, Σ). The original takes the gradient at x = μ, its program at x_t. Either way it is
// ShiftScore's step only in the limit of small steps: with x_t's gradient the mean moves by √(1−β_t) times as much when
// Σ = β_t, and by Σ√(1−β_t)/β_t otherwise (Dhariwal and Nichol 2021, algorithm 1).
func ShiftMean(step dist.DiagNormal, gradient *Node, scale Scale) dist.DiagNormal {
	scale.check("ShiftMean")
	return dist.DiagNormal{Mean: Add(step.Mean, Mul(MulScalar(step.Variance(), float64(scale)), gradient)), LogStd: step.LogStd}
}
