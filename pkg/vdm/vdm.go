package vdm

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// VDM is the model p(x_{0:T}) = p(x_T) Π_{t=2}^T p_θ(x_{t−1}|x_t) p(x_0|x_1) with the encoder
// q(x_{1:T}|x_0) = Π_t q(x_t|x_{t−1}) of ReverseStep.Process (Luo 2022, equations 30–33).
type VDM struct {
	sampler.ReverseStep                                  // p_θ(x_{t−1}|x_t) for t ≥ 2
	Times               []float64                        // τ_1 < … < τ_T, the times of the latents
	Decode              func(x1 *Node) dist.LogProber    // p(x_0|x_1)
	Prior               func(like *Node) dist.DiagNormal // p(x_T); nil is N(0, I)
}

// Path draws x_1 … x_T given x_0 by the encoder's steps, and returns x_0, x_1, …, x_T (Luo 2022, equations 30–31).
func (m VDM) Path(src noise.Source, x0 *Node) []*Node {
	m.check("Path")
	x := []*Node{x0, m.Process.Marginal(x0, m.time(x0, 1)).Sample(src)}
	for t := 2; t <= m.T(); t++ {
		x = append(x, m.Process.Transition(x[t-1], m.time(x0, t-1), m.time(x0, t)).Sample(src))
	}
	return x
}

// T returns the number of latents.
func (m VDM) T() int { return len(m.Times) }

// time returns τ_t for data like x: x's rank, all axes of size 1.
func (m VDM) time(x *Node, t int) *Node {
	ones := make([]int, x.Rank())
	for i := range ones {
		ones[i] = 1
	}
	return Reshape(ConstAsDType(x.Graph(), x.DType(), m.Times[t-1]), ones...)
}

func (m VDM) check(method string) {
	if len(m.Times) == 0 {
		panic(fmt.Errorf("vdm.%s: no times, expected τ_1 < … < τ_T for T ≥ 1 latents", method))
	}
	for i, t := range m.Times {
		if i > 0 && !(t > m.Times[i-1]) || !(t >= m.Process.TMin && t <= m.Process.TMax) {
			panic(fmt.Errorf("vdm.%s: times %v, expected rising times between the process's TMin = %g and TMax = %g",
				method, m.Times, m.Process.TMin, m.Process.TMax))
		}
	}
}
