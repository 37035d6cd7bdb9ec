package process_test

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

// Data that do not broadcast with x are named with both shapes.
func TestDataThatDoNotBroadcast(t *testing.T) {
	at := constant
	for want, method := range map[string]func(x, other *Node) *Node{
		"process.Diffuse: ε has shape":           func(x, o *Node) *Node { return d4.Diffuse(x, o, at(x, 2)) },
		"process.Posterior: x₀ has shape":        func(x, o *Node) *Node { return d4.Posterior(x, o, at(x, 1), at(x, 2)).Mean },
		"process.DDIM: x₀ has shape":             func(x, o *Node) *Node { return d4.DDIM(x, o, at(x, 1), at(x, 2), 0).Mean },
		"process.Reverse: Var(x₀|x_t) has shape": func(x, o *Node) *Node { return d4.Reverse(x, x, o, at(x, 1), at(x, 2)).Mean },
	} {
		for _, other := range []any{[][]float64{{1, 2, 3}, {4, 5, 6}}, []float64{1, 2}, [][]float32{{1, 2}, {3, 4}}} {
			err := backendtest.Err(t, method, [][]float64{{1, 2}, {3, 4}}, other)
			if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "and x (Float64)[2, 2]") {
				t.Errorf("%v does not say %q", err, want)
			}
		}
	}
}
