package score

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Loss measures how far score is from the score of the law that x [batch, event...] was drawn from, up to a constant: one
// number for each example, [batch]. score maps [n, event...] to the same shape, for any n. A Loss panics when it does not.
// Losses that draw nothing leave src alone, which may then be nil.
type Loss func(src noise.Source, score func(x *Node) *Node, x *Node) *Node

// Explicit is ½‖s(x) − truth(x)‖², with truth the score ∇log p of x's law. Twice its mean is the Fisher divergence
// E‖s − ∇log p‖² (Luo 2022, equation 156).
func Explicit(truth func(x *Node) *Node) Loss {
	return func(_ noise.Source, score func(x *Node) *Node, x *Node) *Node {
		return half(Sub(checked("Explicit", score)(x), checked("Explicit's truth", truth)(x)))
	}
}

// Implicit is tr ∇s(x) + ½‖s(x)‖². Its mean is that of Explicit less ½E‖∇log p‖², when p·s vanishes at infinity
// (Hyvärinen 2005, theorem 1). The trace is exact: for d numbers in an event it evaluates s on d copies of the batch.
func Implicit() Loss {
	return func(_ noise.Source, score func(x *Node) *Node, x *Node) *Node {
		score = checked("Implicit", score)
		return Add(mathx.Divergence(score, x), half(score(x)))
	}
}

// Probe draws the directions of Sliced: entries of like's shape, independent, with mean 0 and variance 1.
type Probe func(src noise.Source, like *Node) *Node

// Gaussian draws entries from N(0, 1).
func Gaussian(src noise.Source, like *Node) *Node {
	return src.RandomNormal(like.Graph(), like.Shape())
}

// Rademacher draws entries ±1, each with probability ½: among all Probes the one whose vᵀAv varies least, 2Σ_{i≠j}A²ᵢⱼ for a
// symmetric A, without the diagonal (Hutchinson 1990).
func Rademacher(src noise.Source, like *Node) *Node {
	u := src.RandomUniform(like.Graph(), like.Shape())
	return Where(LessThan(u, MulScalar(OnesLike(u), 0.5)), Neg(OnesLike(u)), OnesLike(u))
}

// Sliced is 1/k Σⱼ vⱼᵀ∇s(x)vⱼ + ½‖s(x)‖² with k directions v for each example, by probe (nil is Rademacher). Its mean is that
// of Implicit, at the price of k vector-Jacobian products in any dimension. It panics when k < 1.
// Source: Song, Garg, Shi and Ermon 2019, "Sliced score matching", equation 8 (the form with reduced variance).
func Sliced(k int, probe Probe) Loss {
	if k < 1 {
		panic(fmt.Errorf("score.Sliced: %d projections, expected at least 1", k))
	}
	if probe == nil {
		probe = Rademacher
	}
	return func(src noise.Source, score func(x *Node) *Node, x *Node) *Node {
		score = checked("Sliced", score)
		copies := dist.Repeat(x, k)
		slices := Reshape(mathx.Quadratic(score, copies, probe(src, copies)), k, x.Shape().Dimensions[0])
		return Add(ReduceMean(slices, 0), half(score(x)))
	}
}

// Denoising is ½‖s(x_t) − ∇log q(x_t|x)‖² at one draw x_t = α_t x + σ_t ε of p's noise, where ∇log q(x_t|x) = −ε/σ_t and t obeys
// the time contract of package process. Its minimiser is the score of q(x_t): its mean is that of Explicit for q(x_t) plus
// ½(d/σ_t² − E‖∇log q(x_t)‖²), for d numbers in an event (Vincent 2011, "A connection between score matching and
// denoising autoencoders", equations 9–11).
func Denoising(p process.Process, t *Node) Loss {
	return func(src noise.Source, score func(x *Node) *Node, x *Node) *Node {
		at := func(xt, _ *Node) *Node { return checked("Denoising", score)(xt) }
		return MulScalar(denoise(src, p, at, x, t, OnesLike(t)), 0.5)
	}
}

// half returns ½‖v‖², [batch].
func half(v *Node) *Node { return MulScalar(mathx.SumEvent(Square(v)), 0.5) }

// checked returns score, which then panics unless its result has its argument's shape.
func checked(caller string, score func(x *Node) *Node) func(x *Node) *Node {
	return func(x *Node) *Node {
		s := score(x)
		checkShape(caller, s.Shape(), x.Shape())
		return s
	}
}

func checkShape(caller string, got, want shapes.Shape) {
	if !got.Equal(want) {
		panic(fmt.Errorf("score.%s: the score of x %s has shape %s, expected x's: a score is a vector at each point, and treats "+
			"any number of rows", caller, want, got))
	}
}
