package check_test

import (
	"math"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
)

func Example() {
	normal := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	check.Near("P(|x| < 1), the rule of 68.27 per cent", check.IntegralFn(normal, -1, 1), 0.6827, 1e-4)
	check.Less("a lower bound lies below", -1.9, -1.827084)
	check.Differ("a wrong sign shows", 0.5, -0.5, 0.1)
	check.Order("Heun's method", []float64{.1, .05, .025}, []float64{4e-2, 1e-2, 2.5e-3}, 2, .1)
	// Output:
	// ✓ P(|x| < 1), the rule of 68.27 per cent   0.6826895 = 0.6827  |Δ| 1e-05
	// ✓ a lower bound lies below   −1.9 < −1.827084
	// ✓ a wrong sign shows   as written 0.5 ≠ −0.5 as it must be  |Δ| 1
	// ✓ Heun's method   order 2, expected 2 ± 0.1  (3 step sizes)
}
