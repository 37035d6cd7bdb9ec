package sde

import (
	"errors"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
)

// KLRate returns ½ g(t)² ‖model(x,t) − truth(x,t)‖², [batch]. Its mean under the marginals p_t of s, integrated over t, is what
// Reverse loses when model stands for their score: with π in place of p_T,
//
//	KL(p₀‖p_θ) ≤ ½ ∫ g² E‖model − truth‖² dt + KL(p_T‖π)
//
// with equality when model is the score of other data that s diffuses, and π their law at T (Song, Durkan, Murray and
// Ermon 2021, "Maximum likelihood training of score-based diffusion models", theorems 1 and 2). Trained with
// score.LikelihoodWeight, half of score.Objective's loss times TMax − TMin is the integral, but for a constant.
// It panics when s is an ODE, for which no such bound holds.
func (s SDE) KLRate(model, truth param.ScoreFn, x, t *Node) *Node {
	if s.Diffusion == nil {
		panic(errors.New("sde.SDE.KLRate: an equation without noise, expected a Diffusion"))
	}
	miss := mathx.SumEvent(Square(Sub(model(x, t), truth(x, t))))
	return Mul(Reshape(MulScalar(Square(s.Diffusion(t)), 0.5), -1), miss)
}
