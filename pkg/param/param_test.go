package param_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

const (
	a64     = 1e-9  // formula against formula
	printed = 1e-10 // against a figure printed with ten digits
)

// d4 is the chain of T = 4 steps with β = (.1, .2, .3, .4).
var d4 = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}

// processes are one of each kind of α and σ, at times where neither vanishes.
func processes() map[string]process.Process {
	return map[string]process.Process{
		"D4": d4,
		"VP": {Schedule: process.VP{BetaMin: .1, BetaMax: 3}, TMax: 4},
		"VE": {Schedule: process.VE{SigmaMin: .01, SigmaMax: .2}, TMax: 4}, // α²+σ² is not 1
	}
}

var (
	x0  = [][]float64{{.4, -1}, {1.8, 0}, {0, .7}}
	eps = [][]float64{{-1, .2}, {.5, 3}, {.1, -.4}}
	ts  = [][]float64{{1}, {2}, {3}}
)

func TestConversions(t *testing.T) {
	for name, p := range processes() {
		t.Run("E6.12 to every kind and back, "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(in []*Node) (returned []*Node) {
				value, xt, alpha, sigma := in[0], in[1], p.Alpha(in[2]), p.Sigma(in[2])
				for _, from := range param.Kinds {
					for _, to := range param.Kinds {
						there := param.FromX0(to, param.ToX0(from, value, xt, alpha, sigma), xt, alpha, sigma)
						returned = append(returned, param.FromX0(from, param.ToX0(to, there, xt, alpha, sigma), xt, alpha, sigma))
					}
				}
				return returned
			}, eps, x0, ts)
			for i, got := range out {
				from, to := param.Kinds[i/len(param.Kinds)], param.Kinds[i%len(param.Kinds)]
				check.T(t).Near(from.String()+" to "+to.String(), got, eps, a64)
			}
		})
	}
}

// What a network regresses on, made from x₀ and ε, is what x₀ and x_t convert to.
func TestTarget(t *testing.T) {
	for name, p := range processes() {
		ids := map[param.Kind]string{
			param.X0:    "E5.51 x_0 = (x_t−σε)/α, ",
			param.Eps:   "E5.53 ε = (x_t−αx_0)/σ, ",
			param.Score: "E6.10 ∇log q(x_t|x_0) = −ε/σ, ",
			param.V:     "E6.12 v = αε−σx_0, ",
		}
		for k, id := range ids {
			t.Run(id+name, func(t *testing.T) {
				out := backendtest.Call(t, func(x0, eps, u *Node) (*Node, *Node, *Node) {
					alpha, sigma, xt := p.Alpha(u), p.Sigma(u), p.Diffuse(x0, eps, u)
					target := param.Target(k, x0, eps, alpha, sigma)
					return target, param.FromX0(k, x0, xt, alpha, sigma), param.ToX0(k, target, xt, alpha, sigma)
				}, x0, eps, ts)
				check.T(t).Near("target", out[0], out[1], a64)
				check.T(t).Near("and back to x₀", out[2], x0, a64)
			})
		}
		t.Run("E6.5 x_0 by the conditional score, "+name, func(t *testing.T) {
			got := backendtest.Call(t, func(x0, eps, u *Node) *Node {
				xt := p.Diffuse(x0, eps, u)
				return param.ToX0(param.Score, p.Marginal(x0, u).Score(xt), xt, p.Alpha(u), p.Sigma(u))
			}, x0, eps, ts)
			check.T(t).Near("(x_t+σ²∇log q(x_t|x_0))/α", got[0], x0, a64)
		})
	}
}

