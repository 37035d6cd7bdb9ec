package dist_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

// log p(x|z) of each observation model against its density in plain Go, with s = .3 and a learned part log 2 of log s.
func TestObservationLaw(t *testing.T) {
	x, out := [][]float64{{.2, 1}, {.9, 0}}, [][]float64{{.4, -1}, {1.5, .7}}
	wide := [][]float64{{.4, -1, -.6, .2}, {1.5, .7, .3, -1.1}} // means, then log σ
	normal := func(x, mean, std float64) float64 {
		return -math.Pow((x-mean)/std, 2)/2 - math.Log(std) - math.Log(2*math.Pi)/2
	}
	coin := func(x, logit float64) float64 {
		p := 1 / (1 + math.Exp(-logit))
		return x*math.Log(p) + (1-x)*math.Log(1-p)
	}
	for _, c := range []struct {
		o    dist.Observation
		out  [][]float64
		std  float64
		want func(row, i int) float64
	}{
		{dist.ObserveBernoulli, out, .3, func(row, i int) float64 { return coin(x[row][i], out[row][i]) }},
		{dist.ObserveGaussian, out, .3, func(row, i int) float64 { return normal(x[row][i], out[row][i], .3) }},
		{dist.ObserveGaussian, out, 0, func(row, i int) float64 { return normal(x[row][i], out[row][i], 1) }},
		{dist.ObserveGaussianLearned, out, .3, func(row, i int) float64 { return normal(x[row][i], out[row][i], .6) }},
		{dist.ObserveGaussianPerPixel, wide, .3, func(row, i int) float64 {
			return normal(x[row][i], wide[row][i], math.Exp(wide[row][i+2]))
		}},
	} {
		t.Run(c.o.String(), func(t *testing.T) {
			if got := c.o.Outputs(2); got != len(c.out[0]) {
				t.Errorf("%d outputs for 2 entries of x, want %d", got, len(c.out[0]))
			}
			got := backendtest.Floats(t, func(out, x *Node) *Node {
				return c.o.Law(out, c.std, func() *Node { return Scalar(x.Graph(), x.DType(), math.Ln2) }).LogProb(x)
			}, c.out, x)
			check.T(t).Near("log p(x|z)", got, []float64{c.want(0, 0) + c.want(0, 1), c.want(1, 0) + c.want(1, 1)}, 1e-12)
		})
	}
}

// Halves reads ρ = log σ² with scale ½, and log σ with scale 1.
func TestObservationHalves(t *testing.T) {
	got := backendtest.Call(t, func(out *Node) (*Node, *Node, *Node) {
		variance := dist.Halves(out, .5)
		return variance.Mean, variance.Variance(), dist.Halves(out, 1).Std()
	}, [][]float64{{3, -2, math.Log(4), math.Log(.25)}})
	check.T(t).Near("μ", got[0], [][]float64{{3, -2}}, 0)
	check.T(t).Near("σ² = e^ρ", got[1], [][]float64{{4, .25}}, 1e-14)
	check.T(t).Near("σ", got[2], [][]float64{{4, .25}}, 1e-14)
}
