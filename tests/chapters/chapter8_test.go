package chapters_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// The diffusions of chapter 8: β from .1 to 20, σ from .01 to 50, and noise levels as times.
var (
	vpSchedule = process.VP{BetaMin: .1, BetaMax: 20}
	vp8        = process.Process{Schedule: vpSchedule, TMin: 1e-3, TMax: 1}
	ve8        = process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-5, TMax: 1}
	levels8    = process.Process{Schedule: process.EDM{}, TMin: 0, TMax: 80}
)

// pureGo calls fn on the backend that compiles nothing.
func pureGo[F ExecGraphFn](t *testing.T, fn F, args ...any) []*tensors.Tensor {
	t.Helper()
	out, err := CallOnceN(backend.MustOpen(backend.PureGo), fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// columnOf is values as [n, 1].
func columnOf(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

func TestDDPMIsVP(t *testing.T) {
	const v0 = .5
	var h, step, noise, mean, variance []float64
	for _, n := range []int{250, 500, 1000} {
		chain := process.Process{Schedule: vpSchedule.Discrete(n), TMax: float64(n)}
		at := float64(n) / 2
		out := pureGo(t, func(one, i *Node) []*Node {
			time := MulScalar(i, 1/float64(n))
			before := AddScalar(time, -1/float64(n))
			link, euler := chain.Transition(one, AddScalar(i, -1), i), sde.Forward(vp8).Step(one, time, AddScalar(time, 1/float64(n)))
			zero := sde.Forward(vp8).Step(one, before, time)
			return []*Node{Sub(link.Mean, euler.Mean), Sub(link.Variance(), zero.Variance()), chain.Alpha(i), vp8.Alpha(time)}
		}, columnOf(1), columnOf(at))
		gap, drop, alpha, exact := check.Floats(out[0])[0], check.Floats(out[1])[0], check.Floats(out[2])[0], check.Floats(out[3])[0]
		h, step, noise = append(h, 1/float64(n)), append(step, math.Abs(gap)), append(noise, math.Abs(drop))
		mean = append(mean, math.Abs(alpha-exact))
		variance = append(variance, math.Abs(alpha*alpha-exact*exact)*(1-v0))
	}
	c := check.T(t)
	c.Order("E8.15 √(1−β)x is the Euler step (1−½β)x to O(β²)", h, step, 2, .15)
	c.Order("E8.15 its variance β_i is g²dt of that step to O(β²)", h, noise, 2, .15)
	c.Order("E8.15 the chain's mean half way", h, mean, 1, .15)
	c.Order("E8.15 and its variance, for data of variance ½", h, variance, 1, .15)
}

func TestSMLDIsVE(t *testing.T) {
	c := check.T(t)
	var h, rate, euler []float64
	for _, n := range []int{250, 500, 1000} {
		grid := floats.Span(make([]float64, n+1), 0, 1)
		out := pureGo(t, func(s, u *Node) []*Node {
			x := ZerosLike(u)
			link := ve8.Transition(x, s, u)
			return []*Node{link.Variance(), sde.Forward(ve8).Step(x, s, u).Variance(), link.Mean}
		}, columnOf(grid[1:n]...), columnOf(grid[2:]...))
		steps, eulers := check.Floats(out[0]), check.Floats(out[1])
		first, last := level2(1/float64(n)), level2(1)
		if n == 250 {
			c.Near("E8.16 the steps' variances add up to σ_N² − σ_1²", floats.Sum(steps)/(last-first), 1, 1e-12)
			c.Near("E8.16 each is σ_i² − σ_{i−1}²", steps[n/2]/(level2(grid[n/2+2])-level2(grid[n/2+1])), 1, 1e-9)
			c.Near("E8.16 nothing shrinks", out[2], 0, 0)
		}
		h = append(h, 1/float64(n))
		g2 := 2 * level2(.5) * math.Log(5000) // g² at t = .5
		rate = append(rate, math.Abs((level2(.5+1/float64(n))-level2(.5))*float64(n)-g2)/g2)
		euler = append(euler, math.Abs(floats.Sum(eulers)/(last-first)-1))
	}
	c.Order("E8.16 (σ_i² − σ_{i−1}²)/Δt tends to g²", h, rate, 1, .15)
	c.Order("E8.16 Euler's variance of the VE-SDE tends to theirs", h, euler, 1, .15)
}

// level2 is σ² = (.01·5000ᵗ)² by hand.
func level2(t float64) float64 { return math.Pow(.01*math.Pow(5000, t), 2) }

// score8 is s_θ = f_θ(x_t, λ_t)/σ_t with a small network f_θ, in float32 whatever x is.
func score8(scope *model.Scope) param.ScoreFn {
	return func(xt, t *Node) *Node {
		x := ConvertDType(xt, dtypes.Float32)
		time := nets.TimeEmbedding(ConvertDType(vp8.LogSNR(t), dtypes.Float32), 8, .1, .8)
		h := Concatenate([]*Node{x, BroadcastToDims(time, x.Shape().Dimensions[0], 8)}, -1)
		f := nets.MLP(scope.At("score"), h, nets.GlorotUniform, Tanh, 64, 64, 64, 1)
		return Div(ConvertDType(f, xt.DType()), vp8.Sigma(t))
	}
}

func matching8(scope *model.Scope, batch []*Node) *Node {
	return ReduceAllMean(score.Objective{Process: vp8}.Loss(noise.Finite(scope), score8(scope), batch[0]))
}

// TestOneScoreManySamplersTrained trains one score on GM under VP, measures its error, and draws with it by three samplers.
func TestOneScoreManySamplersTrained(t *testing.T) {
	t.Parallel()
	store := train(t, matching8, rows{drawsOfGM(t, 400_000, 8), 500}, 5000, 5e-3)
	for _, at := range []float64{.05, .1, .2, .5, .9} {
		errors := sample(t, store, func(scope *model.Scope, g *Graph) *Node {
			x, u := line(g), constant(g, at)
			q := column(Exp(fixtureGM.Marginal(vp8, u).LogProb(x)))
			exact := fixtureGM.Score(vp8)(x, u)
			return Stack([]*Node{ReduceAllSum(Mul(q, Square(Sub(score8(scope)(x, u), exact)))), ReduceAllSum(Mul(q, Square(exact)))}, 0)
		})
		check.T(t).Less(fmt.Sprintf("E8.11 relative L2 error of the trained s_θ at t = %g", at), math.Sqrt(errors[0]/errors[1]), .1)
	}
	const n = 5000
	data := drawsOfGM(t, 100_000, 9)
	// 15 levels from σ = 20 to .05, 150 steps at each, with Song's α = .1 σ². The steps at σ go 7.5σ² far in time, which must
	// reach a mode's variance while σ is still small against it: a tenth of the steps leaves the modes too wide.
	levels := make([]float64, 15)
	floats.LogSpan(levels, 20, .05)
	for name, s := range map[string]struct {
		times []float64
		std   float64
		build func(scope *model.Scope) sampler.Stepper
	}{
		"ancestral": {vp8.Grid(300), 1, func(scope *model.Scope) sampler.Stepper {
			denoise := param.Bind(vp8, param.Score, score8(scope))
			return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp8, Denoise: denoise, Std: sampler.TransitionStd}}
		}},
		"reverse SDE": {vp8.Grid(300), 1, func(scope *model.Scope) sampler.Stepper {
			return sampler.EulerMaruyama{SDE: sde.Forward(vp8).Reverse(score8(scope)), Process: vp8}
		}},
		"annealed Langevin": {sampler.Repeat(levels, 150), 20, func(scope *model.Scope) sampler.Stepper {
			denoise := param.Transfer(vp8, levels8, param.Bind(vp8, param.Score, score8(scope)))
			return sampler.Annealed{Process: levels8, Score: param.ScoreOf(levels8, denoise), Eps: .1 * .05 * .05, SigmaMin: .05}
		}},
	} {
		run := sampler.New(backendtest.Open(t), store, s.build)
		x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float32, n, 1), s.std, 81), s.times, 82)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Less("E8.1 W1 from data of "+name, metric.Wasserstein1(check.Floats(x), data), .1)
		run.Finalize()
	}
}

