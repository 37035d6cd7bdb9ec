package process_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// A time that breaks the contract is named with x's shape, by every method that takes both.
func TestTimeContract(t *testing.T) {
	pictures := make([][][][]float64, 2) // [2, 1, 1, 1], to be broadcast to [2, 3, 3, 1]
	for i := range pictures {
		pictures[i] = [][][]float64{{{.3}}}
	}
	methods := map[string]func(x, t *Node) *Node{
		"Marginal":   func(x, t *Node) *Node { return vpf.Marginal(x, t).Mean },
		"Diffuse":    func(x, t *Node) *Node { return vpf.Diffuse(x, x, t) },
		"Transition": func(x, t *Node) *Node { return vpf.Transition(x, t, t).Mean },
		"Posterior":  func(x, t *Node) *Node { return vpf.Posterior(x, x, t, t).Mean },
		"DDIM":       func(x, t *Node) *Node { return vpf.DDIM(x, x, t, t, .5).Mean },
	}
	for name, method := range methods {
		onPictures := func(t *Node) *Node { return method(BroadcastToDims(t, 2, 3, 3, 1), t) }
		if got := backendtest.Call(t, onPictures, pictures)[0].Shape().Dimensions; len(got) != 4 || got[1] != 3 {
			t.Errorf("%s of pictures has shape %v", name, got)
		}
		for _, bad := range []any{[]float64{.1, .2}, [][]float64{{.1}, {.2}, {.3}}, [][]float64{{.1, .2}, {.1, .2}}, [][]float32{{.1}}, .1} {
			err := backendtest.Err(t, method, [][]float64{{1, 2}, {3, 4}}, bad)
			for _, part := range []string{"process." + name + ":", "(Float64)[2, 2]", "expected a t of x's dtype and rank"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s with t = %v: %q does not say %q", name, bad, err, part)
				}
			}
		}
	}
}

func TestDiscreteHasNoDerivative(t *testing.T) {
	for name, method := range map[string]func(t *Node) *Node{
		"Drift": d4.Drift, "Diffusion2": d4.Diffusion2, "LogSNRRate": d4.LogSNRRate,
	} {
		err := backendtest.Err(t, method, [][]float64{{1}})
		if !strings.Contains(err.Error(), "process."+name+": a Discrete schedule has no derivative") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// η above 1 would leave a negative variance for the direction of x_t.
func TestEta(t *testing.T) {
	for _, eta := range []float64{-.1, 1.001, math.NaN()} {
		err := backendtest.Err(t, func(x *Node) *Node { return d4.DDIM(x, x, constant(x, 1), constant(x, 2), eta).Mean }, [][]float64{{1}})
		if !strings.Contains(err.Error(), "process.DDIM: η =") {
			t.Errorf("η = %g: %v", eta, err)
		}
	}
}

// Where σ_s = 0, the laws of x_s are those of x₀: a point for DDIM, its mean and variance for Reverse.
func TestNoNoiseLeft(t *testing.T) {
	out := backendtest.Call(t, func(x0, s, u *Node) []*Node {
		ddim, reverse := d4.DDIM(ZerosLike(x0), x0, s, u, .5), d4.Reverse(ZerosLike(x0), x0, Square(x0), s, u)
		return []*Node{ddim.Mean, ddim.Std(), reverse.Mean, reverse.Variance()}
	}, column([]float64{.3, -2}), column([]float64{0, 0}), column([]float64{1, 4}))
	for i, want := range [][]float64{{.3, -2}, {0, 0}, {.3, -2}, {.09, 4}} {
		check.T(t).Near([]string{"DDIM's mean", "std", "Reverse's mean", "variance"}[i], out[i], want, 1e-12)
	}
}

// Between the indices and outside the chain a discrete schedule is NaN, never a neighbour's value.
func TestDiscreteIndices(t *testing.T) {
	for _, bad := range []float64{-1, .5, 2.01, 5, 1e12, math.NaN(), math.Inf(1)} {
		for _, v := range []float64{eval(t, d4.LogAlpha, bad)[0], eval(t, d4.LogSigma, bad)[0]} {
			if !math.IsNaN(v) {
				t.Errorf("at t = %g: %g, want NaN", bad, v)
			}
		}
	}
	almost := eval(t, d4.LogAlpha, 2.0001, 1.9999)
	check.T(t).Near("an index as float32 may miss it", almost, eval(t, d4.LogAlpha, 2, 2), 0)
}

func TestGrid(t *testing.T) {
	check.T(t).Near("continuous", vpf.Grid(4), []float64{1, .7500025, .500005, .2500075, 1e-5}, 1e-15)
	check.T(t).Near("discrete", sch.Grid(3), []float64{1000, 667, 333, 0}, 0)
	check.T(t).Near("every step", d4.Grid(4), []float64{4, 3, 2, 1, 0}, 0)
}

// Where nothing is left of the data, the posterior is free of x_t, as DDIM's law with η = 1 is.
func TestPosteriorWithoutSignal(t *testing.T) {
	p := process.Process{Schedule: process.Cosine{Offset: .008}, TMin: 0, TMax: 1}
	got := backendtest.Call(t, func(xt, x0, s, u *Node) []*Node {
		q, d := p.Posterior(xt, x0, s, u), p.DDIM(xt, x0, s, u, 1)
		return []*Node{q.Mean, q.LogStd, d.Mean, d.LogStd, Mul(p.Alpha(s), x0)}
	}, [][]float64{{.7}}, [][]float64{{2}}, [][]float64{{.9}}, [][]float64{{1}})
	check.T(t).Near("mean, as DDIM's", got[0], got[2], 1e-12)
	check.T(t).Near("mean α_s x₀", got[0], got[4], 1e-12)
	check.T(t).Near("log of the standard deviation", got[1], got[3], 1e-12)
}

func TestPanics(t *testing.T) {
	for want, build := range map[string]func(){
		"process.NewDiscrete: no β given":     func() { process.NewDiscrete() },
		"process.NewDiscrete: β_2 = 1":        func() { process.NewDiscrete(.1, 1) },
		"process.NewDiscrete: β_1 = 0":        func() { process.NewDiscrete(0, .1) },
		"process.NewDiscrete: β_1 = NaN":      func() { process.NewDiscrete(math.NaN()) },
		"process.DDPM: T = 1":                 func() { process.DDPM(1, .1, .2) },
		"process.Grid: 0 steps":               func() { vpf.Grid(0) },
		"process.Grid: 5 steps between t = 0": func() { d4.Grid(5) },
	} {
		func() {
			defer func() {
				if got, _ := recover().(error); got == nil || !strings.Contains(got.Error(), want) {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			build()
		}()
	}
}
