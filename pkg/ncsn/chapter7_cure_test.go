package ncsn_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

func TestBlurredLaw(t *testing.T) {
	t.Run("E7.19 p_σ is the data blurred", func(t *testing.T) {
		c := check.T(t)
		gm := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
		clean := func(y float64) float64 {
			return .3*distuv.Normal{Mu: -2, Sigma: .5}.Prob(y) + .7*distuv.Normal{Mu: 1, Sigma: .4}.Prob(y)
		}
		xs := []float64{-4, -2.2, -.5, 0, 1.3, 5}
		p := blurred(t, gm)
		for _, sigma := range []float64{.1, .5, 1, 3, 10} {
			got := p.at(sigma, xs)[0]
			for i, x := range xs {
				want := check.IntegralFn(func(y float64) float64 { return clean(y) * distuv.Normal{Mu: x, Sigma: sigma}.Prob(y) }, -8, 7)
				c.Near(fmt.Sprintf("E7.19 σ = %g, x = %g: ∫ p(y) N(x; y, σ²) dy", sigma, x), got[i], want, 1e-8)
			}
		}
	})
	t.Run("E7.21 what lies between the modes", func(t *testing.T) {
		c := check.T(t)
		p, xs, weights := blurred(t, mx), make([]float64, 64), make([]float64, 64)
		quad.Legendre{}.FixedLocations(xs, weights, -1, 1)
		between := func(sigma float64) float64 { return floats.Dot(weights, p.at(sigma, xs)[0]) } // p_σ(|x|<1)
		for _, sigma := range []float64{.1, 1, 3, 5, 10} {
			s := math.Sqrt(1 + sigma*sigma)
			c.Near("E7.21 p_σ(|x|<1)", between(sigma), distuv.UnitNormal.CDF(6/s)-distuv.UnitNormal.CDF(4/s), 1e-8)
		}
		peak := math.Sqrt(10/math.Log(1.5) - 1)
		c.Near("E7.21 the peak", peak, 4.864, units(4.864, 3))
		c.Near("E7.21 it is one: the slope is 0", check.Derivative(between, peak), 0, 1e-9)
		for _, sigma := range []float64{.1, 1, 2, 4, 6, 10, 30} {
			c.True("E7.21 p_σ(|x|<1) rises up to the peak, then falls", (check.Derivative(between, sigma) > 0) == (sigma < peak), fmt.Sprint("σ = ", sigma))
		}
		c.Near("E7.21 at σ = 5 and 10", []float64{between(5), between(10)}, []float64{.0967, .0701}, 1e-4/1.1)
		c.Less("E7.16 without noise next to nothing lies there", between(.1), 1e-4)
	})
}

// The open question of the study notes: which noise lets a chain find the weights?
func TestWeightsReturn(t *testing.T) {
	c := check.T(t)
	apart5 := divergences(t, 5)
	normalised := func(sigma float64) float64 {
		fisher, _ := apart5(sigma)
		return fisher * (1 + sigma*sigma)
	}
	c.Near("E7.22 σ = 0: the score does not know the weights, ·1e5", normalised(1e-9)*1e5, 2.08, units(2.08, 2))
	c.Near("E7.22 σ = 4", normalised(4), .5494688, units(.55, 7))
	c.Near("E7.22 σ = 10", normalised(10), .2659963, units(.27, 7))
	c.Near("E7.22 σ = 20", normalised(20), .0830066, units(.08, 7))
	best, at := 0.0, 0.0
	for sigma := .25; sigma < 20; sigma += .25 {
		if v := normalised(sigma); v > best {
			best, at = v, sigma
		}
	}
	c.True("E7.22 the peak is near σ = 4", math.Abs(at-4) <= .5, fmt.Sprintf("%.4g at σ = %g", best, at))

	p := blurred(t, mx)
	chain := func(sigma float64) *chain { return newChain(p, sigma) }
	last := math.MaxInt
	for _, sigma := range []float64{1, 1.5, 2, 3, 4} {
		n := chain(sigma).mixing()
		c.True(fmt.Sprintf("E7.22 steps until the share is within .05 of .8, at σ = %g", sigma), n < last/2, fmt.Sprint(n))
		last = n
	}
	c.Less("E7.22 without noise: more than", 1e6, float64(chain(1e-9).mixing()))

	// The chain on the grid against chains that are drawn.
	const sigma, steps = 2.0, 200
	x := sampler.Langevin{Score: func(x *Node) *Node { return mx.Score(edm)(x, level(x, sigma)) }, Size: chainSize * (1 + sigma*sigma)}
	run := sampler.Of(backendtest.Open(t), x)
	defer run.Finalize()
	end, err := run.Sample(uniform(20_000, 8), sampler.Count(steps), 722)
	if err != nil {
		t.Fatal(err)
	}
	shares := check.Floats(end)
	for i, x := range shares {
		shares[i] = rightShare(x, sigma)
	}
	c.MC("E7.22 the share of the right mode after 200 steps at σ = 2, on the grid", shares, chain(sigma).share(steps), .004)
}