// rms is √E‖s‖² per dimension of a score at time t under x_t of data, by draws.
func rms(t *testing.T, p process.Process, at float64, x0 func(src noise.Source, g *Graph) *Node, s func(xt, eps, t *Node) *Node) float64 {
	t.Helper()
	return math.Sqrt(check.Floats(pureGo(t, func(g *Graph) *Node {
		src, u := noise.FromSeed(g, 824), constant(g, at)
		x := x0(src, g)
		eps := src.RandomNormal(g, x.Shape())
		return ReduceAllMean(Square(s(p.Diffuse(x, eps, u), eps, u)))
	})[0])[0])
}

// TestScoreAtNoNoise looks at the size of scores as t → 0.
func TestScoreAtNoNoise(t *testing.T) {
	const n = 20_000
	early := process.Process{Schedule: vpSchedule, TMin: 1e-6, TMax: 1}
	points, line2d := oracle.Points{{-1}, {1}}, oracle.Gaussian{Mean: []float64{0, 0}, Var: []float64{1, 0}}
	fromPoints := func(src noise.Source, g *Graph) *Node {
		u := src.RandomUniform(g, shapes.Make(dtypes.Float64, n, 1))
		return Where(LessThan(u, MulScalar(OnesLike(u), .5)), Neg(OnesLike(u)), OnesLike(u))
	}
	fromGM := func(src noise.Source, g *Graph) *Node { return fixtureGM.Law(g, dtypes.Float64).SampleN(src, n) }
	onLine := func(src noise.Source, g *Graph) *Node {
		u := src.RandomNormal(g, shapes.Make(dtypes.Float64, n, 1))
		return Concatenate([]*Node{u, ZerosLike(u)}, -1)
	}
	times := []float64{1e-2, 1e-3, 1e-4, 1e-5}
	var sigma, ofPoints, normal, tangent, conditional, ofGM []float64
	for _, at := range times {
		sigma = append(sigma, math.Sqrt(-math.Expm1(-.1*at-19.9*at*at/2)))
		ofPoints = append(ofPoints, rms(t, early, at, fromPoints, func(xt, _, u *Node) *Node { return points.Score(early)(xt, u) }))
		part := func(i int) float64 {
			return rms(t, early, at, onLine, func(xt, _, u *Node) *Node {
				return Slice(line2d.Score(early)(xt, u), AxisRange(), AxisRange(i, i+1))
			})
		}
		tangent, normal = append(tangent, part(0)), append(normal, part(1))
		conditional = append(conditional, rms(t, early, at, fromGM, func(xt, eps, u *Node) *Node {
			return param.Target(param.Score, xt, eps, early.Alpha(u), early.Sigma(u))
		}))
		ofGM = append(ofGM, rms(t, early, at, fromGM, func(xt, _, u *Node) *Node { return fixtureGM.Score(early)(xt, u) }))
	}
	c := check.T(t)
	c.Order("E8.24 the score of two points grows as 1/σ", sigma, ofPoints, -1, .01)
	c.Order("E8.24 so does that of a line in the plane, across it", sigma, normal, -1, .01)
	c.Order("E8.24 and the conditional one of any data", sigma, conditional, -1, .01)
	c.Near("E8.24 times σ it is 1", []float64{ofPoints[3] * sigma[3], normal[3] * sigma[3], conditional[3] * sigma[3]}, 1, .03)
	c.Near("E8.24 along the line it stays", tangent, 1, .03)
	// ∫p'²/p = Σ w/v = 5.575 for humps that do not overlap.
	c.Near("E8.24 the mixture's score stays bounded: √(Σ w/v)", ofGM, math.Sqrt(.3/.25+.7/.16), .05)
}

