package chapters_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	drawn "github.com/lowerbound-ml/lowerbound/datasets/shapes"
	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// shipped loads the weights of a finished run that comes with the notebooks.
func shipped(t *testing.T, name string) *model.Store {
	t.Helper()
	store := model.NewStore()
	if _, _, err := fit.Load(filepath.Join("../../notebooks/checkpoints", name), store); err != nil {
		t.Fatal(err)
	}
	return store
}

// TestKnobs asks how much of the place of a picture's ink a knob of the model decides: a coordinate of the VAE's code, by 2000 codes of
// the prior; the first pixels of an autoregressive model, by listing its 512 pictures.
func TestKnobs(t *testing.T) {
	m := vae.Model{Config: vae.Config{Data: 64, Hidden: []int{64}, Latent: 3}, Store: shipped(t, "vae-squares"), Backend: backendtest.Open(t)}
	rng, codes := rand.New(rand.NewPCG(1011, 0)), make([][]float64, 2000)
	for i := range codes {
		codes[i] = []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
	}
	pictures, err := m.Generate(codes)
	if err != nil {
		t.Fatal(err)
	}
	var decided []float64 // by each coordinate: R² of the best monotone function of it
	for k := range 3 {
		var z, place []float64
		for i, picture := range pictures {
			z, place = append(z, codes[i][k]), append(place, drawn.Measure(picture).X)
		}
		decided = append(decided, math.Max(metric.MonotoneR2(z, place), metric.MonotoneR2(floats.ScaleTo(make([]float64, len(z)), -1, z), place)))
	}
	knob := floats.MaxIdx(decided)
	check.T(t).Less("E10.11 one coordinate of a VAE decides nearly all of where the square stands", .95, decided[knob])
	walk, err := m.Traverse([]float64{0, 0, 0}, knob, -2, 2, 9)
	if err != nil {
		t.Fatal(err)
	}
	var at []float64
	for _, picture := range walk {
		at = append(at, drawn.Measure(picture).X)
	}
	steps := floats.Span(make([]float64, len(at)), -2, 2)
	check.T(t).Less("E10.11 and moves it one way, by as little as you like", .99, math.Abs(metric.Spearman(steps, at)))

	share := prefixShares(t)
	check.T(t).Less("E10.11 the first pixel of an autoregressive model decides a quarter", share[1], .3)
	check.T(t).Less("E10.11 its first row decides less than half", share[3], .5)
	check.T(t).Near("E10.11 all nine pixels decide all", share[9], 1, 1e-9)
}

// prefixShares returns, for k = 0 … 9, the share of the variance of the ink's place across that the first k pixels decide, exactly:
// Var E[place|x_{<k}] over Var place under the trained model of 3×3 pictures.
func prefixShares(t *testing.T) (share [10]float64) {
	var all [][]float64
	var place []float64
	for n := range drawn.TinyImages {
		var picture []float64
		ink, sum := 0.0, 0.0
		for i, bit := range drawn.Bits(n).Pixels() {
			picture = append(picture, float64(bit))
			ink, sum = ink+float64(bit), sum+float64(bit)*float64(i%3-1)
		}
		all, place = append(all, picture), append(place, sum/math.Max(ink, 1))
	}
	out, err := model.CallOnce(backendtest.Open(t), shipped(t, "ar-tiny"), func(scope *model.Scope, x *Node) *Node {
		return Exp(ar.Model{Logits: func(x *Node) *Node {
			return ConvertDType(nets.MADE(scope.At("made"), ConvertDType(x, dtypes.Float32), nets.GlorotUniform, Tanh, 48), x.DType())
		}}.LogProb(x))
	}, all)
	if err != nil {
		t.Fatal(err)
	}
	p := check.Floats(out)
	check.T(t).Near("E10.11 an autoregressive model is a law: 512 probabilities", floats.Sum(p), 1, 1e-9)
	variance := stat.PopVariance(place, p)
	for k := range share {
		groups := map[string][2]float64{} // of pictures with one prefix: their probability, and that times their place
		for n, x := range all {
			key := fmt.Sprint(x[:k])
			g := groups[key]
			groups[key] = [2]float64{g[0] + p[n], g[1] + p[n]*place[n]}
		}
		var means, weights []float64
		for _, g := range groups {
			means, weights = append(means, g[1]/g[0]), append(weights, g[0])
		}
		share[k] = stat.PopVariance(means, weights) / variance
	}
	return share
}

