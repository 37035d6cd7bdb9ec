package gan

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

// TestCloseness holds minibatch statistics of three rows, with two kernels of two numbers, by hand.
func TestCloseness(t *testing.T) {
	got := backendtest.Floats(t, func(m *Node) *Node { return closeness(m, 2) }, [][]float64{{0, 0, 1, 1}, {.5, -.5, 1, 1}, {3, 0, 0, 1}})
	e := math.Exp
	want := []float64{(e(-.5) + e(-9)) / 2, (1 + e(-1)) / 2, (e(-.5) + e(-6.5)) / 2, (1 + e(-1)) / 2, (e(-9) + e(-6.5)) / 2, (e(-1) + e(-1)) / 2}
	for i, w := range want {
		if math.Abs(got[i]-w) > 1e-12 {
			t.Errorf("closeness %d is %.15g, want %.15g", i, got[i], w)
		}
	}
}