// Slope is the slope of ToX0, and turns the weight of ‖x̂₀−x₀‖² into the weight of each head's own error.
func TestSlope(t *testing.T) {
	for name, p := range processes() {
		for _, k := range param.Kinds {
			t.Run("E5.55 "+name+" "+k.String(), func(t *testing.T) {
				out := backendtest.Call(t, func(value, xt, u *Node) (*Node, *Node) {
					alpha, sigma := p.Alpha(u), p.Sigma(u)
					slope := Gradient(ReduceAllSum(param.ToX0(k, value, xt, alpha, sigma)), value)[0]
					return slope, Add(param.Slope(k, alpha, sigma), ZerosLike(value))
				}, eps, x0, ts)
				check.T(t).Near("∂x̂₀/∂value", out[1], out[0], a64)
			})
		}
	}
	weights := map[string]struct {
		kind param.Kind
		want []float64
	}{
		"E5.33 x_0":   {param.X0, []float64{3.2142857143, .7776497696, .2913213969}},
		"E5.54 noise": {param.Eps, []float64{1.25, .7653061224, .6720430108}},
		"E6.8 score":  {param.Score, []float64{.35, .3795918367, .4688172043}},
	}
	for id, c := range weights {
		t.Run(id+" weights", func(t *testing.T) {
			got := backendtest.Floats(t, func(u *Node) *Node {
				half := MulScalar(d4.SNRDrop(AddScalar(u, -1), u), .5)
				return Mul(half, Square(param.Slope(c.kind, d4.Alpha(u), d4.Sigma(u))))
			}, [][]float64{{2}, {3}, {4}})
			check.T(t).Near("½(SNR(t−1)−SNR(t))·slope²", got, c.want, printed)
		})
	}
}

// One prediction through any head gives one loss and one gradient of a shared parameter.
func TestLossesAgree(t *testing.T) {
	var losses, slopes []float64
	for _, k := range param.Kinds {
		out := backendtest.Call(t, func(x0, eps, u, theta *Node) (*Node, *Node) {
			alpha, sigma, xt := d4.Alpha(u), d4.Sigma(u), d4.Diffuse(x0, eps, u)
			net := param.Predict(d4, k, func(xt, t *Node) *Node { return Mul(theta, Tanh(xt)) })
			miss := Mul(param.Slope(k, alpha, sigma), Sub(net(xt, u), param.Target(k, x0, eps, alpha, sigma)))
			loss := ReduceAllSum(Square(miss))
			return loss, Gradient(loss, theta)[0]
		}, x0, eps, ts, .8)
		losses, slopes = append(losses, check.Floats(out[0])[0]), append(slopes, check.Floats(out[1])[0])
	}
	check.T(t).Near("E6.12 the weighted losses", losses, losses[0], a64)
	check.T(t).Near("E5.55 their gradients", slopes, slopes[0], a64)
}

// The mean of q(x₂|x₃,x₀) of D4 by each head, with what the papers write for it.
func TestPosteriorMeanByHead(t *testing.T) {
	const xt, x0, want = .3, 1.8, 1.0654932186
	a, abar := .7, .504
	noise := (xt - math.Sqrt(abar)*x0) / math.Sqrt(1-abar)
	for id, c := range map[string]struct {
		kind    param.Kind
		value   float64
		written float64
	}{
		"E5.32 x_0":   {param.X0, x0, (math.Sqrt(a)*(1-.72)*xt + math.Sqrt(.72)*(1-a)*x0) / (1 - abar)},
		"E5.52 noise": {param.Eps, noise, (xt - (1-a)/math.Sqrt(1-abar)*noise) / math.Sqrt(a)},
		"E6.6 score":  {param.Score, -noise / math.Sqrt(1-abar), (xt - (1-a)/math.Sqrt(1-abar)*noise) / math.Sqrt(a)},
	} {
		t.Run(id, func(t *testing.T) {
			mean := backendtest.Floats(t, func(xt, value, s, u *Node) *Node {
				denoiser := param.Bind(d4, c.kind, func(_, _ *Node) *Node { return value })
				return d4.Posterior(xt, denoiser(xt, u), s, u).Mean
			}, [][]float64{{xt}}, [][]float64{{c.value}}, [][]float64{{2}}, [][]float64{{3}})
			check.T(t).Near("μ_q", mean, want, printed)
			check.T(t).Near("as it is written", mean, c.written, a64)
		})
	}
}

