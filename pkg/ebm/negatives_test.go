package ebm_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// TestWalk holds three noiseless steps down a parabola, x(1−cθ)³, and that no gradient flows through them.
func TestWalk(t *testing.T) {
	out := backendtest.Call(t, func(theta, x *Node) []*Node {
		m := ebm.EBM{Energy: func(x *Node) *Node { return MulScalar(Mul(theta, ReduceSum(Square(x), -1)), .5) }}
		chain := m.Langevin(.1)
		chain.Noiseless = true
		end := ebm.Walk(noise.Fixed(), chain, x, 3)
		return []*Node{end, Gradient(ReduceAllSum(end), theta)[0]}
	}, 2., [][]float64{{1, -3}, {.5, 0}})
	c := check.T(t)
	c.Near("x(1−cθ)³", out[0], [][]float64{{.512, -1.536}, {.256, 0}}, 1e-15)
	c.Near("no gradient", out[1], 0, 0)
}

// TestContrastive holds CD-1 by hand: one step from the data with given noise.
func TestContrastive(t *testing.T) {
	x, eps := []float64{.4, -1}, []float64{1.2, -.3}
	got := backendtest.Floats(t, func(x, eps *Node) *Node {
		return parabola(2).Contrastive(noise.Fixed(column(eps)), column(x), .1, 1)
	}, x, eps)
	mean, want := 0., make([]float64, 2)
	for i := range x {
		negative := x[i] - .1*2*x[i] + math.Sqrt(.2)*eps[i]
		mean += negative * negative / 2
	}
	for i := range x {
		want[i] = x[i]*x[i] - mean
	}
	check.T(t).Near("f(x) − mean f(x⁻)", got, want, 1e-14)
}

// TestReplay walks a buffer of five chains by adding 1, two at a time: the order in which they come, and where they wait.
func TestReplay(t *testing.T) {
	store, b := model.NewStore(), backendtest.Open(t)
	store.RootScope().VariableWithValue("chains", [][]float64{{10}, {20}, {30}, {40}, {50}}).SetTrainable(false)
	exec := model.MustNewExec(b, store, func(scope *model.Scope, like *Node) *Node {
		return ebm.Replay{Size: 5, Std: 1}.Draw(scope, noise.Fixed(), like, func(x *Node) *Node { return AddScalar(x, 1) })
	})
	c := check.T(t)
	for i, want := range [][][]float64{{{11}, {21}}, {{31}, {41}}, {{51}, {12}}, {{22}, {32}}} {
		c.Near(fmt.Sprintf("draw %d", i), exec.MustCall([][]float64{{0}, {0}})[0], want, 0)
	}
	c.Near("what waits", store.GetVariable("/chains").MustValue(), [][]float64{{41}, {51}, {12}, {22}, {32}}, 0)
}

// TestReplayRestart holds where a chain starts anew: at Std·ε, where the uniform lies below Restart.
func TestReplayRestart(t *testing.T) {
	store, b := model.NewStore(), backendtest.Open(t)
	store.RootScope().VariableWithValue("chains", [][]float64{{10, 10}, {20, 20}, {30, 30}}).SetTrainable(false)
	out, err := model.CallOnce(b, store, func(scope *model.Scope, u, eps *Node) *Node {
		return ebm.Replay{Size: 3, Std: 3, Restart: .3}.Draw(scope, noise.Fixed(u, eps), eps, func(x *Node) *Node { return x })
	}, [][]float64{{.29}, {.31}, {.5}}, [][]float64{{1, -2}, {1, 1}, {1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("one of three", out, [][]float64{{3, -6}, {20, 20}, {30, 30}}, 0)
}

// TestReplayStart holds the law that the chains start from.
func TestReplayStart(t *testing.T) {
	store := model.NewStore()
	out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, like *Node) *Node {
		return ebm.Replay{Size: 20_000, Std: 3}.Draw(scope, noise.Fixed(), like, func(x *Node) *Node { return x })
	}, tensors.FromShape(shape(20_000, 1)))
	if err != nil {
		t.Fatal(err)
	}
	x := check.Floats(out)
	squares := make([]float64, len(x))
	for i := range x {
		squares[i] = x[i] * x[i]
	}
	check.T(t).MC("mean 0", x, 0, .03)
	check.T(t).MC("variance 9", squares, 9, .1)
	if v := store.GetVariable("/chains"); v == nil || v.Trainable {
		t.Errorf("the chains are %v, expected a variable that is not trained", v)
	}
}
