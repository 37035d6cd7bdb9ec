package guide_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// n is how many are drawn for each scale, by so many steps.
const n, steps = 4000, 500

// towards is g2 guided to y = 1 by the exact classifier, its knob γ.
func towards(gamma *Node) param.Denoiser {
	return guide.ClassifierAt(vp, g2.All().Denoiser(vp), g2.LogPosterior(vp, plus), node(gamma))
}

// The chain p(x_T) Π p(x_{t−1}|x_t, y) with the exact denoiser given y.
func TestConditionalChain(t *testing.T) {
	for k, mean := range []float64{-2, 2} {
		t.Run(fmt.Sprintf("E9.2 y = %d", 2*k-1), func(t *testing.T) {
			given := func(xt, u *Node) *Node {
				return guide.Conditional(g2.Denoise(vp)).Given(Const(xt.Graph(), []int32{int32(k)}))(xt, u)
			}
			std := sampler.ExactStd(g2.Class(k).PosteriorVar(vp))
			chain := sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp, Denoise: given, Std: std}, Last: sampler.LastDraw}
			run := sampler.Of(backendtest.Open(t), chain)
			defer run.Finalize()
			x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 1, 92), vp.Grid(200), 92)
			if err != nil {
				t.Fatal(err)
			}
			xs, c := check.Floats(x), check.T(t)
			c.MC("the mean", xs, mean, .017)
			c.MC("the variance", deviations(xs), 1, .025)
			c.KS("the law", xs, distuv.Normal{Mu: mean, Sigma: 1}.CDF, 1e-6)
		})
	}
}

func TestConditionsThatAreIgnored(t *testing.T) {
	c, noisy := check.T(t), g2.Relabel(.4)
	c.Near("E9.4 P(right) of p(x|y) when 4 of 10 labels are drawn anew", .8*distuv.UnitNormal.CDF(2)+.2*distuv.UnitNormal.CDF(-2), .7863499, 1e-7/2)
	trust := backendtest.Floats(t, func(x *Node) *Node { return Exp(noisy.CleanLogPosterior(plus)(x, nil)) }, column(-9, 9))
	c.Near("E9.4 the label of a point far out is right with probability .8", trust, []float64{.2, .8}, 1e-9)
	var shares, variances []float64
	gammas, want := []float64{1, 2, 5}, []float64{.7863499, .943, .9996}
	for i, xs := range draw(t, free(noisy), n, steps, 94, gammas...) {
		hits := where(xs, right)
		c.MC(fmt.Sprintf("E9.4 P(right) at γ = %g", gammas[i]), hits, want[i], .007)
		shares, variances = append(shares, check.Mean(hits)), append(variances, check.Mean(deviations(xs)))
	}
	for i := range 2 {
		c.Less("E9.4 guidance sharpens adherence", shares[i], shares[i+1])
		c.Less("E9.4 and gives up spread", variances[i+1], variances[i])
	}
}

func TestAdherenceAndDiversity(t *testing.T) {
	c := check.T(t)
	mean, variance, share := []float64{.005, 2, 2.335, 2.642, 2.844}, []float64{5.01, 1.005, .780, .736, .730}, []float64{.5, .976, .999, 1, 1}
	gammas := []float64{0, 1, 2, 5, 10}
	all := draw(t, towards, n, steps, 99, gammas...)
	for i, xs := range all {
		name := fmt.Sprintf("E9.9 γ = %g: ", gammas[i])
		c.MC(name+"the mean", xs, mean[i], .04)
		c.MC(name+"the variance", deviations(xs), variance[i], .08)
		c.Near(name+"P(right)", check.Mean(where(xs, right)), share[i], .03)
	}
	for i := range all[1:] {
		up := make([]float64, n)
		for j := range up {
			up[j] = all[i+1][j] - all[i][j]
		}
		c.Less("E9.9 of the same noise a larger γ moves the mean farther", 5*check.SE(up), check.Mean(up))
		c.Less("E9.9 the spread falls", check.Mean(deviations(all[i+1])), check.Mean(deviations(all[i])))
		c.True("E9.9 adherence does not fall", check.Mean(where(all[i+1], right)) >= check.Mean(where(all[i], right)), fmt.Sprint(i))
	}
	c.Near("E9.8 γ = 0 ignores y: the mixture's variance is 5", check.Mean(deviations(all[0])), 5, .4/6)
	xs := all[1]
	c.MC("E9.7 γ = 1, the sum of both gradients: the mean", xs, 2, .017)
	c.MC("E9.7 the variance", deviations(xs), 1, .026)
	c.MC("E9.7 P(x>0)", where(xs, right), distuv.UnitNormal.CDF(2), .003)
}

// The law whose score guidance has at t = 0.
func TestTemperedLaw(t *testing.T) {
	c := check.T(t)
	xs := []float64{-2.5, -1, -.2, .4, 1.7, 3}
	means, variances := []float64{2.0710337753, 2.1393630506, 2.1906727154}, []float64{.8771912310, .7901632721, .7371545395}
	for i, gamma := range []float64{2, 5, 10} {
		name, p := fmt.Sprintf("E9.10 γ = %g: ", gamma), tempered(gamma)
		m := check.IntegralFn(func(x float64) float64 { return x * p(x) }, -14, 14)
		c.Near(name+"the mean of p(x)p(y|x)^γ", m, means[i], printed)
		c.Near(name+"its variance", check.IntegralFn(func(x float64) float64 { return (x - m) * (x - m) * p(x) }, -14, 14), variances[i], printed)
		var want []float64
		for _, x := range xs {
			want = append(want, check.Derivative(func(x float64) float64 { return math.Log(p(x)) }, x))
		}
		clean := vp
		clean.TMin = 0
		score := func(x *Node) *Node {
			d := guide.Classifier(clean, g2.All().Denoiser(clean), g2.LogPosterior(clean, plus), guide.Scale(gamma))
			return param.ScoreOf(clean, d)(x, at(x, 1e-7))
		}
		c.Near(name+"the guided score at t = 0 is ∇log of it", backendtest.Floats(t, score, column(xs...)), want, 1e-6)
		run := sampler.Of(backendtest.Open(t), sampler.Langevin{Score: score, Size: .02})
		x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 2, 910), sampler.Count(400), 910)
		run.Finalize()
		if err != nil {
			t.Fatal(err)
		}
		draws := check.Floats(x)
		c.MC(name+"Langevin with that score has its mean", draws, means[i], .016)
		c.MC(name+"and its variance", deviations(draws), variances[i], .023)
	}
}

