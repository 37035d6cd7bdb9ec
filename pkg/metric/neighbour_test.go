package metric_test

import (
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func TestNeighbourDistances(t *testing.T) {
	points := [][]float64{{0, 0}, {3, 4}}
	got := metric.NeighbourDistances([][]float64{{0, 1}, {3, 4}, {6, 8}}, points)
	check.T(t).Near("distances", got, []float64{1, 0, 5}, 1e-15)
}