// rightShare is P(right|x) under p_σ: for x ~ p_σ its mean is .8, for every σ.
func rightShare(x, sigma float64) float64 {
	return 1 / (1 + math.Exp(-math.Log(4)-10*x/(1+sigma*sigma)))
}

// chainSize is c/(1+σ²) of the chains.
const chainSize = .05

// chain is the law of Langevin steps of the size chainSize·(1+σ²) towards p_σ of mx, on a grid, from U(−8, 8).
type chain struct {
	xs, start, right []float64
	powers           []*mat.Dense // of one step: 1, 2, 4, …
}

func newChain(p evaluator, sigma float64) *chain {
	const n = 240
	s := math.Sqrt(1 + sigma*sigma)
	end := 8 + 5*s
	k := &chain{xs: make([]float64, n), start: make([]float64, n), right: make([]float64, n)}
	for i := range k.xs {
		k.xs[i] = end * (2*(float64(i)+.5)/n - 1)
		k.right[i] = rightShare(k.xs[i], sigma)
		if math.Abs(k.xs[i]) < 8 {
			k.start[i] = 1
		}
	}
	normalise(k.start)
	score := p.at(sigma, k.xs)[1]
	step := mat.NewDense(n, n, nil)
	for i, x := range k.xs {
		row := step.RawRowView(i)
		for j, y := range k.xs {
			row[j] = math.Exp(-math.Pow(y-x-chainSize*s*s*score[i], 2) / (4 * chainSize * s * s))
		}
		normalise(row)
	}
	k.powers = []*mat.Dense{step}
	return k
}

func normalise(p []float64) { floats.Scale(1/floats.Sum(p), p) }

// share is the mean share of the right mode after n steps.
func (k *chain) share(n int) float64 {
	p := mat.NewVecDense(len(k.start), append([]float64{}, k.start...))
	for bit := 0; n>>bit > 0; bit++ {
		if bit == len(k.powers) {
			var square mat.Dense
			square.Mul(k.powers[bit-1], k.powers[bit-1])
			k.powers = append(k.powers, &square)
		}
		if n>>bit&1 == 1 {
			p.MulVec(k.powers[bit].T(), p)
		}
	}
	return mat.Dot(p, mat.NewVecDense(len(k.right), k.right))
}

