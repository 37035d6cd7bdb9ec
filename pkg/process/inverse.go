package process

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// EDM is the process whose time is its noise level: α = 1, σ = t, so that dx = √(2t) dw. Every process is this one in other
// units: x_t/α_t of it has the noise level σ_t/α_t = e^(−λ/2). Source: Karras et al. 2022, "Elucidating the design space
// of diffusion-based generative models", section 3.
type EDM struct{}

// LogAlpha returns 0.
func (EDM) LogAlpha(t *Node) *Node { return ZerosLike(t) }

// LogSigma returns log t.
func (EDM) LogSigma(t *Node) *Node { return Log(t) }

// Inverter is a Schedule that knows the time of a log-SNR.
type Inverter interface {
	// Time returns the t with λ(t) = logSNR, entry by entry.
	Time(logSNR *Node) *Node
}

// Time returns the t with λ(t) = logSNR, of logSNR's shape. It panics unless the schedule is an Inverter, as VP, SubVP, VE,
// LogSNRLinear and EDM are.
func (p Process) Time(logSNR *Node) *Node {
	inverse, ok := p.Schedule.(Inverter)
	if !ok {
		panic(fmt.Errorf("process.Time: the schedule %T has no inverse, expected VP, SubVP, VE, LogSNRLinear or EDM: "+
			"find the times on the host by sampler.LogSNRGrid", p.Schedule))
	}
	return inverse.Time(logSNR)
}

// Time implements Inverter: σ = e^(−λ/2).
func (EDM) Time(logSNR *Node) *Node { return Exp(MulScalar(logSNR, -0.5)) }

// Time implements Inverter: B = log(1 + e^(−λ)).
func (v VP) Time(logSNR *Node) *Node { return v.timeOf(mathx.Softplus(Neg(logSNR))) }

// Time implements Inverter: sinh(B/2) = ½ e^(−λ/2).
func (v SubVP) Time(logSNR *Node) *Node {
	y := MulScalar(Exp(MulScalar(logSNR, -0.5)), 0.5)
	square := Square(y)
	asinh := Log1p(Add(y, Div(square, OnePlus(Sqrt(OnePlus(square))))))
	return VP(v).timeOf(MulScalar(asinh, 2))
}

// timeOf returns the t with B(t) = b: t = 2b/(β₀ + √(β₀² + 2(β₁−β₀)b)).
func (v VP) timeOf(b *Node) *Node {
	root := Sqrt(AddScalar(MulScalar(b, 2*(v.BetaMax-v.BetaMin)), v.BetaMin*v.BetaMin))
	return Div(MulScalar(b, 2), AddScalar(root, v.BetaMin))
}

// Time implements Inverter: v(t)/SigmaMin² = 1 + e^(−λ)/SigmaMin².
func (v VE) Time(logSNR *Node) *Node {
	y := Log1p(MulScalar(Exp(Neg(logSNR)), 1/(v.SigmaMin*v.SigmaMin)))
	return MulScalar(y, 0.5/math.Log(v.SigmaMax/v.SigmaMin))
}

// Time implements Inverter.
func (l LogSNRLinear) Time(logSNR *Node) *Node {
	return MulScalar(AddScalar(logSNR, -l.Max), 1/(l.Min-l.Max))
}
