package check_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
)

func normal(x *Node) *Node {
	return MulScalar(Exp(MulScalar(Square(x), -.5)), 1/math.Sqrt(2*math.Pi))
}

func normalFn(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

func TestIntegral(t *testing.T) {
	b, c, inf := backendtest.Open(t), check.T(t), math.Inf(1)
	c.Near("erf", check.Integral(b, normal, -1, 1), math.Erf(1/math.Sqrt2), 1e-15)
	c.Near("E0.4 X1 limits reversed", check.Integral(b, normal, inf, -inf), -1, 1e-14)
	c.Near("whole line", check.Integral(b, normal, -inf, inf), 1, 1e-14)
	c.Near("from 1 up", check.Integral(b, normal, 1, inf), .5*math.Erfc(1/math.Sqrt2), 1e-14)
	c.Near("up to 1", check.Integral(b, normal, -inf, 1), .5*math.Erfc(-1/math.Sqrt2), 1e-14)
	c.Near("column", check.Integral(b, func(x *Node) *Node { return ExpandAxes(normal(x), -1) }, -inf, inf), 1, 1e-14)
}

func TestIntegralFn(t *testing.T) {
	c, inf := check.T(t), math.Inf(1)
	c.Near("erf", check.IntegralFn(normalFn, -1, 1), math.Erf(1/math.Sqrt2), 1e-15)
	c.Near("second moment", check.IntegralFn(func(x float64) float64 { return x * x * normalFn(x) }, -inf, inf), 1, 1e-14)
	c.Near("Cauchy", check.IntegralFn(func(x float64) float64 { return 1 / (1 + x*x) }, -inf, inf), math.Pi, 1e-13)
	c.Near("exponential", check.IntegralFn(func(x float64) float64 { return math.Exp(-x) }, 0, inf), 1, 1e-14)
	c.Near("polynomial of degree 31", check.IntegralFn(func(x float64) float64 { return 32 * math.Pow(x, 31) }, 0, 1), 1, 1e-14)
}

func TestIntegral2(t *testing.T) {
	b, c, inf := backendtest.Open(t), check.T(t), math.Inf(1)
	density := func(x *Node) *Node { return ReduceSum(Exp(MulScalar(Square(x), -.5)), -1) } // e^{−x₁²/2} + e^{−x₂²/2}
	root := math.Sqrt(2*math.Pi) * math.Erf(1/math.Sqrt2)
	c.Near("axes apart", check.Integral2(b, density, [2]float64{-1, 0}, [2]float64{1, 3}), 3*root+2*math.Sqrt(math.Pi/2)*math.Erf(3/math.Sqrt2), 1e-14)
	first := func(x *Node) *Node { return Square(Slice(x, AxisRange(), AxisElem(0))) } // x₁², [n, 1]
	c.Near("first axis", check.Integral2(b, first, [2]float64{-1, 0}, [2]float64{1, 3}), 2, 1e-14)
	product := func(x *Node) *Node {
		return MulScalar(Exp(MulScalar(ReduceSum(Square(x), -1), -.5)), 1/(2*math.Pi))
	}
	c.Near("whole plane", check.Integral2(b, product, [2]float64{-inf, -inf}, [2]float64{inf, inf}), 1, 1e-10)
}

func TestDerivatives(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	xs := []float64{-20, -1, 0, .5, 3}
	cos := make([]float64, len(xs))
	for i, x := range xs {
		cos[i] = math.Cos(x)
	}
	c.Near("graph", check.Derivatives(b, Sin, xs), cos, 2e-12)
	for i, x := range xs {
		c.Near("Go", check.Derivative(math.Sin, x), cos[i], 2e-12)
	}
	c.Near("near 1, to 1e-12", check.Derivative(math.Exp, 1), math.E, 1e-12)
	f := func(x []float64) float64 { return x[0]*x[0]*x[1] + math.Sin(x[2]) }
	c.Near("gradient", check.Grad(f, []float64{2, 3, 1}), []float64{12, 4, math.Cos(1)}, 1e-11)
}

func TestEval(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	c.Near("square", check.Eval(b, Square, []float64{1, 2, 3}), []float64{1, 4, 9}, 0)
	panics(t, "check.Eval: f of 2 points has shape", func() { check.Eval(b, total, []float64{1, 2}) })
}

func total(x *Node) *Node { return ReduceAllSum(x) }

func TestLimits(t *testing.T) {
	inf := math.Inf(1)
	for _, limits := range [][2]float64{{1, 1}, {inf, inf}, {-inf, -inf}, {math.NaN(), 1}, {0, math.NaN()}} {
		panics(t, "expected two different numbers", func() { check.IntegralFn(normalFn, limits[0], limits[1]) })
	}
}

func panics(t *testing.T, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		err, _ := recover().(error)
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("panic %v, expected one that holds %q", err, text)
		}
	}()
	f()
}

func TestMeanSE(t *testing.T) {
	c := check.T(t)
	c.Near("mean", check.Mean([]float64{1, 2, 3, 6}), 3, 1e-15)
	c.Near("SE", check.SE([]float64{1, 2, 3, 6}), math.Sqrt(14./3/4), 1e-15)
	c.True("one sample has none", math.IsNaN(check.SE([]float64{1})), "NaN")
}
