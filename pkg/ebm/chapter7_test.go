package ebm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

func TestE71(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	logZ, err := ebm.LogZ(b, well, ebm.Box{Lo: []float64{-5}, Hi: []float64{5}}, 1e-12)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("E7.1 Z of f = (x²−1)²", math.Exp(logZ), 1.9737321501, 1e-10/2)
	density := func(x *Node) *Node { return Exp(well.Law(logZ).LogProb(column(x))) }
	c.Near("E7.1 exp(−f)/Z integrates to 1", check.Integral(b, density, -6, 6), 1, 1e-8)
	c.Near("E7.1 E x²", check.Integral(b, func(x *Node) *Node { return Mul(Square(x), density(x)) }, -6, 6), .8327454871, 1e-10/2)

	plane, err := ebm.LogZ(b, well, ebm.Box{Lo: []float64{-5, -4}, Hi: []float64{4, 5}}, 1e-10)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("E7.1 Z of the sum of two such energies is Z²", math.Exp(plane), math.Exp(2*logZ), 1e-10)
}

// TestE72 holds both ways to Z of the product energy: a rule needs n^d points for one accuracy, and the relative error of
// importance sampling from N(0, 1.2²) is √((ρᵈ−1)/n), with ρ the second moment of the weight over its mean squared.
func TestE72(t *testing.T) {
	c := check.T(t)
	const n, std = 20_000, 1.2
	p0 := func(x float64) float64 { return math.Exp(-x*x/2/std/std) / math.Sqrt(2*math.Pi) / std }
	rho := check.IntegralFn(func(x float64) float64 { return math.Exp(-2*wellFn(x)) / p0(x) }, -6, 6) / wellZ / wellZ
	logW := backendtest.Call(t, func(g *Graph) (out []*Node) {
		law := dist.DiagNormal{Mean: Zeros(g, shape(n, 6)), LogStd: Const(g, math.Log(std))}
		x := law.Sample(noise.FromSeed(g, 1))
		for d := 1; d <= 6; d++ {
			first := Slice(x, AxisRange(), AxisRange(0, d))
			law := dist.DiagNormal{Mean: ZerosLike(first), LogStd: law.LogStd}
			out = append(out, Sub(well.LogProb(first), law.LogProb(first)))
		}
		return out
	})
	last := 0.
	for d := 1; d <= 6; d++ {
		p, err := ebm.FromLogWeights(check.Floats(logW[d-1]))
		if err != nil {
			t.Fatal(err)
		}
		want := math.Sqrt((math.Pow(rho, float64(d)) - 1) / n)
		c.Near(fmt.Sprintf("E7.2 relative standard error in %d dimensions", d), p.SE/want, 1, .1)
		c.Less(fmt.Sprintf("E7.2 it grows, %d dimensions", d), last, p.SE)
		c.Less(fmt.Sprintf("E7.2 log Zᵈ within 5 SE, %d dimensions", d), math.Abs(p.LogZ-float64(d)*math.Log(wellZ)), 5*p.SE)
		last = p.SE
	}
	points := trapezium(1)
	for d := 2; d <= 3; d++ {
		c.Near(fmt.Sprintf("E7.2 a grid needs n^%d points, n = %d", d, points), float64(trapezium(d)), math.Pow(float64(points), float64(d)), 0)
	}
}

// trapezium returns how many points the trapezium rule on [−3, 3]ᵈ needs for Zᵈ to a relative error of d·1e-6.
func trapezium(d int) int {
	for n := 4; ; n++ {
		h, points := 6/float64(n-1), int(math.Pow(float64(n), float64(d)))
		sum := 0.
		for i := range points {
			f := 0.
			for k, axis := i, 0; axis < d; k, axis = k/n, axis+1 {
				f += wellFn(-3 + h*float64(k%n))
			}
			sum += math.Exp(-f) * math.Pow(h, float64(d))
		}
		if math.Abs(sum/math.Pow(wellZ, float64(d))-1) <= 1e-6*float64(d) {
			return points
		}
	}
}

