package oracle_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// three is three classes on the line, of which the middle one has two parts.
var three = oracle.Labelled{Prior: []float64{1, 2, 1}, Classes: []oracle.Mixture{
	{Weights: []float64{1}, Means: [][]float64{{-2}}, Vars: [][]float64{{.5}}},
	{Weights: []float64{1, 4}, Means: [][]float64{{0}, {1}}, Vars: [][]float64{{.1}, {.3}}},
	{Weights: []float64{2}, Means: [][]float64{{3}}, Vars: [][]float64{{1}}},
}}

// classDensity is p(x₀|y=k) of three.
func classDensity(k int, x float64) float64 {
	normal := func(m, v float64) float64 { return math.Exp(-(x-m)*(x-m)/2/v) / math.Sqrt(2*math.Pi*v) }
	return []float64{normal(-2, .5), .2*normal(0, .1) + .8*normal(1, .3), normal(3, 1)}[k]
}

var threePrior = []float64{.25, .5, .25}

func TestLabelled(t *testing.T) {
	xs := []float64{-2.5, -.6, 0, 1.7, 4}
	for name, p := range anyProcess {
		moments := check.Floats(backendtest.Call(t, func(u *Node) *Node { return Concatenate([]*Node{p.Alpha(u), p.Sigma(u)}, 0) }, []float64{2})[0])
		alpha, sigma := moments[0], moments[1]
		// sums over x₀ by quadrature: the joint density of x_t and y = k, and with a factor x₀
		joint := func(k int, x float64, power float64) float64 {
			return threePrior[k] * check.IntegralFn(func(x0 float64) float64 {
				return classDensity(k, x0) * math.Pow(x0, power) * math.Exp(-math.Pow((x-alpha*x0)/sigma, 2)/2) / sigma / math.Sqrt(2*math.Pi)
			}, -12, 12)
		}
		var posterior, clean, given, all [3][]float64
		for _, x := range xs {
			mass, mean, cleanMass := 0.0, 0.0, 0.0
			for k := range 3 {
				mass, mean, cleanMass = mass+joint(k, x, 0), mean+joint(k, x, 1), cleanMass+threePrior[k]*classDensity(k, x)
			}
			for k := range 3 {
				posterior[k] = append(posterior[k], math.Log(joint(k, x, 0)/mass))
				clean[k] = append(clean[k], math.Log(threePrior[k]*classDensity(k, x)/cleanMass))
				given[k] = append(given[k], joint(k, x, 1)/joint(k, x, 0))
			}
			all[0] = append(all[0], mean/mass)
		}
		points := make([][]float64, len(xs))
		for i, x := range xs {
			points[i] = []float64{x}
		}
		c := check.T(t)
		for k := range 3 {
			out := backendtest.Call(t, func(x, y *Node) []*Node {
				u := Const(x.Graph(), [][]float64{{2}})
				none := AddScalar(ZerosLike(y), 3)
				return []*Node{three.LogPosterior(p, k)(x, u), three.CleanLogPosterior(k)(x, u),
					three.Denoise(p)(x, u, y), three.Denoise(p)(x, u, none), three.All().Denoiser(p)(x, u)}
			}, points, []int32{int32(k), int32(k), int32(k), int32(k), int32(k)})
			c.Near("E9.5 log p(y|x_t), "+name, out[0], posterior[k], byQuad)
			c.Near("log p(y|x_0)", out[1], clean[k], byQuad)
			c.Near("E[x_0|x_t, y]", out[2], given[k], byQuad)
			c.Near("E[x_0|x_t] for no label", out[3], all[0], byQuad)
			c.Near("and of the whole law", out[4], all[0], byQuad)
		}
	}
}

// A label drawn anew from the prior is right with probability 1 − rate + rate·prior.
func TestRelabel(t *testing.T) {
	noisy := three.Relabel(.4)
	xs := []float64{-2.2, .3, 1, 3.5}
	out := backendtest.Call(t, func(x *Node) []*Node {
		var all []*Node
		for k := range 3 {
			all = append(all, Exp(noisy.Class(k).Law(x.Graph(), x.DType()).LogProb(x)))
		}
		return append(all, Exp(noisy.All().Law(x.Graph(), x.DType()).LogProb(x)))
	}, [][]float64{{xs[0]}, {xs[1]}, {xs[2]}, {xs[3]}})
	c := check.T(t)
	var whole []float64
	for k := range 3 {
		var want []float64
		whole = nil
		for _, x := range xs {
			p := 0.0
			for j := range 3 {
				p += threePrior[j] * classDensity(j, x)
			}
			want, whole = append(want, .6*classDensity(k, x)+.4*p), append(whole, p)
		}
		c.Near("E9.4 the law given a label that was drawn anew with probability .4", out[k], want, 1e-12)
	}
	c.Near("the data are the same", out[3], whole, 1e-12)
}

func TestLabelledDraws(t *testing.T) {
	const n = 20_000
	out := backendtest.Call(t, func(g *Graph) (*Node, *Node) { return three.SampleN(g, dtypes.Float64, noise.FromSeed(g, 9), n) })
	x, y, c := check.Floats(out[0]), check.Floats(out[1]), check.T(t)
	means, variances := []float64{-2, .8, 3}, []float64{.5, .2*(.1+.64) + .8*(.3+.04), 1}
	for k := range 3 {
		is, mine, squares := make([]float64, n), []float64{}, []float64{}
		for i := range y {
			if int(y[i]) == k {
				is[i] = 1
				mine, squares = append(mine, x[i]), append(squares, math.Pow(x[i]-means[k], 2))
			}
		}
		c.MC("the share of a class", is, threePrior[k], .004)
		c.MC("its mean", mine, means[k], .02)
		c.MC("its variance", squares, variances[k], .03)
	}
}

func TestLabelledPanics(t *testing.T) {
	wide := oracle.Mixture{Weights: []float64{1}, Means: [][]float64{{0, 0}}, Vars: [][]float64{{1, 1}}}
	change := func(f func(d *oracle.Labelled)) oracle.Labelled {
		d := oracle.Labelled{Prior: append([]float64{}, three.Prior...), Classes: append([]oracle.Mixture{}, three.Classes...)}
		f(&d)
		return d
	}
	for want, call := range map[string]func(){
		"oracle.Labelled: class 3, expected one from 0 to 2":                        func() { three.LogPosterior(d4, 3) },
		"oracle.Labelled: class -1, expected one from 0 to 2":                       func() { three.Class(-1) },
		"oracle.Labelled: 2 probabilities and 3 classes":                            func() { change(func(d *oracle.Labelled) { d.Prior = d.Prior[:2] }).All() },
		"oracle.Labelled: 0 probabilities and 0 classes":                            func() { oracle.Labelled{}.All() },
		"oracle.Labelled: class 1 has the probability -1 and 1 dimensions":          func() { change(func(d *oracle.Labelled) { d.Prior[1] = -1 }).All() },
		"oracle.Labelled: class 2 has the probability 1 and 2 dimensions, expected": func() { change(func(d *oracle.Labelled) { d.Classes[2] = wide }).All() },
		"oracle.Labelled: the probabilities [0 0 0] sum to 0":                       func() { change(func(d *oracle.Labelled) { d.Prior = make([]float64, 3) }).All() },
		"oracle.Labelled.Relabel: rate = 1.5":                                       func() { three.Relabel(1.5) },
	} {
		if got := panicOf(call); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
}

// panicOf returns the error that call panics with.
func panicOf(call func()) (text string) {
	defer func() {
		if err, ok := recover().(error); ok {
			text = err.Error()
		}
	}()
	call()
	return "none"
}
