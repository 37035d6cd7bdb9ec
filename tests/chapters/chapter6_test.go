package chapters_test

import (
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// chainD4 is the process of D4.
var chainD4 = process.Process{Schedule: process.NewDiscrete(betasD4...), TMax: 4}

func TestTweedieWithCovariance(t *testing.T) {
	prior, noiseCov := mat.NewSymDense(2, []float64{1.2, .5, .5, .8}), mat.NewSymDense(2, []float64{.6, -.3, -.3, .9})
	m, z := []float64{.5, -1}, []float64{2, .3}
	var marginal mat.SymDense
	marginal.AddSym(prior, noiseCov)
	score := backendtest.Floats(t, func(g *Graph) *Node {
		return dist.ScoreOf(dist.NewNormal(g, m, &marginal), Const(g, [][]float64{z}))
	})
	var correction, conjugate, precision, pPrior, pNoise, right, fromZ mat.Dense
	correction.Mul(noiseCov, mat.NewDense(2, 1, score))
	check.T(t).True("E6.1 the priors can be inverted", pPrior.Inverse(prior) == nil && pNoise.Inverse(noiseCov) == nil, "")
	precision.Add(&pPrior, &pNoise) // (V⁻¹+Σ⁻¹)⁻¹(V⁻¹m + Σ⁻¹z)
	right.Mul(&pPrior, mat.NewDense(2, 1, m))
	fromZ.Mul(&pNoise, mat.NewDense(2, 1, z))
	right.Add(&right, &fromZ)
	check.T(t).True("E6.1 and their sum", conjugate.Solve(&precision, &right) == nil, "")
	check.T(t).Near("E6.1 z+Σ∇log p(z) in two dimensions is the conjugate mean",
		[]float64{z[0] + correction.At(0, 0), z[1] + correction.At(1, 0)}, []float64{conjugate.At(0, 0), conjugate.At(1, 0)}, 1e-12)
}

// TestSelection draws μ ~ N(0,1) and z = μ + N(0,1), and looks at the 1 per cent with the largest z.
func TestSelection(t *testing.T) {
	const n, kept = 100_000, 1000
	draws := backendtest.Call(t, func(g *Graph) []*Node {
		src, shape := noise.FromSeed(g, 63), shapes.Make(dtypes.Float64, n, 1)
		mu := src.RandomNormal(g, shape)
		z := Add(mu, src.RandomNormal(g, shape))
		one := constant(g, 1)
		marginal := dist.Mixture{LogWeights: Const(g, []float64{0}), Components: []dist.DiagNormal{normalOf(one, 0, math.Log(2))}}
		return []*Node{mu, z, param.ToX0(param.Score, marginal.Score(z), z, one, one)}
	})
	mu, z, tweedie := check.Floats(draws[0]), check.Floats(draws[1]), check.Floats(draws[2])
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return z[order[i]] > z[order[j]] })
	mean, variance := stat.MeanVariance(z, nil)
	var raw, corrected, bySample, truth []float64
	for _, i := range order[:kept] {
		raw, corrected, truth = append(raw, z[i]-mu[i]), append(corrected, tweedie[i]-mu[i]), append(truth, mu[i])
		bySample = append(bySample, z[i]+(mean-z[i])/variance-mu[i]) // the score of a normal fitted to the z alone
	}
	c := check.T(t)
	c.Less("E6.3 the raw z of the selected are more than 10 SE too large", 10, check.Mean(raw)/check.SE(raw))
	c.MC("E6.3 Tweedie's estimate is not", corrected, 0, .025)
	c.MC("E6.3 nor with the law of the sample itself in place of p(z)", bySample, 0, .025)
	// The density of z, √2 times a standard normal, above its 99 per cent point u = 2.326: mean √2 φ(u)/.01, and half of it.
	u := 2.3263478740
	exact := math.Sqrt2 * math.Exp(-u*u/2) / math.Sqrt(2*math.Pi) / .01
	// Of the k largest the mean has the variance (Var(z|z>c) + .99(E[z|z>c]−c)²)/k = .021², and μ half of that plus ½/k.
	c.Near("E6.3 raw and true mean within 5 SE of 3.77 and 1.88",
		[]float64{(check.Mean(raw) + check.Mean(truth) - exact) / .021, (check.Mean(truth) - exact/2) / .025}, 0, 5)
}

