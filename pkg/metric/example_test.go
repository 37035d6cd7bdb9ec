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

func ExampleBitsPerDim() {
	// Two images of 4 numbers, a density on pixels scaled to −1 … 1. It is 8 bits a number for a uniform law.
	nats := []float64{4 * 0.2, 4 * 0.4}
	fmt.Println(metric.BitsPerDim(nats, 4, metric.UniformDequantisation(256, -1, 1)))
	// Output: 7.433 ± 0.144 bits/dim (2 examples × 4, 256 levels dequantised uniformly on -1 to 1, of which a uniform code needs 8)
}
