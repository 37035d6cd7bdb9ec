package guide_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// shapes1 is y's shape with a batch of 1.
func shapes1(y *Node) shapes.Shape {
	s := y.Shape().Clone()
	s.Dimensions[0] = 1
	return s
}

func TestDrop(t *testing.T) {
	uniforms := []float32{.05, .9, .2, .1999}
	out := backendtest.Call(t, func(u, y, words, image *Node) []*Node {
		drop := func(y, null *Node) *Node { return guide.Drop(noise.Fixed(u), y, null, .2) }
		return []*Node{drop(y, guide.NullClass(7)(y)), drop(words, Zeros(y.Graph(), shapes1(words))),
			drop(image, Const(y.Graph(), [][][]float64{{{-1, -2}}})), drop(y, Neg(y)), guide.Drop(nil, y, guide.NullClass(7)(y), 0)}
	}, uniforms, []int32{3, 4, 5, 6}, [][]int32{{1, 2}, {3, 4}, {5, 6}, {7, 8}}, [][][]float64{{{1, 2}}, {{3, 4}}, {{5, 6}}, {{7, 8}}})
	c := check.T(t)
	c.Near("E9.18 labels whose uniform is below the rate become the null", out[0], []float64{7, 4, 5, 7}, 0)
	c.Near("E9.18 words", out[1], []float64{0, 0, 3, 4, 5, 6, 0, 0}, 0)
	c.Near("E9.18 images", out[2], []float64{-1, -2, 3, 4, 5, 6, -1, -2}, 0)
	c.Near("E9.18 a null for each", out[3], []float64{-3, 4, 5, -6}, 0)
	c.Near("E9.18 a rate of 0 draws nothing", out[4], []float64{3, 4, 5, 6}, 0)
	const n, rate = 40_000, .15
	dropped := check.Floats(backendtest.Call(t, func(g *Graph) *Node {
		y := Zeros(g, shapes.Make(dtypes.Uint8, n))
		return ConvertDType(guide.Drop(noise.FromSeed(g, 918), y, guide.NullClass(1)(y), rate), dtypes.Float64)
	})[0])
	c.MC("E9.18 the share that is dropped", dropped, rate, .002)
}

// Dropping is the loss of the dropped labels, and draws before the loss.
func TestDropping(t *testing.T) {
	out := backendtest.Call(t, func(u, x0, y, eps *Node) *Node {
		plain := guide.Loss(func(src noise.Source, x0, y *Node) *Node {
			return Add(Mul(Reshape(x0, -1), ConvertDType(y, x0.DType())), src.RandomNormal(x0.Graph(), eps.Shape()))
		})
		return plain.Dropping(guide.NullClass(9), .5)(noise.Fixed(u, eps), x0, y)
	}, []float32{.4, .6}, column(2, 3), []int32{1, 1}, []float64{.25, .5})
	check.T(t).Near("E9.18 x₀·y + ε with the first label dropped", out[0], []float64{2*9 + .25, 3 + .5}, 1e-12)
}

func TestDropErrors(t *testing.T) {
	wantPanic(t, func(x, _ *Node) *Node { return guide.Drop(noise.FromSeed(x.Graph(), 1), x, x, -.1) }, "guide.Drop: rate = -0.1")
	wantPanic(t, func(x, _ *Node) *Node {
		return guide.Drop(noise.FromSeed(x.Graph(), 1), x, Zeros(x.Graph(), shapes.Make(x.DType(), 1, 2)), .1)
	},
		"guide.Drop: null has shape (Float64)[1, 2] and the conditions (Float64)[2, 1]")
	wantPanic(t, func(x, _ *Node) *Node {
		return guide.Drop(noise.FromSeed(x.Graph(), 1), x, Zeros(x.Graph(), shapes.Make(x.DType(), 3, 1)), .1)
	},
		"guide.Drop: null has shape (Float64)[3, 1] and the conditions (Float64)[2, 1]")
	if err := guide.CheckLabels([]int32{0, 9, 10}, 10); err != nil {
		t.Errorf("10 stands for none of 10 classes: %v", err)
	}
	for want, labels := range map[string][]int32{"label 1 is 11, expected a class from 0 to 9, or 10 for none": {3, 11}, "label 0 is -1": {-1}} {
		if err := guide.CheckLabels(labels, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestInterval(t *testing.T) {
	logSNR := math.Log(.72 / .28) // of d4 at t = 2
	xs, us := column(-2, -.5, .3, 1.7), column(1, 2, 3, 4)
	labels := []int32{plus, minus, plus, minus}
	exact := guide.Conditional(g2.Denoise(d4))
	out := backendtest.Call(t, func(x, u, y *Node) []*Node {
		null, cond, uncond := guide.NullClass(2)(y), exact.Given(y), exact.Given(guide.NullClass(2)(y))
		guided := guide.ClassifierFree(cond, uncond, 4)
		some, low := guide.Interval{From: 2, To: 3}.Gamma(4), guide.Interval{From: -10, To: logSNR - 1e-9, Of: d4.LogSNR}.Gamma(4)
		toPlus := guide.ClassifierAt(d4, g2.All().Denoiser(d4), g2.LogPosterior(d4, plus), some)
		return []*Node{guide.ClassifierFreeAt(cond, uncond, some)(x, u), guide.BatchedAt(exact, y, null, some)(x, u), guided(x, u), cond(x, u),
			guide.ClassifierFreeAt(cond, uncond, low)(x, u), toPlus(x, u), guide.ClassifierFree(g2.Class(plus).Denoiser(d4), g2.All().Denoiser(d4), 4)(x, u),
			g2.Class(plus).Denoiser(d4)(x, u)}
	}, xs, us, labels)
	guided, cond, c := check.Floats(out[2]), check.Floats(out[3]), check.T(t)
	want := []float64{cond[0], guided[1], guided[2], cond[3]}
	c.Near("guided where 2 ≤ t ≤ 3, conditional outside", out[0], want, 0)
	c.Near("in one call", out[1], want, a64)
	c.Near("guided below a log-SNR", out[4], []float64{cond[0], cond[1], guided[2], guided[3]}, 0)
	guided, cond = check.Floats(out[6]), check.Floats(out[7])
	c.Near("by a classifier", out[5], []float64{cond[0], guided[1], guided[2], cond[3]}, a64)
}
