package sampler

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// DPMSolver is DPM-Solver++(2M), a solver of the probability flow that takes the linear part of the equation exactly and
// extrapolates x̂₀ from the last two steps, one evaluation a step. With λ = log(α/σ), half the log-SNR, h = λ_s − λ_t,
// and h' that of the step before:
//
//	D = x̂₀(x_t) + h/(2h') [x̂₀(x_t) − x̂₀ of the step before], x_s = (σ_s/σ_t) x_t − α_s (e^(−h) − 1) D
//
// The first step has D = x̂₀, and so has one that arrives where σ = 0, where x_s = D: then it is DDIM with η = 0. Order 2 in the
// largest h; equal steps in λ suit it (LogSNRGrid).
// Source: Lu et al. 2022, "DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models", algorithm 2.
type DPMSolver struct {
	Process process.Process
	Denoise param.Denoiser
}

// Init starts without a step before, which counts as infinitely long.
func (d DPMSolver) Init(x *Node) State {
	return State{X: x, Aux: []*Node{ZerosLike(x), Scalar(x.Graph(), x.DType(), math.Inf(-1))}}
}

// Step returns x_s.
func (d DPMSolver) Step(_ noise.Source, st State, t, s *Node) State {
	p, before, x0 := d.Process, st.Aux[0], d.Denoise(st.X, t)
	checkEstimate(x0, st.X)
	lambda := MulScalar(p.LogSNR(t), 0.5)
	h := Sub(MulScalar(p.LogSNR(s), 0.5), lambda)
	share := MulScalar(Div(h, Sub(lambda, st.Aux[1])), 0.5)
	estimate := Add(x0, Mul(Where(IsFinite(share), share, ZerosLike(share)), Sub(x0, before)))
	// DDIM's mean at an x̂₀ is the formula above: −α_s(e^(−h) − 1) = α_s − (σ_s/σ_t) α_t.
	return State{X: p.DDIM(st.X, estimate, s, t, 0).Mean, Aux: []*Node{x0, Reshape(lambda)}}
}

// Check is CheckTimes.
func (d DPMSolver) Check(times []float64) error { return CheckTimes(d.Process, times) }
