package vdm

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Levels is the number n of values that a pixel can take. Level k = 0 … n−1 stands for the intensity k/(n−1) in a data set
// and for
//
//	x_k = (2k+1)/n − 1
//
// in the model, so that data lie between −1 and 1, 2/n apart, each at the middle of its share of that range.
type Levels int

// Value returns x_k.
func (n Levels) Value(k int) float64 { return (2*float64(k)+1)/float64(n) - 1 }

// Values returns x_0 … x_{n−1}.
func (n Levels) Values() []float64 {
	values := make([]float64, n)
	for k := range values {
		values[k] = n.Value(k)
	}
	return values
}

// FromIntensity returns the x_k of the level that is nearest to an intensity in [0, 1], entry by entry.
func (n Levels) FromIntensity(u *Node) *Node {
	k := Round(MulScalar(u, float64(n-1)))
	return AddScalar(MulScalar(k, 2/float64(n)), 1/float64(n)-1)
}

// Between returns x of an intensity u in [0, 1] that need not be a level's, by the line through the levels: 2u(n−1)/n + 1/n − 1.
func (n Levels) Between(u float64) float64 { return (2*u*float64(n-1)+1)/float64(n) - 1 }

// ToIntensity returns k/(n−1) of the level that is nearest to x: the inverse of FromIntensity, for what a sampler has drawn.
func (n Levels) ToIntensity(x float64) float64 {
	k := math.Round((x+1)*float64(n)/2 - 0.5)
	return math.Max(0, math.Min(1, k/float64(n-1)))
}

// nearest returns the level between lo and hi that is nearest to x, as a float without a gradient.
func (n Levels) nearest(x *Node, lo, hi int) *Node {
	k := StopGradient(Round(AddScalar(MulScalar(x, float64(n)/2), (float64(n)-1)/2)))
	return MaxScalar(MinScalar(k, float64(hi)), float64(lo))
}

// LevelNormal is the law on n levels with P(x_k) ∝ N(x_k; Mean, Std²), each pixel on its own. With Mean = z/α and
// Std = σ/α it is what one draw z = αx + σε says about a pixel whose levels are all as probable: the p(x|z₀) of Kingma et
// al. 2021, "Variational diffusion models", section 3.3. Mean has the pixels' shape, and LogStd broadcasts with it.
type LevelNormal struct {
	Levels       Levels
	Mean, LogStd *Node
}

// LogProb returns log P(x), [batch], in nats, for x of the pixels' shape and with the levels' values.
// It panics when x has another shape than Mean.
func (l LevelNormal) LogProb(x *Node) *Node {
	if !x.Shape().Equal(l.Mean.Shape()) {
		panic(fmt.Errorf("vdm.LevelNormal.LogProb: x has shape %s, expected that of Mean, %s", x.Shape(), l.Mean.Shape()))
	}
	all := l.exponent(InsertAxes(l.Mean, -1), beside(l.LogStd), alongLast(x, l.Levels.Values()))
	return mathx.SumEvent(Sub(l.exponent(l.Mean, l.LogStd, x), mathx.LogSumExp(all)))
}

// exponent returns −(x−m)²/(2s²).
func (l LevelNormal) exponent(mean, logStd, x *Node) *Node {
	return MulScalar(Square(Mul(Sub(x, mean), Exp(Neg(logStd)))), -0.5)
}

// window is the number of levels that Expectation sums over, and widest the standard deviation, in units of the levels'
// distance, up to which it sums at all. There the sum leaves out what lies 3.9 standard deviations away, and beyond it
// the whole sum differs from Mean by less than exp(−2π²·widest²)·4π·widest².
const (
	window = 5
	widest = 0.63
)

