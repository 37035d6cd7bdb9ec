package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// EulerMaruyama solves an SDE, or an ODE, from late to early times by the law of SDE.Step:
//
//	x_s = x_t + f(x_t, t)(s−t) + g(t) √(t−s) ε
//
// It is of weak order 1, and of strong order 1 where g does not depend on x, as here (Kloeden and Platen 1992, sections 10.2
// and 10.3). Forward(p).Reverse(score) makes it a sampler of data, Forward(p).ProbabilityFlow(score) Euler's method.
type EulerMaruyama struct {
	SDE     sde.SDE
	Process process.Process // its TMin and TMax bound the times
	Last    Last            // LastMean or LastDraw
}

// Init returns x alone.
func (e EulerMaruyama) Init(x *Node) State { return State{X: x} }

// Step returns x_s. It panics when the drift has another shape than x.
func (e EulerMaruyama) Step(src noise.Source, st State, t, s *Node) State {
	equation := e.SDE
	equation.Drift = func(x, t *Node) *Node {
		f := e.SDE.Drift(x, t)
		checkField("EulerMaruyama", "drift", f, x)
		return f
	}
	if equation.Diffusion == nil {
		src = silent{}
	}
	law := equation.Step(st.X, t, s)
	return State{X: e.Last.next(src, e.Process, law, law.Mean, s)}
}

// Check is CheckTimes, and an error for LastX0.
func (e EulerMaruyama) Check(times []float64) error {
	if e.Last == LastX0 {
		return fmt.Errorf("sampler.EulerMaruyama: Last = LastX0, expected LastMean or LastDraw: an SDE has no x̂₀")
	}
	return CheckTimes(e.Process, times)
}

// Explain says what to do.
func (e EulerMaruyama) Explain([]*tensors.Tensor, int) string {
	return "sampler.EulerMaruyama: the steps may be too long for the drift, so take more of them; or the drift is not finite there: " +
		"look at the score, and at the schedule at TMin"
}
