package score_test

import (
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// level is x_t = x + σε at the one time t = σ.
func level(sigma float64) process.Process {
	return process.Process{Schedule: process.EDM{}, TMin: sigma / 2, TMax: 2 * sigma}
}

// linear returns s(x) = −kx.
func linear(k float64) func(x *Node) *Node {
	return func(x *Node) *Node { return MulScalar(x, -k) }
}

// curved is a field of the plane whose Jacobian is neither symmetric nor constant:
//
//	s = (tanh(0.8x₁ − 0.5x₂), x₁ sin x₂),  tr ∇s = 0.8(1 − tanh²) + x₁ cos x₂
func curved(x *Node) *Node {
	a, b := Slice(x, AxisRange(), AxisElem(0)), Slice(x, AxisRange(), AxisElem(1))
	return Concatenate([]*Node{Tanh(Sub(MulScalar(a, .8), MulScalar(b, .5))), Mul(a, Sin(b))}, -1)
}

// curvedJacobian is the Jacobian of curved, by hand.
func curvedJacobian(a, b float64) [2][2]float64 {
	th := math.Tanh(.8*a - .5*b)
	return [2][2]float64{{.8 * (1 - th*th), -.5 * (1 - th*th)}, {math.Sin(b), a * math.Cos(b)}}
}

// column returns x [n] as [n, 1].
func column(x *Node) *Node { return Reshape(x, -1, 1) }

// times returns t as [1, 1] in x's graph.
func times(x *Node, t float64) *Node { return Const(x.Graph(), [][]float64{{t}}) }

// normalPDF is the density of N(0, v) at x [n, 1], as [n].
func normalPDF(x *Node, v float64) *Node {
	return Reshape(MulScalar(Exp(MulScalar(Square(x), -.5/v)), 1/math.Sqrt(2*math.Pi*v)), -1)
}

// seeded draws n rows of d numbers from N(0, 1).
func seeded(g *Graph, n, d int, seed int64) *Node {
	return noise.FromSeed(g, seed).RandomNormal(g, shapes.Make(float64Type, n, d))
}
