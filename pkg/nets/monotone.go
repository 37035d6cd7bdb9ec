package nets

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Monotone is a rising function ω(t) of time with trainable ends and a trainable shape between them, for a learned schedule whose
// signal-to-noise ratio is e^(−ω(t)) (Luo 2022, equations 112–114):
//
//	ω(t) = ω₀ + (ω₁−ω₀) ω̃(t),  ω̃(t) = (f(t)−f(0))/(f(1)−f(0)),  t in [0, 1]
//	f(t) = a t + (1/H) Σₖ vₖ sigmoid(wₖ(t−cₖ))
//
// with a, vₖ, wₖ and ω₁−ω₀ each a softplus of a weight, so that they are positive, and ω′ > 0 at every t for every value of the weights.
// Everything acts on each entry of t and keeps its shape. Source: Kingma et al. 2021, "Variational diffusion models",
// appendix H (γ there is ω here).
//
// The weights are <scope>/slope, height, steepness, centre, start and gap. Each method may be called as often as you like
// with a scope made by scope.At: all calls share the weights.
//
//	omega := func(t *Node) *Node { return m.Omega(scope.At("omega"), t) }
//	schedule := process.Learned(func(t *Node) *Node { return Neg(omega(t)) })
type Monotone struct {
	Start, End float64 // ω₀ < ω₁ before training
	Hidden     int     // H
}

// steepest bounds wₖ before training: a bend of width 1/8 of the time, beside flatter ones.
const steepest = 8

// Omega returns ω(t), of t's shape. It panics when End is not above Start, Hidden is below 1, or t is not a float.
func (m Monotone) Omega(scope *model.Scope, t *graph.Node) *graph.Node {
	start, end := m.Ends(scope, t)
	return graph.Add(start, graph.Mul(graph.Sub(end, start), m.Interior(scope, t)))
}

// Ends returns the scalars ω₀ and ω₁ > ω₀, of like's graph and dtype. It panics as Omega does.
func (m Monotone) Ends(scope *model.Scope, like *graph.Node) (start, end *graph.Node) {
	m.mustCheck(like)
	gap := m.End - m.Start
	start = m.weight(scope, like, "start", constant(m.Start))
	end = graph.Add(start, mathx.Softplus(m.weight(scope, like, "gap", constant(gap+math.Log(-math.Expm1(-gap))))))
	return start, end
}

// Interior returns ω̃(t), which rises from ω̃(0) = 0 to ω̃(1) = 1, of t's shape. It does not depend on the ends' weights.
// It panics as Omega does.
func (m Monotone) Interior(scope *model.Scope, t *graph.Node) *graph.Node {
	m.mustCheck(t)
	slope := mathx.Softplus(m.weight(scope, t, "slope", constant(0)))
	height := mathx.Softplus(m.weight(scope, t, "height", constant(0), m.Hidden))
	steepness := mathx.Softplus(m.weight(scope, t, "steepness", uniform(scope, 0, steepest), m.Hidden))
	centre := m.weight(scope, t, "centre", uniform(scope, 0, 1), m.Hidden)
	row := func(w *graph.Node) *graph.Node { return graph.InsertAxes(w, 0) }
	f := func(t *graph.Node) *graph.Node { // t is [n, 1]
		bends := graph.Sigmoid(graph.Mul(row(steepness), graph.Sub(t, row(centre))))
		return graph.Add(graph.Mul(slope, t), graph.ReduceAndKeep(graph.Mul(row(height), bends), graph.ReduceMean, -1))
	}
	column := graph.Reshape(t, t.Shape().Size(), 1)
	low := f(graph.ConstAsDType(t.Graph(), t.DType(), [][]float64{{0}}))
	high := f(graph.ConstAsDType(t.Graph(), t.DType(), [][]float64{{1}}))
	return graph.Reshape(graph.Div(graph.Sub(f(column), low), graph.Sub(high, low)), t.Shape().Dimensions...)
}

// Parameters returns the number of weights.
func (m Monotone) Parameters() int { return 3*m.Hidden + 3 }

// FLOPs returns the operations on an input of n entries: one multiplication and addition a bend, the sigmoids not counted.
func (m Monotone) FLOPs(n int) float64 { return 2 * float64(m.Hidden) * float64(n+2) }

// String says what the network is and how many weights it has.
func (m Monotone) String() string {
	return fmt.Sprintf("monotone network of %d bends from %g to %g; %d parameters", m.Hidden, m.Start, m.End, m.Parameters())
}

func (m Monotone) weight(scope *model.Scope, like *graph.Node, name string, init model.VariableInitializer, dims ...int) *graph.Node {
	return scope.WithInitializer(init).VariableWithShape(name, shapes.Make(like.DType(), dims...)).NodeValue(like.Graph())
}

func constant(value float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		return graph.BroadcastToDims(graph.ConstAsDType(g, shape.DType, value), shape.Dimensions...)
	}
}

func uniform(scope *model.Scope, low, high float64) model.VariableInitializer {
	return initializer.RandomUniformFn(scope, low, high)
}

func (m Monotone) mustCheck(t *graph.Node) {
	if !(m.Start < m.End) || math.IsInf(m.End-m.Start, 0) || m.Hidden < 1 {
		panic(fmt.Errorf("nets.Monotone: ends %g and %g with %d bends, expected finite Start < End and Hidden of 1 or more", m.Start, m.End, m.Hidden))
	}
	if !t.DType().IsFloat() {
		panic(fmt.Errorf("nets.Monotone: t is %s, expected floats", t.Shape()))
	}
}
