package mathx_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// TestLog1mExp holds the value against Go's own log, expm1 and log1p to a relative 1e-14 over 600 orders of
// magnitude, and the derivative against e⁻ˣ/(1−e⁻ˣ) = 1/expm1(x).
func TestLog1mExp(t *testing.T) {
	x := []float64{1e-300, 1e-30, 1e-12, .1, .69, .7, 3, 10, 25, 30, 300, 700, math.Inf(1)}
	value := backendtest.Floats(t, mathx.Log1mExp, x)
	slope := backendtest.Floats(t, func(x *Node) *Node { return Gradient(ReduceAllSum(mathx.Log1mExp(x)), x)[0] }, x)
	for i, v := range x {
		want := math.Log1p(-math.Exp(-v))
		if v < math.Ln2 {
			want = math.Log(-math.Expm1(-v))
		}
		if !(math.Abs(value[i]-want) <= 1e-14*math.Abs(want)) {
			t.Errorf("Log1mExp(%g) = %.17g, want %.17g", v, value[i], want)
		}
		if want := 1 / math.Expm1(v); !(math.Abs(slope[i]-want) <= 1e-13*want) {
			t.Errorf("the slope at %g is %.17g, want %.17g", v, slope[i], want)
		}
	}
}
