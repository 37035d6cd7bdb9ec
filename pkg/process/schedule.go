package process

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Schedule says how much of x₀ and how much noise x_t holds. Both functions act on each entry of t alone, and keep
// its shape and dtype.
type Schedule interface {
	// LogAlpha returns log α(t), α the coefficient of x₀ in x_t.
	LogAlpha(t *Node) *Node
	// LogSigma returns log σ(t), σ the standard deviation of x_t given x₀.
	LogSigma(t *Node) *Node
}

// VP is the variance-preserving diffusion dx = −½β(t)x dt + √β(t) dw with β(t) = BetaMin + (BetaMax−BetaMin)t, t in [0, 1]:
//
//	α = e^(−B/2), σ² = 1 − e^(−B), B(t) = ∫₀ᵗ β = BetaMin·t + ½(BetaMax−BetaMin)t²
//
// Source: Song et al. 2021, "Score-based generative modeling through stochastic differential equations", equations 11 and 29.
// They take BetaMin = 0.1 and BetaMax = 20.
type VP struct{ BetaMin, BetaMax float64 }

// B returns ∫₀ᵗ β(s) ds.
func (v VP) B(t *Node) *Node {
	return Mul(t, AddScalar(MulScalar(t, (v.BetaMax-v.BetaMin)/2), v.BetaMin))
}

// LogAlpha returns −B/2.
func (v VP) LogAlpha(t *Node) *Node { return MulScalar(v.B(t), -0.5) }

// LogSigma returns ½ log(1 − e⁻ᴮ).
func (v VP) LogSigma(t *Node) *Node { return MulScalar(mathx.Log1mExp(v.B(t)), 0.5) }

// SubVP has VP's α and a smaller σ, at most VP's at every t:
//
//	α = e^(−B/2), σ = 1 − e^(−B)
//
// Its diffusion is g² = β(1 − e^(−2B)). Source: Song et al. 2021, equations 12 and 29.
type SubVP struct{ BetaMin, BetaMax float64 }

// LogAlpha returns −B/2.
func (v SubVP) LogAlpha(t *Node) *Node { return VP(v).LogAlpha(t) }

// LogSigma returns log(1 − e⁻ᴮ).
func (v SubVP) LogSigma(t *Node) *Node { return mathx.Log1mExp(VP(v).B(t)) }

// Cosine keeps α² close to a cosine, t in [0, 1):
//
//	α² = cos²(u)/cos²(u₀), u = (t+Offset)/(1+Offset)·π/2, u₀ = u(0)
//
// so that σ² = 1 − α² = sin(u−u₀) sin(u+u₀)/cos²(u₀), which is how it is computed. At t = 1 α is 0 and log α infinite.
// Source: Nichol and Dhariwal 2021, "Improved denoising diffusion probabilistic models", equation 17, with Offset = 0.008.
type Cosine struct{ Offset float64 }

// LogAlpha returns log cos u − log cos u₀, with cos u as sin(π/2−u), which keeps its digits near t = 1.
func (c Cosine) LogAlpha(t *Node) *Node {
	return AddScalar(Log(Sin(MulScalar(OneMinus(t), c.rate()))), -c.logCos())
}

// LogSigma returns ½[log sin(u−u₀) + log sin(u+u₀)] − log cos u₀.
func (c Cosine) LogSigma(t *Node) *Node {
	u := MulScalar(t, c.rate()) // u − u₀
	sum := AddScalar(u, 2*c.Offset*c.rate())
	return AddScalar(MulScalar(Add(Log(Sin(u)), Log(Sin(sum))), 0.5), -c.logCos())
}

// rate is du/dt.
func (c Cosine) rate() float64 { return math.Pi / 2 / (1 + c.Offset) }

// logCos is log cos u₀.
func (c Cosine) logCos() float64 { return math.Log(math.Cos(c.Offset * c.rate())) }

// VE is the variance-exploding diffusion dx = √(dv/dt) dw with v(t) = SigmaMin²(SigmaMax/SigmaMin)²ᵗ, t in [0, 1]:
//
//	α = 1, σ² = v(t) − v(0)
//
// Its diffusion is g = v(t)^½ √(2 log(SigmaMax/SigmaMin)). Source: Song et al. 2021, equations 9 and 29; in
// equation 31 they drop the v(0), with which q(x₀|x₀) is a point here.
type VE struct{ SigmaMin, SigmaMax float64 }

// LogAlpha returns 0.
func (v VE) LogAlpha(t *Node) *Node { return ZerosLike(t) }

// LogSigma returns log SigmaMin + ½ log(eʸ − 1) with y = 2t log(SigmaMax/SigmaMin).
func (v VE) LogSigma(t *Node) *Node {
	y := MulScalar(t, 2*math.Log(v.SigmaMax/v.SigmaMin))
	return AddScalar(MulScalar(Add(y, mathx.Log1mExp(y)), 0.5), math.Log(v.SigmaMin))
}

// LogSNRLinear is the variance-preserving schedule with λ(t) = Max + (Min−Max)t, t in [0, 1]; λ is in nats.
// Source: Kingma et al. 2021, "Variational diffusion models", the schedule compared there as "log-SNR linear".
type LogSNRLinear struct{ Max, Min float64 }

// LogAlpha returns ½ log sigmoid(λ).
func (l LogSNRLinear) LogAlpha(t *Node) *Node { return Learned(l.logSNR).LogAlpha(t) }

// LogSigma returns ½ log sigmoid(−λ).
func (l LogSNRLinear) LogSigma(t *Node) *Node { return Learned(l.logSNR).LogSigma(t) }

func (l LogSNRLinear) logSNR(t *Node) *Node { return AddScalar(MulScalar(t, l.Min-l.Max), l.Max) }

// Learned is the variance-preserving schedule of any falling log-SNR: the function returns λ(t) = −ω(t), entry by entry,
//
//	α² = sigmoid(−ω), σ² = sigmoid(ω)
//
// so that α² + σ² = 1. ω is a monotone network, or any other rising function. Source: Kingma et al. 2021,
// section 3.2 (γ there is ω here).
type Learned func(t *Node) *Node

// LogAlpha returns ½ log sigmoid(λ).
func (l Learned) LogAlpha(t *Node) *Node { return MulScalar(mathx.LogSigmoid(l(t)), 0.5) }

// LogSigma returns ½ log sigmoid(−λ).
func (l Learned) LogSigma(t *Node) *Node { return MulScalar(mathx.LogSigmoid(Neg(l(t))), 0.5) }