// TestE73 holds the score against differences, and the derivative of log Z by θ, which is not 0: X22.
func TestE73(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	xs := []float64{-2, -.9, 0, .4, 1.7}
	score := check.Eval(b, func(x *Node) *Node { return Reshape(well.Score(column(x)), -1) }, xs)
	logZ := math.Log(wellZ)
	c.Near("E7.3 −∇f is the slope of log p", score,
		check.Derivatives(b, func(x *Node) *Node { return well.Law(logZ).LogProb(column(x)) }, xs), 1e-9)

	logZOf := func(theta float64) float64 {
		edge := 12 / math.Sqrt(theta)
		v, err := ebm.LogZ(b, parabola(theta), ebm.Box{Lo: []float64{-edge}, Hi: []float64{edge}}, 1e-13)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, theta := range []float64{.5, 1, 3} {
		slope := check.Derivative(logZOf, theta)
		c.Near(fmt.Sprintf("E7.3 d log Z/dθ = −1/2θ, θ = %g", theta), slope, -.5/theta, 1e-9)
		mean := check.IntegralFn(func(x float64) float64 {
			return x * x / 2 * math.Sqrt(theta/2/math.Pi) * math.Exp(-theta*x*x/2)
		}, -12/math.Sqrt(theta), 12/math.Sqrt(theta))
		c.Near(fmt.Sprintf("E7.3 which is −E[∂f/∂θ], θ = %g", theta), slope, -mean, 1e-9)
		c.Differ(fmt.Sprintf("X22 a constant that drops out, θ = %g", theta), 0.0, slope, .1)
	}
}

// TestE74 holds the Jacobian of −∇f symmetric for a network f, and that of a free network of the same size not.
func TestE74(t *testing.T) {
	config := ebm.Config{Data: 2, Hidden: []int{16, 16}}
	points := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}, {0, 0}}
	skew := func(field func(scope *model.Scope, x *Node) *Node) []float64 {
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(4); err != nil {
			t.Fatal(err)
		}
		out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, x *Node) *Node {
			f := field(scope, x)
			row := func(i int) *Node { return Gradient(ReduceAllSum(Slice(f, AxisRange(), AxisElem(i))), x)[0] }
			return Sub(Slice(row(0), AxisRange(), AxisElem(1)), Slice(row(1), AxisRange(), AxisElem(0)))
		}, points)
		if err != nil {
			t.Fatal(err)
		}
		return check.Floats(out)
	}
	c := check.T(t)
	c.Near("E7.4 ∂₁s₂ = ∂₂s₁ for s = −∇f", skew(func(scope *model.Scope, x *Node) *Node { return config.Build(scope).Score(x) }),
		[]float64{0, 0, 0, 0}, 1e-14)
	c.Differ("E7.4 a free network has no reason to", skew(free),
		[]float64{0, 0, 0, 0}, .1)
}

// TestE75Gradient holds the gradient of Loss for f = θx²/2 against x²/2 of the data less that of the negatives, whatever both
// are, and that the negatives carry none.
func TestE75Gradient(t *testing.T) {
	x, negatives := []float64{.3, -1.2, 2}, []float64{.5, -.1}
	got := backendtest.Floats(t, func(theta, x, negatives *Node) *Node {
		m := ebm.EBM{Energy: func(x *Node) *Node { return Mul(theta, MulScalar(ReduceSum(Square(x), -1), .5)) }}
		moved := Mul(theta, column(negatives)) // negatives that would carry a gradient
		return Gradient(ReduceAllMean(m.Loss(column(x), moved)), theta)[0]
	}, 1.7, x, negatives)
	want := (.09+1.44+4)/6 - 1.7*1.7*(.25+.01)/4
	check.T(t).Near("E7.5 ∇f(data) − ∇f(negatives)", got, []float64{want}, 1e-9)

	v, theta := .8, 2.1
	exact := check.IntegralFn(func(x float64) float64 { return x * x / 2 * math.Exp(-x*x/2/v) / math.Sqrt(2*math.Pi*v) }, -12, 12) -
		check.IntegralFn(func(x float64) float64 { return x * x / 2 * math.Exp(-theta*x*x/2) * math.Sqrt(theta/2/math.Pi) }, -12, 12)
	likelihood := func(theta float64) float64 { // E[−log p(x)] for data N(0, v)
		return theta*v/2 - math.Log(theta/2/math.Pi)/2
	}
	check.T(t).Near("E7.5 and in expectation the gradient of −log p", exact, check.Derivative(likelihood, theta), 1e-9)
}

// TestE710 finds a zero of the score by bisection, which is a mode: the largest density around it.
func TestE710(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	gm := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	energy := ebm.EBM{Energy: func(x *Node) *Node { return Neg(gm.Law(x.Graph(), dtypes.Float64).LogProb(x)) }}
	score := MustNewExec(b, func(x *Node) *Node { return energy.Score(column(x)) })
	for _, start := range [][2]float64{{-3, -1}, {.2, 2}} {
		lo, hi := start[0], start[1]
		for range 60 {
			middle := (lo + hi) / 2
			if check.Floats(score.MustCall([]float64{middle})[0])[0] > 0 {
				lo = middle
			} else {
				hi = middle
			}
		}
		around := []float64{lo - .02, lo - .01, lo, lo + .01, lo + .02}
		p := check.Eval(b, func(x *Node) *Node { return energy.LogProb(column(x)) }, around)
		c.True(fmt.Sprintf("E7.10 the score is 0 at the mode %.4f", lo), p[2] > p[1] && p[1] > p[0] && p[2] > p[3] && p[3] > p[4],
			fmt.Sprintf("log p around it: %.6v", p))
		slope := check.Derivative(func(x float64) float64 {
			return .3*math.Exp(-(x+2)*(x+2)/.5)/.5 + .7*math.Exp(-(x-1)*(x-1)/.32)/.4
		}, lo)
		c.Near("E7.10 where the density by hand is level", slope, 0, 1e-9)
	}
}
