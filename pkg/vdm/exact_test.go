package vdm_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// Loss is minus the bound of the same draws, and on average minus the exact bound.
func TestLossIsMinusTheBound(t *testing.T) {
	m := exact(d4, gd)
	out := backendtest.Call(t, func(g *Graph) (*Node, *Node) {
		x0, o := Ones(g, vdmShape(100_000, 1)), vdm.Objective{Head: head(m, param.Eps)}
		return m.Loss(noise.FromSeed(g, 3), x0, o), m.Estimate(noise.FromSeed(g, 3), x0, o).Bound()
	})
	loss, bound := check.Floats(out[0]), check.Floats(out[1])
	for i := range bound {
		bound[i] = -bound[i]
	}
	check.T(t).Near("of the same draws", loss, bound, 1e-12)
	check.T(t).MC("E5.34 the exact bound", loss, .8128320140600969, .01)
}

// Between times .2 and .9 the place u stands for t = .2+.7u. A denoiser that is off by cσ/α is off by c in ε, so that each
// draw is ½(−λ')c² times the range, with −λ' = β/(1−e⁻ᴮ) of VP.
func TestContinuousTimeOfAPartOfTheRange(t *testing.T) {
	const c = .7
	places := []float64{0, .1, .5, .8}
	p := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: .1, TMax: 1}
	m := vdm.VDM{ReverseStep: sampler.ReverseStep{Process: p}, Times: []float64{.2, .9}}
	net := func(xt, t *Node) *Node {
		return Add(OnesLike(xt), MulScalar(Div(p.Sigma(t), p.Alpha(t)), c))
	}
	got := backendtest.Floats(t, func(eps *Node) *Node {
		return m.Matching(noise.Fixed(eps), OnesLike(eps), vdm.Objective{
			Head: vdm.Head{Kind: param.X0, Net: net}, Continuous: true, Times: given(places...)})
	}, column(1, -2, .3, .5))
	want := make([]float64, len(places))
	for i, u := range places {
		at := .2 + .7*u
		want[i] = .7 * c * c / 2 * (.1 + 19.9*at) / -math.Expm1(-.1*at-19.9*at*at/2)
	}
	check.T(t).Near("matching", got, want, 1e-9)
}

// NoiseError is ‖ε̂−ε‖² whatever the head predicts: c² a dimension for a denoiser that is off by cσ/α.
func TestLossIsTheNoiseErrorOfEveryHead(t *testing.T) {
	const c = .7
	p := process.Process{Schedule: process.LogSNRLinear{Max: 6, Min: -4}, TMax: 1}
	m := vdm.VDM{ReverseStep: sampler.ReverseStep{Process: p}, Times: []float64{0, 1}}
	for _, k := range param.Kinds {
		o := vdm.NoiseError(6, -4)
		o.Head = vdm.Head{Kind: k, Net: param.Predict(p, k, func(xt, t *Node) *Node {
			return Add(OnesLike(xt), MulScalar(Div(p.Sigma(t), p.Alpha(t)), c))
		})}
		got := backendtest.Floats(t, func(g *Graph) *Node { return m.Matching(noise.FromSeed(g, 2), Ones(g, vdmShape(50, 2)), o) })
		check.T(t).Near(k.String(), got, 2*c*c, 1e-9)
	}
}

// Each KL by hand, from the posterior's variance to the transition's, where the two directions differ; the denoiser says 0
// and x_0 is 1. The prior is one that is given.
func TestMatchingKLByHand(t *testing.T) {
	m := exact(d4, gd)
	m.Denoise = func(xt, _ *Node) *Node { return ZerosLike(xt) }
	m.Std = sampler.TransitionStd
	m.Prior = func(like *Node) dist.DiagNormal {
		return dist.DiagNormal{Mean: AddScalar(ZerosLike(like), .5), LogStd: AddScalar(ZerosLike(like), math.Ln2)}
	}
	kl := func(mean, variance, otherMean, other float64) float64 {
		return (math.Log(other/variance) - 1 + (variance+math.Pow(mean-otherMean, 2))/other) / 2
	}
	bar, want := []float64{1, .9, .72, .504, .3024}, make([]float64, 3)
	for i := range want {
		before, now := bar[i+1], bar[i+2]
		beta := 1 - now/before
		want[i] = kl(math.Sqrt(before)*beta/(1-now), beta*(1-before)/(1-now), 0, beta)
	}
	out := backendtest.Call(t, func(x0 *Node) (*Node, *Node) {
		path := []*Node{x0, x0, x0, x0, x0}
		return m.MatchingKL(path), m.Form2(path).Prior
	}, column(1))
	check.T(t).Near("KL(q(x_{t−1}|x_t,x_0) ‖ p(x_{t−1}|x_t))", check.Floats(out[0]), want, 1e-12)
	check.T(t).Near("KL(q(x_T|x_0) ‖ p(x_T))", check.Floats(out[1])[0], kl(math.Sqrt(.3024), 1-.3024, .5, 4), 1e-12)
}