// mixing is the first number of steps after which the share is within .05 of .8, which it approaches from below; at most 2²⁰.
func (k *chain) mixing() int {
	low, high := 0, 1
	for ; high < 1<<20 && k.share(high) < .75; high *= 2 {
		low = high
	}
	for low+1 < high {
		if middle := (low + high) / 2; k.share(middle) < .75 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

func TestObjective(t *testing.T) {
	levels := geometric(t, 20, .05, 4)
	c := check.T(t)
	// Points and noise that have the moments of N(0, v) and N(0, 1): a quadratic function of them has its exact mean.
	const v = .7
	root := math.Sqrt(v)
	x0 := column(root, root, -root, -root)
	for i, sigma := range levels {
		u := (float64(i) + .5) / float64(len(levels)) // draws this level
		loss := func(s func(x, sigma *Node) *Node) float64 {
			return check.Mean(backendtest.Floats(t, func(x *Node) *Node {
				drawn := noise.Fixed(MulScalar(OnesLike(x), u), Const(x.Graph(), column(1, -1, 1, -1)))
				return ncsn.Objective(levels).Loss(drawn, s, x)
			}, x0))
		}
		name := fmt.Sprintf("E7.23 σ = %.3g: ", sigma)
		c.Near(name+"the score 0 has the loss 1", loss(func(x, _ *Node) *Node { return ZerosLike(x) }), 1, a64)
		best := oracle.Gaussian{Mean: []float64{0}, Var: []float64{v}}.Score(edm)
		c.Near(name+"the optimum is v/(v+σ²)", loss(best), v/(v+sigma*sigma), a64)
		for _, factor := range []float64{.9, 1.1} {
			c.Less(name+"another slope is worse", loss(best), loss(func(x, s *Node) *Node { return MulScalar(best(x, s), factor) }))
		}
		seen := backendtest.Floats(t, func(x *Node) *Node {
			var got *Node
			drawn := noise.Fixed(MulScalar(OnesLike(x), u), Const(x.Graph(), column(1, -1, 1, -1)))
			ncsn.Objective(levels).Loss(drawn, func(x, s *Node) *Node { got = s; return x }, x)
			return got
		}, x0)
		c.Near(name+"is the level that the score is asked for", seen, sigma, a64)
	}
}

// A process that keeps the variance is EDM in other units.
func TestOtherUnits(t *testing.T) {
	vp := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: .001, TMax: 1}
	gm := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2, 1}, {1, 0}}, Vars: [][]float64{{.25, .1}, {.16, 1}}}
	x := [][]float64{{-2.5, .3}, {-.4, 1}, {0, 0}, {1.2, -2}}
	for _, time := range []float64{.01, .2, .5, 1} {
		out := backendtest.Call(t, func(x *Node) []*Node {
			u := level(x, time)
			alpha := vp.Alpha(u)
			sigma := Div(vp.Sigma(u), alpha)
			variance := Div(OneMinus(Square(alpha)), Square(alpha))
			return []*Node{Mul(alpha, gm.Score(vp)(x, u)), gm.Score(edm)(Div(x, alpha), sigma), Square(sigma), variance, Reciprocal(vp.SNR(u))}
		}, x)
		c := check.T(t)
		c.Near("E7.26 s_VE(x_t/√ᾱ) = √ᾱ s_VP(x_t)", check.Floats(out[1]), check.Floats(out[0]), a64)
		c.Near("E7.26 σ² = (1−ᾱ)/ᾱ", check.Floats(out[2]), check.Floats(out[3]), a64)
		c.Near("E7.26 = 1/SNR", check.Floats(out[2]), check.Floats(out[4]), a64)
	}
}

// affine reads mean = a x + b and the variance of a law that is affine in x.
type affine struct{ a, b, variance float64 }

