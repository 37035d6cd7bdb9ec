package elbo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// GradientDraws are unbiased estimates of ∂E_q[f(z)]/∂μ and ∂E_q[f(z)]/∂σ for q = N(μ, diag σ²), one for each draw:
// both are [l·batch, event...], and row i·batch+j belongs to draw i of element j.
type GradientDraws struct{ Mean, Std *Node }

// Pathwise differentiates f along the draw z = μ + σ⊙ε: ∂f/∂z for μ and ε⊙∂f/∂z for σ
// (Kingma and Welling 2014, section 2.4; Rezende, Mohamed and Wierstra 2014). f maps z [n, event...] to [n], row by row.
// It panics when l < 1.
func Pathwise(src noise.Source, q dist.DiagNormal, f func(z *Node) *Node, l int) GradientDraws {
	ql := repeat("Pathwise", q, l)
	grads := Gradient(ReduceAllSum(f(ql.Sample(src))), ql.Mean, ql.LogStd)
	return GradientDraws{grads[0], Div(grads[1], ql.Std())}
}

// ScoreFunction returns f(z)·∂log q(z)/∂μ and f(z)·∂log q(z)/∂σ for draws z of q, through which no gradient flows
// (REINFORCE: Williams 1992, section 4). f is as in Pathwise, but need not be differentiable.
// It panics when l < 1.
func ScoreFunction(src noise.Source, q dist.DiagNormal, f func(z *Node) *Node, l int) GradientDraws {
	ql := repeat("ScoreFunction", q, l)
	z := StopGradient(ql.Sample(src))
	grads := Gradient(ReduceAllSum(ql.LogProb(z)), ql.Mean, ql.LogStd)
	value := f(z)
	for value.Rank() < z.Rank() {
		value = InsertAxes(value, -1)
	}
	return GradientDraws{Mul(value, grads[0]), Mul(value, Div(grads[1], ql.Std()))}
}
