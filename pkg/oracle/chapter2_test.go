package oracle_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// rotated returns the best probabilistic PCA with two latents of the fixture PP, and W turned by angle.
func rotated(angle float64) oracle.PPCA {
	sin, cos := math.Sincos(angle)
	return oracle.FitPPCA(make([]float64, 3), ppcaCov, 2).Rotate(mat.NewDense(2, 2, []float64{cos, -sin, sin, cos}))
}

// rows are three points to look at PPCA's laws from.
var rows = [][]float64{{1, -.3, .2}, {-2, .5, 1}, {0, 0, 0}}

func TestMeanField(t *testing.T) {
	c := check.T(t)
	straight, turned := rotated(0), rotated(.5)
	c.Near("E2.9 s² is the third eigenvalue", turned.Var, .63267763, 1e-8)
	c.Near("E2.9 the evidence with R = I", straight.AverageLogProb(ppcaCov), -4.470428899558856, 1e-12)
	c.Near("E2.9 the evidence with W turned by 0.5", turned.AverageLogProb(ppcaCov), -4.470428899558856, 1e-12)
	c.Near("E2.9 the mean-field gap with R = I", straight.MeanFieldGap(), 0, 1e-12)
	c.Near("E2.9 the mean-field gap with W turned by 0.5", turned.MeanFieldGap(), .1000920605, 1e-10)

	// ½(Σ log Pᵢᵢ + log|Σ|) from the posterior's covariance Σ and its inverse P, both 2×2.
	s := turned.PosteriorCov()
	det := s.At(0, 0)*s.At(1, 1) - s.At(0, 1)*s.At(0, 1)
	gap := .5 * (math.Log(s.At(1, 1)/det) + math.Log(s.At(0, 0)/det) + math.Log(det))
	c.Near("E2.9 the gap from the posterior's covariance", turned.MeanFieldGap(), gap, 1e-9)

	// The same gap three times more: log p − Bound, KL in closed form, and KL by quadrature over the plane.
	out := backendtest.Call(t, func(x *Node) (missing, kl *Node) {
		q := turned.MeanField(x)
		variances := mat.NewDiagDense(2, []float64{det / s.At(1, 1), det / s.At(0, 0)})
		full := dist.NewNormal(x.Graph(), []float64{0, 0}, mat.NewSymDense(2, mat.DenseCopyOf(variances).RawMatrix().Data))
		full.Mean = q.Mean
		return Sub(turned.Marginal(x.Graph()).LogProb(x), turned.Bound(q, x)), dist.KLNormal(full, turned.Posterior(x))
	}, rows)
	c.Near("E2.9 log p(x) − bound at three x", out[0], gap, 1e-9)
	c.Near("E2.9 KL(q ‖ p(z|x)) at three x", out[1], gap, 1e-9)
	c.Near("E2.9 KL(q ‖ p(z|x)) by quadrature", check.Integral2(backendtest.Open(t), func(z *Node) *Node {
		x := Const(z.Graph(), rows[:1])
		q := turned.MeanField(x).LogProb(z)
		return Mul(Exp(q), Sub(q, turned.Posterior(x).LogProb(z)))
	}, [2]float64{-8, -8}, [2]float64{8, 8}), gap, 1e-8)
}

// No other diagonal q does better: its gradient is zero at MeanField and every step away costs.
func TestMeanFieldIsTheMaximum(t *testing.T) {
	turned, rng := rotated(.5), rand.New(rand.NewPCG(2, 9))
	best := func(x, dMean, dLogStd *Node) (bound, gMean, gLogStd *Node) {
		q := turned.MeanField(x)
		bound = turned.Bound(dist.DiagNormal{Mean: Add(q.Mean, dMean), LogStd: Add(q.LogStd, dLogStd)}, x)
		g := Gradient(ReduceAllSum(bound), dMean, dLogStd)
		return bound, g[0], g[1]
	}
	zero := [][]float64{{0, 0}, {0, 0}, {0, 0}}
	at := backendtest.Call(t, best, rows, zero, zero)
	c := check.T(t)
	c.Near("E2.9 gradient in q's mean", at[1], zero, 1e-12)
	c.Near("E2.9 gradient in q's variance", at[2], zero, 1e-12)
	exec := MustNewExec(backendtest.Open(t), best)
	for range 20 {
		away := check.Floats(exec.MustCall(rows, shifts(rng), shifts(rng))[0])
		for i, v := range check.Floats(at[0]) {
			if !(away[i] < v) {
				t.Errorf("E2.9: another q has the bound %.12g at point %d, expected less than %.12g", away[i], i, v)
			}
		}
	}
}

