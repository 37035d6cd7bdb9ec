package nets_test

import (
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// TestMADEJacobian reads who depends on whom off the Jacobian: output i on input j for j < i, and for no other.
func TestMADEJacobian(t *testing.T) {
	const d = 5
	for _, hidden := range [][]int{{12}, {9, 30}, {4, 4, 4}} {
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(2); err != nil {
			t.Fatal(err)
		}
		jacobian := call(t, backendtest.Open(t), store, func(s *model.Scope, x *graph.Node) *graph.Node {
			y := nets.MADE(s, x, nets.HeUniform, graph.Tanh, hidden...)
			rows := make([]*graph.Node, d)
			for i := range rows {
				rows[i] = graph.Gradient(graph.ReduceAllSum(graph.Slice(y, graph.AxisRange(), graph.AxisElem(i))), x)[0]
			}
			return graph.Concatenate(rows, 1)
		}, [][]float64{{0.3, -0.8, 1, 0.2, 0.6}})
		for k, v := range jacobian {
			if i, j := k/d, k%d; (v != 0) != (j < i) {
				t.Errorf("hidden %v: ∂y_%d/∂x_%d = %g, want nonzero exactly for %d < %d", hidden, i, j, v, j, i)
			}
		}
	}
}

// TestMADEValue computes a network of two inputs and three hidden units by hand: all hidden units have degree 1.
func TestMADEValue(t *testing.T) {
	store := model.NewStore()
	for path, value := range map[string]any{
		"/layer_1/weights": [][]float64{{1, 2, 3}, {4, 5, 6}}, "/layer_1/biases": []float64{.1, .2, .3},
		"/layer_2/weights": [][]float64{{7, 1}, {8, -2}, {9, 4}}, "/layer_2/biases": []float64{.4, .5}} {
		store.VariableWithValue(path, value)
	}
	got := call(t, backendtest.Open(t), store, func(s *model.Scope, x *graph.Node) *graph.Node {
		return nets.MADE(s, x, nets.Zero, graph.Neg, 3)
	}, [][]float64{{2, 100}})
	near(t, got[0], .4, 1e-14, "output 1 is its bias")
	near(t, got[1], -2.1*1+4.2*2-6.3*4+.5, 1e-14, "output 2 sees input 1")
}

func TestMADEPanics(t *testing.T) {
	for want, fn := range map[string]netFn{
		"hidden widths []": func(s *model.Scope, x *graph.Node) *graph.Node { return nets.MADE(s, x, nets.Zero, graph.Tanh) },
		"all positive": func(s *model.Scope, x *graph.Node) *graph.Node {
			return nets.MADE(s, x, nets.Zero, graph.Tanh, 3, 0)
		},
		"no activation": func(s *model.Scope, x *graph.Node) *graph.Node { return nets.MADE(s, x, nets.Zero, nil, 3) },
		"[batch, d]": func(s *model.Scope, x *graph.Node) *graph.Node {
			return nets.MADE(s, graph.ReduceSum(x, -1), nets.Zero, graph.Tanh, 3)
		},
	} {
		_, err := model.CallOnce(backendtest.Open(t), model.NewStore(), fn, [][]float64{{1, 2}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nets.MADE") {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
