package sampler_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// The mixtures of the chains' tests, and the process whose times are noise levels.
var (
	twoModes    = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	farApart    = oracle.Mixture{Weights: []float64{.2, .8}, Means: [][]float64{{-5}, {5}}, Vars: [][]float64{{1}, {1}}}
	nearby      = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-.6}, {.6}}, Vars: [][]float64{{.25}, {.25}}}
	noiseLevels = process.Process{Schedule: process.EDM{}, TMax: 100}
)

// centredNormal is N(0, diag v).
func centredNormal(v ...float64) oracle.Gaussian {
	return oracle.Gaussian{Mean: make([]float64, len(v)), Var: v}
}

// scoreOf is the score of data without noise.
func scoreOf(data oracle.Data) func(x *Node) *Node {
	return func(x *Node) *Node { return data.Score(noiseLevels)(x, zeroTime(x)) }
}

// zeroTime is t = 0 for x.
func zeroTime(x *Node) *Node { return ZerosLike(Slice(x, AxisRange(0, 1), AxisRange(0, 1))) }

// plainScore is the score of a mixture in one dimension, in plain Go.
func plainScore(m oracle.Mixture, x float64) float64 {
	p, dp := 0.0, 0.0
	for k, w := range m.Weights {
		mean, v := m.Means[k][0], m.Vars[k][0]
		density := w * distuv.Normal{Mu: mean, Sigma: math.Sqrt(v)}.Prob(x)
		p, dp = p+density, dp+density*(mean-x)/v
	}
	return dp / p
}

// plainCDF is the distribution function of a mixture in one dimension.
func plainCDF(m oracle.Mixture) func(x float64) float64 {
	return func(x float64) (sum float64) {
		for k, w := range m.Weights {
			sum += w * distuv.Normal{Mu: m.Means[k][0], Sigma: math.Sqrt(m.Vars[k][0])}.CDF(x)
		}
		return sum
	}
}

// root returns where f changes its sign between low and high.
func root(f func(float64) float64, low, high float64) float64 {
	positive := f(low) > 0
	for range 100 {
		if middle := (low + high) / 2; (f(middle) > 0) == positive {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// uniforms are n rows of U(low, high).
func uniforms(n int, low, high float64, seed uint64) *tensors.Tensor {
	r, x := rand.New(rand.NewPCG(seed, 0)), make([]float64, n)
	for i := range x {
		x[i] = low + (high-low)*r.Float64()
	}
	return column(x)
}

// column is x as [n, 1].
func column(x []float64) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(x, len(x), 1) }

// above is the share of x above the bound, as 0 and 1.
func above(x []float64, bound float64) []float64 {
	all := make([]float64, len(x))
	for i, v := range x {
		if v > bound {
			all[i] = 1
		}
	}
	return all
}

// affine runs laws N(m, v) through a Stepper whose step is x ↦ ax + b + gε: the rows of its X are m, v, m, v, …, at least
// three, and it asks for the step of 0, of 1, and of 0 with ε = 1.
type affine struct{ sampler.Stepper }

func (a affine) Step(_ noise.Source, st sampler.State, t, s *Node) sampler.State {
	rows := Iota(st.X.Graph(), st.X.Shape(), 0)
	unit := func(i float64) *Node { return ConvertDType(Equal(rows, MulScalar(OnesLike(rows), i)), st.X.DType()) }
	next := a.Stepper.Step(always{unit(2)}, sampler.State{X: unit(1), Aux: st.Aux}, t, s)
	row := func(i int) *Node { return Slice(next.X, AxisRange(i, i+1)) }
	slope, spread := Sub(row(1), row(0)), Sub(row(2), row(0))
	mean := Add(Mul(slope, st.X), row(0))
	variance := Add(Mul(Square(slope), st.X), Square(spread))
	odd := ModScalar(rows, 2)
	return sampler.State{X: Add(Mul(OneMinus(odd), mean), Mul(odd, variance)), Aux: next.Aux}
}

// always is a source that gives z at each draw.
type always struct{ z *Node }

func (a always) RandomNormal(_ *Graph, s shapes.Shape) *Node  { return a.of(s) }
func (a always) RandomUniform(_ *Graph, s shapes.Shape) *Node { return a.of(s) }

func (a always) of(s shapes.Shape) *Node {
	if !a.z.Shape().Equal(s) {
		panic(fmt.Errorf("a draw of shape %s, expected %s", s, a.z.Shape()))
	}
	return a.z
}

// carried returns mean and variance after the steps, of chains of affine steps that start at N(m, v) for each pair of
// numbers in starts: m, v, m, v, ….
func carried(t *testing.T, b compute.Backend, s sampler.Stepper, times []float64, starts ...float64) []float64 {
	t.Helper()
	run := sampler.Of(b, affine{s})
	defer run.Finalize()
	padded := append(append([]float64{}, starts...), 0, 0)
	return check.Floats(sample(t, run, column(padded), times, 1))[:len(starts)]
}
