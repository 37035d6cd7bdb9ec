package vdm_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

var (
	alpha = []float64{1, .9, .8, .7, .6} // α_t of d4
	bar   = []float64{1, .9, .72, .504, .3024}
)

func vdmShape(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float64, dims...) }

// line is p_θ(x_{t−1}|x_t) = N(A x_t + B, S) of gd's model under d4, from the syllabus' g_t and h_t.
func line(t int) (a, b, s float64) {
	g := math.Sqrt(bar[t]) * .5 / (bar[t]*.5 + 1 - bar[t])
	h := 1 - g*math.Sqrt(bar[t])
	ofX0 := math.Sqrt(bar[t-1]) * (1 - alpha[t]) / (1 - bar[t])
	ofXt := math.Sqrt(alpha[t]) * (1 - bar[t-1]) / (1 - bar[t])
	return ofXt + ofX0*g, ofX0 * h, (1 - alpha[t]) * (1 - bar[t-1]) / (1 - bar[t])
}

// marginal is the mean and variance of the model's p(x_0).
func marginal() (mean, variance float64) {
	mean, variance = 0, 1
	for t := 4; t >= 2; t-- {
		a, b, s := line(t)
		mean, variance = a*mean+b, a*a*variance+s
	}
	g := math.Sqrt(bar[1]) * .5 / (bar[1]*.5 + 1 - bar[1])
	return g*mean + 1 - g*math.Sqrt(bar[1]), g*g*variance + 1./11
}

func logNormal(x, mean, variance float64) float64 {
	return -.5 * (math.Log(2*math.Pi*variance) + (x-mean)*(x-mean)/variance)
}

func TestFormsOfGD(t *testing.T) {
	m := exact(d4, gd)
	at := func(x0 float64) []quadratic {
		return overPaths(t, m, x0, func(x []*Node) []*Node {
			one, two := m.Form1(x), m.Form2(x)
			out := []*Node{m.Form0(x), one.Sum(), two.Bound(), m.Form3(x).Bound(), two.Recon, two.Prior, m.PriorKL1(x), ReduceSum(m.ConsistencyKL(x), 0)}
			return append(out, rows(m.MatchingKL(x))...)
		})
	}
	law := at(1)
	c := check.T(t)
	bound := law[0].mean
	mean, variance := marginal()
	c.Near("E5.9 form 0 at x_0 = 1", bound, -.8128320140600969, 1e-12)
	c.Near("E5.9 form 0 at x_0 = 1.8", at(1.8)[0].mean, -2.006409729635395, 1e-12)
	c.Near("E5.9 the model's own law", []float64{mean, variance}, []float64{.8218661640, .3874415968}, printed)
	c.Near("E5.9 its log p(x_0)", []float64{logNormal(1, mean, variance), logNormal(1.8, mean, variance)}, []float64{-.4857937074, -1.6795402556}, printed)
	c.Less("E5.9 form 0 bounds log p(1)", bound, logNormal(1, mean, variance))
	c.Near("E5.10 form 1", law[1].mean, bound, a64)
	c.Near("E5.19 form 2", law[2].mean, bound, a64)
	c.Near("E5.21 form 3", law[3].mean, bound, a64)
	c.Near("E5.12 reconstruction", law[4].mean, -.1290818059, printed)
	c.Near("E5.19 prior", law[5].mean, .1800547032, printed)
	c.Near("E5.13 form 1's prior", law[6].mean, .4581453659, printed)
	c.Near("E5.13 is form 2's and the information", law[6].mean, law[5].mean+.5*math.Log((1-bar[4])/(1-alpha[4])), a64)
	for i, want := range []float64{.3955078125, .0868626498, .0213250427} {
		c.Near("E5.19 the divergence at t", law[8+i].mean, want, printed)
		c.Less("E5.20 which is positive", 0, law[8+i].mean)
	}
	asKL, gap := law[4].mean-law[6].mean-law[7].mean, 0.0
	for u := 1; u <= 3; u++ {
		a, _, s := line(u + 1)
		gap += a * math.Sqrt(alpha[u+1]) * (1 - alpha[u]) / s
	}
	c.Near("E5.14 form 1 with expected divergences", asKL, -3.0403826315, printed)
	c.Differ("E5.14 which is not the bound (X18)", asKL, bound, 2)
	c.Near("E5.14 the gap", bound-asKL, 2.2275506174, printed)
	c.Near("E5.14 its closed form", bound-asKL, gap, a64)
}

