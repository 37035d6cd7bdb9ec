package fit

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Schedule is the learning rate's course: η_k = η · Factor(k, n) at step k = 0 … n−1 of n.
// It is computed inside the graph from the step's number, so that a new step compiles nothing.
// The printed value (%+v) of a Schedule is part of a checkpoint's identity: let it be a plain struct of its parameters.
type Schedule interface {
	// Factor returns a scalar of step's dtype; step is a float scalar, steps is n.
	Factor(step *graph.Node, steps int) *graph.Node
}

// Constant is the Schedule with factor 1.
type Constant struct{}

// Factor implements Schedule.
func (Constant) Factor(step *graph.Node, _ int) *graph.Node { return graph.OnesLike(step) }

// WarmupCosine rises in a straight line over the first Warmup steps and falls along half a cosine to Floor:
//
//	factor(k) = (k+1)/W                                for k < W
//	factor(k) = F + (1−F)·½(1 + cos π(k−W)/(n−W))      from there on
//
// Source: Loshchilov and Hutter 2017, "SGDR", eq. 5, for one period; the warm-up is Goyal et al. 2017, section 2.2.
type WarmupCosine struct {
	Warmup int     // W, steps; 0 has no warm-up
	Floor  float64 // F, in [0, 1]
}

// Factor implements Schedule.
func (s WarmupCosine) Factor(step *graph.Node, steps int) *graph.Node {
	w := float64(s.Warmup)
	u := graph.DivScalar(graph.AddScalar(step, -w), math.Max(1, float64(steps)-w))
	cosine := graph.AddScalar(graph.MulScalar(graph.OnePlus(graph.Cos(graph.MulScalar(u, math.Pi))), (1-s.Floor)/2), s.Floor)
	rise := graph.DivScalar(graph.OnePlus(step), math.Max(1, w))
	return graph.Where(graph.LessThan(step, graph.Scalar(step.Graph(), step.DType(), w)), rise, cosine)
}
