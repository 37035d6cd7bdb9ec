// Package chapters_test proves the items that no single package holds.
package chapters_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// The fixtures GM, D4 and LG.
var (
	fixtureGM = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	betasD4   = []float64{.1, .2, .3, .4}
)

func fixtureLG(g *Graph) oracle.LinearGaussian { return oracle.NewLinearGaussian(g, 1.5, .5, .25) }

// constant returns v as [1, 1].
func constant(g *Graph, v float64) *Node { return Const(g, [][]float64{{v}}) }

// like returns the constant v in x's shape.
func like(x *Node, v float64) *Node { return AddScalar(ZerosLike(x), v) }

// column turns [n] into [n, 1].
func column(x *Node) *Node { return InsertAxes(x, -1) }

func TestJointAndBayes(t *testing.T) {
	b := backendtest.Open(t)
	grid := floats.Span(make([]float64, 20), -3, 4)
	t.Run("E0.9 marginal of a joint", func(t *testing.T) {
		want := check.Eval(b, func(x *Node) *Node { return Exp(fixtureLG(x.Graph()).Marginal().LogProb(column(x))) }, grid)
		got := make([]float64, len(grid))
		for i, x := range grid {
			got[i] = check.Integral(b, func(z *Node) *Node {
				return Exp(fixtureLG(z.Graph()).LogJoint(like(column(z), x), column(z)))
			}, -12, 12)
		}
		check.T(t).Near("E0.9 p(x) = ∫ p(x,z) dz at 20 x", got, want, 1e-8)
	})
	t.Run("E0.9 chain rule", func(t *testing.T) {
		ratio := check.Eval(b, func(z *Node) *Node {
			m, z := fixtureLG(z.Graph()), column(z)
			x := like(z, 2)
			return Sub(m.LogJoint(x, z), m.Posterior(x).LogProb(z))
		}, grid)
		check.T(t).Near("E0.9 log p(x,z) − log p(z|x) is log p(x) at 20 z", ratio, -1.8270838991417502, 1e-9)
	})
	t.Run("E0.10 Bayes", func(t *testing.T) {
		joint := func(z *Node) *Node { return Exp(fixtureLG(z.Graph()).LogJoint(like(column(z), 2), column(z))) }
		evidence := check.Integral(b, joint, -12, 12)
		posterior := check.Eval(b, joint, grid)
		floats.Scale(1/evidence, posterior)
		want := check.Eval(b, func(z *Node) *Node {
			return Exp(dist.DiagNormal{Mean: constant(z.Graph(), .9), LogStd: constant(z.Graph(), math.Log(.1)/2)}.LogProb(column(z)))
		}, grid)
		check.T(t).Near("E0.10 p(x|z)p(z)/p(x), normalised by quadrature, is N(0.9, 0.1)", posterior, want, 1e-8)
	})
}

func TestMonteCarloError(t *testing.T) {
	// E X² = 1 for X ~ N(0,1); the sd of X² is √2. Each replicate's mean is read at all n of one stream of draws.
	const replicates = 100
	n := []float64{1e2, 1e3, 1e4, 1e5, 1e6}
	rms := make([]float64, len(n))
	for r := range replicates {
		rng, sum, next := rand.New(rand.NewPCG(7, uint64(r))), 0.0, 0
		for i := 1; next < len(n); i++ {
			x := rng.NormFloat64()
			sum += x * x
			if float64(i) == n[next] {
				rms[next] += math.Pow(sum/float64(i)-1, 2) / replicates
				next++
			}
		}
	}
	scaled := make([]float64, len(n)) // error/√(2/n): 1 in expectation of the square, with an SE of 1/√(2·100)
	for i := range n {
		rms[i] = math.Sqrt(rms[i])
		scaled[i] = rms[i] / math.Sqrt(2/n[i])
	}
	check.T(t).Order("E0.12 the error of a Monte Carlo mean", n, rms, -.5, .15)
	check.T(t).Near("E0.12 the error is sd/√n", scaled, 1, 5/math.Sqrt(2*replicates)/2)
}