// TestEmptyBullet is what the notes leave out under "diffusion": the latent, the encoder, the price.
func TestEmptyBullet(t *testing.T) {
	gd := oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	vp := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-4, TMax: 1}
	t.Run("E10.12 the latents have the data's shape, and what they know of x₀ falls to nothing", func(t *testing.T) {
		times := []float64{1e-4, .1, .3, .6, 1}
		out := pureGo(t, func(t *Node) (*Node, *Node) { // I(x₀; x_t) = h(x_t) − h(x_t|x₀), and ½ log(1 + v SNR)
			given := MulScalar(vp.LogSigma(t), 2)
			law := gd.Marginal(vp, t).(dist.DiagNormal)
			return MulScalar(Sub(MulScalar(law.LogStd, 2), given), .5), MulScalar(Log(OnePlus(MulScalar(vp.SNR(t), .5))), .5)
		}, columnOf(times...))
		known := check.Floats(out[0])
		check.T(t).Near("E10.12 I(x₀; x_t) is ½ log(1 + v·SNR)", known, out[1], 1e-9)
		for i := 1; i < len(known); i++ {
			check.T(t).Less("E10.12 it falls", known[i], known[i-1])
		}
		check.T(t).Less("E10.12 the last latent knows almost nothing", known[4], 2e-5)
	})
	t.Run("E10.12 nothing of the encoder is trained", func(t *testing.T) {
		trained := func(build func(scope *model.Scope, x *Node) *Node) (encoder, other int) {
			store := model.NewStore()
			if _, err := model.CallOnce(backendtest.Open(t), store, build, [][]float32{{1, 2}}); err != nil {
				t.Fatal(err)
			}
			for v := range store.IterVariables() {
				switch {
				case !v.Trainable:
				case strings.Contains(v.Path(), "encoder"):
					encoder += v.Shape().Size()
				default:
					other += v.Shape().Size()
				}
			}
			return encoder, other
		}
		fixed, net := trained(func(scope *model.Scope, x *Node) *Node {
			return vdm.RowConfig{Dim: 2, Hidden: []int{8}}.Loss()(scope, []*Node{x})
		})
		learned, _ := trained(func(scope *model.Scope, x *Node) *Node {
			return vae.Config{Data: 2, Latent: 1, Hidden: []int{8}}.Loss(1, 1)(scope, []*Node{x})
		})
		check.T(t).Near("E10.12 weights of the diffusion's encoder", fixed, 0, 0)
		check.T(t).Less("E10.12 and of its denoiser", 0, float64(net))
		check.T(t).Near("E10.12 a VAE's encoder has them", learned, 2*8+8+8*2+2, 0)
	})
	t.Run("E10.12 a fixed linear encoder keeps each posterior normal, a curved one does not", func(t *testing.T) {
		check.T(t).Near("E10.12 skewness of z₁|z₂ for z₂ = .6z₁ + noise", skewness(t, func(z *Node) *Node { return MulScalar(z, .6) }), 0, 1e-9)
		check.T(t).Less("E10.12 and for z₂ = tanh 3z₁ + noise", .3, math.Abs(skewness(t, func(z *Node) *Node { return Tanh(MulScalar(z, 3)) })))
	})
	t.Run("E10.12 the price of T steps: the error falls as 1/T, the calls grow as T", func(t *testing.T) {
		var h, miss []float64
		for _, n := range []int{100, 200, 400, 800} {
			h, miss = append(h, 1/float64(n)), append(miss, math.Abs(chainVariance(t, vp, gd, n)-.5))
		}
		check.T(t).Order("E10.12 of the variance of the samples", h, miss, 1, .15)
	})
}

// skewness is that of z₁ ~ N(0, 1) given z₂ = .4 and z₂|z₁ ~ N(mean(z₁), .3), by quadrature.
func skewness(t *testing.T, mean func(z *Node) *Node) float64 {
	moment := func(f func(z *Node) *Node) float64 {
		return check.Integral(backendtest.Open(t), func(z *Node) *Node {
			miss := Square(AddScalar(mean(z), -.4))
			return Mul(f(z), Exp(Sub(MulScalar(Square(z), -.5), MulScalar(miss, 1/.6))))
		}, -9, 9)
	}
	mass := moment(OnesLike)
	m := moment(func(z *Node) *Node { return z }) / mass
	central := func(k float64) float64 {
		return moment(func(z *Node) *Node {
			d := AddScalar(z, -m)
			if k == 2 {
				return Square(d)
			}
			return Mul(d, Square(d))
		}) / mass
	}
	return central(3) / math.Pow(central(2), 1.5)
}

// chainVariance is the variance at the end of n ancestral steps with the exact denoiser, by the recursion of its affine steps.
func chainVariance(t *testing.T, p process.Process, data oracle.Gaussian, n int) float64 {
	grid := p.Grid(n)
	times := func(ts []float64) [][]float64 { return columnOf(append(append([]float64{}, ts...), ts...)...) }
	x := make([]float64, 2*n)
	for i := n; i < 2*n; i++ {
		x[i] = 1
	}
	out := pureGo(t, func(x, s, t *Node) (*Node, *Node) {
		law := sampler.ReverseStep{Process: p, Denoise: data.Denoiser(p)}.Law(x, s, t)
		return law.Mean, law.Variance()
	}, columnOf(x...), times(grid[1:]), times(grid[:n]))
	mean, variance, v := check.Floats(out[0]), check.Floats(out[1]), 1.0
	for i := range n {
		slope := mean[n+i] - mean[i]
		v = slope*slope*v + variance[i]
	}
	return v
}