func TestMeanByScore(t *testing.T) {
	s := func(xt, t *Node) *Node { return Add(Sin(MulScalar(xt, 1.7)), Mul(t, Cos(xt))) } // any s_θ
	got := backendtest.Call(t, func(xt, u *Node) (*Node, *Node) {
		before := AddScalar(u, -1)
		byX0 := chainD4.Posterior(xt, param.Bind(chainD4, param.Score, s)(xt, u), before, u).Mean
		alpha := Div(Square(chainD4.Alpha(u)), Square(chainD4.Alpha(before))) // DDPM's α_t
		return byX0, Div(Add(xt, Mul(OneMinus(alpha), s(xt, u))), Sqrt(alpha))
	}, [][]float64{{-1.3}, {.2}, {2.4}}, [][]float64{{2}, {3}, {4}})
	check.T(t).Near("E6.7 μ_θ = (x_t + (1−α_t) s_θ)/√α_t", got[0], got[1], 1e-12)
	alpha := []float64{.8, .7, .6}
	for i, x := range []float64{-1.3, .2, 2.4} {
		tt := float64(i + 2)
		want := (x + (1-alpha[i])*(math.Sin(1.7*x)+tt*math.Cos(x))) / math.Sqrt(alpha[i])
		check.T(t).Near("E6.7 by hand", check.Floats(got[0])[i], want, 1e-12)
	}
}

// scoreNet is s_θ = f_θ(x_t, t)/σ_t with a small network f_θ for every t of D4, in float32, whatever x is.
func scoreNet(scope *model.Scope) param.ScoreFn {
	return func(xt, t *Node) *Node {
		x := ConvertDType(xt, dtypes.Float32)
		time := nets.TimeEmbedding(ConvertDType(t, dtypes.Float32), 8, .4, 1.6)
		h := Concatenate([]*Node{x, BroadcastToDims(time, x.Shape().Dimensions[0], 8)}, -1)
		f := nets.MLP(scope.At("score"), h, nets.GlorotUniform, Tanh, 64, 64, 1)
		return Div(ConvertDType(f, xt.DType()), chainD4.Sigma(t))
	}
}

// denoisingLoss is E σ²‖s_θ(x_t,t) + ε/σ‖² at t drawn from 1 … 4.
func denoisingLoss(scope *model.Scope, batch []*Node) *Node {
	x0, src := batch[0], noise.Finite(scope)
	t := AddScalar(Floor(StopGradient(MulScalar(src.RandomUniform(x0.Graph(), x0.Shape()), 4))), 1)
	eps := src.RandomNormal(x0.Graph(), x0.Shape())
	target := param.Target(param.Score, x0, eps, chainD4.Alpha(t), chainD4.Sigma(t))
	miss := Sub(scoreNet(scope)(chainD4.Diffuse(x0, eps, t), t), target)
	return ReduceAllMean(Square(Mul(chainD4.Sigma(t), miss)))
}

// line is a fine grid of x_t, whose sums are integrals up to a factor: the trapezium rule of a smooth law.
func line(g *Graph) *Node {
	x := make([][]float64, 2001)
	for i := range x {
		x[i] = []float64{-7 + .007*float64(i)}
	}
	return Const(g, x)
}

// underQ returns Σ q(x_t)·f over the line, f [n, 1].
func underQ(x, u, f *Node) *Node {
	return ReduceAllSum(Mul(column(Exp(fixtureGM.Marginal(chainD4, u).LogProb(x))), f))
}

func TestScoreNetworkTrained(t *testing.T) {
	store := train(t, denoisingLoss, rows{drawsOfGM(t, 40_000, 4), 500}, 3000, 5e-3)
	for level := 1; level <= 4; level++ {
		errors := sample(t, store, func(scope *model.Scope, g *Graph) *Node {
			x, u := line(g), constant(g, float64(level))
			exact := fixtureGM.Score(chainD4)(x, u)
			miss := underQ(x, u, Square(Sub(scoreNet(scope)(x, u), exact)))
			return Stack([]*Node{miss, underQ(x, u, Square(exact))}, 0)
		})
		check.T(t).Less(fmt.Sprintf("E6.9 relative L2 error of s_θ at t = %d", level), math.Sqrt(errors[0]/errors[1]), .1)
	}
}

// plane is data in two dimensions with three humps.
var plane = oracle.Mixture{Weights: []float64{.3, .5, .2}, Means: [][]float64{{-2, 0}, {1.5, 1}, {.5, -1.5}},
	Vars: [][]float64{{.2, .5}, {.3, .1}, {.1, .2}}}

func TestScorePointsUphill(t *testing.T) {
	const n, step = 1000, 1e-3
	for level := 1; level <= 4; level++ {
		out := backendtest.Call(t, func(g *Graph) []*Node {
			src, u := noise.FromSeed(g, int64(level)), constant(g, float64(level))
			x0 := plane.Law(g, dtypes.Float64).SampleN(src, n)
			eps := src.RandomNormal(g, x0.Shape())
			xt, q := chainD4.Diffuse(x0, eps, u), plane.Marginal(chainD4, u)
			conditional := dist.ScoreOf(chainD4.Marginal(x0, u), xt)
			cosine := Div(ReduceSum(Mul(conditional, Neg(eps)), -1), Sqrt(Mul(ReduceSum(Square(conditional), -1), ReduceSum(Square(eps), -1))))
			rise := Sub(q.LogProb(Add(xt, MulScalar(q.Score(xt), step))), q.LogProb(xt))
			return []*Node{cosine, Div(rise, MulScalar(ReduceSum(Square(q.Score(xt)), -1), step))}
		})
		c := check.T(t)
		c.Near(fmt.Sprintf("E6.11 cosine of the conditional score and −ε at t = %d", level), out[0], 1, 1e-12)
		least := math.Inf(1)
		for _, v := range check.Floats(out[1]) {
			least = math.Min(least, v)
		}
		c.Less("E6.11 a small step along the score raises log q at each of 1000 points", 0, least)
		c.Near("E6.11 by step·‖s‖² to first order", check.Mean(check.Floats(out[1])), 1, .02)
	}
}