// At t > 0 it is the score of no diffused law.
func TestNotTheTemperedLaw(t *testing.T) {
	c, p := check.T(t), tempered(5)
	alpha, variance := math.Sqrt(.5), .5
	diffused := func(x float64) float64 {
		return check.IntegralFn(func(x0 float64) float64 { return p(x0) * normal(x, alpha*x0, variance) }, -14, 14)
	}
	truth := check.Derivative(func(x float64) float64 { return math.Log(diffused(x)) }, 0)
	guided := backendtest.Floats(t, func(x *Node) *Node {
		half := kept(.5)
		return param.ScoreOf(half, guide.Classifier(half, g2.All().Denoiser(half), g2.LogPosterior(half, plus), 5))(x, at(x, 1))
	}, column(0))[0]
	c.Near("E9.11 the guided score at ᾱ = .5, γ = 5, x = 0", guided, 7.0710678119, printed)
	c.Near("E9.11 that of the diffused tempered law", truth, 1.7810405575, printed)
	c.Differ("E9.11 X25: they differ", guided, truth, 5)
	for _, gamma := range []float64{0, 1} {
		p := tempered(gamma)
		points, half := []float64{-1, .3, 2}, kept(.5)
		got := backendtest.Floats(t, func(x *Node) *Node {
			return param.ScoreOf(half, guide.Classifier(half, g2.All().Denoiser(half), g2.LogPosterior(half, plus), guide.Scale(gamma)))(x, at(x, 1))
		}, column(points...))
		for i, x := range points {
			truth := check.Derivative(func(x float64) float64 {
				return math.Log(check.IntegralFn(func(x0 float64) float64 { return p(x0) * normal(x, alpha*x0, variance) }, -14, 14))
			}, x)
			c.Near(fmt.Sprintf("E9.11 for γ = %g they are the same", gamma), got[i], truth, 1e-8)
		}
	}
	xs := draw(t, towards, n, steps, 911, 5)[0]
	c.Less("E9.11 so samples go farther than the tempered law: 2.14 and 20 standard errors", 2.1393630506+20*check.SE(xs), check.Mean(xs))
}

// A classifier of clean data in the place of one that knows noise.
func TestCleanClassifier(t *testing.T) {
	const n = 10_000
	c, noisy := check.T(t), kept(.05)
	out := backendtest.Call(t, func(x *Node) (*Node, *Node) {
		u := at(x, 1)
		return guide.ClassifierScore(g2.CleanLogPosterior(plus))(x, u), guide.ClassifierScore(g2.LogPosterior(noisy, plus))(x, u)
	}, column(-1, 0, 1))
	clean, right := check.Floats(out[0]), check.Floats(out[1])
	c.Near("E9.12 the clean classifier's gradient at x_t = −1, 0, 1", clean, []float64{3.928, 2, .072}, .0005/1.072)
	c.Near("E9.12 the right one at ᾱ = .05", right, []float64{.635, .447, .260}, .0005/1.26)
	for i, x := range []float64{-1, 0, 1} {
		c.Near("E9.12 in closed form", clean[i], 4/(1+math.Exp(4*x)), a64)
	}
	exact := distuv.Normal{Mu: 2, Sigma: 1}
	quantiles := make([]float64, n)
	for i := range quantiles {
		quantiles[i] = exact.Quantile((float64(i) + .5) / n)
	}
	good := draw(t, towards, n, steps, 912, 1)[0]
	bad := draw(t, fixed(guide.Classifier(vp, g2.All().Denoiser(vp), g2.CleanLogPosterior(plus), 1)), n, steps, 912, 0)[0]
	c.Less("E9.12 Wasserstein-1 of the right classifier's samples", metric.Wasserstein1(good, quantiles), .035)
	w := metric.Wasserstein1(bad, quantiles)
	c.True("E9.12 of the clean one's, from .11 to .175", w > .11 && w < .175, fmt.Sprint(w))
	c.MC("E9.12 their mean is too large", bad, 2.141, .01)
	c.MC("E9.12 their variance too small", deviations(bad), .880, .015)
}

// A class of two parts, one of them near the other class.
func TestSubModes(t *testing.T) {
	data := oracle.Labelled{Prior: []float64{.5, .5}, Classes: []oracle.Mixture{normals(.09, -.5), normals(.09, .5, 3)}}
	c := check.T(t)
	var shares []float64
	gammas, want := []float64{1, 2, 5}, []float64{.4995, .257, .029}
	for i, xs := range draw(t, free(data), n, steps, 920, gammas...) {
		near := where(xs, func(x float64) bool { return x < 1.75 })
		c.MC(fmt.Sprintf("E9.20 the share of the near part at γ = %g", gammas[i]), near, want[i], .0085)
		shares = append(shares, check.Mean(near))
	}
	c.Less("E9.20 it falls", shares[1], shares[0]-.1)
	c.Less("E9.20 and falls", shares[2], shares[1]-.1)
}
