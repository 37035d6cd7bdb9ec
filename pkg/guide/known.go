package guide

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Known is what is known of x₀, as y = A x₀ with a linear A. Pixels and CellMeans make one; A and its pseudo-inverse A⁺ act on each row alone.
type Known struct {
	Measure func(x *Node) *Node    // A
	Lift    func(y *Node) *Node    // A⁺, with A A⁺ y = y: the smallest x that has this y
	Y       func(like *Node) *Node // y, [batch or 1, ...], in the graph and of the dtype of like, which is an x
	Var     func(t *Node) *Node    // Var(y|x_t) that Reconstruction assumes, of t's shape; nil is σ²/α²
}

// Values returns a Known's Y of Go values: slices of numbers, as [][][][]float32.
func Values(y any) func(like *Node) *Node {
	return func(like *Node) *Node { return ConstAs(like, y) }
}

// Pixels is the knowledge of some numbers of x₀: keep says for each number of an event, in row-major order, whether it is known,
// and image is x₀ itself, [batch or 1, event...], whose other numbers are not looked at. It panics, when it is used, for events of
// another size.
func Pixels(keep []bool, image func(like *Node) *Node) Known {
	mask := func(x *Node) *Node { return Where(keepAs(keep, x), x, ZerosLike(x)) }
	return Known{Measure: mask, Lift: mask, Y: func(like *Node) *Node { return mask(image(like)) }}
}

// keepAs returns keep in x's shape.
func keepAs(keep []bool, x *Node) *Node {
	dims := append([]int{}, x.Shape().Dimensions...)
	size := x.Shape().Size() / dims[0]
	if size != len(keep) {
		panic(fmt.Errorf("guide.Pixels: %d numbers to keep or not, and x of shape %s, expected %d, one for each number of an example", len(keep), x.Shape(), size))
	}
	one := append([]int{1}, dims[1:]...)
	return BroadcastToDims(Reshape(Const(x.Graph(), keep), one...), dims...)
}

// CellMeans is the knowledge of a small image: y are the means of cells of size×size pixels of x₀ [batch, height, width, channels], for
// super-resolution. A⁺ repeats each pixel of y. It panics, when it is used, for images that do not fall into cells.
func CellMeans(size int, small func(like *Node) *Node) Known {
	return Known{
		Measure: func(x *Node) *Node { return mathx.CellMeans(x, size) },
		Lift:    func(y *Node) *Node { return mathx.Enlarge(y, size) },
		Y:       small,
	}
}

// Missing returns y − A x, what x misses of what is known, of A x's shape. It panics when y does not broadcast to it.
func (k Known) Missing(x *Node) *Node {
	seen, y := k.Measure(x), k.Y(x)
	ok := y.Rank() == seen.Rank()
	for axis := 0; ok && axis < y.Rank(); axis++ {
		size := y.Shape().Dimensions[axis]
		ok = size == seen.Shape().Dimensions[axis] || axis == 0 && size == 1
	}
	if !ok {
		panic(fmt.Errorf("guide.Known: y has shape %s and A x %s for x of shape %s, expected a y for each example, or one for all of them",
			y.Shape(), seen.Shape(), x.Shape()))
	}
	return Sub(y, seen)
}

// Consistent returns x̂₀ + A⁺(y − A x̂₀), the estimate nearest to x̂₀ that agrees with what is known. Whatever arrives at x̂₀ then has A x₀ = y. It tells
// the unknown part nothing: that feels y only through the next x_t, which is too little, 0.45 too low in the example of Reconstruction.
// sampler.Replacement is its kin.
func Consistent(d param.Denoiser, k Known) param.Denoiser {
	return func(xt, t *Node) *Node {
		x0 := d(xt, t)
		return Add(x0, k.Lift(k.Missing(x0)))
	}
}

// Reconstruction returns the denoiser of Classifier with log p(y|x_t) = −‖y − A x̂₀(x_t)‖²/2V: as if y given x_t were normal around
// the estimate's own y, with the variance V = Var, or σ²/α²:
//
//	x̂₀ − (γα/2) ∇‖y − A x̂₀(x_t)‖²
//
// The gradient, with respect to x_t, goes through d. It is exact at γ = 1 for Gaussian data when V is Var(y|x_t), for one number y.
// With V = σ²/α², which is right for data that may be anything, it does too little at high noise, where Var(y|x_t) is smaller. For two normal
// numbers of correlation 0.8, the first known and 1 above its mean, the probability flow brings the second out 0.43 too low at γ = 1; at
// γ = 5 its mean is right, and its variance 0.31 in place of 0.36. γ = 0 is d itself.
// Source: Ho et al. 2022, "Video diffusion models", equation 7, where γ is w_r.
func Reconstruction(p process.Process, d param.Denoiser, k Known, scale Scale) param.Denoiser {
	scale.check("Reconstruction")
	if scale == 0 {
		return d
	}
	return func(xt, t *Node) *Node {
		xt = mathx.Free(xt)
		x0 := d(xt, t)
		variance := Square(p.NoiseLevel(t))
		if k.Var != nil {
			variance = k.Var(t)
		}
		logProb := Div(MulScalar(mathx.SumEvent(Square(k.Missing(x0))), -0.5), Reshape(variance, -1))
		return guideX0(p, x0, Gradient(ReduceAllSum(logProb), xt)[0], t, scale.at(t))
	}
}
