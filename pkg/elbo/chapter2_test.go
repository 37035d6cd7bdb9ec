package elbo_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// logP is log p(2) of the fixture LG of the study notes: z ~ N(0,1), x|z ~ N(1.5z+0.5, 0.25), seen at x = 2.
const logP = -1.8270838991417502

// lo and hi enclose the mass of every q here, to 12 standard deviations.
const lo, hi = -12.0, 12.0

func fixture(g *Graph) (m oracle.LinearGaussian, x *Node) {
	return oracle.NewLinearGaussian(g, 1.5, .5, .25), Const(g, [][]float64{{2}})
}

// expect returns the integral of q(z) f(z) for q = N(mean, variance); f maps z [n, 1] to [n].
func expect(t *testing.T, mean, variance float64, f func(q dist.DiagNormal, z *Node) *Node) float64 {
	return check.Integral(backendtest.Open(t), func(z *Node) *Node {
		q, column := oracle.ScalarNormal(z.Graph(), mean, variance), InsertAxes(z, -1)
		return Mul(Exp(q.LogProb(column)), f(q, column))
	}, lo, hi)
}

func logWeight(q dist.DiagNormal, z *Node) *Node {
	m, x := fixture(z.Graph())
	return Sub(m.LogJoint(x, z), q.LogProb(z))
}

func logPosterior(z *Node) *Node {
	m, x := fixture(z.Graph())
	return m.Posterior(x).LogProb(z)
}

func logLikelihood(_ dist.DiagNormal, z *Node) *Node {
	m, x := fixture(z.Graph())
	return m.Given(z).LogProb(x)
}

// scalarOf returns the value of a graph of one entry.
func scalarOf(t *testing.T, fn func(g *Graph) *Node) float64 { return backendtest.Floats(t, fn)[0] }

func TestChapter2Bound(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	t.Run("E2.1 the evidence by both formulas", func(t *testing.T) {
		c := check.T(t)
		c.Near("E2.1 the integral of p(x,z) over z", check.Integral(b, func(z *Node) *Node {
			m, x := fixture(z.Graph())
			return Exp(m.LogJoint(x, InsertAxes(z, -1)))
		}, lo, hi), math.Exp(logP), 1e-8)
		zs := floats.Span(make([]float64, 20), -4, 5)
		c.Near("E2.1 log p(x,z) − log p(z|x) at 20 z", check.Eval(b, func(z *Node) *Node {
			m, x := fixture(z.Graph())
			return Sub(m.LogJoint(x, InsertAxes(z, -1)), logPosterior(InsertAxes(z, -1)))
		}, zs), logP, 1e-9)
	})
	for _, q := range []struct{ mean, variance, bound float64 }{
		{0, 1, -9.225791352644727}, {.5, .3, -3.0777777548076948}, {.9, .1, -1.8270838991417504},
	} {
		c.Near("E2.2 the bound by quadrature", expect(t, q.mean, q.variance, logWeight), q.bound, 1e-8)
		c.Near("E2.2 the bound in closed form", scalarOf(t, func(g *Graph) *Node {
			m, x := fixture(g)
			return m.Bound(oracle.ScalarNormal(g, q.mean, q.variance), x)
		}), q.bound, 1e-12)
	}
}