// Expectation returns E[x], of Mean's shape, to within 3e-3 of the levels' distance where both ends of their range are some Std away. Where Std is more
// than 0.63 of that distance it is Mean; else the sum over the 5 levels nearest to Mean, which costs as much for 256 levels as
// for 17. It panics for fewer than 5 levels.
func (l LevelNormal) Expectation() *Node {
	n := int(l.Levels)
	if n < window {
		panic(fmt.Errorf("vdm.LevelNormal.Expectation: %d levels, expected at least %d", n, window))
	}
	middle := l.Levels.nearest(l.Mean, window/2, n-1-window/2)
	offsets := make([]float64, window)
	for j := range offsets {
		offsets[j] = l.Levels.Value(j - window/2)
	}
	x := Add(InsertAxes(MulScalar(middle, 2/float64(n)), -1), alongLast(l.Mean, offsets))
	weights := Softmax(l.exponent(InsertAxes(l.Mean, -1), beside(l.LogStd), x), -1)
	wide := GreaterThan(Add(l.LogStd, ZerosLike(l.Mean)), Scalar(x.Graph(), x.DType(), math.Log(widest*2/float64(n))))
	return Where(wide, l.Mean, ReduceSum(Mul(weights, x), -1))
}

// SpikeSlab is a law of each pixel before x_t is seen: with some probability the pixel has the lowest level exactly (the
// spike: the background of a picture), else it comes from a mixture of K normal laws, rounded to the levels (the slabs). A
// network that returns one for every pixel is a denoiser by way of Denoise: what it need not learn is Bayes' rule for the
// pixel's own noisy value, nor that pixels have levels.
// Source of the name: Mitchell and Beauchamp 1988, "Bayesian variable selection in linear regression".
type SpikeSlab struct {
	Levels       Levels
	Spike        *Node   // log-weight of the lowest level, of the pixels' shape; weights need not sum to 1
	Slab         []*Node // log-weights of the K normal laws
	Mean, LogStd []*Node // of the K normal laws
}

// Denoise returns E[x₀|x_t] for x_t = αx₀ + σε, pixel by pixel: with s_k the slabs' standard deviations,
//
//	w_spike ∝ W_spike N(x_t; αx_0, σ²),  w_k ∝ W_k N(x_t; αm_k, α²s_k² + σ²)
//	x̂₀ = w_spike x_0 + Σ w_k E[LevelNormal{m'_k, s'_k}],  s'_k⁻² = s_k⁻² + α²/σ²,  m'_k = x_t/α + (m_k − x_t/α) σ²/(α²s_k²+σ²)
//
// The weights take a slab for continuous, which matters only where σ/α is below the levels' distance: there x_t names the
// level by itself. xt has the pixels' shape; alpha and sigma broadcast.
func (m SpikeSlab) Denoise(xt, alpha, sigma *Node) *Node {
	low := m.Levels.Value(0)
	logWeights := []*Node{Add(m.Spike, logNormal(xt, MulScalar(alpha, low), Square(sigma)))}
	means := []*Node{AddScalar(ZerosLike(xt), low)}
	seen := Div(xt, alpha)
	for k := range m.Slab {
		variance := Add(Square(Mul(alpha, Exp(m.LogStd[k]))), Square(sigma)) // of x_t
		logWeights = append(logWeights, Add(m.Slab[k], logNormal(xt, Mul(alpha, m.Mean[k]), variance)))
		posterior := LevelNormal{m.Levels,
			Add(seen, Mul(Sub(m.Mean[k], seen), Div(Square(sigma), variance))),
			Add(m.LogStd[k], Sub(Log(sigma), MulScalar(Log(variance), 0.5)))}
		means = append(means, posterior.Expectation())
	}
	weights := Softmax(Stack(logWeights, -1), -1)
	return ReduceSum(Mul(weights, Stack(means, -1)), -1)
}

// logNormal returns log N(x; mean, variance) without its constant, entry by entry.
func logNormal(x, mean, variance *Node) *Node {
	return MulScalar(Add(Div(Square(Sub(x, mean)), variance), Log(variance)), -0.5)
}

// beside gives x one axis more, of size 1; a scalar broadcasts without.
func beside(x *Node) *Node {
	if x.IsScalar() {
		return x
	}
	return InsertAxes(x, -1)
}

// alongLast returns the values as [1, …, 1, len(values)], of one rank more than like.
func alongLast(like *Node, values []float64) *Node {
	v := ConstAsDType(like.Graph(), like.DType(), values)
	return ExpandLeftToRank(v, like.Rank()+1)
}
