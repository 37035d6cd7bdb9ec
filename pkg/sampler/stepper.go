package sampler

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// State is what a Stepper carries from step to step.
type State struct {
	X   *Node   // x_t
	Aux []*Node // what else it needs, as the last prediction of a method of two steps; the shapes stay the same
}

// Stepper takes a state from time t to time s < t. Times obey the time contract of package process.
type Stepper interface {
	Init(x *Node) State
	Step(src noise.Source, st State, t, s *Node) State
}
