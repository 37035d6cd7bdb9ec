package vdm_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

const (
	a64     = 1e-9  // formula against formula
	printed = 1e-10 // against a figure printed with ten digits
)

var (
	// d4 is the chain of T = 4 steps with β = (.1, .2, .3, .4).
	d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	gd = oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	gm = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
)

// exact is the model of data with the best denoiser, on all indices of a discrete process.
func exact(p process.Process, data oracle.Data) vdm.VDM {
	var times []float64
	for t := 1.0; t <= p.TMax; t++ {
		times = append(times, t)
	}
	return bestModel(p, times, data)
}

// bestModel has the best denoiser of data, and decodes to N(E[x₀|x_1], Var(x₀|x_1)).
func bestModel(p process.Process, times []float64, data oracle.Data) vdm.VDM {
	return vdm.VDM{
		ReverseStep: sampler.ReverseStep{Process: p, Denoise: data.Denoiser(p)},
		Times:       times,
		Decode: func(x1 *Node) dist.LogProber {
			t := constant(x1, times[0])
			return dist.DiagNormal{Mean: data.Denoiser(p)(x1, t), LogStd: MulScalar(Log(data.PosteriorVar(p)(x1, t)), .5)}
		},
	}
}

// constant is [1, 1, …] of x's rank.
func constant(x *Node, v float64) *Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	return Reshape(ConstAsDType(x.Graph(), x.DType(), v), dims...)
}

// column makes [n, 1] of values.
func column(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// random draws n paths of the model from x0, in one dimension.
func random(m vdm.VDM, g *Graph, seed int64, x0 float64, n int) []*Node {
	data := MulScalar(Ones(g, vdmShape(n, 1)), x0)
	return m.Path(noise.FromSeed(g, seed), data)
}

// quadratic holds the law of a quadratic function of n independent standard normals.
type quadratic struct{ mean, variance float64 }

func (q quadratic) sd() float64 { return math.Sqrt(q.variance) }

// moments returns mean and variance of each output of f, which must be quadratic functions of the n standard normals:
// f gets them as n columns [points, 1] and returns values [points]. With f = c + gᵀε + ½εᵀHε, read off at the points
// 0, ±e_i and e_i+e_j, the mean is c + ½ tr H and the variance ‖g‖² + ½ tr H².
func moments(t *testing.T, n int, f func(eps []*Node) []*Node) (laws []quadratic) {
	t.Helper()
	points := [][]float64{make([]float64, n)}
	at := func(set map[int]float64) {
		p := make([]float64, n)
		for i, v := range set {
			p[i] = v
		}
		points = append(points, p)
	}
	for i := range n {
		at(map[int]float64{i: 1})
		at(map[int]float64{i: -1})
	}
	for i := range n {
		for j := range i {
			at(map[int]float64{i: 1, j: 1})
		}
	}
	out := backendtest.Call(t, func(in []*Node) []*Node {
		var eps []*Node
		for i := range n {
			eps = append(eps, Slice(in[0], AxisRange(), AxisRange(i, i+1)))
		}
		return f(eps)
	}, points)
	for _, o := range out {
		laws = append(laws, ofPoints(check.Floats(o), n))
	}
	return laws
}

// ofPoints reads the law off the values at the points of moments.
func ofPoints(v []float64, n int) (q quadratic) {
	up, down := func(i int) float64 { return v[1+2*i] }, func(i int) float64 { return v[2+2*i] }
	q.mean = v[0]
	pair := 1 + 2*n
	for i := range n {
		h, g := up(i)+down(i)-2*v[0], (up(i)-down(i))/2
		q.mean += h / 2
		q.variance += g*g + h*h/2
		for j := range i {
			cross := v[pair] - up(i) - up(j) + v[0]
			q.variance += cross * cross
			pair++
		}
	}
	return q
}

// overPaths is moments of functions of a path from x0.
func overPaths(t *testing.T, m vdm.VDM, x0 float64, f func(x []*Node) []*Node) []quadratic {
	t.Helper()
	return moments(t, m.T(), func(eps []*Node) []*Node {
		return f(m.Path(noise.Fixed(eps...), AddScalar(ZerosLike(eps[0]), x0)))
	})
}

// overData is moments of functions of a path from x₀ ~ gd.
func overData(t *testing.T, m vdm.VDM, f func(x []*Node) []*Node) []quadratic {
	t.Helper()
	return moments(t, m.T()+1, func(eps []*Node) []*Node {
		x0 := AddScalar(MulScalar(eps[0], math.Sqrt(gd.Var[0])), gd.Mean[0])
		return f(m.Path(noise.Fixed(eps[1:]...), x0))
	})
}