// rows cuts [n, batch] into n nodes [batch].
func rows(x *Node) (each []*Node) {
	for i := range x.Shape().Dimensions[0] {
		each = append(each, Squeeze(Slice(x, AxisElem(i)), 0))
	}
	return each
}

// A law for x_T that is not N(0, I) enters all forms.
func TestGivenPrior(t *testing.T) {
	m := exact(d4, gd)
	m.Prior = func(like *Node) dist.DiagNormal {
		return dist.DiagNormal{Mean: AddScalar(ZerosLike(like), .3), LogStd: AddScalar(ZerosLike(like), math.Log(1.2))}
	}
	law := overPaths(t, m, 1, func(x []*Node) []*Node {
		two := m.Form2(x)
		return []*Node{two.Prior, two.Bound(), m.Form0(x), m.Form1(x).Sum(), m.PriorKL1(x), m.Form2(x).Recon, m.Form2(x).Matching}
	})
	mean, variance := math.Sqrt(bar[4]), 1-bar[4]
	kl := .5 * (math.Log(1.44/variance) - 1 + (variance+(mean-.3)*(mean-.3))/1.44)
	c := check.T(t)
	c.Near("E5.19 KL(q(x_T|x_0) ‖ N(.3, 1.44))", law[0].mean, kl, a64)
	c.Near("E5.19 in form 2", law[1].mean, law[5].mean-kl-law[6].mean, a64)
	c.Near("E5.9 and form 0, form 1", []float64{law[2].mean, law[3].mean}, law[1].mean, a64)
	c.Near("E5.13 form 1's prior keeps the information", law[4].mean, kl+.5*math.Log((1-bar[4])/(1-alpha[4])), a64)
}

// Each term's gap is A_{t+1} Cov(x_t, x_{t+1}|x_{t−1})/S_{t+1}; with A_{t+1} = 0 there is none.
func TestConsistencyGap(t *testing.T) {
	m := exact(d4, gd)
	law := overPaths(t, m, 1, func(x []*Node) []*Node { return append(rows(m.Form1(x).Between), rows(m.ConsistencyKL(x))...) })
	for u := 1; u <= 3; u++ {
		a, _, s := line(u + 1)
		check.T(t).Near("E5.14 the gap of one term", law[u-1].mean+law[u+2].mean, a*math.Sqrt(alpha[u+1])*(1-alpha[u])/s, a64)
	}
	flat := m // x̂₀ = −x_t·(coefficient of x_t)/(coefficient of x_0) makes the mean of p_θ(x_{t−1}|x_t) free of x_t
	flat.Denoise = func(xt, t *Node) *Node {
		s := AddScalar(t, -1)
		ofXt, ofX0 := d4.Posterior(OnesLike(t), ZerosLike(t), s, t).Mean, d4.Posterior(ZerosLike(t), OnesLike(t), s, t).Mean
		return Neg(Mul(xt, Div(ofXt, ofX0)))
	}
	law = overPaths(t, flat, 1, func(x []*Node) []*Node { return append(rows(flat.Form1(x).Between), rows(flat.ConsistencyKL(x))...) })
	for u := 1; u <= 3; u++ {
		check.T(t).Near("E5.14 no gap where A is 0", law[u-1].mean, -law[u+2].mean, a64)
	}
}

