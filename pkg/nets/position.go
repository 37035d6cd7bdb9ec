package nets

import (
	"fmt"
	"math"
)

// positionBase is the base of the positions' frequencies. Images here have up to some dozen patches a side; with the base
// of text, 10000, most features would not change over them.
const positionBase = 100

// PatchPositions returns the fixed features [rows·cols, dim] of the places (i, j) of a grid, row by row:
//
//	(sin ωₖi, cos ωₖi, sin ωₖj, cos ωₖj) for k = 0 … dim/4−1,  ωₖ = 100^(−k/(dim/4))
//
// in four blocks of dim/4. They have unit amplitude. It panics when dim is not a positive multiple of 4, or the grid is empty.
// Source: Dosovitskiy et al. 2021, "An image is worth 16x16 words", appendix D.4 (two-dimensional positions);
// Vaswani et al. 2017, section 3.5, for the form.
func PatchPositions(rows, cols, dim int) [][]float64 {
	if rows < 1 || cols < 1 || dim < 4 || dim%4 != 0 {
		panic(fmt.Errorf("nets.PatchPositions: a grid of %d × %d and dim = %d, expected a grid of 1 × 1 or more and a multiple of 4",
			rows, cols, dim))
	}
	quarter := dim / 4
	features := make([][]float64, rows*cols)
	for at := range features {
		f := make([]float64, dim)
		for k := range quarter {
			omega := math.Pow(positionBase, -float64(k)/float64(quarter))
			f[k], f[quarter+k] = math.Sincos(omega * float64(at/cols))
			f[2*quarter+k], f[3*quarter+k] = math.Sincos(omega * float64(at%cols))
		}
		features[at] = f
	}
	return features
}
