package sampler

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// EDM is the stochastic sampler of Karras et al. 2022, algorithm 2: a step first adds noise, then goes down by Heun's rule, in the
// units y = x/α, ς = σ/α = e^(−λ/2) in which the flow of every process is dy/dς = (y − x̂₀)/ς. From ς_t to ς_s:
//
//	ς̂ = (1+γ) ς_t, ŷ = y_t + √(ς̂² − ς_t²) NoiseScale ε, γ = min(Churn, √2−1) where ChurnMin ≤ ς_t ≤ ChurnMax, else 0
//	d = (ŷ − x̂₀(ŷ, ς̂))/ς̂, ỹ = ŷ + (ς_s − ς̂) d, y_s = ŷ + ½(ς_s − ς̂)[d + (ỹ − x̂₀(ỹ, ς_s))/ς_s]
//
// It evaluates the denoiser twice a step, and where it arrives at ς_s = 0 takes y_s = ỹ. ς̂ goes no higher than at TMax. Order 2, of
// the law of x_s with churn too, for the noise is added exactly; but Churn must then fall as 1/N: it is the paper's S_churn divided
// by the number of steps N. KarrasGrid makes its times.
type EDM struct {
	Process process.Process // of a schedule that is a process.Inverter, or any without churn
	Denoise param.Denoiser
	// Churn is S_churn/N, the largest γ; 0 is the deterministic solver. ChurnMin and ChurnMax bound the ς that get it, ChurnMax = 0
	// meaning all; NoiseScale is S_noise, 0 meaning 1.
	Churn, ChurnMin, ChurnMax, NoiseScale float64
}

// maxChurn is the largest γ (Karras et al. 2022, algorithm 2): noise is added up to as much as there was.
const maxChurn = math.Sqrt2 - 1

// Init returns x alone.
func (e EDM) Init(x *Node) State { return State{X: x} }

// Step returns x_s.
func (e EDM) Step(src noise.Source, st State, t, s *Node) State {
	p := e.Process
	y, level := Div(st.X, p.Alpha(t)), p.NoiseLevel(t)
	if e.Churn > 0 {
		y, level, t = e.churn(src, y, level, t)
	}
	target := p.NoiseLevel(s)
	dt := Sub(target, level)
	from := e.slope(y, level, t)
	guess := Add(y, Mul(dt, from))
	to := e.slope(guess, target, s)
	ends := BroadcastToDims(Equal(target, ZerosLike(target)), y.Shape().Dimensions...)
	next := Where(ends, guess, Add(y, Mul(MulScalar(dt, 0.5), Add(from, to))))
	return State{X: Mul(p.Alpha(s), next)}
}

// churn returns y with more noise, its level and time.
func (e EDM) churn(src noise.Source, y, level, t *Node) (more, higher, later *Node) {
	high, scale := e.ChurnMax, e.NoiseScale
	if high == 0 {
		high = math.Inf(1)
	}
	if scale == 0 {
		scale = 1
	}
	g, dtype := y.Graph(), y.DType()
	inside := And(GreaterOrEqual(level, Scalar(g, dtype, e.ChurnMin)), LessOrEqual(level, Scalar(g, dtype, high)))
	gamma := Where(inside, Scalar(g, dtype, min(e.Churn, maxChurn)), ScalarZero(g, dtype))
	top := AddScalar(ZerosLike(t), e.Process.TMax)
	higher = Min(Mul(level, OnePlus(gamma)), e.Process.NoiseLevel(top))
	added := Sqrt(Max(Sub(Square(higher), Square(level)), ZerosLike(level)))
	more = Add(y, Mul(MulScalar(added, scale), src.RandomNormal(g, y.Shape())))
	later = Min(timeOf(e.Process, higher), top)
	return more, higher, later
}

// timeOf returns the time of p at which its noise level is that given. The schedule must be a process.Inverter.
func timeOf(p process.Process, level *Node) *Node {
	return p.Time(process.Process{Schedule: process.EDM{}}.LogSNR(level)) // EDM's time is its noise level
}

// slope returns dy/dς = (y − x̂₀)/ς at time t, where the noise level is ς.
func (e EDM) slope(y, level, t *Node) *Node {
	x0 := e.Denoise(Mul(e.Process.Alpha(t), y), t)
	checkEstimate(x0, y)
	return Div(Sub(y, x0), level)
}

// Check is CheckTimes, and an error for numbers that are negative or a schedule without an inverse.
func (e EDM) Check(times []float64) error {
	if !(e.Churn >= 0 && e.ChurnMin >= 0 && e.ChurnMax >= 0 && e.NoiseScale >= 0) {
		return fmt.Errorf("sampler.EDM: Churn = %g, ChurnMin = %g, ChurnMax = %g, NoiseScale = %g, expected none below 0", e.Churn, e.ChurnMin, e.ChurnMax, e.NoiseScale)
	}
	if _, ok := e.Process.Schedule.(process.Inverter); e.Churn > 0 && !ok {
		return fmt.Errorf("sampler.EDM: Churn = %g with the schedule %T, which has no inverse: expected one of VP, SubVP, VE, LogSNRLinear and EDM, or no churn",
			e.Churn, e.Process.Schedule)
	}
	return CheckTimes(e.Process, times)
}