func TestPathwise(t *testing.T) {
	m := exact(d4, gm)
	out := backendtest.Call(t, func(g *Graph) []*Node {
		x := random(m, g, 1, .7, 1000)
		return []*Node{m.Form0(x), m.Form1(x).Sum(), m.Denoising(x).Sum(), m.Form2(x).Matching, m.Form3(x).Matching, m.LogJoint(x), m.LogEncoder(x)}
	})
	c := check.T(t)
	c.Near("E5.10 form 1's logs add up to form 0's, on each of 1000 paths", out[1], out[0], a64)
	c.Near("E5.18 so do form 2's before their expectations", out[2], out[0], a64)
	c.Near("E5.21 form 3's terms are form 2's", out[4], out[3], a64)
	joint, encoder := check.Floats(out[5]), check.Floats(out[6])
	floats.Sub(joint, encoder)
	c.Near("E5.9 form 0 is log p(x_{0:T}) − log q(x_{1:T}|x_0)", out[0], joint, a64)
	telescope := backendtest.Call(t, func(g *Graph) (*Node, *Node) {
		x := random(m, g, 2, .7, 1000)
		at := func(t int) *Node { return d4.Marginal(x[0], constant(x[0], float64(t))).LogProb(x[t]) }
		product := ZerosLike(at(1))
		for t := 2; t <= 4; t++ {
			product = Add(product, Sub(at(t), at(t-1)))
		}
		return product, Sub(at(4), at(1))
	})
	c.Near("E5.18 Π q(x_t|x_0)/q(x_{t−1}|x_0) telescopes", telescope[0], telescope[1], a64)
	bayes := backendtest.Call(t, func(g *Graph) (*Node, *Node) {
		x := random(m, g, 3, .7, 1000)
		two, three := constant(x[0], 2), constant(x[0], 3)
		return d4.Transition(x[2], two, three).LogProb(x[3]),
			Sub(Add(d4.Posterior(x[3], x[0], two, three).LogProb(x[2]), d4.Marginal(x[0], three).LogProb(x[3])), d4.Marginal(x[0], two).LogProb(x[2]))
	})
	c.Near("E5.17 q(x_t|x_{t−1}) by Bayes, given x_0", bayes[0], bayes[1], a64)
}

func TestOneLatentIsAVAE(t *testing.T) {
	m := bestModel(process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}, []float64{.3}, gm)
	out := backendtest.Call(t, func(g *Graph) []*Node {
		x := random(m, g, 4, 1.3, 8)
		q := m.Process.Marginal(x[0], constant(x[0], .3))
		vae := elbo.Decompose(noise.Fixed(Div(Sub(x[1], q.Mean), q.Std())), dist.DiagNormal{Mean: q.Mean, LogStd: Add(q.LogStd, ZerosLike(q.Mean))},
			dist.StandardNormal(x[0]), x[0], func(x0, x1 *Node) *Node { return m.Decode(x1).LogProb(x0) }, 1)
		two := m.Form2(x)
		return []*Node{two.Recon, vae.Recon, two.Prior, vae.Prior, two.Bound(), m.Form3(x).Bound(), m.Form1(x).Sum(), m.Form0(x)}
	})
	c := check.T(t)
	c.Near("E5.19 with T = 1, the VAE's reconstruction", out[0], out[1], a64)
	c.Near("E5.19 and its prior term", out[2], out[3], a64)
	c.Near("E5.19 form 3 agrees", out[5], out[4], a64)
	c.Near("E5.19 and form 1 is form 0", out[6], out[7], a64)
}

// Form 1's prior term keeps the information between the last two latents, form 2's vanishes.
func TestPriorTerms(t *testing.T) {
	prior := func(p process.Process) (one, two float64) {
		m := bestModel(p, []float64{p.TMax - 1, p.TMax}, gd) // the prior terms need the last two latents alone
		law := overPaths(t, m, 1, func(x []*Node) []*Node { return []*Node{m.PriorKL1(x), m.Form2(x).Prior} })
		return law[0].mean, law[1].mean
	}
	c := check.T(t)
	sch := process.Process{Schedule: process.DDPM(1000, 1e-4, .02), TMax: 1000}
	one, two := prior(sch)
	c.Near("E5.13 form 1's of DDPM's schedule", one, 1.956011503, 1e-9)
	c.Near("E5.13 form 2's", two/2.01795560e-5, 1, 1e-8)
	var steps, got []float64
	for _, n := range []int{100, 1000, 10000} {
		betas := make([]float64, n)
		for i := range betas {
			betas[i] = (.1 + 19.9*float64(i+1)/float64(n)) / float64(n)
		}
		one, _ := prior(process.Process{Schedule: process.NewDiscrete(betas...), TMax: float64(n)})
		steps, got = append(steps, math.Log(float64(n))/2), append(got, one)
	}
	c.Near("E5.13 with more steps it grows (X34)", got, []float64{.8047, 1.9560, 3.1073}, 5e-5)
	c.Near("E5.13 by ½ log T", got[2]-got[1], steps[2]-steps[1], 1e-3)
}