// shifts returns N(0, 0.3²), [3][2].
func shifts(rng *rand.Rand) [][]float64 {
	out := make([][]float64, 3)
	for i := range out {
		out[i] = []float64{.3 * rng.NormFloat64(), .3 * rng.NormFloat64()}
	}
	return out
}

// A family of q without the posterior: its variance is frozen at 0.3, a and q's mean are free.
func TestFrozenVariance(t *testing.T) {
	eval := MustNewExec(backendtest.Open(t), func(v *Node) (bound, gradient *Node) {
		m, x := fixture(v.Graph())
		m.A = Slice(v, AxisRange(), AxisElem(0))
		q := oracle.ScalarNormal(v.Graph(), 0, .3)
		q.Mean = Slice(v, AxisRange(), AxisElem(1))
		bound = ReduceAllSum(m.Bound(q, x))
		return bound, Gradient(bound, v)[0]
	})
	problem := optimize.Problem{
		Func: func(v []float64) float64 { return -check.Floats(eval.MustCall([][]float64{v})[0])[0] },
		Grad: func(grad, v []float64) {
			for i, g := range check.Floats(eval.MustCall([][]float64{v})[1]) {
				grad[i] = -g
			}
		},
	}
	best, err := optimize.Minimize(problem, []float64{1, 1}, &optimize.Settings{GradientThreshold: 1e-9}, &optimize.BFGS{})
	if err != nil {
		t.Fatal(err)
	}
	// The maximum of log N(x; b, a²+s²) has a²+s² = (x−b)² = 2.25.
	most := -.5 * (math.Log(2*math.Pi*2.25) + 1)
	c := check.T(t)
	c.Near("E2.9 max of log p(x) over a", most, -1.824403641, 1e-9)
	c.Near("E2.9 max of the bound with q's variance frozen", -best.F, -1.970945427, 1e-9)
	c.Near("E2.9 where it lies", best.X, []float64{1.05797, 1.15895}, 1e-5)
	c.Differ("X9 max log p(x) = max L whatever q's family", -best.F, most, .1)

	// With the posterior in the family at every a, the best bound and log p(x) are the same function of a.
	out := backendtest.Call(t, func(a *Node) (bound, logP *Node) {
		m, x := fixture(a.Graph())
		m.A = a
		return m.Bound(m.Posterior(x), x), m.Marginal().LogProb(x)
	}, [][]float64{{-1}, {.1}, {1}, {math.Sqrt2}, {3}})
	c.Near("X9 with q's variance free, at five slopes", out[0], out[1], 1e-12)
	c.Near("X9 the maximum among them", check.Floats(out[0])[3], most, 1e-12)
}

func TestExpectationMaximisation(t *testing.T) {
	c := check.T(t)
	p := oracle.PPCA{W: mat.NewDense(3, 1, []float64{.1, -.5, .3}), Mean: make([]float64, 3), Var: 2}
	for step := range 500 {
		before, next := p.AverageLogProb(ppcaCov), p.EM(ppcaCov)
		tight, raised, after := p.AverageBound(p, ppcaCov), next.AverageBound(p, ppcaCov), next.AverageLogProb(ppcaCov)
		if !(math.Abs(tight-before) < 1e-12 && raised > tight-1e-12 && after > raised-1e-12) {
			t.Fatalf("E2.10: step %d takes log p %.15g over the bounds %.15g and %.15g to %.15g, expected the first two equal and no fall after",
				step, before, tight, raised, after)
		}
		p = next
	}
	c.Near("E2.10 EM reaches the best log p", p.AverageLogProb(ppcaCov), -4.487130352413108, 1e-10)
}

// The M step is the maximum of the bound over W and s², and a bound it is: no q of another model beats the posterior.
func TestAverageBound(t *testing.T) {
	c := check.T(t)
	q := oracle.PPCA{W: mat.NewDense(3, 2, []float64{.1, -.5, .3, 1, .2, .4}), Mean: make([]float64, 3), Var: 2}
	bound := func(v []float64) float64 {
		w := mat.NewDense(3, 2, append([]float64{}, v[:6]...))
		return oracle.PPCA{W: w, Mean: q.Mean, Var: v[6]}.AverageBound(q, ppcaCov)
	}
	next := q.EM(ppcaCov)
	c.Near("E2.10 the M step leaves no slope", check.Grad(bound, append(mat.DenseCopyOf(next.W).RawMatrix().Data, next.Var)), 0, 1e-9)
	// The mean over data with covariance S of log p(x) − KL(q ‖ p(z|x)): S = E[xxᵀ] over 6 points ±√3 Lᵢ.
	var chol mat.Cholesky
	chol.Factorize(ppcaCov)
	var l mat.TriDense
	chol.LTo(&l)
	points := make([][]float64, 6)
	for i := range points {
		for j := range 3 {
			points[i] = append(points[i], math.Sqrt(3)*math.Pow(-1, float64(i%2))*l.At(j, i/2))
		}
	}
	mean := backendtest.Floats(t, func(x *Node) *Node {
		return ReduceAllMean(Sub(next.Marginal(x.Graph()).LogProb(x), dist.KLNormal(q.Posterior(x), next.Posterior(x))))
	}, points)
	c.Near("E2.10 the average bound, point by point", next.AverageBound(q, ppcaCov), mean[0], 1e-9)
}