// TestCutOff ends Euler–Maruyama's reverse of one point's diffusion at t_min. All is linear, so the final standard deviation is a
// recursion over the library's steps.
func TestCutOff(t *testing.T) {
	end := func(tMin float64, n int, last bool) float64 {
		p, point := process.Process{Schedule: vpSchedule, TMin: tMin, TMax: 1}, oracle.Points{{0}}
		grid := p.Grid(n)
		out := pureGo(t, func(s, u *Node) []*Node {
			law := sde.Forward(p).Reverse(point.Score(p)).Step(OnesLike(u), u, s)
			return []*Node{law.Mean, law.Variance()}
		}, columnOf(grid[1:]...), columnOf(grid[:n]...))
		slope, noise, v := check.Floats(out[0]), check.Floats(out[1]), 1.0
		for i := range slope {
			v *= slope[i] * slope[i]
			if i < n-1 || last {
				v += noise[i]
			}
		}
		return math.Sqrt(v)
	}
	c := check.T(t)
	var cut, sd []float64
	for _, tMin := range []float64{.1, .05, .025} {
		cut, sd = append(cut, math.Sqrt(-math.Expm1(-.1*tMin-19.9*tMin*tMin/2))), append(sd, end(tMin, 20_000, true))
	}
	c.Near("E8.24 what is left at t_min is σ(t_min)", sd, cut, .005)
	for _, n := range []int{100, 1000} {
		// The last step's noise is √(β/n): below it a smaller t_min gains nothing.
		floor := math.Sqrt((.1 + 19.9/float64(n)) / float64(n))
		c.Less(fmt.Sprintf("E8.24 n = %d: no t_min gets below the last step's noise", n), floor, end(1e-5, n, true))
		c.Near(fmt.Sprintf("E8.24 n = %d: t_min = 1e-3/n and 1e-5/n are equal", n), end(1e-3/float64(n), n, true), end(1e-5/float64(n), n, true), 1e-3)
		c.Less(fmt.Sprintf("E8.24 n = %d: without the last noise half of it goes", n), end(1e-5, n, false), end(1e-5, n, true)*.75)
	}
}