func TestChapter2Jensen(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	const mean, variance = .5, .3
	one := math.Log(check.Integral(b, func(z *Node) *Node {
		m, x := fixture(z.Graph())
		return Exp(m.LogJoint(x, InsertAxes(z, -1)))
	}, lo, hi))
	inserted := math.Log(check.Integral(b, func(z *Node) *Node {
		m, x := fixture(z.Graph())
		column, q := InsertAxes(z, -1), oracle.ScalarNormal(z.Graph(), mean, variance)
		return Div(Mul(Exp(m.LogJoint(x, column)), Exp(q.LogProb(column))), Exp(q.LogProb(column)))
	}, -6, 6)) // beyond, q underflows and q/q is 0/0
	outside := math.Log(expect(t, mean, variance, func(q dist.DiagNormal, z *Node) *Node { return Exp(logWeight(q, z)) }))
	inside := expect(t, mean, variance, logWeight)
	c.Near("E2.3 (a) log of the integral of p(x,z)", one, logP, 1e-8)
	c.Near("E2.3 (b) with q/q inserted", inserted, logP, 1e-8)
	c.Near("E2.3 (c) log E_q[p/q]", outside, logP, 1e-8)
	c.Less("E2.3 (d) E_q[log p/q] is less", inside, outside)
	c.Near("E2.3 (c) − (d) = KL(q ‖ p(z|x))", outside-inside, expect(t, mean, variance, func(q dist.DiagNormal, z *Node) *Node {
		return Sub(q.LogProb(z), logPosterior(z))
	}), 1e-8)
}

// importanceBound returns E[log 1/k Σ wᵢ] of k draws zᵢ ~ N(0.5, 0.3) without drawing any: from
// log S = ∫ (e^−t − e^−tS) dt/t, in which the draws factorise, E[e^−tS] = E[e^−tw/k]ᵏ, and t = eᵘ.
func importanceBound(k float64) float64 {
	q := distuv.Normal{Mu: .5, Sigma: math.Sqrt(.3)}
	const n = 800
	zs := floats.Span(make([]float64, n), q.Mu-12*q.Sigma, q.Mu+12*q.Sigma)
	mass, w := make([]float64, n), make([]float64, n)
	for i, z := range zs {
		mass[i] = q.Prob(z) * (zs[1] - zs[0])
		joint := distuv.UnitNormal.LogProb(z) + distuv.Normal{Mu: 1.5*z + .5, Sigma: .5}.LogProb(2)
		w[i] = math.Exp(joint - q.LogProb(z))
	}
	return check.IntegralFn(func(u float64) float64 {
		t, laplace := math.Exp(u), 0.0
		for i := range w {
			laplace += mass[i] * math.Exp(-t*w[i]/k)
		}
		return math.Exp(-t) - math.Pow(laplace, k)
	}, -40, 120)
}

// draws returns n independent values of ImportanceWeighted with k draws of q = N(0.5, 0.3).
func draws(t *testing.T, n, k int, seed int64) []float64 {
	return backendtest.Floats(t, func(g *Graph) *Node {
		m, x := fixture(g)
		q := oracle.ScalarNormal(g, .5, .3).Repeat(n)
		return elbo.ImportanceWeighted(elbo.LogWeights(noise.FromSeed(g, seed), q, dist.Repeat(x, n), m.LogJoint, k))
	})
}

// sdError returns the standard error of the standard deviation of samples, from their fourth moment.
func sdError(samples []float64) float64 {
	sd := stat.StdDev(samples, nil)
	return sd * math.Sqrt((stat.ExKurtosis(samples, nil)+2)/(4*float64(len(samples))))
}

func TestChapter2ImportanceSequence(t *testing.T) {
	c := check.T(t)
	before := -9.225791352644727 // of E2.2, with the prior as q
	for i, want := range []struct {
		k, n                         int
		mean, meanTol, sd, sdTol, se float64 // se is a tenth of the step to the next mean
	}{
		{1, 100_000, -3.0777777548, 1e-8, 2.61, .01, .12},
		{10, 100_000, -1.8746, 1e-4, .32, .01, .0043},
		{100, 60_000, -1.8314, 1e-4, .093, .001, .00043},
	} {
		exact := importanceBound(float64(want.k))
		samples := draws(t, want.n, want.k, int64(i))
		c.Near("E2.3 E[log mean of k weights] by quadrature", exact, want.mean, want.meanTol/(1+math.Abs(want.mean)))
		c.MC("E2.3 the importance-weighted bound", samples, exact, want.se)
		sd := stat.StdDev(samples, nil)
		c.Near("E2.3 its standard deviation", sd, want.sd, (want.sdTol+5*sdError(samples))/(1+want.sd))
		c.Less("E2.3 more draws, a higher bound", before, exact)
		c.Less("E2.3 and below log p(x)", exact, logP)
		before = exact
	}
	last := importanceBound(1)
	for _, k := range []float64{2, 3, 5, 20, 50, 200, 1000} {
		v := importanceBound(k)
		if !(last < v && v < logP) {
			t.Errorf("E2.3: the bound with k = %g draws is %.12g, expected more than the %.12g of fewer and less than log p(x)", k, v, last)
		}
		last = v
	}
}