func TestStalePosterior(t *testing.T) {
	// The bound with q = N(0.5, 0.3) kept, and log p(x), at the slope a.
	at := func(a float64) (bound, logP float64) {
		out := backendtest.Call(t, func(g *Graph) (bound, logP *Node) {
			m, x := fixture(g)
			m.A = Const(g, [][]float64{{a}})
			return m.Bound(oracle.ScalarNormal(g, .5, .3), x), m.Marginal().LogProb(x)
		})
		return check.Floats(out[0])[0], check.Floats(out[1])[0]
	}
	c := check.T(t)
	boundOld, logOld := at(math.Sqrt2)
	boundNew, logNew := at(15. / 11)
	c.Near("E2.10 the bound with q kept rises", []float64{boundOld, boundNew}, []float64{-3.060137, -3.057323}, 1e-6/4)
	c.Near("E2.10 and log p(x) falls", []float64{logOld, logNew}, []float64{-1.824404, -1.825466}, 1e-6/3)
	c.Differ("X10 a decoder that only goes forward", logNew, math.Max(logOld, logNew), 1e-3)

	// MStep is that step: 15/11, where the bound has no slope in a; over a batch it maximises the mean.
	out := backendtest.Call(t, func(g *Graph) (a, slope *Node) {
		m, x := fixture(g)
		q := oracle.ScalarNormal(g, .5, .3)
		m = m.MStep(q, x)
		return m.A, Gradient(ReduceAllSum(m.Bound(q, x)), m.A)[0]
	})
	c.Near("E2.10 the M step", out[0], 15./11, 1e-12)
	c.Near("E2.10 has no slope left", out[1], 0, 1e-12)
	batch := backendtest.Floats(t, func(x *Node) *Node {
		m, _ := fixture(x.Graph())
		q := m.Posterior(x)
		q.LogStd = Add(q.LogStd, ZerosLike(x))
		m = m.MStep(q, x)
		return Gradient(ReduceAllSum(m.Bound(q, x)), m.A)[0]
	}, [][]float64{{2}, {-1}, {.3}})
	c.Near("E2.10 the M step of a batch", batch, 0, 1e-12)

	// With q set to the posterior before each M step, log p(x) never falls and reaches its maximum.
	step := MustNewExec(backendtest.Open(t), func(a *Node) (next, logP *Node) {
		m, x := fixture(a.Graph())
		m.A = a
		return m.MStep(m.Posterior(x), x).A, m.Marginal().LogProb(x)
	})
	var a any = [][]float64{{.2}}
	last := math.Inf(-1)
	for i := range 200 {
		out := step.MustCall(a)
		logP := check.Floats(out[1])[0]
		if !(logP >= last-1e-12) {
			t.Errorf("X10: EM step %d lowers log p(x) from %.15g to %.15g", i, last, logP)
		}
		a, last = out[0], logP
	}
	c.Near("X10 with the posterior first, log p(x) reaches its maximum", last, -1.824403641, 1e-9)
	c.Near("X10 at the slope", a, math.Sqrt2, 1e-6)
}

func TestChapter2Errors(t *testing.T) {
	for name, build := range map[string]func(g *Graph) *Node{
		"oracle.ScalarNormal: variance 0":      func(g *Graph) *Node { return oracle.ScalarNormal(g, 1, 0).Mean },
		"oracle.ScalarNormal: variance -1":     func(g *Graph) *Node { return oracle.ScalarNormal(g, 1, -1).Mean },
		"oracle.NewLinearGaussian: variance 0": func(g *Graph) *Node { return oracle.NewLinearGaussian(g, 1, 1, 0).A },
	} {
		if err := backendtest.Err(t, build); !strings.Contains(err.Error(), name) {
			t.Errorf("error %q, expected it to hold %q", err, name)
		}
	}
}