// cdf8 is the distribution function of GM under VP at t, by hand.
func cdf8(t float64) func(x float64) float64 {
	b := .1*t + 19.9*t*t/2
	return func(x float64) (sum float64) {
		for k, w := range []float64{.3, .7} {
			v := math.Exp(-b)*[]float64{.25, .16}[k] - math.Expm1(-b)
			sum += w * distuv.Normal{Mu: math.Exp(-b/2) * []float64{-2, 1}[k], Sigma: math.Sqrt(v)}.CDF(x)
		}
		return sum
	}
}

// TestPathsFillTheDensity draws the paths of the picture, to noise and back, and holds them against the density behind them.
func TestPathsFillTheDensity(t *testing.T) {
	const n, steps = 2000, 100
	p := process.Process{Schedule: vpSchedule, TMin: 1e-5, TMax: 1}
	falling := p.Grid(steps)
	growing := append([]float64{}, falling...)
	slices.Reverse(growing)
	paths := pureGo(t, func(g *Graph) []*Node {
		src := noise.FromSeed(g, 825)
		x0 := fixtureGM.Law(g, dtypes.Float64).SampleN(src, n)
		there := sde.Forward(p).Path(src, x0, growing)
		back := sde.Forward(p).Reverse(fixtureGM.Score(p)).Path(src, dist.StandardNormal(x0).Sample(src), falling)
		return append(there, back...)
	})
	for _, at := range []int{3, 10, 30, 60, 100} {
		time := growing[at]
		check.T(t).KS(fmt.Sprintf("E8.25 paths to noise at t = %.2f", time), check.Floats(paths[at]), cdf8(time), 1e-7)
		check.T(t).KS(fmt.Sprintf("E8.25 paths back at t = %.2f", falling[at]), check.Floats(paths[steps+1+at]), cdf8(falling[at]), 1e-7)
	}
}
