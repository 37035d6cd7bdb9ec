package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Replacement takes the step of Stepper to s, and there puts in what is known, y = A x₀, with noise of its own:
//
//	x_s ← x_s + A⁺(A z − A x_s), z = α_s A⁺y + σ_s ε
//
// so that A x_s has the law that it should have. At the last time no noise is drawn. The step's denoiser is one without conditions.
//
// It is no draw of p(x₀|y): the unknown part is led by the noisy z of this time, which next time is another. It hears y too late, and
// the parts fit badly. With Repeats > 1 a step is taken several times: after each but the last, the whole x_s is noised back
// to t, and the parts have time to agree: the bias falls with the number of Repeats, each of which costs an evaluation. For two
// normal numbers of correlation 0.8, the first known and 1 above its mean, the mean of the second comes out 0.33 too low by one
// pass of 50 steps, 0.08 by 5 and 0.02 by 20.
//
// Source: Song et al. 2021, appendix I.2, for pixels; Choi et al. 2021, "ILVR", algorithm 1, for small images; Lugmayr et al. 2022,
// "RePaint", algorithm 1, for the repeats.
type Replacement struct {
	Stepper Stepper // its predictions are kept through a repeat; no Finisher
	Process process.Process
	Known   guide.Known
	Repeats int // how often each step is taken; 0 is 1
}

// Init returns the Stepper's state.
func (r Replacement) Init(x *Node) State { return r.Stepper.Init(x) }

// Step steps, replaces, and goes back to t until the last repeat.
func (r Replacement) Step(src noise.Source, st State, t, s *Node) State {
	for again := max(1, r.Repeats) - 1; ; again-- {
		st = r.Stepper.Step(src, st, t, s)
		st.X = r.replace(src, st.X, s)
		if again <= 0 {
			return st
		}
		st.X = r.Process.Transition(st.X, s, t).Sample(src)
	}
}

// replace returns x_s with the known part of z.
func (r Replacement) replace(src noise.Source, x, s *Node) *Node {
	known := r.Known.Lift(r.Known.Missing(ZerosLike(x))) // A⁺y, of x's shape where y is of its batch
	known = Add(known, ZerosLike(x))
	drawn := r.Process.Diffuse(known, src.RandomNormal(x.Graph(), x.Shape()), s)
	ends := LessOrEqual(s, Scalar(s.Graph(), s.DType(), r.Process.TMin))
	z := Where(BroadcastToDims(ends, x.Shape().Dimensions...), Mul(r.Process.Alpha(s), known), drawn)
	return Add(x, r.Known.Lift(r.Known.Measure(Sub(z, x))))
}

// Check returns an error unless Stepper takes the times, and Repeats is not negative.
func (r Replacement) Check(times []float64) error {
	if r.Repeats < 0 {
		return fmt.Errorf("sampler.Replacement: Repeats = %d, expected how often each step is taken, at least 1, or 0 for 1", r.Repeats)
	}
	if _, ok := r.Stepper.(Finisher); ok {
		return fmt.Errorf("sampler.Replacement: Stepper is a %T, which chooses its own times, expected one that takes those it is given", r.Stepper)
	}
	return r.Stepper.Check(times)
}
