package oracle_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// upright makes [n, 1] of values.
func upright(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// at evaluates fn at the points x and times u.
func at(t *testing.T, fn func(xt, u *Node) *Node, x, u [][]float64) []float64 {
	t.Helper()
	return backendtest.Floats(t, func(xt, u *Node) *Node { return fn(xt, u) }, x, u)
}

func TestMixtureValues(t *testing.T) {
	t.Run("E6.4 E[x_0|x_t]", func(t *testing.T) {
		got := at(t, gm.Denoiser(d4), upright(0, 0, -1, .5), upright(1, 3, 3, 4))
		check.T(t).Near("GM under D4", got, []float64{.4004554479, .5847666810, -1.4193959265, .7920739381}, printed)
	})
	t.Run("E6.10 E[ε|x_t] = −σ·score", func(t *testing.T) {
		x, u := upright(0, 0), upright(1, 3)
		got := at(t, param.Predict(d4, param.Eps, gm.Denoiser(d4)), x, u)
		check.T(t).Near("GM under D4", got, []float64{-1.2013663436, -.5894636776}, printed)
		byScore := at(t, func(xt, u *Node) *Node { return Neg(Mul(d4.Sigma(u), gm.Score(d4)(xt, u))) }, x, u)
		check.T(t).Near("by the score", got, byScore, 1e-12)
	})
	t.Run("E6.5 the marginal score does not give x_0 itself", func(t *testing.T) {
		const x0, eps = 1.3, -.8
		got := at(t, func(eps, u *Node) *Node {
			xt := d4.Diffuse(MulScalar(OnesLike(eps), x0), eps, u)
			return param.ToX0(param.Score, gm.Score(d4)(xt, u), xt, d4.Alpha(u), d4.Sigma(u))
		}, upright(eps, eps), upright(2, 4))
		check.T(t).Differ("(x_t+σ²∇log q(x_t))/α", got, []float64{x0, x0}, .1)
	})
	t.Run("E6.5 but it does on average over x_0 given x_t", func(t *testing.T) {
		b := backendtest.Open(t)
		joint := func(test func(xt *Node) *Node) float64 { // E (x̂₀(x_t) − x₀)·test(x_t)
			return check.Integral2(b, func(both *Node) *Node {
				x0, xt := Slice(both, AxisRange(), AxisElem(0)), Slice(both, AxisRange(), AxisElem(1))
				u := Const(both.Graph(), upright(2))
				log := Add(gm.Law(both.Graph(), dtypes.Float64).LogProb(x0), d4.Marginal(x0, u).LogProb(xt))
				miss := Mul(Sub(gm.Denoiser(d4)(xt, u), x0), test(xt))
				return Mul(Exp(log), Squeeze(miss, -1))
			}, [2]float64{-7, -7}, [2]float64{7, 7})
		}
		check.T(t).Near("E(x̂_0−x_0)", joint(OnesLike), 0, byQuad)
		check.T(t).Near("E(x̂_0−x_0)x_t²", joint(Square), 0, byQuad)
		check.T(t).Near("E(x̂_0−x_0)sin 3x_t", joint(func(x *Node) *Node { return Sin(MulScalar(x, 3)) }), 0, byQuad)
	})
	t.Run("E7.19 p_σ by the integral over the data", func(t *testing.T) {
		ve := process.Process{Schedule: process.VE{SigmaMin: .3, SigmaMax: 2}, TMax: 1}
		for _, x := range []float64{-3, -.5, 1} {
			want := check.Integral(backendtest.Open(t), func(y *Node) *Node {
				y = ExpandAxes(y, -1)
				kernel := ve.Marginal(y, Const(y.Graph(), upright(.7))).LogProb(Const(y.Graph(), upright(x)))
				return Exp(Add(gm.Law(y.Graph(), dtypes.Float64).LogProb(y), kernel))
			}, -8, 8)
			got := at(t, func(x, u *Node) *Node { return gm.Marginal(ve, u).LogProb(x) }, upright(x), upright(.7))
			check.T(t).Near("log p_σ", got, math.Log(want), byQuad)
		}
	})
	t.Run("E7.26 a VP process is a VE one, rescaled", func(t *testing.T) {
		vp := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMax: 1}
		sameSNR := process.Process{Schedule: rescaled{vp.Schedule}, TMax: 1}
		x, u := upright(-1, .3, 2), upright(.1, .3, .6)
		got := at(t, func(x, u *Node) *Node { return gm.Score(sameSNR)(Div(x, vp.Alpha(u)), u) }, x, u)
		want := at(t, func(x, u *Node) *Node { return Mul(vp.Alpha(u), gm.Score(vp)(x, u)) }, x, u)
		check.T(t).Near("s_VE(x_t/α) = α·s_VP(x_t)", got, want, exactly)
		got = at(t, func(x, u *Node) *Node { return gm.Denoiser(sameSNR)(Div(x, vp.Alpha(u)), u) }, x, u)
		check.T(t).Near("and one denoiser", got, at(t, gm.Denoiser(vp), x, u), exactly)
	})
}

