package oracle_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

const (
	exactly = 1e-9  // formula against formula
	printed = 1e-10 // against a figure printed with ten digits
	byQuad  = 1e-8  // against quadrature
)

// The data and processes of the figures.
var (
	gd = oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	gm = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
)

// anyProcess are processes at times 1 and 2 where neither α nor σ vanishes; those of VE and subVP have α²+σ² ≠ 1.
var anyProcess = map[string]process.Process{
	"D4":    d4,
	"VE":    {Schedule: process.VE{SigmaMin: .3, SigmaMax: .5}, TMax: 2},
	"SubVP": {Schedule: process.SubVP{BetaMin: .3, BetaMax: .6}, TMax: 2},
}

// law1D is a law of x₀ on the line: E f(x₀) = Σ weight·f over nodes of quadrature, or over the points themselves.
type law1D struct {
	data          oracle.Data
	nodes, weight []float64
}

// laws1D are the three kinds of data in one dimension.
func laws1D() map[string]law1D {
	normal := func(m, v float64) func(x float64) float64 {
		return func(x float64) float64 { return math.Exp(-(x-m)*(x-m)/2/v) / math.Sqrt(2*math.Pi*v) }
	}
	trapezium := func(density func(x float64) float64) (x, w []float64) { // exponentially exact for a smooth density on the line
		x = floats.Span(make([]float64, 4001), -10, 10)
		for _, at := range x {
			w = append(w, .005*density(at))
		}
		return x, w
	}
	gx, gw := trapezium(normal(1, .5))
	mx, mw := trapezium(func(x float64) float64 { return .3*normal(-2, .25)(x) + .7*normal(1, .16)(x) })
	return map[string]law1D{
		"Gaussian": {gd, gx, gw},
		"Mixture":  {gm, mx, mw},
		"Points":   {oracle.Points{{-1}, {.2}, {3}}, []float64{-1, .2, 3}, []float64{1. / 3, 1. / 3, 1. / 3}},
	}
}

// bayes returns log q(x), E[x₀|x], Var(x₀|x) and the score at x by sums over x₀.
func (l law1D) bayes(x, alpha, sigma float64) (logQ, mean, variance, score float64) {
	var m [3]float64
	for i, x0 := range l.nodes {
		p := l.weight[i] * math.Exp(-math.Pow((x-alpha*x0)/sigma, 2)/2) / sigma / math.Sqrt(2*math.Pi)
		m[0], m[1], m[2] = m[0]+p, m[1]+p*x0, m[2]+p*x0*x0
		score += p * (alpha*x0 - x) / sigma / sigma
	}
	mean = m[1] / m[0]
	return math.Log(m[0]), mean, m[2]/m[0] - mean*mean, score / m[0]
}

// diffused returns log q(x_t), E[x₀|x_t], Var(x₀|x_t) and the score of data at xt, [n, d], and t, [n, 1].
func diffused(data oracle.Data, p process.Process) func(xt, u *Node) []*Node {
	return func(xt, u *Node) []*Node {
		return []*Node{data.Marginal(p, u).LogProb(xt), data.Denoiser(p)(xt, u), data.PosteriorVar(p)(xt, u), data.Score(p)(xt, u)}
	}
}

// Every law and every process against Bayes' rule on the line, by quadrature.
func TestDiffusedAgainstQuadrature(t *testing.T) {
	xs := []float64{-2.5, -.6, 0, .3, 1.7, 4}
	for name, law := range laws1D() {
		for process, p := range anyProcess {
			t.Run("E6.2 "+name+" by "+process, func(t *testing.T) {
				var xt, us [][]float64
				for i, x := range xs {
					xt, us = append(xt, []float64{x}), append(us, []float64{float64(1 + i%2)})
				}
				moments := backendtest.Call(t, func(u *Node) (*Node, *Node) { return p.Alpha(u), p.Sigma(u) }, us)
				alpha, sigma := check.Floats(moments[0]), check.Floats(moments[1])
				want := make([][]float64, 4)
				for i, x := range xs {
					logQ, mean, variance, score := law.bayes(x, alpha[i], sigma[i])
					for j, v := range []float64{logQ, mean, variance, score} {
						want[j] = append(want[j], v)
					}
				}
				for i, got := range backendtest.Call(t, diffused(law.data, p), xt, us) {
					check.T(t).Near([]string{"log q(x_t)", "E[x_0|x_t]", "Var(x_0|x_t)", "score"}[i], got, want[i], byQuad)
				}
			})
		}
	}
}