// family is the score s_w(x) = w₁ + w₂x + w₃ sin 2x, for w [n, 3] and x [n, 1].
func family(w, x *Node) *Node {
	features := Concatenate([]*Node{OnesLike(x), x, Sin(MulScalar(x, 2))}, -1)
	return column(ReduceSum(Mul(w, features), -1))
}

// matching is ½(s_w(x) − target)², [n, 1], and its gradient in each row of w, [n, 3].
func matching(w, x, target *Node) (loss, slope *Node) {
	w = BroadcastToDims(w, x.Shape().Dimensions[0], 3)
	loss = MulScalar(Square(Sub(family(w, x), target)), .5)
	return loss, Gradient(ReduceAllSum(loss), w)[0]
}

func TestDenoisingScoreMatching(t *testing.T) {
	const n = 200_000
	for i, w := range [][][]float64{{{.3, -.6, 0}}, {{0, -.4, 1.1}}, {{-.8, .2, -.5}}} {
		explicit := backendtest.Call(t, func(w *Node) []*Node {
			g := w.Graph()
			x, u := line(g), constant(g, 2)
			loss, slope := matching(w, x, fixtureGM.Score(chainD4)(x, u))
			mass := underQ(x, u, OnesLike(x))
			q := column(Exp(fixtureGM.Marginal(chainD4, u).LogProb(x)))
			return []*Node{Div(underQ(x, u, loss), mass), Div(ReduceSum(Mul(q, slope), 0), mass),
				Div(underQ(x, u, Square(fixtureGM.Score(chainD4)(x, u))), mass)}
		}, w)
		denoising := backendtest.Call(t, func(w *Node) []*Node {
			g := w.Graph()
			src, u := noise.FromSeed(g, int64(70+i)), constant(g, 2)
			x0 := fixtureGM.Law(g, dtypes.Float64).SampleN(src, n)
			eps := src.RandomNormal(g, x0.Shape())
			loss, slope := matching(w, chainD4.Diffuse(x0, eps, u), param.Target(param.Score, x0, eps, chainD4.Alpha(u), chainD4.Sigma(u)))
			return append([]*Node{loss}, Split(slope, -1, 3)...)
		}, w)
		for j, want := range check.Floats(explicit[1]) {
			check.T(t).MC(fmt.Sprintf("E6.13 slope %d of the denoising loss is that of the explicit one", j+1), check.Floats(denoising[1+j]), want, .01)
		}
		constantGap := .5 * (1/(1-.72) - check.Floats(explicit[2])[0]) // ½(E‖∇log q(x_t|x_0)‖² − E‖∇log q(x_t)‖²)
		value := check.Floats(explicit[0])[0]
		check.T(t).MC("E6.13 and the values differ by a constant", check.Floats(denoising[0]), value+constantGap, .01)
		check.T(t).Less("E6.13 which is not 0", .5, constantGap)
	}
	t.Run("E6.13 data N(0,1), σ = ½, s = −kx", func(t *testing.T) {
		for _, k := range []float64{.6, .2, 1.5} {
			over := func(f func(x, target *Node) *Node) float64 { // E of f over x = x₀ + σε
				return check.Integral2(backendtest.Open(t), func(both *Node) *Node {
					x0, eps := Slice(both, AxisRange(), AxisElem(0)), Slice(both, AxisRange(), AxisElem(1))
					weight := Exp(Add(normalOf(x0, 0, 0).LogProb(x0), normalOf(eps, 0, 0).LogProb(eps)))
					return Mul(weight, Squeeze(f(Add(x0, MulScalar(eps, .5)), MulScalar(eps, -2)), -1))
				}, [2]float64{-9, -9}, [2]float64{9, 9})
			}
			half := func(x, target *Node) *Node { return MulScalar(Square(Sub(MulScalar(x, -k), target)), .5) }
			explicit := over(func(x, _ *Node) *Node { return half(x, DivScalar(x, -1.25)) })
			denoising := over(half)
			check.T(t).Near("E6.13 DSM − ESM is 1.6 for every k", denoising-explicit, 1.6, 1e-8)
			if k == .6 {
				check.T(t).Near("E6.13 ESM and DSM at k = .6", []float64{explicit, denoising}, []float64{.025, 1.625}, 1e-8)
			}
		}
	})
}