// rescaled is the variance-exploding schedule with the SNR of another: α = 1, σ = σ/α.
type rescaled struct{ process.Schedule }

func (r rescaled) LogAlpha(t *Node) *Node { return ZerosLike(t) }
func (r rescaled) LogSigma(t *Node) *Node { return Sub(r.Schedule.LogSigma(t), r.Schedule.LogAlpha(t)) }

func TestGaussianValues(t *testing.T) {
	abar, alpha := []float64{1, .9, .72, .504, .3024}, []float64{1, .9, .8, .7, .6}
	t.Run("E6.1 z+σ²∇log p(z) is the conjugate mean", func(t *testing.T) {
		ve := process.Process{Schedule: process.VE{SigmaMin: .3, SigmaMax: 2}, TMax: 1}
		z, u := upright(-2, .4, 3), upright(.2, .5, 1)
		tweedie := at(t, param.Bind(ve, param.Score, gd.Score(ve)), z, u)
		for i := range z {
			s2 := .09 * (math.Pow(2/.3, 2*u[i][0]) - 1)
			check.T(t).Near("E[μ|z]", tweedie[i], (1*s2+z[i][0]*.5)/(.5+s2), exactly) // (m/v + z/s²)/(1/v + 1/s²), with m = 1 and v = .5
		}
	})
	t.Run("E5.20 what is left of the matching terms", func(t *testing.T) {
		floor := at(t, func(x, u *Node) *Node {
			return MulScalar(Mul(d4.SNRDrop(AddScalar(u, -1), u), gd.PosteriorVar(d4)(x, u)), .5)
		}, upright(0, 1, 2), upright(2, 3, 4))
		check.T(t).Near("½(SNR(t−1)−SNR(t))·Var(x_0|x_t)", floor, []float64{.703125, .257830, .119714}, 5e-7)
		check.T(t).Near("E5.42 at t = 2", floor[0], .703125, exactly)
	})
	t.Run("E5.31 the exact reverse variance", func(t *testing.T) {
		u := []float64{2, 3, 4}
		got := at(t, func(x, u *Node) *Node {
			s := AddScalar(u, -1)
			ofX0 := Sub(d4.Posterior(x, OnesLike(x), s, u).Mean, d4.Posterior(x, ZerosLike(x), s, u).Mean) // c₀
			return Add(d4.Posterior(x, x, s, u).Variance(), Mul(Square(ofX0), gd.PosteriorVar(d4)(x, u)))
		}, upright(0, 0, 0), upright(u...))
		for i := range u {
			k := i + 2 // Var(x_{t−1}|x_t) of two Gaussians with covariance √α_t·Var x_{t−1}
			before, now := abar[k-1]*.5+1-abar[k-1], abar[k]*.5+1-abar[k]
			check.T(t).Near("S_t", got[i], before-alpha[k]*before*before/now, exactly)
		}
	})
	t.Run("E5.58 the affine denoiser of GD", func(t *testing.T) {
		got := at(t, gd.Denoiser(d4), upright(-1, 0, .3, 2), upright(1, 2, 3, 4))
		for i, x := range []float64{-1, 0, .3, 2} {
			root := math.Sqrt(abar[i+1])
			g := root * .5 / (abar[i+1]*.5 + 1 - abar[i+1])
			check.T(t).Near("g_t x+h_t", got[i], g*x+1-g*root, exactly)
		}
	})
}