func TestChapter2Lines(t *testing.T) {
	const mean, variance = .5, .3
	mass := expect(t, mean, variance, func(_ dist.DiagNormal, z *Node) *Node { return ReduceSum(OnesLike(z), 1) })
	evidence := func(_ dist.DiagNormal, z *Node) *Node {
		m, x := fixture(z.Graph())
		return Add(m.Marginal().LogProb(x), ReduceSum(ZerosLike(z), 1))
	}
	joint := func(z *Node) *Node { m, x := fixture(z.Graph()); return m.LogJoint(x, z) }
	ratio := func(q dist.DiagNormal, z *Node) *Node { return Sub(q.LogProb(z), logPosterior(z)) }
	bound, kl := expect(t, mean, variance, logWeight), expect(t, mean, variance, ratio)
	c := check.T(t)
	c.Near("E2.4 (1) log p(x) times the integral of q(z|x)", logP*mass, logP, 1e-8)
	c.Near("E2.4 (2) the constant goes under the integral", check.Integral(backendtest.Open(t), func(z *Node) *Node {
		q, column := oracle.ScalarNormal(z.Graph(), mean, variance), InsertAxes(z, -1)
		return Mul(evidence(q, column), Exp(q.LogProb(column)))
	}, lo, hi), logP, 1e-8)
	c.Near("E2.4 (3) E_q log p(x)", expect(t, mean, variance, evidence), logP, 1e-8)
	c.Near("E2.4 (4) E_q log p(x,z)/p(z|x)", expect(t, mean, variance, func(_ dist.DiagNormal, z *Node) *Node {
		return Sub(joint(z), logPosterior(z))
	}), logP, 1e-8)
	c.Near("E2.4 (5) times q/q inside the log", expect(t, mean, variance, func(q dist.DiagNormal, z *Node) *Node {
		return Sub(Add(joint(z), q.LogProb(z)), Add(logPosterior(z), q.LogProb(z)))
	}), logP, 1e-8)
	c.Near("E2.4 (6) the log split in two", expect(t, mean, variance, func(q dist.DiagNormal, z *Node) *Node {
		return Add(logWeight(q, z), ratio(q, z))
	}), logP, 1e-8)
	c.Near("E2.4 (7) the bound plus KL(q ‖ p(z|x))", bound+kl, logP, 1e-8)
	c.Less("E2.4 both parts count", .1, kl)

	// X7: the same exchange of log and integral with what does vary in z is Jensen's inequality.
	likelihood := expect(t, mean, variance, func(q dist.DiagNormal, z *Node) *Node { return Exp(logLikelihood(q, z)) })
	c.Differ("X7 log and integral exchanged for p(x|z)", expect(t, mean, variance, logLikelihood), math.Log(likelihood), .1)
	c.Near("X7 exchanged for p(x), constant in z", expect(t, mean, variance, evidence), math.Log(math.Exp(logP)*mass), 1e-8)

	c.Near("E2.5 the integral of q(z|x) over z", mass, 1, 1e-8)
	// q(z) = N(0.5, 0.3) and q(x|z) = N(1.5z+0.5, 0.25) make q(x) = N(1.25, 0.925).
	qx := distuv.Normal{Mu: 1.25, Sigma: math.Sqrt(.925)}.Prob(2)
	c.Near("E2.5 the misprint is q(x)", likelihood, qx, 1e-8)
	c.Differ("X6 the integral of q(z) q(x|z)", likelihood, 1, .1)
	c.Differ("X28 a law of x has no z to integrate: 24 q(x)", check.IntegralFn(func(float64) float64 { return qx }, lo, hi), 1, .1)
}

