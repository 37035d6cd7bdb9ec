package sde_test

import (
	"math"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// The diffusions of the figures: β from .1 to 20, σ from .01 to 50, and sub-VP with VP's β.
var (
	vpf    = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-5, TMax: 1}
	subVPf = process.Process{Schedule: process.SubVP{BetaMin: .1, BetaMax: 20}, TMin: 1e-5, TMax: 1}
	vef    = process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-5, TMax: 1}
)

// The laws of data: N(1, .5), the mixture, and three humps in the plane.
var (
	gd    = oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	gm    = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	humps = oracle.Mixture{Weights: []float64{.3, .5, .2}, Means: [][]float64{{-2, 0}, {1.5, 1}, {.5, -1.5}},
		Vars: [][]float64{{.2, .5}, {.3, .1}, {.1, .2}}}
)

const a64 = 1e-9

// beta, integral, alpha and sigma2 are VP's β, B, √ᾱ and 1−ᾱ by hand.
func beta(t float64) float64     { return .1 + 19.9*t }
func integral(t float64) float64 { return .1*t + 19.9*t*t/2 }
func alpha(t float64) float64    { return math.Exp(-integral(t) / 2) }
func sigma2(t float64) float64   { return -math.Expm1(-integral(t)) }

// marginals is log p_t of data under p.
func marginals(p process.Process, data oracle.Data) sde.LogDensity {
	return func(x, t *Node) *Node { return data.Marginal(p, t).LogProb(x) }
}

// column is values as [n, 1].
func column(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

var open = sync.OnceValues(func() (compute.Backend, error) { return backend.Open(backend.PureGo) })

// pureGo is the backend of these tests: third derivatives of few numbers, which XLA takes seconds to compile.
func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// call builds fn's graph and runs it once.
func call[F ExecGraphFn](t *testing.T, fn F, args ...any) []*tensors.Tensor {
	t.Helper()
	out, err := CallOnceN(pureGo(t), fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// floatsOf is call for one output.
func floatsOf[F ExecGraphFn](t *testing.T, fn F, args ...any) []float64 {
	t.Helper()
	return check.Floats(call(t, fn, args...)[0])
}

// each calls fn once for rows x of one number, at one or as many times.
func each(t *testing.T, fn func(x, t *Node) *Node, x []float64, at ...float64) []float64 {
	t.Helper()
	return floatsOf(t, fn, column(x...), column(at...))
}

// laws returns mean and variance of law at rows x and the times t and u.
func laws(t *testing.T, law func(x, t, u *Node) dist.DiagNormal, x, from, to []float64) (mean, variance []float64) {
	t.Helper()
	out := call(t, func(x, from, to *Node) (*Node, *Node) {
		l := law(x, from, to)
		return l.Mean, Add(l.Variance(), ZerosLike(x))
	}, column(x...), column(from...), column(to...))
	return check.Floats(out[0]), check.Floats(out[1])
}

// reverse is the mean and the variance of x_t given x_u = y by hand, for the data N(1, .5) under VP.
func reverse(y, t, u float64) (mean, variance float64) {
	at := func(t float64) (m, v float64) { return alpha(t), alpha(t)*alpha(t)*.5 + sigma2(t) }
	mt, vt := at(t)
	mu, vu := at(u)
	cov := alpha(u) / alpha(t) * vt
	return mt + cov/vu*(y-mu), vt - cov*cov/vu
}

// sliced is a Source whose n draws of x's shape are one draw, so that long paths stay small graphs.
func sliced(x *Node, seed int64, n int) noise.Source {
	all := noise.FromSeed(x.Graph(), seed).RandomNormal(x.Graph(), shapes.Make(x.DType(), append([]int{n}, x.Shape().Dimensions...)...))
	var values []*Node
	for i := range n {
		values = append(values, Squeeze(Slice(all, AxisElem(i)), 0))
	}
	return noise.Fixed(values...)
}
