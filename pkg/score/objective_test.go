package score_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

func shape(dims ...int) shapes.Shape { return shapes.Make(float64Type, dims...) }

func zero(x, _ *Node) *Node { return ZerosLike(x) }

func objective(times []float64) score.Objective {
	return score.Objective{Process: process.Process{Schedule: process.EDM{}, TMin: .5, TMax: 2}, Times: times}
}

// fixed is a schedule with α = 0.6, σ = 0.8 at t = 0.5.
type fixed struct{}

func (fixed) LogAlpha(t *Node) *Node { return AddScalar(MulScalar(t, 0), math.Log(.6)) }
func (fixed) LogSigma(t *Node) *Node { return AddScalar(MulScalar(t, 0), math.Log(.8)) }

var shrinking = process.Process{Schedule: fixed{}, TMin: 0, TMax: 1}

// TestObjectiveByHand holds the loss at given uniforms and noise, for both laws of t and both weights.
func TestObjectiveByHand(t *testing.T) {
	x, eps, u := []float64{1, -2, .5, 3}, []float64{.3, -1, .8, -.2}, []float64{0, .3, .74, .9999}
	s := func(x, t *Node) *Node { return Neg(Div(x, t)) }
	for _, c := range []struct {
		name   string
		o      score.Objective
		times  []float64
		weight func(t float64) float64
	}{
		{"three levels", objective([]float64{2, 1, .5}), []float64{2, 2, .5, .5}, func(t float64) float64 { return t * t }},
		{"uniform", objective(nil), []float64{.5, .95, 1.61, 1.99985}, func(t float64) float64 { return t * t }},
		{"likelihood", weighted(score.LikelihoodWeight), []float64{.5, .95, 1.61, 1.99985}, func(t float64) float64 { return 2 * t }},
	} {
		got := backendtest.Floats(t, func(x, eps, u *Node) *Node {
			return c.o.Loss(noise.Fixed(column(u), column(eps)), s, column(x))
		}, x, eps, u)
		want := make([]float64, len(x))
		for i, t := range c.times {
			want[i] = c.weight(t) * math.Pow(-(x[i]+t*eps[i])/t+eps[i]/t, 2)
		}
		check.T(t).Near(c.name, got, want, 1e-13)
	}
}

func weighted(w score.Weight) score.Objective {
	o := objective(nil)
	o.Weight = w
	return o
}

// TestObjectiveValues holds the means for data N(0, v): d for the score 0 and Σ v/(v+σ²) over d for the exact one, averaged
// over the levels.
func TestObjectiveValues(t *testing.T) {
	data := oracle.Gaussian{Mean: []float64{0, 0}, Var: []float64{.5, 2}}
	levels := []float64{.5, 1, 2}
	o := objective(levels)
	want := 0.
	for _, s := range levels {
		for _, v := range data.Var {
			want += v / (v + s*s) / 3
		}
	}
	for name, c := range map[string]struct {
		s    func(x, t *Node) *Node
		want float64
	}{"the score 0": {zero, 2}, "the exact score": {data.Score(o.Process), want}} {
		losses := backendtest.Floats(t, func(g *Graph) *Node {
			x := Mul(Sqrt(Const(g, [][]float64{data.Var})), seeded(g, 50_000, 2, 1))
			return o.Loss(noise.FromSeed(g, 2), c.s, x)
		})
		check.T(t).MC(name, losses, c.want, .02)
	}
}

// TestObjectiveSmallLevel holds the loss in float32 at σ = 1e-6, where x_t − x_0 has no digit left: the target does not need it.
func TestObjectiveSmallLevel(t *testing.T) {
	o := score.Objective{Process: level(1e-6), Times: []float64{1e-6}}
	out := backendtest.Call(t, func(x, eps *Node) *Node { return o.Loss(noise.Fixed(ZerosLike(x), eps), zero, x) }, [][]float32{{900}}, [][]float32{{.7}})
	check.T(t).Near("ε²", out[0], []float64{.49}, 1e-5)
}
