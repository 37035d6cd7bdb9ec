package sampler

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// State is what a Stepper carries from step to step.
type State struct {
	X   *Node   // x_t
	Aux []*Node // what else it needs, as the last prediction of a method of two steps; the shapes stay the same
}

// Stepper takes a state from time t to time s < t.
type Stepper interface {
	// Init returns the state before the first step, of which x is X.
	Init(x *Node) State
	// Step returns the state at s. t and s are [1, …, 1] of x's rank and dtype. It panics when the shapes do not fit.
	Step(src noise.Source, st State, t, s *Node) State
	// Check returns an error unless it can step along the falling times.
	Check(times []float64) error
}

// Starter is a Stepper whose first state is drawn, as one that keeps a random direction for the whole run.
type Starter interface {
	Stepper
	// Start takes the place of Init.
	Start(src noise.Source, x *Node) State
}

// Finisher is a Stepper that may be done before the times are used up, as one that chooses its own steps. A run that
// uses them up is then an error.
type Finisher interface {
	Stepper
	// Done returns whether st is the last state, one bool.
	Done(st State) *Node
}

// Explainer is a Stepper that knows more of a run that failed.
type Explainer interface {
	// Explain returns what the values of State.Aux tell, and what to do: of a row that is not finite, or, when row is −1, of
	// a Finisher that was not done.
	Explain(aux []*tensors.Tensor, row int) string
}

// Last says how the step that arrives at TMin ends a chain.
type Last int

// The three ends.
const (
	LastMean Last = iota // the mean of p(x_s|x_t): no noise (Ho et al. 2020, algorithm 2)
	LastDraw             // a draw of p(x_s|x_t), as every other step
	LastX0               // x̂₀(x_t, t), also where σ(TMin) > 0 and the mean keeps a share of x_t
)

// next returns x_s, drawn from law unless s is the end of p.
func (l Last) next(src noise.Source, p process.Process, law dist.DiagNormal, x0, s *Node) *Node {
	if l < LastMean || l > LastX0 {
		panic(fmt.Errorf("sampler.Last: %d, expected LastMean, LastDraw or LastX0", l))
	}
	if l == LastDraw {
		return law.Sample(src)
	}
	g, dtype := s.Graph(), s.DType()
	ends := LessOrEqual(s, Scalar(g, dtype, p.TMin))
	law.LogStd = Add(law.LogStd, Where(ends, Scalar(g, dtype, math.Inf(-1)), ScalarZero(g, dtype)))
	if l == LastX0 {
		law.Mean = Where(BroadcastToDims(ends, law.Mean.Shape().Dimensions...), x0, law.Mean)
	}
	return law.Sample(src)
}

// Ancestral steps by draws from the reverse chain p_θ(x_s|x_t) (Ho et al. 2020, algorithm 2).
type Ancestral struct {
	ReverseStep
	Last Last
}

// Init returns x alone.
func (a Ancestral) Init(x *Node) State { return State{X: x} }

// Step draws x_s ~ p_θ(x_s|x_t).
func (a Ancestral) Step(src noise.Source, st State, t, s *Node) State {
	x0 := a.Denoise(st.X, t)
	return State{X: a.Last.next(src, a.Process, a.law(st.X, x0, s, t), x0, s)}
}

// Check is CheckTimes.
func (a Ancestral) Check(times []float64) error { return CheckTimes(a.Process, times) }
