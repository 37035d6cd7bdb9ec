package guide_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// plane is three classes in the plane with a prior that is not flat and classes of two parts.
var plane = oracle.Labelled{Prior: []float64{2, 1, 1}, Classes: []oracle.Mixture{
	{Weights: []float64{1, 3}, Means: [][]float64{{-1, 0}, {1, 1}}, Vars: [][]float64{{.5, 1}, {.2, .3}}},
	{Weights: []float64{1}, Means: [][]float64{{2, -1}}, Vars: [][]float64{{.1, .4}}},
	{Weights: []float64{1, 1}, Means: [][]float64{{0, 2}, {0, -2}}, Vars: [][]float64{{1, .1}, {1, .1}}},
}}

func TestBayesSplit(t *testing.T) {
	t.Run("E9.5 the classifier's gradient is the difference of the scores", func(t *testing.T) {
		p := kept(.5)
		xs := []float64{-1, 0, 1, 2}
		out := backendtest.Call(t, func(x *Node) []*Node {
			u := at(x, 1)
			return []*Node{guide.ClassifierScore(g2.LogPosterior(p, plus))(x, u), Sub(g2.Class(plus).Score(p)(x, u), g2.All().Score(p)(x, u))}
		}, column(xs...))
		var closed []float64
		for _, x := range xs {
			a := 2 * math.Sqrt(.5)
			closed = append(closed, 2*a/(1+math.Exp(2*a*x)))
		}
		c := check.T(t)
		c.Near("∇log p(y|x_t)", out[0], []float64{2.6705804722, 1.4142135624, .1578466526, .0098466806}, printed)
		c.Near("is the difference of the scores", out[0], out[1], a64)
		c.Near("2a/(1+e^(2ax))", out[0], closed, a64)
	})
	x, us := [][]float64{{-1, .4}, {.3, -.2}, {2, 1}, {.1, 0}}, column(1, 2, 1, 2)
	for name, p := range processes {
		t.Run("E9.5 in the plane, "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(x, u *Node) (all []*Node) {
				for k := range plane.Classes {
					cond, uncond, logProb := plane.Class(k), plane.All(), plane.LogPosterior(p, k)
					both := func(scale guide.Scale) (*Node, *Node) {
						d := guide.Classifier(p, uncond.Denoiser(p), logProb, scale)
						score := guide.ShiftScore(uncond.Score(p)(x, u), guide.ClassifierScore(logProb)(x, u), scale)
						return param.ScoreOf(p, d)(x, u), score
					}
					bayes, sum := both(1)
					denoiser3, sum3 := both(3)
					all = append(all, bayes, cond.Score(p)(x, u), sum, denoiser3, sum3,
						guide.Classifier(p, uncond.Denoiser(p), logProb, 1)(x, u), cond.Denoiser(p)(x, u))
				}
				return all
			}, x, us)
			c := check.T(t)
			for ; len(out) > 0; out = out[7:] {
				c.Near("E9.5 with γ = 1 it is the score given y", out[0], out[1], a64)
				c.Near("E9.5 the sum of the two gradients", out[2], out[1], a64)
				c.Near("E9.8 with γ = 3 the denoiser's score is the sum with 3 times the second", out[3], out[4], a64)
				c.Near("E9.5 and the denoiser with γ = 1 is E[x_0|x_t, y]", out[5], out[6], a64)
			}
		})
	}
}

// γ = 0 is the unconditional denoiser, bit for bit, and the classifier is not even built.
func TestScaleZero(t *testing.T) {
	asked := 0
	logProb := func(xt, u *Node) *Node { asked++; return g2.LogPosterior(vp, plus)(xt, u) }
	uncond := g2.All().Denoiser(vp)
	one := func(d param.Denoiser) []float64 { return draw(t, fixed(d), 500, 50, 98, 0)[0] }
	got := one(guide.Classifier(vp, uncond, logProb, 0))
	c := check.T(t)
	c.Near("E9.8 the same draws, bit for bit", got, one(uncond), 0)
	c.Near("E9.8 the classifier was built so often", asked, 0, 0)
	c.Near("E9.15 γ = 0 of classifier-free guidance is bitwise the same", one(guide.ClassifierFree(g2.Class(plus).Denoiser(vp), uncond, 0)), got, 0)
}

