package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// Heun solves an ODE from late to early times by the explicit trapezoid rule, two evaluations of the drift a step:
//
//	x̃ = x_t + f(x_t, t)(s−t), x_s = x_t + ½[f(x_t, t) + f(x̃, s)](s−t)
//
// Order 2. Source: Heun 1900; Hairer, Nørsett and Wanner 1993, "Solving ordinary differential equations I", section II.1. EDM is
// its form in units of the noise level.
type Heun struct {
	SDE     sde.SDE         // an ODE: no Diffusion
	Process process.Process // its TMin and TMax bound the times
}

// Init returns x alone.
func (h Heun) Init(x *Node) State { return State{X: x} }

// Step returns x_s. It panics when the drift has another shape than x.
func (h Heun) Step(_ noise.Source, st State, t, s *Node) State {
	x, dt := st.X, Sub(s, t)
	from := h.SDE.Drift(x, t)
	checkField("Heun", "drift", from, x)
	to := h.SDE.Drift(Add(x, Mul(from, dt)), s)
	return State{X: Add(x, Mul(Add(from, to), MulScalar(dt, 0.5)))}
}

// Check is CheckTimes, and an error for an equation with noise.
func (h Heun) Check(times []float64) error {
	if h.SDE.Diffusion != nil {
		return fmt.Errorf("sampler.Heun: an equation with noise, expected an ODE, as sde.SDE.ProbabilityFlow")
	}
	return CheckTimes(h.Process, times)
}