func TestChapter2Gap(t *testing.T) {
	c, rng := check.T(t), rand.New(rand.NewPCG(2, 6))
	mean, logStd := make([][]float64, 1000), make([][]float64, 1000)
	for i := range mean {
		mean[i], logStd[i] = []float64{2 * rng.NormFloat64()}, []float64{rng.NormFloat64()}
	}
	out := backendtest.Call(t, func(mean, logStd *Node) (gap, kl *Node) {
		m, x := fixture(mean.Graph())
		q, xs := dist.DiagNormal{Mean: mean, LogStd: logStd}, dist.Repeat(x, 1000)
		return Sub(m.Marginal().LogProb(xs), m.Bound(q, xs)), dist.KL(q, m.Posterior(xs))
	}, mean, logStd)
	gap, kl := check.Floats(out[0]), check.Floats(out[1])
	c.Near("E2.6 log p(x) − bound = KL(q ‖ p(z|x)) for 1000 q", gap, kl, 1e-9)
	c.True("E2.6 no gap is negative", floats.Min(gap) >= 0, fmt.Sprintf("the least is %.2g", floats.Min(gap)))
	kl1 := scalarOf(t, func(g *Graph) *Node {
		m, x := fixture(g)
		return dist.KL(oracle.ScalarNormal(g, .5, .3), m.Posterior(x))
	})
	c.Near("E2.6 KL of q = N(0.5, 0.3)", kl1, 1.250693855665945, 1e-12)
	c.Differ("X29 equation 6 is the bound, not log p(x)", expect(t, .5, .3, logWeight), logP, .1)
	c.Near("X29 equation 7, the bound plus KL, is", expect(t, .5, .3, logWeight)+kl1, logP, 1e-8)
}

// parts returns log p(x), the bound and KL(q ‖ p(z|x)) of LG with slope a, each [1].
func parts(mean, logStd, a *Node) (evidence, bound, kl *Node) {
	m, x := fixture(a.Graph())
	m.A = a
	q := dist.DiagNormal{Mean: mean, LogStd: logStd}
	return m.Marginal().LogProb(x), m.Bound(q, x), dist.KL(q, m.Posterior(x))
}

func TestChapter2Gradients(t *testing.T) {
	args := []any{[][]float64{{.5}}, [][]float64{{math.Log(.3) / 2}}, [][]float64{{1.5}}}
	grad := func(part int) []float64 {
		return check.Floats(backendtest.Call(t, func(mean, logStd, a *Node) *Node {
			evidence, bound, kl := parts(mean, logStd, a)
			// Zero times each parameter, so that a gradient exists where the part does not depend on it.
			zero := MulScalar(ReduceAllSum(Add(Add(mean, logStd), a)), 0)
			of := Add(ReduceAllSum([]*Node{evidence, bound, kl}[part]), zero)
			return Concatenate(Gradient(of, mean, logStd, a), 1)
		}, args...)[0])
	}
	evidence, bound, kl := grad(0), grad(1), grad(2)
	// By hand: q = N(m, v) against N(0.9, 0.1), so dKL/dm = (m−0.9)/0.1 and dKL/dlog std = v/0.1 − 1.
	c := check.T(t)
	c.Near("E2.7 dKL/dφ", kl[:2], []float64{-4, 2}, 1e-9)
	c.Near("E2.7 dL/dφ = −dKL/dφ", bound[:2], []float64{4, -2}, 1e-9)
	c.Near("E2.7 d(L+KL)/dφ = 0", []float64{bound[0] + kl[0], bound[1] + kl[1]}, 0, 1e-9)
	c.Near("E2.7 d log p(x)/dφ = 0", evidence[:2], 0, 0)
	// log p(x) = −½ log 2πV − (x−b)²/2V with V = a²+s² = 2.5: its derivative is 2a(−1/2V + 2.25/2V²) = −0.06.
	c.Differ("X27 no dependence on θ", 0.0, evidence[2], .05)
	c.Near("X27 d log p(x)/da", evidence[2], -.06, 1e-9)
	c.Near("X27 d(L+KL)/da", bound[2]+kl[2], evidence[2], 1e-9)
}

