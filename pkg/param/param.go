package param

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Denoiser returns x̂₀ ≈ E[x₀|x_t], of xt's shape; t obeys the time contract of package process.
type Denoiser func(xt, t *Node) *Node

// ScoreFn returns ∇ log q(x_t) with respect to x_t, or a model of it, of xt's shape.
type ScoreFn func(xt, t *Node) *Node

// Kind says what a network predicts.
type Kind int

// The kinds, for x_t = αx₀ + σε.
const (
	X0    Kind = iota // x₀, the data
	Eps               // ε, the noise (Ho et al. 2020)
	Score             // ∇ log q(x_t) (Song and Ermon 2019)
	V                 // v = αε − σx₀ (Salimans and Ho 2022, appendix D)
)

// Kinds holds all of them.
var Kinds = [...]Kind{X0, Eps, Score, V}

// String returns "x0", "eps", "score" or "v".
func (k Kind) String() string {
	if k < X0 || k > V {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return [...]string{"x0", "eps", "score", "v"}[k]
}

// ToX0 returns the x̂₀ that a prediction of the given kind stands for:
//
//	Eps    x̂₀ = (x_t − σε̂)/α                 (Luo 2022, equations 115–124)
//	Score  x̂₀ = (x_t + σ²ŝ)/α                (Tweedie's formula; Luo 2022, equations 131–133)
//	V      x̂₀ = (αx_t − σv̂)/(α²+σ²)          (Salimans and Ho 2022, where α²+σ² = 1)
//
// value and xt have one shape; alpha and sigma broadcast against it. It panics when they do not, or k is no Kind.
func ToX0(k Kind, value, xt, alpha, sigma *Node) *Node {
	checkShapes("ToX0", value, xt)
	switch k {
	case X0:
		return value
	case Eps:
		return Div(Sub(xt, Mul(sigma, value)), alpha)
	case Score:
		return Div(Add(xt, Mul(Square(sigma), value)), alpha)
	case V:
		return Div(Sub(Mul(alpha, xt), Mul(sigma, value)), norm2(alpha, sigma))
	}
	panic(unknown("ToX0", k))
}

// FromX0 is the inverse of ToX0 for the same xt:
//
//	Eps    ε̂ = (x_t − αx̂₀)/σ
//	Score  ŝ = −(x_t − αx̂₀)/σ² = −ε̂/σ        (Luo 2022, equations 149–151)
//	V      v̂ = (αx_t − (α²+σ²)x̂₀)/σ
//
// It panics as ToX0 does. With x̂₀ = x₀ it gives the noise that was drawn and the conditional score ∇ log q(x_t|x₀); for
// a loss take Target, which does not lose digits to x_t − αx₀ where σ is small.
func FromX0(k Kind, x0, xt, alpha, sigma *Node) *Node {
	checkShapes("FromX0", x0, xt)
	switch k {
	case X0:
		return x0
	case Eps:
		return Div(Sub(xt, Mul(alpha, x0)), sigma)
	case Score:
		return Div(Sub(Mul(alpha, x0), xt), Square(sigma))
	case V:
		return Div(Sub(Mul(alpha, xt), Mul(norm2(alpha, sigma), x0)), sigma)
	}
	panic(unknown("FromX0", k))
}

// Target returns what a network of the given kind regresses on when x_t = αx₀ + σε was made from x0 and eps:
// x₀, ε, −ε/σ or αε − σx₀. It panics as ToX0 does.
func Target(k Kind, x0, eps, alpha, sigma *Node) *Node {
	checkShapes("Target", x0, eps)
	switch k {
	case X0:
		return x0
	case Eps:
		return eps
	case Score:
		return Neg(Div(eps, sigma))
	case V:
		return Sub(Mul(alpha, eps), Mul(sigma, x0))
	}
	panic(unknown("Target", k))
}

// Slope returns ∂x̂₀/∂value of ToX0: 1, −σ/α, σ²/α or −σ/(α²+σ²). So an error of the prediction is an error of x̂₀
// times Slope, and ‖x̂₀−x₀‖² = Slope²·‖value−target‖² (Luo 2022, equations 95–99, 126–130 and 144–148).
// It has the shape of alpha and sigma, and panics when k is no Kind.
func Slope(k Kind, alpha, sigma *Node) *Node {
	switch k {
	case X0:
		return OnesLike(Add(alpha, sigma))
	case Eps:
		return Neg(Div(sigma, alpha))
	case Score:
		return Div(Square(sigma), alpha)
	case V:
		return Neg(Div(sigma, norm2(alpha, sigma)))
	}
	panic(unknown("Slope", k))
}

// Bind returns the denoiser of a network that predicts the given kind for p.
func Bind(p process.Process, k Kind, net func(xt, t *Node) *Node) Denoiser {
	return func(xt, t *Node) *Node { return ToX0(k, net(xt, t), xt, p.Alpha(t), p.Sigma(t)) }
}

// Predict returns d's prediction as the given kind: the inverse of Bind.
func Predict(p process.Process, k Kind, d Denoiser) func(xt, t *Node) *Node {
	return func(xt, t *Node) *Node { return FromX0(k, d(xt, t), xt, p.Alpha(t), p.Sigma(t)) }
}

// ScoreOf returns the score (αx̂₀ − x_t)/σ² of a denoiser.
func ScoreOf(p process.Process, d Denoiser) ScoreFn { return Predict(p, Score, d) }

// norm2 returns α² + σ², which is 1 for a variance-preserving process.
func norm2(alpha, sigma *Node) *Node { return Add(Square(alpha), Square(sigma)) }

func checkShapes(function string, value, xt *Node) {
	if !value.Shape().Equal(xt.Shape()) {
		panic(fmt.Errorf("param.%s: the prediction has shape %s and x %s, expected one shape", function, value.Shape(), xt.Shape()))
	}
}

func unknown(function string, k Kind) error {
	return fmt.Errorf("param.%s: %s is no kind, expected X0, Eps, Score or V", function, k)
}