// TestQuestionMarks answers the two "??" of the notes with a number each.
func TestQuestionMarks(t *testing.T) {
	t.Run("E10.13 first: why noise gives laws that respect the weights (E7.22)", func(t *testing.T) {
		var seen []float64
		for _, sigma := range []float64{0, 4, 10, 20} {
			seen = append(seen, weightsSeen(t, sigma))
		}
		check.T(t).Near("E10.13 what the score sees of the weights at σ = 0, times 100,000", seen[0]*1e5, 2.0755638, 3e-8)
		check.T(t).Near("E10.13 at σ = 4, 10 and 20", seen[1:], []float64{.5494688, .2659963, .0830066}, 7e-8)
	})
	t.Run("E10.13 second: how a generator passes by a shortcut (E10.8)", func(t *testing.T) {
		rng, data := rand.New(rand.NewPCG(1013, 0)), make([][]float64, 4000)
		for i := range data {
			data[i] = []float64{-2 + .5*rng.NormFloat64()}
			if rng.Float64() < .7 {
				data[i] = []float64{1 + .4*rng.NormFloat64()}
			}
		}
		mean := 0.0
		for _, x := range data {
			mean += x[0] / float64(len(data))
		}
		point := gan.Points{X: [][]float64{{mean}}}
		best := func(see gan.Features) gan.Response {
			r, err := gan.Best(see, gan.Points{X: data}, point)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		linear, quadratic := best(gan.Linear), best(gan.Quadratic)
		check.T(t).Near("E10.13 the best D that is linear in x takes one point for the data: V", linear.Value, -math.Log(4), 1e-9)
		check.T(t).Near("E10.13 there V is flat, and it is concave", linear.Gradient, 0, 1e-9)
		check.T(t).Less("E10.13 a D that sees x² is not fooled: V", -math.Log(4)+.5, quadratic.Value)
	})
}

// weightsSeen is (1+σ²) times the Fisher divergence between weights .2/.8 and .8/.2 of unit normals at ±5 with noise σ, by quadrature of
// the scores by hand.
func weightsSeen(t *testing.T, sigma float64) float64 {
	v := 1 + sigma*sigma
	normal := func(x *Node, m float64) *Node { return MulScalar(Square(AddScalar(x, -m)), -1/(2*v)) }
	score := func(x *Node, w float64) (*Node, *Node) { // of w N(−5) + (1−w) N(5), and its log-density up to a constant
		left, right := AddScalar(normal(x, -5), math.Log(w)), AddScalar(normal(x, 5), math.Log(1-w))
		total := LogAddExp(left, right)
		share := Exp(Sub(left, total))
		return MulScalar(Sub(AddScalar(Neg(x), 5), MulScalar(share, 10)), 1/v), total
	}
	width := 5 + 12*math.Sqrt(v)
	return v * check.Integral(backendtest.Open(t), func(x *Node) *Node {
		a, p := score(x, .2)
		b, _ := score(x, .8)
		return MulScalar(Mul(Exp(p), Square(Sub(a, b))), 1/math.Sqrt(2*math.Pi*v))
	}, -width, width)
}

// TestLikelihoodAgainstBound maximises log p(2) and the bound over the slope a of x|z ~ N(az + .5, .25), with three families of q.
func TestLikelihoodAgainstBound(t *testing.T) {
	as := floats.Span(make([]float64, 20_001), .5, 2.5)
	most := func(variance float64) (at, value float64) { // variance 0 leaves q's free, −1 is log p itself
		out := backendtest.Call(t, func(a *Node) *Node {
			g := a.Graph()
			m, x := oracle.NewLinearGaussian(g, 1, .5, .25), constant(g, 2)
			m.A = InsertAxes(a, -1)
			q := m.Posterior(x)
			switch {
			case variance < 0:
				return m.Marginal().LogProb(x)
			case variance > 0:
				q.LogStd = AddScalar(ZerosLike(q.Mean), math.Log(variance)/2)
			}
			return m.Bound(q, x)
		}, as)
		values := check.Floats(out[0])
		i := floats.MaxIdx(values)
		return as[i], values[i]
	}
	c := check.T(t)
	best, logP := most(-1)
	c.Near("E10.14 max log p(x), where a² + s² = (x − b)²", []float64{best, logP}, []float64{math.Sqrt2, -(math.Log(2*math.Pi*2.25) + 1) / 2}, 1e-4)
	for variance, why := range map[float64]string{0: "q's variance free: the posterior at every a", 1. / 9: "q's variance 1/9: the posterior at the best a alone"} {
		at, bound := most(variance)
		c.Near("E10.14 max L = max log p, "+why, []float64{at, bound}, []float64{best, logP}, 1e-7)
	}
	at, bound := most(.3)
	c.Near("E10.14 q's variance .3, the posterior at no good a: max L and its a", []float64{at, bound}, []float64{1.05797, -1.970945427}, 6e-5)
	c.Less("E10.14 another decoder, and a bound that stays below", bound, logP-.1)
}
