package sampler

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// Frame returns "t = 0.25" and the rows of x_t [n, …] as numbers in the host's memory: what show.Animate and show.Strip
// take of a point. It panics when x_t is no longer valid, because the loop has gone on.
func (p Point) Frame() (label string, rows [][]float64) {
	values, n := floats(p.X), p.X.Shape().Dimensions[0]
	for i := range n {
		rows = append(rows, values[i*len(values)/n:(i+1)*len(values)/n])
	}
	return fmt.Sprintf("t = %.2f", p.T), rows
}

// floats copies x, of float32 or float64, to the host.
func floats(x *tensors.Tensor) []float64 {
	if x.DType() == float64Type {
		return tensors.MustCopyFlatData[float64](x)
	}
	var out []float64
	for _, v := range tensors.MustCopyFlatData[float32](x) {
		out = append(out, float64(v))
	}
	return out
}
