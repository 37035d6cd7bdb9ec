package process

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Process is the Markov process with q(x_t|x₀) = N(α(t)x₀, σ(t)²I), used at times from TMin to TMax. Its steps are those
// of the linear diffusion dx = f(t) x dt + g(t) dw. New makes one that is checked.
//
// All methods on x and t panic when t does not have x's rank with size-1 event axes and x's batch (or 1), or x₀ or ε does not
// broadcast with x, naming the shapes; so do those with two times s < t. Shapes of results are those of x; the LogStd of a law has t's shape.
type Process struct {
	Schedule
	TMin, TMax float64
}

// Alpha returns α(t), the coefficient of x₀.
func (p Process) Alpha(t *Node) *Node { return Exp(p.LogAlpha(t)) }

// Sigma returns σ(t), the standard deviation of the noise.
func (p Process) Sigma(t *Node) *Node { return Exp(p.LogSigma(t)) }

// LogSNR returns λ(t) = log(α²/σ²), in nats; it falls with t.
func (p Process) LogSNR(t *Node) *Node { return MulScalar(Sub(p.LogAlpha(t), p.LogSigma(t)), 2) }

// SNR returns the signal-to-noise ratio α²/σ² (Luo 2022, equations 109–110).
func (p Process) SNR(t *Node) *Node { return Exp(p.LogSNR(t)) }

// LogNoiseLevel returns log(σ/α) = −λ/2.
func (p Process) LogNoiseLevel(t *Node) *Node { return MulScalar(p.LogSNR(t), -0.5) }

// NoiseLevel returns σ/α = e^(−λ/2), the noise in units of x₀ (Karras et al. 2022, equation 4, where it is called σ).
func (p Process) NoiseLevel(t *Node) *Node { return Exp(p.LogNoiseLevel(t)) }

// SNRDrop returns SNR(s) − SNR(t) = −expm1(λ_t−λ_s) e^(λ_s), which does not cancel when s and t are close.
// Half of it weighs ‖x̂₀−x₀‖² in the bound (Luo 2022, equations 101–111; Kingma et al. 2021, section 4.1).
func (p Process) SNRDrop(s, t *Node) *Node { return Mul(p.forgotten(s, t), p.SNR(s)) }

// forgotten returns c = 1 − SNR(t)/SNR(s) = −expm1(λ_t−λ_s), the share of x_s's signal-to-noise ratio that is lost by t.
func (p Process) forgotten(s, t *Node) *Node { return Neg(mathx.Expm1(Neg(p.logSNRDrop(s, t)))) }

// logSNRDrop returns λ_s − λ_t, which is positive.
func (p Process) logSNRDrop(s, t *Node) *Node { return Sub(p.LogSNR(s), p.LogSNR(t)) }

// Diffuse returns x_t = α(t)x₀ + σ(t)ε, the reparameterised draw (Luo 2022, equations 61–70).
func (p Process) Diffuse(x0, eps, t *Node) *Node {
	checkTime("Diffuse", x0, t)
	checkData("Diffuse", "ε", eps, x0)
	return Add(Mul(p.Alpha(t), x0), Mul(p.Sigma(t), eps))
}

// Marginal returns q(x_t|x₀) = N(α(t)x₀, σ(t)²I).
func (p Process) Marginal(x0, t *Node) dist.DiagNormal {
	checkTime("Marginal", x0, t)
	return dist.DiagNormal{Mean: Mul(p.Alpha(t), x0), LogStd: p.LogSigma(t)}
}

// Transition returns q(x_t|x_s) for s < t:
//
//	N((α_t/α_s) x_s, σ_t² c I), c = 1 − SNR(t)/SNR(s)
//
// For a Discrete schedule and s = t−1 it is N(√(1−β_t) x_{t−1}, β_t I). Source: Kingma et al. 2021, appendix A.1.
func (p Process) Transition(xs, s, t *Node) dist.DiagNormal {
	checkTime("Transition", xs, s, t)
	shrink := Exp(Sub(p.LogAlpha(t), p.LogAlpha(s)))
	return dist.DiagNormal{Mean: Mul(shrink, xs), LogStd: Add(p.LogSigma(t), p.logSqrtForgotten(s, t))}
}

