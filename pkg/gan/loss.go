package gan

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Value returns the game's value for the logits of D on data and on fakes, any shapes, a scalar in nats:
//
//	V = E_p log D(x) + E_z log(1 − D(G(z))),  log D = log σ(l), log(1 − D) = log σ(−l)
//
// (Goodfellow et al. 2014, equation 1). It is at most 0, and −log 4 for a D that says ½ of everything.
func Value(data, fakes *Node) *Node {
	return Add(ReduceAllMean(mathx.LogSigmoid(data)), ReduceAllMean(mathx.LogSigmoid(Neg(fakes))))
}

// Accuracy returns the share of right answers when data and fakes come equally often, a scalar: ½P(l > 0) over the data plus
// ½P(l < 0) over the fakes. A logit of 0 counts as half right.
func Accuracy(data, fakes *Node) *Node {
	half := func(x *Node) *Node { return ReduceAllMean(MulScalar(OnePlus(Sign(x)), 0.5)) }
	return MulScalar(Add(half(data), half(Neg(fakes))), 0.5)
}

// Loss is what the two players minimise.
type Loss int

// The three games.
const (
	NonSaturating Loss = iota // D: −V; G: −E log D(G(z)), whose slope does not vanish where D wins
	Minimax                   // D: −V; G: V's second term, E log(1 − D(G(z)))
	Wasserstein               // critic: E D(G(z)) − E D(x); G: −E D(G(z)) (Arjovsky et al. 2017); D must be held to slopes of 1
)

// String returns "non-saturating", "minimax" or "Wasserstein".
func (l Loss) String() string {
	if l < NonSaturating || l > Wasserstein {
		return fmt.Sprintf("Loss(%d)", int(l))
	}
	return [...]string{"non-saturating", "minimax", "Wasserstein"}[l]
}

// Discriminator returns what D minimises, a scalar, for its outputs on data and on fakes: −Value, or for Wasserstein
// E D(fakes) − E D(data). It panics when l is none of the three.
func (l Loss) Discriminator(data, fakes *Node) *Node {
	if l.valid("Discriminator") == Wasserstein {
		return Sub(ReduceAllMean(fakes), ReduceAllMean(data))
	}
	return Neg(Value(data, fakes))
}

// Generator returns what G minimises, a scalar, for D's outputs on fakes. It panics when l is none of the three.
func (l Loss) Generator(fakes *Node) *Node {
	switch l.valid("Generator") {
	case Minimax:
		return ReduceAllMean(mathx.LogSigmoid(Neg(fakes)))
	case Wasserstein:
		return Neg(ReduceAllMean(fakes))
	}
	return Neg(ReduceAllMean(mathx.LogSigmoid(fakes)))
}

func (l Loss) valid(method string) Loss {
	if l < NonSaturating || l > Wasserstein {
		panic(fmt.Errorf("gan.Loss.%s: %s, expected NonSaturating, Minimax or Wasserstein", method, l))
	}
	return l
}

// Penalty returns E(‖∇ₓD(x)‖ − norm)², a scalar, over the rows of x [n, event...]. D maps x to [n] and treats each row alone. With
// norm = 1, at points Between data and fakes, it is the gradient penalty of Gulrajani et al. 2017 (equation 3); with norm = 0, at the
// data, twice R₁/γ of Mescheder et al. 2018 (equation 9). A loss that holds it needs second derivatives of D, which GoMLX
// gets right for dense and attention networks, and not for strided convolutions. It panics when D's result is not [n].
func Penalty(d func(x *Node) *Node, x *Node, norm float64) *Node {
	x = mathx.Free(StopGradient(x))
	slope := Gradient(ReduceAllSum(logits("Penalty", d, x)), x)[0]
	square := mathx.SumEvent(Square(slope))
	if norm == 0 {
		return ReduceAllMean(square)
	}
	const least = 1e-12 // keeps the slope of the root finite where D is flat
	return ReduceAllMean(Square(AddScalar(Sqrt(AddScalar(square, least)), -norm)))
}

// Between returns u·data + (1 − u)·fakes with one u ~ U(0, 1) for each row (Gulrajani et al. 2017, algorithm 1). It panics when the
// shapes differ.
func Between(src noise.Source, data, fakes *Node) *Node {
	if !data.Shape().Equal(fakes.Shape()) || data.Rank() < 1 {
		panic(fmt.Errorf("gan.Between: data of shape %s and fakes of %s, expected the same, [n, event...]", data.Shape(), fakes.Shape()))
	}
	dims := make([]int, data.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = data.Shape().Dimensions[0]
	u := src.RandomUniform(data.Graph(), shapes.Make(data.DType(), dims...))
	return Add(Mul(u, data), Mul(OneMinus(u), fakes))
}

// logits is d(x), after its shape is checked.
func logits(function string, d func(x *Node) *Node, x *Node) *Node {
	l := d(x)
	if l.Rank() != 1 || l.Shape().Dimensions[0] != x.Shape().Dimensions[0] {
		panic(fmt.Errorf("gan.%s: D of x %s has shape %s, expected [%d]: one number for each row of x", function, x.Shape(), l.Shape(), x.Shape().Dimensions[0]))
	}
	return l
}
