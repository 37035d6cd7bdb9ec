package sampler

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Frame returns "t = 0.25" and the rows of x_t [n, …] as numbers in the host's memory: what show.Animate and show.Strip
// take of a point. It panics when x_t is no longer valid, because the loop has gone on.
func (p Point) Frame() (label string, rows [][]float64) {
	values, n := mathx.Floats(p.X), p.X.Shape().Dimensions[0]
	for i := range n {
		rows = append(rows, values[i*len(values)/n:(i+1)*len(values)/n])
	}
	return fmt.Sprintf("t = %.2f", p.T), rows
}
