package mathx

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// Floats copies the values of x to the host, in row-major order. It panics unless x holds float32 or float64.
func Floats(x *tensors.Tensor) (out []float64) {
	x.MustConstFlatData(func(flat any) {
		switch values := flat.(type) {
		case []float64:
			out = append(out, values...)
		case []float32:
			out = make([]float64, len(values))
			for i, v := range values {
				out[i] = float64(v)
			}
		default:
			panic(fmt.Errorf("mathx.Floats: a tensor of %s, expected float32 or float64", x.DType()))
		}
	})
	return out
}
