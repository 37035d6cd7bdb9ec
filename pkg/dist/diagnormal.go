package dist

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// log2Pi is log 2π.
var log2Pi = math.Log(2 * math.Pi)

// DiagNormal is N(μ, diag σ²), kept as μ and log σ, which broadcast against each other.
type DiagNormal struct{ Mean, LogStd *Node }

// StandardNormal returns N(0, I) of like's shape and type.
func StandardNormal(like *Node) DiagNormal { return DiagNormal{ZerosLike(like), ZerosLike(like)} }

// LogProb returns Σᵢ −½((xᵢ−μᵢ)/σᵢ)² − log σᵢ − ½ log 2π, [batch], in nats.
func (n DiagNormal) LogProb(x *Node) *Node {
	quadratic := MulScalar(Square(n.standardise(x)), -0.5)
	return mathx.SumEvent(Sub(AddScalar(quadratic, -log2Pi/2), n.LogStd))
}

// Sample returns z = μ + σ⊙ε with ε ~ N(0, I): a draw through which gradients flow to μ and σ
// (the reparameterisation of Kingma and Welling 2014, section 2.4).
func (n DiagNormal) Sample(src noise.Source) *Node {
	return Add(n.Mean, Mul(n.Std(), src.RandomNormal(n.Mean.Graph(), n.shape())))
}

// Score returns −(x−μ)/σ², of x's shape.
func (n DiagNormal) Score(x *Node) *Node { return Neg(Div(n.standardise(x), n.Std())) }

// Expectation returns μ, of a draw's shape.
func (n DiagNormal) Expectation() *Node { return Add(n.Mean, ZerosLike(n.LogStd)) }

// Repeat returns the law of n draws for each element of the batch: [batch, event...] becomes [n·batch, event...],
// where row i·batch+j belongs to draw i of element j.
func (n DiagNormal) Repeat(draws int) DiagNormal {
	return DiagNormal{Repeat(n.Expectation(), draws), Repeat(Add(n.LogStd, ZerosLike(n.Mean)), draws)}
}

// Std returns σ = exp(log σ).
func (n DiagNormal) Std() *Node { return Exp(n.LogStd) }

// Variance returns σ² = exp(2 log σ).
func (n DiagNormal) Variance() *Node { return Exp(MulScalar(n.LogStd, 2)) }

// Entropy returns Σᵢ log σᵢ + ½(1 + log 2π), [batch], in nats.
func (n DiagNormal) Entropy() *Node {
	return mathx.SumEvent(AddScalar(Add(n.LogStd, ZerosLike(n.Mean)), (1+log2Pi)/2))
}

func (n DiagNormal) standardise(x *Node) *Node { return Div(Sub(x, n.Mean), n.Std()) }

func (n DiagNormal) shape() shapes.Shape { return Add(n.Mean, n.LogStd).Shape() }

// KL returns KL(q‖p) = Σᵢ log(σ_p/σ_q) + ½(σ_q²/σ_p² − 1) + ½((μ_q−μ_p)/σ_p)², [batch], in nats
// (Kingma and Welling 2014, appendix B, for p = N(0, I)). The variance part is ½(eᵘ−1−u) with u = 2 log(σ_q/σ_p),
// computed without cancellation near u = 0.
func KL(q, p DiagNormal) *Node {
	u := MulScalar(Sub(q.LogStd, p.LogStd), 2)
	variance := MulScalar(Sub(mathx.Expm1(u), u), 0.5)
	mean := MulScalar(Square(p.standardise(q.Mean)), 0.5)
	return mathx.SumEvent(Add(variance, mean))
}
