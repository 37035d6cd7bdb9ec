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