func TestMarkovChain(t *testing.T) {
	p, err := process.New(backendtest.Open(t), process.NewDiscrete(betasD4...), 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1_000_000
	chain := func(g *Graph) []*Node { // x₀ ~ N(1, 0.5), then D4
		src := noise.FromSeed(g, 8)
		zero := Zeros(g, shapes.Make(dtypes.Float64, n, 1))
		xs := []*Node{dist.DiagNormal{Mean: AddScalar(zero, 1), LogStd: constant(g, math.Log(.5)/2)}.Sample(src)}
		for i := range betasD4 {
			xs = append(xs, p.Transition(xs[i], constant(g, float64(i)), constant(g, float64(i+1))).Sample(src))
		}
		return xs
	}
	path := check.Floats(backendtest.Call(t, func(g *Graph) *Node { return Concatenate(chain(g), 1) })[0])
	for step := 2; step <= 4; step++ {
		coefficients, se := regress(path, n, 5, step, step-1, 0)
		c := check.T(t)
		c.Near("E0.16 given x_{t−1}, the coefficient on x₀ is 0", coefficients[2], 0, 5*se[2])
		c.Less("E0.16 with the power to see 0.02", 5*se[2], .02)
		a := math.Sqrt(1 - betasD4[step-1])
		c.Near("E0.16 and that on x_{t−1} is √(1−β_t)", coefficients[1], a, 5*se[1]/(1+a))
	}
	alone, se := regress(path, n, 5, 4, 0) // x₄ does depend on x₀
	check.T(t).Near("E0.16 alone, x₀ has the coefficient √ᾱ₄", alone[1], math.Sqrt(.3024), 5*se[1]/1.55)
	t.Run("E0.16 the joint factorises over neighbours", func(t *testing.T) { testFactorisation(t, p) })
}

// regress fits column y of rows [n][d] by least squares on a constant and the columns xs; it returns coefficients and
// their standard errors.
func regress(rows []float64, n, d, y int, xs ...int) (coefficients, se []float64) {
	k := len(xs) + 1
	gram, moment := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
	features := func(i int) []float64 {
		f := []float64{1}
		for _, j := range xs {
			f = append(f, rows[i*d+j])
		}
		return f
	}
	for i := range n {
		f := mat.NewVecDense(k, features(i))
		gram.SymRankOne(gram, 1, f)
		moment.AddScaledVec(moment, rows[i*d+y], f)
	}
	var inverse mat.Dense
	var solution mat.VecDense
	if err := inverse.Inverse(gram); err != nil {
		panic(err)
	}
	solution.MulVec(&inverse, moment)
	residual := 0.0
	for i := range n {
		residual += math.Pow(rows[i*d+y]-floats.Dot(features(i), solution.RawVector().Data), 2)
	}
	for j := range k {
		se = append(se, math.Sqrt(residual/float64(n-k)*inverse.At(j, j)))
	}
	return solution.RawVector().Data, se
}

// testFactorisation holds Σ log q(x_t|x_{t−1}) against the joint normal law of x₁ … x₄ given x₀, whose covariance
// Cov(x_s, x_t) = (α_t/α_s) σ_s² for s ≤ t is written down without the transitions.
func testFactorisation(t *testing.T, p process.Process) {
	const x0 = .7
	bar := []float64{.9, .72, .504, .3024}
	mean, cov := make([]float64, 4), mat.NewSymDense(4, nil)
	for i := range 4 {
		mean[i] = math.Sqrt(bar[i]) * x0
		for j := i; j < 4; j++ {
			cov.SetSym(i, j, math.Sqrt(bar[j]/bar[i])*(1-bar[i]))
		}
	}
	paths := [][]float64{{.5, .1, -.3, 1}, {1, 2, 1.5, -1}, {0, 0, 0, 0}}
	got := backendtest.Floats(t, func(x *Node) *Node {
		sum, before := ScalarZero(x.Graph(), x.DType()), like(Slice(x, AxisRange(), AxisRange(0, 1)), x0)
		for i := range 4 {
			at := Slice(x, AxisRange(), AxisRange(i, i+1))
			step := p.Transition(before, constant(x.Graph(), float64(i)), constant(x.Graph(), float64(i+1)))
			sum, before = Add(sum, step.LogProb(at)), at
		}
		return sum
	}, paths)
	want := backendtest.Floats(t, func(x *Node) *Node { return dist.NewNormal(x.Graph(), mean, cov).LogProb(x) }, paths)
	check.T(t).Near("E0.16 log q(x₁…x₄|x₀) = Σ log q(x_t|x_{t−1})", got, want, 1e-9)
}

func TestTaylor(t *testing.T) {
	p, err := process.New(backendtest.Open(t), process.VP{BetaMin: .1, BetaMax: 20}, 1e-3, 1)
	if err != nil {
		t.Fatal(err)
	}
	u := func(at *Node) *Node { // at = (x, t)
		x, time := Slice(at, AxisRange(0, 1)), Slice(at, AxisRange(1, 2))
		return Reshape(fixtureGM.Marginal(p, InsertAxes(time, 0)).LogProb(InsertAxes(x, 0)))
	}
	values := func(at []float64) float64 { return backendtest.Floats(t, u, at)[0] }
	const x, time, dx, dt = .4, .3, .9, .25
	at := []float64{x, time}
	slope := backendtest.Floats(t, func(at *Node) *Node { return Gradient(u(at), at)[0] }, at)
	h := []float64{.04, .02, .01}
	remainder := make([]float64, len(h))
	for i, h := range h {
		remainder[i] = math.Abs(values([]float64{x + h*dx, time + h*dt}) - values(at) - h*(dx*slope[0]+dt*slope[1]))
	}
	c := check.T(t)
	c.Order("E0.17 the remainder of the first-order expansion of log q_t(x)", h, remainder, 2, .15)
	c.Near("E0.17 ∇ₓ and ∂ₜ by differences", slope, check.Grad(values, at), 1e-6)
}
