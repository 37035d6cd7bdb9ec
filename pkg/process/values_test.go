package process_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// printed holds against a figure printed with ten digits.
const printed = 1e-10

// d4 is the chain of T = 4 steps with β = (.1, .2, .3, .4).
var d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMin: 0, TMax: 4}

// sch is DDPM's own schedule.
var sch = process.Process{Schedule: process.DDPM(1000, 1e-4, .02), TMin: 0, TMax: 1000}

func square(xs []float64) []float64 {
	return apply(func(x float64) float64 { return x * x }, xs)
}

func TestDiscreteValues(t *testing.T) {
	t.Run("E5.37 SNR = ᾱ/(1−ᾱ)", func(t *testing.T) {
		check.T(t).Near("D4", eval(t, d4.SNR, 1, 2, 3, 4), []float64{9, 2.5714285714, 1.0161290323, .4334862385}, printed)
		check.T(t).Near("SCH", eval(t, sch.SNR, 1), 9999, printed)
		abar := square(eval(t, sch.Alpha, 500, 1000))
		check.T(t).Near("SCH ᾱ/ᾱ's figures", []float64{abar[0] / .07858724288, abar[1] / 4.035829765e-5}, 1, 3e-10)
	})
	t.Run("E5.8 x_T is nearly standard normal", func(t *testing.T) {
		kl := func(p process.Process) float64 {
			return backendtest.Floats(t, func(x0 *Node) *Node {
				return dist.KL(p.Marginal(x0, constant(x0, p.TMax)), dist.StandardNormal(x0))
			}, [][]float64{{1}})[0]
		}
		check.T(t).Near("SCH", kl(sch)/2.01795560e-5, 1, 1e-8)
		check.T(t).Near("D4, too short", kl(d4), .18005470, 1e-8)
	})
	t.Run("E5.42 half the SNR drop", func(t *testing.T) {
		half := func(u *Node) *Node { return MulScalar(d4.SNRDrop(AddScalar(u, -1), u), .5) }
		got := eval(t, half, 2, 3, 4)
		check.T(t).Near("E5.33 weights of ‖x̂₀−x₀‖²", got, []float64{3.2142857143, .7776497696, .2913213969}, printed)
		var lines [3][]float64
		alpha, abar := []float64{.8, .7, .6}, []float64{.9, .72, .504, .3024}
		for i, a := range alpha {
			before, now := abar[i], abar[i+1]
			lines[0] = append(lines[0], before*(1-a)/(1-before)/(1-now)/2)
			lines[1] = append(lines[1], (before-now)/(1-before)/(1-now)/2)
			lines[2] = append(lines[2], (before/(1-before)-now/(1-now))/2)
		}
		check.T(t).Near("E5.39 line 1", got, lines[0], a64)
		check.T(t).Near("E5.40 line 2", got, lines[1], a64)
		check.T(t).Near("E5.41 line 3", got, lines[2], a64)
	})
	t.Run("E5.46 the SNR of x_0 is infinite", func(t *testing.T) {
		check.T(t).Near("λ(0)", eval(t, d4.LogSNR, 0), math.Inf(1), 0)
		point := read(t, []float64{0}, []float64{1}, func(xt, s, u *Node) dist.DiagNormal { return d4.Posterior(xt, OnesLike(xt), s, u) })
		check.T(t).Near("q(x_0|x_1,x_0) is a point: slope, value and variance", []float64{point.slope[0], point.at0[0], point.variance[0]}, []float64{0, 1, 0}, 0)
	})
}

func TestDDPMPosterior(t *testing.T) {
	t.Run("E5.26 mean at t = 3 and density at .7", func(t *testing.T) {
		law := func(xt *Node) dist.DiagNormal {
			return d4.Posterior(xt, constant(xt, 1.8), constant(xt, 2), constant(xt, 3))
		}
		mean := backendtest.Floats(t, func(xt *Node) *Node { return law(xt).Mean }, [][]float64{{.3}})
		check.T(t).Near("μ_q", mean, 1.0654932186, printed)
		density := backendtest.Floats(t, func(xt *Node) *Node { return law(xt).LogProb(constant(xt, .7)) }, [][]float64{{.3}})
		check.T(t).Near("log q(.7)", density, -.4254536434, printed)
	})
	t.Run("E5.27 variance is the schedule's alone", func(t *testing.T) {
		variance := func(xt, x0 float64) []float64 {
			return backendtest.Floats(t, func(u *Node) *Node {
				return d4.Posterior(MulScalar(OnesLike(u), xt), MulScalar(OnesLike(u), x0), AddScalar(u, -1), u).Variance()
			}, column([]float64{1, 2, 3, 4}))
		}
		check.T(t).Near("σ_q²", variance(.3, 1.8), []float64{0, .0714285714, .1693548387, .2844036697}, printed)
		check.T(t).Near("at another x_t and x₀", variance(-7, 40), variance(.3, 1.8), 0)
	})
	t.Run("E5.26 DDPM's formula in 200 bits, |λ| up to 30 and beyond", func(t *testing.T) {
		betas := []float64{1e-13, 3e-13, 1e-6, .2, .5, 1 - 1e-13, 1 - 1e-13}
		p := process.Process{Schedule: process.NewDiscrete(betas...), TMin: 0, TMax: 7}
		ts := []float64{2, 3, 4, 5, 6, 7}
		s := apply(func(t float64) float64 { return t - 1 }, ts)
		laws := readAll(t, s, ts, p.Transition,
			func(xt, s, u *Node) dist.DiagNormal { return p.Posterior(xt, ZerosLike(xt), s, u) },
			func(xt, s, u *Node) dist.DiagNormal { return p.Posterior(xt, OnesLike(xt), s, u) })
		step, atZero, atOne := laws[0], laws[1], laws[2]
		drop := eval(t, func(u *Node) *Node { return p.SNRDrop(AddScalar(u, -1), u) }, ts...)
		for i := range ts {
			want := ddpm(betas, int(ts[i]))
			got := []float64{atZero.slope[i], atOne.at0[i], atZero.variance[i], step.slope[i], step.variance[i], drop[i]}
			for j := range got {
				got[j] /= want[j]
			}
			check.T(t).Near("coefficients of x_t and x₀, σ_q², √α, β, SNR drop, each over DDPM's", got, 1, 1e-12)
		}
	})
}

