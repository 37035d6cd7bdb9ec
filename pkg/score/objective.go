package score

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Objective is denoising score matching at random times, for a score of x_t and t. It has no ½.
type Objective struct {
	Process process.Process
	Times   []float64 // t is one of them, each as likely; nil: any time, uniformly between TMin and TMax
	Weight  Weight    // λ; nil is VarianceWeight
}

// Weight is λ(t) ≥ 0, of t's shape.
type Weight func(p process.Process, t *Node) *Node

// VarianceWeight is λ = σ_t²: with it the score 0 has an expected loss of d, the numbers in an event, at every level, and the exact
// score less (Song and Ermon 2019, section 4.2).
func VarianceWeight(p process.Process, t *Node) *Node { return Exp(MulScalar(p.LogSigma(t), 2)) }

// LikelihoodWeight is λ = g(t)²: half the integral of the loss over t is then, up to a constant, a bound of −log p
// (Song, Durkan, Murray and Ermon 2021, "Maximum likelihood training of score-based diffusion models", theorem 1).
// It panics for a Discrete schedule.
func LikelihoodWeight(p process.Process, t *Node) *Node { return p.Diffusion2(t) }

// Loss returns λ(t)·‖s(x_t, t) − ∇log q(x_t|x_0)‖², [batch], with one time t and one x_t = α_t x_0 + σ_t ε for each example. Its
// expectation is the mean over the times of λ(t) E‖s − ∇log q(x_t)‖² (Luo 2022, equation 160) and a constant without s.
// It panics when the score has another shape than x_0, or a time lies outside the process, or, of a Discrete schedule, is no index of it.
func (o Objective) Loss(src noise.Source, score param.ScoreFn, x0 *Node) *Node {
	t := o.draw(src, x0)
	weight := o.Weight
	if weight == nil {
		weight = VarianceWeight
	}
	at := func(xt, t *Node) *Node {
		s := score(xt, t)
		checkShape("Objective.Loss", s.Shape(), xt.Shape())
		return s
	}
	return denoise(src, o.Process, at, x0, t, weight(o.Process, t))
}

// denoise returns λ‖s(x_t, t) − ∇log q(x_t|x_0)‖², [batch], for λ of t's shape. The target is −ε/σ, which loses no digits to
// x_t − α x_0 where σ is small.
func denoise(src noise.Source, p process.Process, score param.ScoreFn, x0, t, weight *Node) *Node {
	eps := src.RandomNormal(x0.Graph(), x0.Shape())
	target := param.Target(param.Score, x0, eps, p.Alpha(t), p.Sigma(t))
	return mathx.SumEvent(Mul(weight, Square(Sub(score(p.Diffuse(x0, eps, t), t), target))))
}

// draw returns a time for each example, [batch, 1, …], which carries no gradient.
func (o Objective) draw(src noise.Source, x0 *Node) *Node {
	g, dims := x0.Graph(), make([]int, x0.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = x0.Shape().Dimensions[0]
	u := StopGradient(src.RandomUniform(g, shapes.Make(x0.DType(), dims...)))
	first, last := o.Process.TMin, o.Process.TMax
	_, discrete := o.Process.Schedule.(process.Discrete)
	if len(o.Times) == 0 {
		if discrete {
			panic(errors.New("score.Objective: no Times with a Discrete schedule, which has no time between its indices: list them, as Process.Grid does"))
		}
		return AddScalar(MulScalar(u, last-first), first)
	}
	for i, t := range o.Times {
		if !(t >= first && t <= last) {
			panic(fmt.Errorf("score.Objective: Times[%d] = %g, expected a time between TMin = %g and TMax = %g of the process", i, t, first, last))
		}
		if discrete && t != math.Floor(t) {
			panic(fmt.Errorf("score.Objective: Times[%d] = %g of a Discrete schedule, expected one of its indices: round it", i, t))
		}
	}
	n := float64(len(o.Times))
	index := ConvertDType(MinScalar(Floor(MulScalar(u, n)), n-1), dtypes.Int32)
	return Gather(ConstAsDType(g, x0.DType(), o.Times), ExpandAxes(index, -1))
}
