package mathx_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// TestDivergence holds div (x²y, sin xy) = 2xy + x cos xy, and vᵀJv with v = (1, 2) against the Jacobian by hand.
func TestDivergence(t *testing.T) {
	f := func(x *Node) *Node {
		a, b := Slice(x, AxisRange(), AxisElem(0)), Slice(x, AxisRange(), AxisElem(1))
		return Concatenate([]*Node{Mul(Square(a), b), Sin(Mul(a, b))}, -1)
	}
	points := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	div := backendtest.Floats(t, func(x *Node) *Node { return mathx.Divergence(f, x) }, points)
	quad := backendtest.Floats(t, func(x *Node) *Node {
		return mathx.Quadratic(f, x, BroadcastToDims(Const(x.Graph(), [][]float64{{1, 2}}), 3, 2))
	}, points)
	for i, p := range points {
		x, y := p[0], p[1]
		c := math.Cos(x * y)
		if want := 2*x*y + x*c; math.Abs(div[i]-want) > 1e-14 {
			t.Errorf("the divergence at %v is %.17g, want %.17g", p, div[i], want)
		}
		if want := 2*x*y + 2*(x*x+y*c) + 4*x*c; math.Abs(quad[i]-want) > 1e-14 {
			t.Errorf("vᵀJv at %v is %.17g, want %.17g", p, quad[i], want)
		}
	}
}

// TestFree holds the gradient with respect to a StopGradient node, to second order: of x³ 3x² and 6x.
func TestFree(t *testing.T) {
	got := backendtest.Floats(t, func(x *Node) *Node {
		x = mathx.Free(StopGradient(x))
		slope := Gradient(ReduceAllSum(Mul(x, Square(x))), x)[0]
		quad := mathx.Quadratic(func(x *Node) *Node { return Mul(x, Square(x)) }, StopGradient(x), OnesLike(x))
		return Concatenate([]*Node{slope, Gradient(ReduceAllSum(slope), x)[0], Reshape(quad, -1, 1)}, 0)
	}, [][]float64{{2}})
	for i, want := range []float64{12, 12, 12} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("value %d is %g, want %g", i, got[i], want)
		}
	}
}
