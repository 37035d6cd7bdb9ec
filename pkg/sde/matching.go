package sde

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Weight returns λ(t) > 0, of t's shape.
type Weight func(p process.Process, t *Node) *Node

// LevelWeight is λ = σ(t)²: for a score of 0 every time costs 1 per dimension (Song and Ermon 2019, section 4.2).
func LevelWeight(p process.Process, t *Node) *Node { return Square(p.Sigma(t)) }

// LikelihoodWeight is λ = g(t)², with which half the loss, times TMax − TMin, is KLRate's integral but for a constant
// (Song, Durkan, Murray and Ermon 2021, "Maximum likelihood training of score-based diffusion models", section 4).
func LikelihoodWeight(p process.Process, t *Node) *Node { return p.Diffusion2(t) }

// Matching returns for each example of x0 the loss at one time t ~ U(TMin, TMax) and one x_t ~ q(x_t|x₀), [batch]:
//
//	λ(t) ‖score(x_t, t) − ∇log q(x_t|x₀)‖²
//
// In expectation it is smallest for the score of the marginals (Song et al. 2021, equation 7). Where p is a point at TMin = 0,
// the target −ε/σ is infinite there: take a TMin above 0. It panics when the score does not have x0's shape.
func Matching(src noise.Source, p process.Process, score param.ScoreFn, weight Weight, x0 *Node) *Node {
	dims := x0.Shape().Clone()
	for axis := 1; axis < dims.Rank(); axis++ {
		dims.Dimensions[axis] = 1
	}
	u := StopGradient(src.RandomUniform(x0.Graph(), dims))
	t := AddScalar(MulScalar(u, p.TMax-p.TMin), p.TMin)
	eps := src.RandomNormal(x0.Graph(), x0.Shape())
	s := score(p.Diffuse(x0, eps, t), t)
	if !s.Shape().Equal(x0.Shape()) {
		panic(fmt.Errorf("sde.Matching: the score has shape %s for data of shape %s, expected one shape: give its network as many "+
			"outputs as the data has", s.Shape(), x0.Shape()))
	}
	target := param.Target(param.Score, x0, eps, p.Alpha(t), p.Sigma(t))
	return Mul(Reshape(weight(p, t), -1), mathx.SumEvent(Square(Sub(s, target))))
}

// KLRate returns ½ g(t)² ‖model(x,t) − truth(x,t)‖², [batch]. Its mean under the marginals p_t of s, integrated over t, is what
// Reverse loses when model stands for their score: with π in place of p_T,
//
//	KL(p₀‖p_θ) ≤ ½ ∫ g² E‖model − truth‖² dt + KL(p_T‖π)
//
// with equality when model is the score of other data that s diffuses, and π their law at T (Song, Durkan, Murray and
// Ermon 2021, theorems 1 and 2). It panics when s is an ODE, for which no such bound holds.
func (s SDE) KLRate(model, truth param.ScoreFn, x, t *Node) *Node {
	if s.Diffusion == nil {
		panic(fmt.Errorf("sde.SDE.KLRate: an equation without noise, expected a Diffusion"))
	}
	miss := mathx.SumEvent(Square(Sub(model(x, t), truth(x, t))))
	return Mul(Reshape(MulScalar(Square(s.Diffusion(t)), 0.5), -1), miss)
}