// Posterior returns q(x_s|x_t,x₀) for s < t:
//
//	N(α_s[(1−c) x_t/α_t + c x₀], σ_s² c I), c = 1 − SNR(t)/SNR(s)
//
// which is DDPM's posterior where σ² = 1−α² and s = t−1, and holds for every schedule and every step. At σ_s = 0 it is
// the point x₀, and at α_t = 0 it is free of x_t. Source: Kingma et al. 2021, appendix A.2; Luo 2022, equations 71–85.
func (p Process) Posterior(xt, x0, s, t *Node) dist.DiagNormal {
	checkTime("Posterior", xt, s, t)
	checkData("Posterior", "x₀", x0, xt)
	logAlphaS := p.LogAlpha(s)
	ofXt := Exp(Add(Sub(p.LogAlpha(t), logAlphaS), MulScalar(Sub(p.LogSigma(s), p.LogSigma(t)), 2))) // α_s(1−c)/α_t = α_tσ_s²/(α_sσ_t²)
	ofX0 := Mul(Exp(logAlphaS), p.forgotten(s, t))
	return dist.DiagNormal{
		Mean:   Add(Mul(ofXt, xt), Mul(ofX0, x0)),
		LogStd: Add(p.LogSigma(s), p.logSqrtForgotten(s, t)),
	}
}

// Reverse returns the normal law that has the mean and the variance of x_s given x_t, s < t, when x₀ given x_t has
// mean x0 and variance varX0 (of x_t's shape, or one that broadcasts):
//
//	mean of Posterior at x0, variance σ_s² c + (α_s c)² varX0, c = 1 − SNR(t)/SNR(s)
//
// With varX0 = 0 it is Posterior. For Gaussian data it is the exact law of x_s given x_t, and the best normal one
// otherwise. Source: Bao et al. 2022, "Analytic-DPM", theorem 1.
func (p Process) Reverse(xt, x0, varX0, s, t *Node) dist.DiagNormal {
	checkData("Reverse", "Var(x₀|x_t)", varX0, xt)
	q := p.Posterior(xt, x0, s, t)
	ofX0 := Mul(p.Alpha(s), p.forgotten(s, t))
	q.LogStd = MulScalar(Log(Add(q.Variance(), Mul(Square(ofX0), varX0))), 0.5)
	return q
}

// DDIM returns the law of x_s given x_t and x₀, s < t, with η times the noise of Posterior and the same marginals:
//
//	N(α_s x₀ + σ_s √(1−η²c) (x_t − α_t x₀)/σ_t, η² σ_s² c I), c = 1 − SNR(t)/SNR(s)
//
// η = 1 is Posterior, and η = 0 the point on the line from x₀ through x_t, with LogStd −∞. It panics when η is not
// between 0 and 1: above 1 the variance that is left for the direction of x_t can be negative.
// Source: Song, Meng and Ermon 2021, "Denoising diffusion implicit models", equations 7 and 12.
func (p Process) DDIM(xt, x0, s, t *Node, eta float64) dist.DiagNormal {
	checkTime("DDIM", xt, s, t)
	checkData("DDIM", "x₀", x0, xt)
	if !(eta >= 0 && eta <= 1) {
		panic(fmt.Errorf("process.DDIM: η = %g, expected a number from 0 (no noise) to 1 (the noise of Posterior)", eta))
	}
	direction := Mul(Sqrt(OneMinus(MulScalar(p.forgotten(s, t), eta*eta))), Exp(Sub(p.LogSigma(s), p.LogSigma(t)))) // σ_s√(1−η²c)/σ_t
	return dist.DiagNormal{
		Mean:   Add(Mul(p.Alpha(s), x0), Mul(direction, Sub(xt, Mul(p.Alpha(t), x0)))),
		LogStd: AddScalar(Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), math.Log(eta)),
	}
}

// SNRRate returns −dSNR/dt = −λ'(t) e^λ, which is positive, of t's shape, by automatic differentiation. Half of it
// weighs ‖x̂₀−x₀‖² in the bound of infinitely many steps (Kingma et al. 2021, equation 17).
// It panics for a Discrete schedule.
func (p Process) SNRRate(t *Node) *Node { return Mul(p.LogSNRRate(t), p.SNR(t)) }