// The divergence of two normals of one isotropic covariance, for d = 1 … 4.
func TestKLOfSteps(t *testing.T) {
	for d := 1; d <= 4; d++ {
		m := vdm.VDM{ReverseStep: sampler.ReverseStep{Process: d4, Denoise: func(xt, t *Node) *Node { return Add(Sin(xt), t) }},
			Times: []float64{1, 2, 3, 4}, Decode: func(x1 *Node) dist.LogProber { return dist.StandardNormal(x1) }}
		out := backendtest.Call(t, func(g *Graph) []*Node {
			x := m.Path(noise.FromSeed(g, 5), Ones(g, vdmShape(7, d)))
			s, u := constant(x[0], 2), constant(x[0], 3)
			return []*Node{rows(m.MatchingKL(x))[1], d4.Posterior(x[3], x[0], s, u).Mean, m.Law(x[3], s, u).Mean, m.Denoise(x[3], u)}
		})
		q, p, xhat := check.Floats(out[1]), check.Floats(out[2]), check.Floats(out[3])
		var general, equal, x0 []float64
		sigma2 := .3 * .28 / .496
		for i := range 7 {
			dist2, miss := 0.0, 0.0
			for j := i * d; j < (i+1)*d; j++ {
				dist2 += (q[j] - p[j]) * (q[j] - p[j])
				miss += (xhat[j] - 1) * (xhat[j] - 1)
			}
			general = append(general, .5*(float64(d)*math.Log(sigma2/sigma2)-float64(d)+float64(d)*sigma2/sigma2+dist2/sigma2))
			equal = append(equal, dist2/(2*sigma2))
			x0 = append(x0, .7776497696*miss)
		}
		check.T(t).Near("E5.29 ½[log|Σ|/|Σ| − d + tr + quadratic]", out[0], general, a64)
		check.T(t).Near("E5.30 ‖μ_θ−μ_q‖²/2σ_q²", out[0], equal, a64)
		check.T(t).Near("E5.33 as an error of x̂₀", out[0], x0, a64)
	}
}

// The best variance of the reverse step takes the bound closer to the entropy.
func TestOptimalVariance(t *testing.T) {
	posterior := exact(d4, gd)
	best := posterior
	best.Std = sampler.ExactStd(gd.PosteriorVar(d4))
	law := overData(t, posterior, func(x []*Node) []*Node {
		return []*Node{posterior.Form2(x).Bound(), best.Form2(x).Bound(), best.Form0(x)}
	})
	c := check.T(t)
	c.Near("E5.31 with the posterior's variance", law[0].mean, -1.5563146044, printed)
	c.Near("E5.31 with the best", law[1].mean, -1.2299307888, printed)
	c.Near("E5.31 form 0 agrees", law[2].mean, law[1].mean, a64)
	c.Less("E5.31 the entropy is above both", law[1].mean, -.5*math.Log(2*math.Pi*math.E*.5))
	c.Near("E5.31 −entropy", -.5*math.Log(2*math.Pi*math.E*.5), -1.0723649429, printed)
	worse := posterior
	worse.Denoise = func(xt, t *Node) *Node { return AddScalar(MulScalar(gd.Denoiser(d4)(xt, t), 1.03), -.02) }
	floor := overData(t, posterior, func(x []*Node) []*Node { return append(rows(posterior.MatchingKL(x)), rows(worse.MatchingKL(x))...) })
	for i, want := range []float64{.703125, .257830, .119714} {
		c.Near("E5.20 no denoiser gets below", floor[i].mean, want, 5e-7)
		snr := func(t int) float64 { return bar[t] / (1 - bar[t]) }
		c.Near("E5.20 ½(SNR drop)·v₀/(1+v₀SNR)", floor[i].mean, .5*(snr(i+1)-snr(i+2))*.5/(1+.5*snr(i+2)), a64)
		c.Less("E5.20 and another is worse", floor[i].mean, floor[3+i].mean)
	}
}