// TestManyLevels: more and more levels make the chains of NCSN the equation dx = √(dσ²/dt) dw and its reverse.
func TestManyLevels(t *testing.T) {
	c := check.T(t)
	const v = .5
	data := oracle.Gaussian{Mean: []float64{1}, Var: []float64{v}}
	reverse := sampler.ReverseStep{Process: edm, Denoise: data.Denoiser(edm)}
	equation := sde.Forward(edm).Reverse(data.Score(edm))
	// laws evaluates the step of the chain and of the equation from each level to the next.
	laws := func(levels []float64) (ancestral, euler []affine) {
		from, to := column(levels[:len(levels)-1]...), column(levels[1:]...)
		out := backendtest.Call(t, func(t, s *Node) (out []*Node) {
			for _, x := range []*Node{ZerosLike(t), OnesLike(t)} {
				q, e := reverse.Law(x, s, t), equation.Step(x, t, s)
				out = append(out, q.Mean, e.Mean, Mul(q.Variance(), OnesLike(t)), Mul(e.Variance(), OnesLike(t)))
			}
			return out
		}, from, to)
		read := func(k int) (laws []affine) {
			at0, at1, variance := check.Floats(out[k]), check.Floats(out[k+4]), check.Floats(out[k+2])
			for i := range at0 {
				laws = append(laws, affine{at1[i] - at0[i], at0[i], variance[i]})
			}
			return laws
		}
		return read(0), read(1)
	}
	var spacing, finalGap, meanGap, varianceGap []float64
	for _, n := range []int{400, 800, 1600} {
		levels := geometric(t, 50, .01, n)
		ancestral, euler := laws(levels)
		mean, variance := 0.0, 50.0*50
		for _, law := range ancestral {
			mean, variance = law.a*mean+law.b, law.a*law.a*variance+law.variance
		}
		t.Logf("E7.27 %d levels: final mean %.6f, variance %.6f, of data 1 and %.6f", n, mean, variance, v+1e-4)
		spacing = append(spacing, 1/float64(n))
		finalGap = append(finalGap, math.Abs(variance-(v+1e-4)))
		worstMean, worstVariance := 0.0, 0.0
		for i := range ancestral {
			relative := levels[i+1] * levels[i+1]
			worstMean = math.Max(worstMean, math.Abs(ancestral[i].a-euler[i].a))
			worstVariance = math.Max(worstVariance, math.Abs(ancestral[i].variance-euler[i].variance)/relative)
		}
		meanGap, varianceGap = append(meanGap, worstMean), append(varianceGap, worstVariance)
	}
	c.Order("E7.27 the ancestral chain's final variance tends to the data's", spacing, finalGap, 1, .15)
	c.Order("E7.27 one step is the reverse equation's: its slope", spacing, meanGap, 2, .15)
	c.Order("E7.27 and its variance over σ²", spacing, varianceGap, 2, .15)

	// Forward the levels are the equation's own law, whatever their number.
	for _, n := range []int{2, 7, 1000} {
		levels, variance := geometric(t, 50, .01, n), 0.0
		out := backendtest.Floats(t, func(t, s *Node) *Node { return Mul(edm.Transition(ZerosLike(t), s, t).Variance(), OnesLike(t)) },
			column(levels[:n-1]...), column(levels[1:]...))
		for _, step := range out {
			variance += step
		}
		c.Near("E7.27 the noise between the levels adds up to σ_1² − σ_L²", variance, 2500-1e-4, a64)
	}
}

// Annealed Langevin with one step for each level keeps a lag that more levels do not cure; more noise steps for the variance that
// a level loses do. With c = κ(σᵢ² − σᵢ₊₁²) and data N(m, v) the variance tends to 2κv/(2κ−1), not to v.
func TestLagOfAnnealing(t *testing.T) {
	const v, n, chains, smallest = .5, 800, 8000, .01
	c := check.T(t)
	data := oracle.Gaussian{Mean: []float64{1}, Var: []float64{v}}
	levels := geometric(t, 50, smallest, n)
	lost := 1 - math.Pow(levels[1]/levels[0], 2) // of σ² from a level to the next
	for _, kappa := range []float64{1, 2} {
		annealed := sampler.Annealed{Process: edm, Score: data.Score(edm), SigmaMin: smallest, Eps: 2 * kappa * lost * smallest * smallest}
		run := sampler.Of(backendtest.Open(t), annealed)
		x, err := run.Sample(sampler.Prior(vector(chains), 50, 727), sampler.Repeat(levels, 1), 727)
		run.Finalize()
		if err != nil {
			t.Fatal(err)
		}
		squares := check.Floats(x)
		for i, x := range squares {
			squares[i] = (x - 1) * (x - 1)
		}
		limit, variance := v*2*kappa/(2*kappa-1), 50.0*50 // and what n levels leave, step by step
		for _, s := range levels {
			size := kappa * lost * s * s
			variance = math.Pow(1-size/(v+s*s), 2)*variance + 2*size
		}
		c.MC(fmt.Sprintf("E7.27 annealed Langevin with one step a level, κ = %g: the variance", kappa), squares, variance, .02)
		c.Near("E7.27 near the limit of infinitely many levels", variance/limit, 1, .01)
		c.Less("E7.27 which is not the data's", 10*check.SE(squares), limit-v)
	}
}
