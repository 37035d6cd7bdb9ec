package datasets

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// Binarization says how intensities p in [0, 1] become bits b ∈ {0, 1}.
type Binarization int

const (
	// Intensities leaves x as it is.
	Intensities Binarization = iota
	// Static draws b ~ Bernoulli(p) once for each example: a function of (seed, example), the same in every epoch
	// (Salakhutdinov & Murray 2008, "On the quantitative analysis of deep belief networks").
	Static
	// Dynamic draws b ~ Bernoulli(p) anew at each step: a function of (seed, step)
	// (Burda, Grosse & Salakhutdinov 2016, "Importance weighted autoencoders").
	Dynamic
)

// String returns "intensities", "static" or "dynamic".
func (b Binarization) String() string {
	if b < Intensities || b > Dynamic {
		return fmt.Sprintf("Binarization(%d)", int(b))
	}
	return [...]string{"intensities", "static", "dynamic"}[b]
}

// binarize replaces the intensities of x, [len(indices), ...], by bits, in place.
func (b Binarization) binarize(x *tensors.Tensor, seed int64, step int, indices []int) error {
	if b == Intensities {
		return nil
	}
	var failed error
	err := tensors.MutableFlatData(x, func(flat []float32) {
		if b == Dynamic {
			failed = bernoulli(flat, draw.Source(seed, draw.Dynamic, step))
			return
		}
		width := len(flat) / len(indices)
		for k, i := range indices {
			if failed == nil {
				failed = bernoulli(flat[k*width:(k+1)*width], draw.Source(seed, draw.Static, i))
			}
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// bernoulli replaces each p by 1{u < p}, with u uniform on the multiples of 2^-32 in [0, 1):
// so 0 stays 0, 1 stays 1, and P(1) is p to within 2^-32. One draw of 64 bits serves two numbers.
func bernoulli(flat []float32, src *rand.ChaCha8) error {
	var bits uint64
	for k, p := range flat {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("datasets: binarisation of the value %v, want an intensity in [0, 1]", p)
		}
		if k%2 == 0 {
			bits = src.Uint64()
		}
		below := uint64(int64(uint32(bits))-int64(float64(p)*(1<<32))) >> 63 // the sign bit of u - p: no branch to mispredict
		flat[k] = float32(int32(below))
		bits >>= 32
	}
	return nil
}