// The ancestral step in the score against Song's reverse-diffusion step (2−√(1−β))x + βs.
func TestAncestralStep(t *testing.T) {
	t.Run("E8.17 the gaps are of second order", func(t *testing.T) {
		var betas, ofX, ofScore []float64
		for _, beta := range []float64{1e-3, 3e-4, 1e-4} {
			p := process.Process{Schedule: process.NewDiscrete(.5, beta), TMax: 2}
			mean := func(x, score *Node) *Node {
				s, u := OnesLike(x), MulScalar(OnesLike(x), 2)
				return p.Posterior(x, param.ToX0(param.Score, score, x, p.Alpha(u), p.Sigma(u)), s, u).Mean
			}
			got := backendtest.Floats(t, mean, [][]float64{{1}, {0}}, [][]float64{{0}, {1}})
			betas = append(betas, beta)
			ofX = append(ofX, got[0]-(2-math.Sqrt(1-beta)))
			ofScore = append(ofScore, got[1]-beta)
			check.T(t).Near("x's gap over β²/4", ofX[len(ofX)-1]/(beta*beta/4), 1, .005)
			check.T(t).Near("the score's gap over β²/2", ofScore[len(ofScore)-1]/(beta*beta/2), 1, .005)
		}
		check.T(t).Order("x's gap", betas, ofX, 2, .15)
		check.T(t).Order("the score's gap", betas, ofScore, 2, .15)
	})
}

// Bind and Predict are inverse, and a network that predicts the score is its own ScoreOf.
func TestBind(t *testing.T) {
	net := func(xt, u *Node) *Node { return Sub(Sin(xt), Mul(u, xt)) }
	for name, p := range processes() {
		for _, k := range param.Kinds {
			out := backendtest.Call(t, func(xt, u *Node) (*Node, *Node) {
				return net(xt, u), param.Predict(p, k, param.Bind(p, k, net))(xt, u)
			}, x0, ts)
			check.T(t).Near(name+" "+k.String(), out[1], out[0], a64)
		}
		out := backendtest.Call(t, func(xt, u *Node) (*Node, *Node) {
			return net(xt, u), param.ScoreOf(p, param.Bind(p, param.Score, net))(xt, u)
		}, x0, ts)
		check.T(t).Near(name+" ScoreOf", out[1], out[0], a64)
	}
}

func TestPanics(t *testing.T) {
	calls := map[string]func(value, xt *Node) *Node{
		"param.ToX0: the prediction has shape (Float64)[1, 2] and x (Float64)[3, 2]":   func(v, x *Node) *Node { return param.ToX0(param.Eps, v, x, x, x) },
		"param.FromX0: the prediction has shape (Float64)[1, 2] and x (Float64)[3, 2]": func(v, x *Node) *Node { return param.FromX0(param.V, v, x, x, x) },
		"param.Target: the prediction has shape (Float64)[1, 2] and x (Float64)[3, 2]": func(v, x *Node) *Node { return param.Target(param.X0, v, x, x, x) },
		"param.ToX0: Kind(9) is no kind":                                               func(_, x *Node) *Node { return param.ToX0(9, x, x, x, x) },
		"param.FromX0: Kind(9) is no kind":                                             func(_, x *Node) *Node { return param.FromX0(9, x, x, x, x) },
		"param.Target: Kind(9) is no kind":                                             func(_, x *Node) *Node { return param.Target(9, x, x, x, x) },
		"param.Slope: Kind(-1) is no kind":                                             func(_, x *Node) *Node { return param.Slope(-1, x, x) },
	}
	for want, call := range calls {
		if err := backendtest.Err(t, call, [][]float64{{1, 2}}, x0); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}
