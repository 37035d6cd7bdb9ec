package ncsn_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// TestNetworkSeesTheLevel holds F of one x/√(σ²+σ_d²) at two levels: the network is told which.
func TestNetworkSeesTheLevel(t *testing.T) {
	m, err := ncsn.NewModel(backend.MustOpen(backend.PureGo), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	f := func(sigma float64) []float64 {
		size := math.Hypot(sigma, tiny.DataStd)
		s, err := m.Score([][]float64{{.4 * size, -.7 * size}}, sigma)
		if err != nil {
			t.Fatal(err)
		}
		factor := tiny.DataStd / sigma / size
		return []float64{(s[0][0] + .4/size) / factor, (s[0][1] - .7/size) / factor}
	}
	check.T(t).Differ("F at two levels", f(1), f(4), 1e-3)
}

// TestLossPerDimension holds the loss against the mean of Objective's over the batch, per dimension, from the same draws.
func TestLossPerDimension(t *testing.T) {
	loss := func(build func(scope *model.Scope, x *Node) *Node) float64 {
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(5); err != nil {
			t.Fatal(err)
		}
		out, err := model.CallOnce(backend.MustOpen(backend.PureGo), store, build, [][]float32{{1, -2}, {.5, .1}, {0, 3}})
		if err != nil {
			t.Fatal(err)
		}
		return check.Floats(out)[0]
	}
	got := loss(func(scope *model.Scope, x *Node) *Node { return tiny.Loss()(scope, []*Node{x}) })
	want := loss(func(scope *model.Scope, x *Node) *Node {
		return ReduceAllMean(ncsn.Objective(tiny.Levels).Loss(noise.Finite(scope), tiny.Score(scope), x))
	})
	check.T(t).Near("mean over batch and dimensions", got, want/float64(tiny.Dim), 1e-6)
}

// TestSampleOfNormalData holds where chains start, N(0, σ_1²), and the variance at which they end when F is 0 and each step is
// linear, x − ½α_i x/(σ_i²+σ_d²) + √α_i ε with α_i = εσ_i²/σ_L².
func TestSampleOfNormalData(t *testing.T) {
	m, err := ncsn.NewModel(backend.MustOpen(backend.PureGo), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	lastLayer(t, m, 0)
	const n, eps, steps = 20_000, .4, 3
	var first, last [][]float64
	for p, err := range m.Path(n, ncsn.Sampling{Steps: steps, Eps: eps}, 7) {
		if err != nil {
			t.Fatal(err)
		}
		if _, last = p.Frame(); first == nil {
			first = last
		}
	}
	want := tiny.Levels[0] * tiny.Levels[0]
	check.T(t).MC("the start", squares(first), want, .01*want)
	for _, sigma := range tiny.Levels {
		for range steps {
			alpha := eps * sigma * sigma / (tiny.Levels[2] * tiny.Levels[2])
			slope := 1 - alpha/2/(sigma*sigma+tiny.DataStd*tiny.DataStd)
			want = slope*slope*want + alpha
		}
	}
	check.T(t).MC("the end", squares(last), want, .01*want)
}

// TestSampleOfStepSize holds that ε = 0 stands for StepSize's, for the largest ratio of neighbouring levels.
func TestSampleOfStepSize(t *testing.T) {
	uneven := tiny
	uneven.Levels = []float64{4, 1.2, 1}
	m, err := ncsn.NewModel(backend.MustOpen(backend.PureGo), uneven, 1)
	if err != nil {
		t.Fatal(err)
	}
	eps, err := ncsn.StepSize(4/1.2, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Sample(3, ncsn.Sampling{Steps: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Sample(3, ncsn.Sampling{Steps: 2, Eps: eps}, 1)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("x", got, want, 0)
}

// squares are those of all entries of x.
func squares(x [][]float64) (all []float64) {
	for _, row := range x {
		for _, v := range row {
			all = append(all, v*v)
		}
	}
	return all
}