// ddpm returns √α_t(1−ᾱ_{t−1})/(1−ᾱ_t), √ᾱ_{t−1}β_t/(1−ᾱ_t), β_t(1−ᾱ_{t−1})/(1−ᾱ_t), √α_t, β_t and
// SNR(t−1)−SNR(t) as the papers write them, in 200 bits.
func ddpm(betas []float64, t int) []float64 {
	num := func() *big.Float { return new(big.Float).SetPrec(200) }
	one := num().SetInt64(1)
	minus := func(a, b *big.Float) *big.Float { return num().Sub(a, b) }
	over := func(a, b *big.Float) *big.Float { return num().Quo(a, b) }
	times := func(a, b *big.Float) *big.Float { return num().Mul(a, b) }
	now := num().SetInt64(1)
	var before, beta *big.Float
	for _, b := range betas[:t] {
		before, beta = now, num().SetFloat64(b)
		now = times(before, minus(one, beta))
	}
	rootAlpha, rootBefore := num().Sqrt(minus(one, beta)), num().Sqrt(before)
	values := []*big.Float{
		over(times(rootAlpha, minus(one, before)), minus(one, now)),
		over(times(rootBefore, beta), minus(one, now)),
		over(times(beta, minus(one, before)), minus(one, now)),
		rootAlpha, beta,
		minus(over(before, minus(one, before)), over(now, minus(one, now))),
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i], _ = v.Float64()
	}
	return out
}

func TestChain(t *testing.T) {
	t.Run("E5.23 a thousand steps make the product", func(t *testing.T) {
		grid := floats.Span(make([]float64, 1000), 1, 1000)
		step := read(t, apply(func(t float64) float64 { return t - 1 }, grid), grid, sch.Transition)
		mean, variance := 1.0, 0.0
		for i := range grid {
			mean, variance = step.slope[i]*mean, step.slope[i]*step.slope[i]*variance+step.variance[i]
		}
		got := []float64{eval(t, sch.Alpha, 1000)[0] / mean, square(eval(t, sch.Sigma, 1000))[0] / variance}
		check.T(t).Near("α and σ² over the chain's", got, 1, 1e-12)
	})
	t.Run("E5.24 q(x_t|x_0) of the drawn chain", func(t *testing.T) {
		const n, x0 = 100_000, 1.8
		random := rand.New(rand.NewPCG(5, 24))
		x := make([]float64, n)
		for i := range x {
			x[i] = x0
		}
		abar := []float64{1, .9, .72, .504, .3024}
		for u := 1; u <= 4; u++ {
			step := read(t, []float64{float64(u - 1)}, []float64{float64(u)}, d4.Transition)
			squares := make([]float64, n)
			for i := range x {
				x[i] = step.slope[0]*x[i] + math.Sqrt(step.variance[0])*random.NormFloat64()
				squares[i] = math.Pow(x[i]-math.Sqrt(abar[u])*x0, 2)
			}
			check.T(t).MC("mean", x, math.Sqrt(abar[u])*x0, .005)
			check.T(t).MC("variance", squares, 1-abar[u], .005)
		}
	})
	t.Run("E5.25 the lines from Bayes to the completed square", func(t *testing.T) {
		const xt, x0, a, bar, before = .3, 1.8, .7, .504, .72 // t = 3
		xs := floats.Span(make([]float64, 100), -3, 3)
		quadratic := (1 - a) * (1 - before) / (1 - bar)
		linear := math.Sqrt(a)*xt/(1-a) + math.Sqrt(before)*x0/(1-before)
		lines := []func(x float64) float64{
			func(x float64) float64 {
				return -.5 * (math.Pow(xt-math.Sqrt(a)*x, 2)/(1-a) + math.Pow(x-math.Sqrt(before)*x0, 2)/(1-before))
			},
			func(x float64) float64 { return -.5 * ((a/(1-a)+1/(1-before))*x*x - 2*linear*x) },
			func(x float64) float64 { return -.5 / quadratic * (x*x - 2*quadratic*linear*x) },
		}
		law := func(x *Node) *Node {
			return d4.Posterior(constant(x, xt), constant(x, x0), constant(x, 2), constant(x, 3)).LogProb(x)
		}
		library := eval(t, law, xs...)
		for _, line := range lines {
			rest := apply(line, xs)
			floats.Sub(rest, library)
			check.T(t).Near("differs from log q by a constant", rest, rest[0], 1e-12)
		}
	})
}