// laws2D are data in two dimensions, whose coordinates are not independent.
var laws2D = map[string]oracle.Data{
	"Gaussian": oracle.Gaussian{Mean: []float64{1, -.5}, Var: []float64{.5, 0}},
	"Mixture": oracle.Mixture{Weights: []float64{3, 6, 1}, Means: [][]float64{{-2, 0}, {1, 1}, {0, -1}},
		Vars: [][]float64{{.25, 1}, {.16, .3}, {0, .1}}},
	"Points": oracle.Points{{-1, 0}, {.2, 1}, {3, -2}, {3, 1}},
}

// Tweedie's formula in first and second order: the score is written on its own, the denoiser and the variance too.
func TestTweedie(t *testing.T) {
	xt, us := [][]float64{{-1, .4}, {.3, -.2}, {2, 1}, {.1, 0}}, [][]float64{{1}, {2}, {1}, {2}}
	for name, data := range laws2D {
		for process, p := range anyProcess {
			t.Run("E6.4 "+name+" by "+process, func(t *testing.T) {
				out := backendtest.Call(t, func(xt, u *Node) []*Node {
					alpha, sigma, denoiser := p.Alpha(u), p.Sigma(u), data.Denoiser(p)
					slopes := make([]*Node, 2) // ∂E[x₀|x_t]ᵢ/∂x_tᵢ
					for i := range slopes {
						sum := ReduceAllSum(Slice(denoiser(xt, u), AxisRange(), AxisElem(i)))
						slopes[i] = Slice(Gradient(sum, xt)[0], AxisRange(), AxisElem(i))
					}
					return []*Node{
						denoiser(xt, u), param.Bind(p, param.Score, data.Score(p))(xt, u),
						data.Score(p)(xt, u), dist.ScoreOf(data.Marginal(p, u), xt),
						data.PosteriorVar(p)(xt, u), Mul(Concatenate(slopes, -1), Div(Square(sigma), alpha)),
					}
				}, xt, us)
				check.T(t).Near("αE[x_0|x_t] = x_t+σ²∇log q(x_t)", out[0], out[1], 1e-12)
				check.T(t).Near("score by automatic differentiation", out[2], out[3], exactly)
				check.T(t).Near("Var(x_0|x_t) = (σ²/α)∂E[x_0|x_t]/∂x_t", out[4], out[5], exactly)
			})
		}
	}
}

// In two dimensions against the integral over x₀.
func TestMixtureInThePlane(t *testing.T) {
	data := oracle.Mixture{Weights: []float64{.4, .6}, Means: [][]float64{{-1, 0}, {1, .5}}, Vars: [][]float64{{.5, 1}, {.4, .3}}}
	p, at := d4, [][]float64{{.3, -.4}}
	mass := func(f func(x0 *Node) *Node) float64 {
		return check.Integral2(backendtest.Open(t), func(x0 *Node) *Node {
			u := Const(x0.Graph(), [][]float64{{2}})
			joint := Add(data.Law(x0.Graph(), dtypes.Float64).LogProb(x0), p.Marginal(x0, u).LogProb(Const(x0.Graph(), at)))
			return Mul(Exp(joint), f(x0))
		}, [2]float64{-10, -10}, [2]float64{10, 10})
	}
	one := func(x0 *Node) *Node { return Squeeze(OnesLike(Slice(x0, AxisRange(), AxisElem(0))), -1) }
	power := func(i int, n float64) func(x0 *Node) *Node {
		return func(x0 *Node) *Node { return Squeeze(PowScalar(Slice(x0, AxisRange(), AxisElem(i)), n), -1) }
	}
	q := mass(one)
	var mean, variance []float64
	for i := range 2 {
		m := mass(power(i, 1)) / q
		mean, variance = append(mean, m), append(variance, mass(power(i, 2))/q-m*m)
	}
	out := backendtest.Call(t, diffused(data, p), at, [][]float64{{2}})
	check.T(t).Near("log q(x_t)", out[0], math.Log(q), byQuad)
	check.T(t).Near("E[x_0|x_t]", out[1], mean, byQuad)
	check.T(t).Near("Var(x_0|x_t)", out[2], variance, byQuad)
}