func TestChapter2Ascent(t *testing.T) {
	step := MustNewExec(backendtest.Open(t), func(mean, logVar *Node) []*Node {
		m, x := fixture(mean.Graph())
		bound := m.Bound(dist.DiagNormal{Mean: mean, LogStd: MulScalar(logVar, .5)}, x)
		d := Gradient(ReduceAllSum(bound), mean, logVar)
		return []*Node{Add(mean, MulScalar(d[0], .1)), Add(logVar, MulScalar(d[1], .1)), bound}
	})
	var mean, logVar any = [][]float64{{-1}}, [][]float64{{1}}
	c, before := check.T(t), math.Inf(-1)
	for i := range 500 {
		out := step.MustCall(mean, logVar)
		mean, logVar = out[0], out[1]
		bound := check.Floats(out[2])[0]
		if bound < before-1e-12 || bound > logP+1e-12 {
			t.Fatalf("E2.8: step %d has the bound %.15g, expected at least %.15g and at most %.15g", i, bound, before, logP)
		}
		before = bound
	}
	c.Near("E2.8 gradient ascent finds the posterior's mean", mean, .9, 1e-6)
	c.Near("E2.8 and its variance", math.Exp(check.Floats(logVar)[0]), .1, 1e-6)
	c.Near("E2.8 where the bound is log p(x)", before, -1.82708389914, 1e-6)
	c.Differ("X31 not p(x) itself, even there", before, math.Exp(logP), 1)
	c.Differ("X31 nor log p(x) elsewhere", expect(t, .5, .3, logWeight), logP, 1)
	c.Near("X31 log p(x) at zero KL", expect(t, .9, .1, logWeight), logP, 1e-8)
}

func TestChapter2Split(t *testing.T) {
	c := check.T(t)
	const rec, kl = -2.700791352644727, .3769864021629681
	priorRatio := func(q dist.DiagNormal, z *Node) *Node {
		return Sub(q.LogProb(z), dist.StandardNormal(z).LogProb(z))
	}
	c.Near("E2.11 E_q log p(x|z) by quadrature", expect(t, .5, .3, logLikelihood), rec, 1e-8)
	c.Near("E2.11 KL(q ‖ p(z)) by quadrature", expect(t, .5, .3, priorRatio), kl, 1e-8)
	out := backendtest.Floats(t, func(g *Graph) *Node {
		m, x := fixture(g)
		q := oracle.ScalarNormal(g, .5, .3)
		terms := elbo.Terms{Recon: m.Recon(q, x), Prior: dist.KL(q, m.Prior())}
		return Concatenate([]*Node{terms.Recon, terms.Prior, terms.Bound(), m.Bound(q, x)}, 0)
	})
	c.Near("E2.11 both terms and their difference", out, []float64{rec, kl, -3.0777777548076948, -3.0777777548076948}, 1e-12)
	c.Differ("X30 without the term that does not render", -out[1], out[2], .1)

	inside := expect(t, .9, .1, logLikelihood)
	outside := expect(t, .9, .1, func(q dist.DiagNormal, z *Node) *Node { return Exp(logLikelihood(q, z)) })
	c.Near("E2.12 E_q log p(x|z)", inside, -.7207914, 1e-7)
	c.Near("E2.12 log E_q p(x|z)", math.Log(outside), -.5704025, 1e-7)
	c.Less("E2.12 the first is less", inside, math.Log(outside))
	c.Differ("X12 E_q p(x|z) as the second term", outside, inside, 1)
}
