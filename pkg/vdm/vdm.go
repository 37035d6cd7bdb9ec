package vdm

import (
	"errors"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// VDM is the model p(x_{0:T}) = p(x_T) Π_{t=2}^T p_θ(x_{t−1}|x_t) p(x_0|x_1) with the encoder
// q(x_{1:T}|x_0) = Π_t q(x_t|x_{t−1}) of ReverseStep.Process (Luo 2022, equations 30–33).
//
// Methods panic when Times is empty, does not rise, or leaves the process's range, naming the times, and when x_0 or the
// denoiser's x̂₀ has the wrong shape.
type VDM struct {
	sampler.ReverseStep                                  // p_θ(x_{t−1}|x_t) for t ≥ 2
	Times               []float64                        // τ_1 < … < τ_T, the times of the latents
	Decode              func(x1 *Node) dist.LogProber    // p(x_0|x_1)
	Prior               func(like *Node) dist.DiagNormal // p(x_T); nil is N(0, I)
}

// T returns the number of latents.
func (m VDM) T() int { return len(m.Times) }

// Path draws x_1 … x_T given x_0 by the encoder's steps, and returns x_0, x_1, …, x_T (Luo 2022, equations 30–31).
func (m VDM) Path(src noise.Source, x0 *Node) []*Node {
	m.check("Path", x0)
	x := []*Node{x0}
	for t := 1; t <= m.T(); t++ {
		x = append(x, m.encoder(x[t-1], t).Sample(src))
	}
	return x
}

// encoder returns q(x_t|x_{t−1}), t = 1 … T; for t = 1 the given x is the data.
func (m VDM) encoder(before *Node, t int) dist.DiagNormal {
	if t == 1 {
		return m.Process.Marginal(before, m.time(before, 1))
	}
	return m.Process.Transition(before, m.time(before, t-1), m.time(before, t))
}

// marginal returns q(x_t|x_0).
func (m VDM) marginal(x0 *Node, t int) dist.DiagNormal { return m.Process.Marginal(x0, m.time(x0, t)) }

// posterior returns q(x_{t−1}|x_t,x_0), t ≥ 2.
func (m VDM) posterior(x []*Node, t int) dist.DiagNormal {
	return m.Process.Posterior(x[t], x[0], m.time(x[0], t-1), m.time(x[0], t))
}

// reverse returns p_θ(x_{t−1}|x_t), t ≥ 2.
func (m VDM) reverse(xt *Node, t int) dist.DiagNormal {
	return m.Law(xt, m.time(xt, t-1), m.time(xt, t))
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

// Validate returns an error unless there is at least one latent and the times rise, between the process's TMin and TMax.
func (m VDM) Validate() error {
	if len(m.Times) == 0 {
		return errors.New("no times, expected τ_1 < … < τ_T for T ≥ 1 latents")
	}
	for i, t := range m.Times {
		if i > 0 && !(t > m.Times[i-1]) {
			return fmt.Errorf("time %d is %g after %g, expected times that rise: sort them, each once", i+1, t, m.Times[i-1])
		}
		if !(t >= m.Process.TMin && t <= m.Process.TMax) {
			return fmt.Errorf("time %d is %g, expected one between the process's TMin = %g and TMax = %g",
				i+1, t, m.Process.TMin, m.Process.TMax)
		}
	}
	return nil
}