// The forms of the papers for a chain of discrete steps.
func TestDiscreteForms(t *testing.T) {
	xs := column(-1.2, 0, .7, 2)
	for name, p := range processes {
		t.Run("E9.13 the ε form is the score's, "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(x *Node) (*Node, *Node) {
				u, uncond, gradient := at(x, 2), g2.All().Denoiser(p), guide.ClassifierScore(g2.LogPosterior(p, plus))
				eps := guide.ShiftEps(p, param.Predict(p, param.Eps, uncond)(x, u), gradient(x, u), u, 4)
				score := guide.ShiftScore(param.ScoreOf(p, uncond)(x, u), gradient(x, u), 4)
				return param.ToX0(param.Eps, eps, x, p.Alpha(u), p.Sigma(u)), param.ToX0(param.Score, score, x, p.Alpha(u), p.Sigma(u))
			}, xs)
			check.T(t).Near("x̂₀", out[0], out[1], a64)
		})
	}
	// shifts returns by how much a step from t to t−1 moves its mean per γ∇: with the guided score, and with the mean form.
	shifts := func(t *testing.T, p process.Process, u float64, std sampler.ReverseStd) (byScore, byMean []float64) {
		out := backendtest.Call(t, func(x *Node) (*Node, *Node) {
			now, before := at(x, u), at(x, u-1)
			uncond, logProb := g2.All().Denoiser(p), g2.LogPosterior(p, plus)
			gradient := guide.ClassifierScore(logProb)(x, now)
			plain := sampler.ReverseStep{Process: p, Denoise: uncond, Std: std}.Law(x, before, now)
			guided := sampler.ReverseStep{Process: p, Denoise: guide.Classifier(p, uncond, logProb, 3), Std: std}.Law(x, before, now)
			perGradient := func(mean *Node) *Node { return Div(Sub(mean, plain.Mean), MulScalar(gradient, 3)) }
			return perGradient(guided.Mean), perGradient(guide.ShiftMean(plain, gradient, 3).Mean)
		}, xs)
		return check.Floats(out[0]), check.Floats(out[1])
	}
	t.Run("E9.13 the mean form falls short", func(t *testing.T) {
		c := check.T(t)
		betas, want := []float64{.1, .2, .3, .4}, []float64{0, .3194, .4723, .5507}
		for u := 2; u <= 4; u++ {
			beta := betas[u-1]
			byScore, byMean := shifts(t, d4, float64(u), sampler.TransitionStd)
			c.Near("the guided score moves the mean by β/√(1−β)", byScore, beta/math.Sqrt(1-beta), a64)
			c.Near("with Σ = β the mean form by √(1−β) of it", byMean, beta, a64)
			_, byMean = shifts(t, d4, float64(u), sampler.PosteriorStd)
			c.Near("with Σ = σ_q² by σ_q²√(1−β)/β of it", byMean[0]/byScore[0], want[u-1], 1e-4/2)
		}
	})
	t.Run("E9.13 all agree as β falls", func(t *testing.T) {
		var betas, gaps []float64
		for _, beta := range []float64{1e-2, 3e-3, 1e-3} {
			byScore, byMean := shifts(t, process.Process{Schedule: process.NewDiscrete(.5, beta), TMax: 2}, 2, sampler.TransitionStd)
			betas, gaps = append(betas, beta), append(gaps, math.Abs(byScore[0]-byMean[0]))
		}
		check.T(t).Order("the gap of the mean form is of second order in β", betas, gaps, 2, .15)
	})
}

func TestClassifierErrors(t *testing.T) {
	d := func(xt, _ *Node) *Node { return xt }
	column := func(xt, _ *Node) *Node { return xt } // [n, 1], not [n]
	wantPanic(t, guide.Classifier(vp, d, column, 2), "guide.ClassifierScore: log p(y|x_t) has shape (Float64)[2, 1] for x_t of shape (Float64)[2, 1]", "one number")
	all := func(xt, _ *Node) *Node { return ReduceAllSum(xt) }
	wantPanic(t, guide.Classifier(vp, d, all, 2), "guide.ClassifierScore", "(Float64)")
}