// LogSNRRate returns −dλ/dt, which is positive, of t's shape, by automatic differentiation. Half of it weighs ‖ε̂−ε‖² in
// the bound of infinitely many steps (Kingma et al. 2021, appendix B). It panics for a Discrete schedule.
func (p Process) LogSNRRate(t *Node) *Node {
	p.checkContinuous("LogSNRRate")
	t = mathx.Free(t)
	return Neg(Gradient(ReduceAllSum(p.LogSNR(t)), t)[0])
}

// logSqrtForgotten returns ½ log c.
func (p Process) logSqrtForgotten(s, t *Node) *Node {
	return MulScalar(mathx.Log1mExp(p.logSNRDrop(s, t)), 0.5)
}

// Drift returns f(t) = d log α/dt of dx = f x dt + g dw, of t's shape, by automatic differentiation.
// It panics for a Discrete schedule, which has no derivative.
func (p Process) Drift(t *Node) *Node {
	p.checkContinuous("Drift")
	t = mathx.Free(t)
	return Gradient(ReduceAllSum(p.LogAlpha(t)), t)[0]
}

// Diffusion2 returns g(t)² = dσ²/dt − 2fσ² = −σ² dλ/dt, of t's shape, by automatic differentiation
// (Kingma et al. 2021, appendix A). It panics for a Discrete schedule, and is NaN where σ = 0: there λ is infinite. Start at a later t.
func (p Process) Diffusion2(t *Node) *Node {
	p.checkContinuous("Diffusion2")
	return Mul(Exp(MulScalar(p.LogSigma(t), 2)), p.LogSNRRate(t))
}

// Grid returns the n+1 times of n equal steps from TMax down to TMin; with a Discrete schedule each is rounded to an
// index. It panics when n < 1, or when a Discrete schedule has fewer than n steps.
func (p Process) Grid(n int) []float64 {
	_, discrete := p.Schedule.(Discrete)
	if n < 1 || discrete && float64(n) > p.TMax-p.TMin {
		panic(fmt.Errorf("process.Grid: %d steps between t = %g and %g, expected at least 1 and at most one for each index",
			n, p.TMin, p.TMax))
	}
	times := make([]float64, n+1)
	for i := range times {
		times[i] = p.TMax + (p.TMin-p.TMax)*float64(i)/float64(n)
		if discrete {
			times[i] = math.Round(times[i])
		}
	}
	times[n] = p.TMin
	return times
}

func (p Process) checkContinuous(method string) {
	if _, ok := p.Schedule.(Discrete); ok {
		panic(fmt.Errorf("process.%s: a Discrete schedule has no derivative in t; use Transition, or a schedule in continuous time", method))
	}
}

// checkData panics unless v, which is called name, is a scalar or broadcasts with x axis by axis.
func checkData(method, name string, v, x *Node) {
	ok := v.DType() == x.DType() && (v.IsScalar() || v.Rank() == x.Rank())
	for axis := 0; ok && axis < v.Rank(); axis++ {
		a, b := v.Shape().Dimensions[axis], x.Shape().Dimensions[axis]
		ok = a == b || a == 1 || b == 1
	}
	if !ok {
		panic(fmt.Errorf("process.%s: %s has shape %s and x %s, expected shapes that broadcast: give both one width", method, name, v.Shape(), x.Shape()))
	}
}

// checkTime panics unless each of times obeys the time contract for x.
func checkTime(method string, x *Node, times ...*Node) {
	for _, t := range times {
		ok := t.Rank() == x.Rank() && t.DType() == x.DType()
		for axis := 0; ok && axis < t.Rank(); axis++ {
			size := t.Shape().Dimensions[axis]
			ok = size == 1 || axis == 0 && size == x.Shape().Dimensions[0]
		}
		if !ok {
			panic(fmt.Errorf("process.%s: t has shape %s and x %s, expected a t of x's dtype and rank, with x's batch "+
				"(or 1) first and then axes of size 1", method, t.Shape(), x.Shape()))
		}
	}
}
