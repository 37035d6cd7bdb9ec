package mathx_test

import (
	"math"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

func TestLogSumExp(t *testing.T) {
	inf := math.Inf(1)
	got := backendtest.Floats(t, mathx.LogSumExp, [][]float64{{0, 0}, {-1000, -1000}, {1000, -inf}, {-inf, -inf}, {3, inf}})
	check.T(t).Near("log Σ eˣ", got, []float64{math.Log(2), math.Log(2) - 1000, 1000, -inf, inf}, 1e-14)
}
