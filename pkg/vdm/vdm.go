package vdm

import (
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// VDM is the model p(x_{0:T}) = p(x_T) Π_{t=2}^T p_θ(x_{t−1}|x_t) p(x_0|x_1) with the encoder
// q(x_{1:T}|x_0) = Π_t q(x_t|x_{t−1}) of ReverseStep.Process (Luo 2022, equations 30–33).
//
// Methods panic when Times is empty, does not rise, leaves the process's range, or is no index of a Discrete schedule,
// naming the times, and when x_0 or the denoiser's x̂₀ has the wrong shape.
type VDM struct {
	sampler.ReverseStep                                  // p_θ(x_{t−1}|x_t) for t ≥ 2
	Times               []float64                        // τ_1 < … < τ_T, the times of the latents
	Decode              func(x1 *Node) dist.LogProber    // p(x_0|x_1)
	Prior               func(like *Node) dist.DiagNormal // p(x_T); nil is N(0, I)
}

// T returns the number of latents.
func (m VDM) T() int { return len(m.Times) }

// Path draws x_1 … x_T given x_0 by the encoder's steps, and returns x_0, x_1, …, x_T (Luo 2022, equations 30–31).
// Step t takes one draw of x_0's shape from src.
func (m VDM) Path(src noise.Source, x0 *Node) []*Node {
	m.check("Path", x0)
	first := m.marginal(x0, 1)
	x := []*Node{x0, draw(src, first.Mean, first.Std())}
	if m.T() == 1 {
		return x
	}
	unit := m.times(fillTime(x0, 0), 1, m.T()-1)
	step := m.Process.Transition(OnesLike(unit), unit, m.times(fillTime(x0, 0), 2, m.T())) // of x_{t−1} = 1; all steps at once
	for t := 2; t <= m.T(); t++ {
		row := AxisRange(t-2, t-1)
		x = append(x, draw(src, Mul(Slice(step.Mean, row), x[t-1]), Slice(step.Std(), row)))
	}
	return x
}

// draw returns mean + std·ε, ε of mean's shape.
func draw(src noise.Source, mean, std *Node) *Node {
	return Add(mean, Mul(std, src.RandomNormal(mean.Graph(), mean.Shape())))
}

// The laws of several t at once have a batch of their own for each t, one after the other.

// marginal returns q(x_t|x_0).
func (m VDM) marginal(x0 *Node, t int) dist.DiagNormal { return m.Process.Marginal(x0, m.time(x0, t)) }

// encoders returns q(x_t|x_{t−1}) for t = 1 … T.
func (m VDM) encoders(x []*Node) dist.DiagNormal {
	first := m.Process.Marginal(x[0], m.times(x[0], 1, 1))
	if m.T() == 1 {
		return first
	}
	rest := m.Process.Transition(stack(x, 1, m.T()-1), m.times(x[0], 1, m.T()-1), m.times(x[0], 2, m.T()))
	return dist.DiagNormal{
		Mean:   Concatenate([]*Node{first.Mean, rest.Mean}, 0),
		LogStd: Concatenate([]*Node{first.LogStd, rest.LogStd}, 0),
	}
}

// posteriors returns q(x_{t−1}|x_t,x_0) for t = 2 … T.
func (m VDM) posteriors(x []*Node) dist.DiagNormal {
	return m.Process.Posterior(stack(x, 2, m.T()), m.data(x), m.times(x[0], 1, m.T()-1), m.times(x[0], 2, m.T()))
}

// reverses returns p_θ(x_{t−1}|x_t) for t = 2 … T.
func (m VDM) reverses(x []*Node) dist.DiagNormal {
	return m.Law(stack(x, 2, m.T()), m.times(x[0], 1, m.T()-1), m.times(x[0], 2, m.T()))
}

// data returns x_0 once for each of t = 2 … T.
func (m VDM) data(x []*Node) *Node { return dist.Repeat(x[0], m.T()-1) }

// stack returns x_from … x_to, one batch after the other.
func stack(x []*Node, from, to int) *Node { return Concatenate(x[from:to+1], 0) }

// times returns τ_from … τ_to for stack's rows.
func (m VDM) times(x0 *Node, from, to int) *Node {
	batch := x0.Shape().Dimensions[0]
	dims := ones(x0)
	dims[0] = (to - from + 1) * batch
	table := ConstAsDType(x0.Graph(), x0.DType(), m.Times[from-1:to])
	return Reshape(BroadcastToDims(ExpandAxes(table, -1), to-from+1, batch), dims...)
}

// prior returns p(x_T).
func (m VDM) prior(like *Node) dist.DiagNormal {
	if m.Prior == nil {
		return dist.StandardNormal(like)
	}
	return m.Prior(like)
}

// time returns τ_t for data like x: x's rank, all axes of size 1.
func (m VDM) time(x *Node, t int) *Node { return fillTime(x, m.Times[t-1]) }

// fillTime returns one time for all of x: x's rank, all axes of size 1.
func fillTime(x *Node, t float64) *Node {
	return Reshape(ConstAsDType(x.Graph(), x.DType(), t), ones(x)...)
}

// ones returns a size of 1 for each of x's axes.
func ones(x *Node) []int {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	return dims
}

// checked returns the model whose denoiser panics unless x̂₀ has x_t's shape, after check has passed.
func (m VDM) checked(method string, x0 *Node) VDM {
	m.check(method, x0)
	denoise := m.Denoise
	m.Denoise = func(xt, t *Node) *Node {
		x0 := denoise(xt, t)
		if !x0.Shape().Equal(xt.Shape()) {
			panic(fmt.Errorf("vdm.%s: the denoiser made x̂₀ of shape %s from x_t of shape %s, expected one shape: give its "+
				"network as many outputs as the data has", method, x0.Shape(), xt.Shape()))
		}
		return x0
	}
	return m
}

func (m VDM) check(method string, x0 *Node) {
	if err := m.Validate(); err != nil {
		panic(fmt.Errorf("vdm.%s: %w", method, err))
	}
	if x0.Rank() < 2 {
		panic(fmt.Errorf("vdm.%s: x_0 has shape %s, expected [batch, event...]", method, x0.Shape()))
	}
}

// Validate returns an error unless there is at least one latent and the times rise, between the process's TMin and TMax,
// on indices where the schedule is Discrete.
func (m VDM) Validate() error {
	if len(m.Times) == 0 {
		return errors.New("no times, expected τ_1 < … < τ_T for T ≥ 1 latents")
	}
	_, discrete := m.Process.Schedule.(process.Discrete)
	for i, t := range m.Times {
		if i > 0 && !(t > m.Times[i-1]) {
			return fmt.Errorf("time %d is %g after %g, expected times that rise: sort them, each once", i+1, t, m.Times[i-1])
		}
		if !(t >= m.Process.TMin && t <= m.Process.TMax) {
			return fmt.Errorf("time %d is %g, expected one between the process's TMin = %g and TMax = %g",
				i+1, t, m.Process.TMin, m.Process.TMax)
		}
		if discrete && t != math.Trunc(t) {
			return fmt.Errorf("time %d is %g of a Discrete schedule, expected one of its indices: round it", i+1, t)
		}
	}
	return nil
}