// A mixture of one is the Gaussian, and a mixture of points without variance is the data set.
func TestSpecialCases(t *testing.T) {
	points := oracle.Points{{-1, 0}, {.2, 1}, {3, -2}}
	zero := [][]float64{{0, 0}, {0, 0}, {0, 0}}
	one := oracle.Gaussian{Mean: []float64{1, -.5}, Var: []float64{.5, 2}}
	for name, pair := range map[string][2]oracle.Data{
		"one component": {oracle.Mixture{Weights: []float64{7}, Means: [][]float64{one.Mean}, Vars: [][]float64{one.Var}}, one},
		"no variance":   {oracle.Mixture{Weights: []float64{1, 1, 1}, Means: points, Vars: zero}, points},
	} {
		t.Run(name, func(t *testing.T) {
			for process, p := range anyProcess {
				out := backendtest.Call(t, func(xt, u *Node) []*Node {
					return append(diffused(pair[0], p)(xt, u), diffused(pair[1], p)(xt, u)...)
				}, [][]float64{{-1, .4}, {.3, -.2}, {2, 1}}, [][]float64{{1}, {2}, {1}})
				for i := range 4 {
					check.T(t).Near(fmt.Sprint(process, " quantity ", i), out[i], out[i+4], exactly)
				}
			}
		})
	}
}

// float32 with one t for the batch: constants follow t's dtype.
func TestFloat32(t *testing.T) {
	for name, data := range laws2D {
		small := backendtest.Call(t, diffused(data, d4), [][]float32{{-1, .4}, {.3, -.2}}, [][]float32{{2}})
		large := backendtest.Call(t, diffused(data, d4), [][]float64{{-1, .4}, {.3, -.2}}, [][]float64{{2}, {2}})
		for i := range small {
			check.T(t).Near(fmt.Sprint(name, " quantity ", i), small[i], large[i], 1e-4)
		}
	}
}

// At σ = 0 x_t tells x₀, and a variance of 0 tells it always.
func TestGaussianWithoutVariance(t *testing.T) {
	data := oracle.Gaussian{Mean: []float64{1, 2}, Var: []float64{0, 1}}
	for at, want := range map[float64][]float64{0: {1, 5, 0, 0}, 1: {1, 2 + math.Sqrt(.9)*(5-2*math.Sqrt(.9)), 0, .1}} {
		got := backendtest.Floats(t, func(x, u *Node) *Node {
			return Concatenate([]*Node{data.Denoiser(d4)(x, u), data.PosteriorVar(d4)(x, u)}, 1)
		}, [][]float64{{1, 5}}, [][]float64{{at}})
		check.T(t).Near(fmt.Sprint("mean and variance of x₀ at t = ", at), got, want, 1e-12)
	}
}

func TestDiffusedPanics(t *testing.T) {
	uneven := oracle.Mixture{Weights: []float64{1, 1}, Means: [][]float64{{0}, {0, 1}}, Vars: [][]float64{{1}, {1, 1}}}
	for want, data := range map[string]oracle.Data{
		"oracle.Gaussian: x has shape (Float64)[1, 2], expected [n, 1]":     gd,
		"oracle.Mixture: x has shape (Float64)[1, 2], expected [n, 1]":      gm,
		"oracle.Points: x has shape (Float64)[1, 2], expected [n, 3]":       oracle.Points{{1, 2, 3}},
		"oracle.Gaussian: 2 means and 1 variances":                          oracle.Gaussian{Mean: []float64{1, 2}, Var: []float64{1}},
		"oracle.Gaussian: variance 1 is -1":                                 oracle.Gaussian{Mean: []float64{1, 2}, Var: []float64{1, -1}},
		"oracle.Mixture: 1 weights, 2 means and 0 variances":                oracle.Mixture{Weights: []float64{1}, Means: [][]float64{{0}, {1}}},
		"oracle.Mixture: component 1 has weight 1 and 2 dimensions":         uneven,
		"oracle.Mixture: component 0 has weight -1":                         oracle.Mixture{Weights: []float64{-1}, Means: [][]float64{{0}}, Vars: [][]float64{{1}}},
		"oracle.Mixture: the weights [0] sum to 0":                          oracle.Mixture{Weights: []float64{0}, Means: [][]float64{{0}}, Vars: [][]float64{{1}}},
		"oracle.Points: no points":                                          oracle.Points{},
		"oracle.Points: point 1 has 1 coordinates, expected 2 as the first": oracle.Points{{1, 2}, {1}},
	} {
		err := backendtest.Err(t, func(x, u *Node) *Node { return data.Denoiser(d4)(x, u) }, [][]float64{{1, 2}}, [][]float64{{1}})
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}