// ½(SNR(s)−SNR(t))·Var(x₀|x_t) summed over T steps tends to ½ log[(1+v₀SNR_max)/(1+v₀SNR_min)].
func TestContinuousLimit(t *testing.T) {
	limit := .5 * math.Log((1+.5*math.Exp(10))/(1+.5*math.Exp(-10)))
	check.T(t).Near("E5.48 the limit", limit, 4.6534604577, printed)
	sum := func(schedule process.Schedule, steps int) float64 {
		p := process.Process{Schedule: schedule, TMax: 1}
		grid := p.Grid(steps)
		return floats.Sum(at(t, func(s, u *Node) *Node {
			return MulScalar(Mul(p.SNRDrop(s, u), gd.PosteriorVar(p)(s, u)), .5)
		}, upright(grid[1:]...), upright(grid[:steps]...)))
	}
	linear := process.LogSNRLinear{Max: 10, Min: -10}
	var sums, h, gap []float64
	for _, steps := range []int{10, 100, 1000, 10000} {
		s := sum(linear, steps)
		sums = append(sums, s)
		if steps > 10 {
			h, gap = append(h, 1/float64(steps)), append(gap, s-limit)
		}
	}
	check.T(t).Near("E5.48 sums at T = 10 … 10000", sums, []float64{13.26771, 5.09610, 4.69526, 4.657617}, 1e-6)
	check.T(t).Order("E5.48 their gap", h, gap, 1, .15)
	cubic := process.Learned(func(t *Node) *Node {
		u := OneMinus(MulScalar(t, 2))
		return MulScalar(Mul(u, Square(u)), 10)
	})
	check.T(t).Near("E5.49 another path, T = 1000", sum(cubic, 1000), 4.738144, 1e-6)
	integral := func(schedule process.Schedule) float64 { // −½∫SNR'(t)·Var(x₀|x_t)dt
		p := process.Process{Schedule: schedule, TMax: 1}
		return check.Integral(backendtest.Open(t), func(u *Node) *Node {
			slope := Gradient(ReduceAllSum(p.SNR(u)), u)[0]
			u = ExpandAxes(u, -1)
			return MulScalar(Mul(slope, Squeeze(gd.PosteriorVar(p)(u, u), -1)), -.5)
		}, 0, 1)
	}
	check.T(t).Near("E5.48 ½∫mmse dSNR", integral(linear), limit, byQuad)
	check.T(t).Near("E5.49 by another path", integral(cubic), limit, byQuad)
}

// The undiffused laws, against dist's own constructor.
func TestLaws(t *testing.T) {
	out := backendtest.Call(t, func(x *Node) []*Node {
		g := x.Graph()
		return []*Node{
			gm.Law(g, dtypes.Float64).LogProb(x), dist.NewMixture(g, gm.Weights, gm.Means, gm.Vars).LogProb(x),
			gd.Law(g, dtypes.Float64).LogProb(x),
		}
	}, upright(-2, 0, 1.5))
	check.T(t).Near("mixture", out[0], out[1], exactly)
	var want []float64
	for _, x := range []float64{-2, 0, 1.5} {
		want = append(want, -(x-1)*(x-1)-math.Log(math.Pi)/2) // v = .5
	}
	check.T(t).Near("Gaussian", out[2], want, exactly)
}
