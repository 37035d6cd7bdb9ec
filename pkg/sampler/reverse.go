package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// ReverseStep is the reverse chain p_θ(x_s|x_t) of a denoiser: a normal law with the mean of q(x_s|x_t,x₀) at x₀ = x̂₀(x_t, t)
// (Luo 2022, equations 93–94) and a variance of choice.
type ReverseStep struct {
	Process process.Process
	Denoise param.Denoiser
	Std     ReverseStd // nil is PosteriorStd
}

// Law returns p_θ(x_s|x_t), of xt's shape, for s < t. It panics when the denoiser's x̂₀ has another shape.
func (r ReverseStep) Law(xt, s, t *Node) dist.DiagNormal { return r.law(xt, r.Denoise(xt, t), s, t) }

// law is Law with x̂₀ at hand.
func (r ReverseStep) law(xt, x0, s, t *Node) dist.DiagNormal {
	checkEstimate(x0, xt)
	std := r.Std
	if std == nil {
		std = PosteriorStd
	}
	return dist.DiagNormal{Mean: r.Process.Posterior(xt, x0, s, t).Mean, LogStd: std(r.Process, xt, s, t)}
}

// checkEstimate panics unless x̂₀ has x_t's shape: a narrower one would broadcast.
func checkEstimate(x0, xt *Node) {
	if !x0.Shape().Equal(xt.Shape()) {
		panic(fmt.Errorf("sampler.Stepper: the denoiser made x̂₀ of shape %s from x_t of shape %s, expected one shape: give its "+
			"network as many outputs as the data has", x0.Shape(), xt.Shape()))
	}
}

// ReverseStd returns the log of the standard deviation of p_θ(x_s|x_t), s < t, in a shape that broadcasts with xt's.
type ReverseStd func(p process.Process, xt, s, t *Node) *Node

// PosteriorStd is that of q(x_s|x_t,x₀), DDPM's σ̃: exact for data at one point, too small for any other
// (Ho et al. 2020, section 3.2).
func PosteriorStd(p process.Process, xt, s, t *Node) *Node { return p.Posterior(xt, xt, s, t).LogStd }

// TransitionStd is that of q(x_t|x_s), √β_t in DDPM: exact for data of unit variance (Ho et al. 2020, section 3.2).
func TransitionStd(p process.Process, xt, s, t *Node) *Node { return p.Transition(xt, s, t).LogStd }

// ExactStd is the standard deviation of x_s given x_t when varX0 returns Var(x₀|x_t): see process.Process.Reverse.
func ExactStd(varX0 func(xt, t *Node) *Node) ReverseStd {
	return func(p process.Process, xt, s, t *Node) *Node {
		return p.Reverse(xt, xt, varX0(xt, t), s, t).LogStd
	}
}
