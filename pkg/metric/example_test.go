package metric_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func Example() {
	data := []float64{0, 1, 2, 3}
	model := []float64{0.5, 1.5, 2.5, 3.5}
	fmt.Println("Wasserstein-1:", metric.Wasserstein1(data, model))

	centres := [][]float64{{0}, {10}}
	modes := metric.CountModes([][]float64{{0.1}, {-0.2}, {0.3}, {5}}, centres, 1, 0.1)
	fmt.Printf("%d of %d modes, %.0f%% outside\n", modes.Covered, len(centres), 100*modes.Outside)
	// Output:
	// Wasserstein-1: 0.5
	// 1 of 2 modes, 25% outside
}