// coarse is tiny with so much noise at TMin that the reconstruction is uncertain, and signal left at TMax.
func coarse(t *testing.T) *vdm.Model {
	t.Helper()
	c := tiny
	c.MaxLogSNR, c.MinLogSNR = 1, -1
	m, err := vdm.NewModel(backend.MustOpen(backend.PureGo), c, 3)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ramp is n copies of one image, whose pixel i has level i of 17.
func ramp(n int) *tensors.Tensor {
	x := make([]float32, 16*n)
	for i := range x {
		x[i] = float32(i%16) / 16
	}
	return tensors.FromFlatDataAndDimensions(x, n, 4, 4, 1)
}

// Evaluate's parts in bits per dimension: the prior's by its formula, the reconstruction's by Bayes' rule on the 17 levels,
// and the bound as their sum.
func TestEvaluateParts(t *testing.T) {
	got, err := coarse(t).Evaluate([]*tensors.Tensor{ramp(200), ramp(200)}, 1, 5)
	if err != nil {
		t.Fatal(err)
	}
	c, levels := check.T(t), vdm.Levels(17).Values()
	alpha, sigma := coefficients(-1)
	first, wide := coefficients(1)
	var prior, recon float64
	for _, x := range levels[:16] {
		prior += (alpha*alpha*x*x + sigma*sigma - 1 - 2*math.Log(sigma)) / 2 / 16 / math.Ln2
		for e := -8.; e <= 8; e += .01 {
			z, all := first*x+wide*e, 0.0
			for _, y := range levels {
				all += math.Exp(-math.Pow((z-first*y)/wide, 2) / 2)
			}
			recon += .01 * math.Exp(-e*e/2) / math.Sqrt(2*math.Pi) * (math.Log(all) + e*e/2) / 16 / math.Ln2
		}
	}
	c.Near("prior", got.Prior.Mean, prior, 1e-5) // the model is float32
	c.Near("of equal images", got.Prior.SE, 0, 1e-6)
	c.Near("recon", got.Recon.Mean, recon, 5*got.Recon.SE)
	c.Less("its standard error", got.Recon.SE, .02)
	c.Near("bound", got.Bound.Mean, got.Recon.Mean+got.Prior.Mean+got.Diffusion.Mean, 1e-9)
}

// p(x_0|x_1) is Bayes' rule for 17 levels that are all as probable, at x_1 = αx_0 + σε.
func TestDecodeIsBayesRule(t *testing.T) {
	m, n := coarse(t), vdm.Levels(17)
	alpha, sigma := coefficients(1)
	x1, levels := [][]float64{{-1.4, -.3}, {.05, .8}}, [][]int{{0, 7}, {6, 16}}
	x0, want := [][]float64{{0, 0}, {0, 0}}, make([]float64, 2)
	for i, row := range x1 {
		for j, z := range row {
			x0[i][j] = n.Value(levels[i][j])
			total := 0.0
			for _, x := range n.Values() {
				total += math.Exp(-math.Pow((z-alpha*x)/sigma, 2) / 2)
			}
			want[i] += -math.Pow((z-alpha*x0[i][j])/sigma, 2)/2 - math.Log(total)
		}
	}
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x0, x1 *Node) *Node {
		return m.Config.Build(scope, nil).Decode(x1).LogProb(x0)
	}, x0, x1)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("log p(x_0|x_1)", check.Floats(out), want, 1e-12)
}

// noiseErrors returns ‖ε̂−ε‖²/d of n draws at time t.
func noiseErrors(t *testing.T, m *vdm.Model, n int, at float64) []float64 {
	t.Helper()
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x *Node) *Node {
		x0 := m.Config.Levels.FromIntensity(x)
		v, u := m.Config.Build(scope, nil), BroadcastToDims(Scalar(x.Graph(), x.DType(), at), n, 1, 1, 1)
		eps := noise.FromSeed(x.Graph(), 11).RandomNormal(x.Graph(), x0.Shape())
		xt := v.Process.Diffuse(x0, eps, u)
		miss := Sub(param.FromX0(param.Eps, v.Denoise(xt, u), xt, v.Process.Alpha(u), v.Process.Sigma(u)), eps)
		return ConvertDType(ReduceMean(Square(miss), 1, 2, 3), dtypes.Float64)
	}, ramp(n))
	if err != nil {
		t.Fatal(err)
	}
	return check.Floats(out)
}

// LossByTime is the error of ε, and Loss its mean over the two laws of times in equal shares.
func TestLossIsTheErrorOfNoise(t *testing.T) {
	const n, intervals = 100, 16
	m, c := coarse(t), check.T(t)
	var uniform, cosine, share, spread float64 // by the trapezium rule; the cosine law's density is sech(λ/2) up to a factor
	for i := range intervals + 1 {
		at := float64(i) / intervals
		loss, err := m.LossByTime(ramp(n), []float64{at}, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		mean, std := stat.MeanStdDev(noiseErrors(t, m, n, at), nil)
		c.Near("‖ε̂−ε‖²/d", loss[0], mean, 5*math.Sqrt2*std/math.Sqrt(n))
		w := 1. / intervals
		if i == 0 || i == intervals {
			w /= 2
		}
		sech := 1 / math.Cosh((1-2*at)/2)
		uniform, cosine, share = uniform+w*loss[0], cosine+w*sech*loss[0], share+w*sech
		spread = math.Max(spread, std)
	}
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x *Node) *Node {
		return ConvertDType(m.Config.Loss()(scope, []*Node{x}), dtypes.Float64)
	}, ramp(n))
	if err != nil {
		t.Fatal(err)
	}
	c.Near("Loss", check.Floats(out)[0], (uniform+cosine/share)/2, 5*math.Sqrt2*spread/math.Sqrt(n))
}
