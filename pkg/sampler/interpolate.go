package sampler

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
)

// Slerp returns n points on the great circle from a to b, both included, n ≥ 2:
//
//	z(w) = sin((1−w)θ)/sin θ · a + sin(wθ)/sin θ · b, w = 0, 1/(n−1), … 1, θ the angle between a and b
//
// (Shoemake 1985). Points of N(0, I) in d dimensions have a length near √d, and so have those of z(w), while the points of
// a straight line between two of them are shorter, at the middle by √½, where the law has no mass. For a and b in one direction,
// or opposite, it is the straight line. It panics when the lengths differ or n < 2.
func Slerp(a, b []float64, n int) [][]float64 {
	if len(a) != len(b) || n < 2 {
		panic(fmt.Errorf("sampler.Slerp: %d points between vectors of %d and %d numbers, expected at least 2 and one length", n, len(a), len(b)))
	}
	theta := angle(a, b)
	weight := func(w float64) float64 { return w }
	if math.Sin(theta) > 1e-6 {
		weight = func(w float64) float64 { return math.Sin(w*theta) / math.Sin(theta) }
	}
	out := make([][]float64, n)
	for i := range out {
		w := float64(i) / float64(n-1)
		for j := range a {
			out[i] = append(out[i], weight(1-w)*a[j]+weight(w)*b[j])
		}
	}
	return out
}

// angle returns the angle between a and b, 0 where one of them is 0.
func angle(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return math.Acos(max(-1, min(1, ab/math.Sqrt(aa*bb))))
}

// Interpolate returns n images of the flow's path between the first two rows of x [2, event...]: it encodes both, takes Slerp
// between their z, and decodes, [n, event...]. The first and the last are x's rows to within the tolerance.
// It returns an error where Encode and Decode do, and when x has not two rows or n < 2.
func (f *Flow) Interpolate(x *tensors.Tensor, n int) (*tensors.Tensor, error) {
	if x == nil || !x.Ok() || x.Rank() < 2 || x.Shape().Dimensions[0] != 2 || n < 2 {
		shape := "nothing"
		if x != nil && x.Ok() {
			shape = "a tensor " + x.Shape().String()
		}
		return nil, fmt.Errorf("sampler.Flow.Interpolate: %d points between the rows of %s, expected at least 2 and [2, event...]", n, shape)
	}
	z, err := f.Encode(x)
	if err != nil {
		return nil, fmt.Errorf("sampler.Flow.Interpolate: %w", err)
	}
	defer z.MustFinalizeAll()
	_, rows := Point{X: z}.Frame()
	between := rowsLike(z, Slerp(rows[0], rows[1], n))
	defer between.MustFinalizeAll()
	out, err := f.Decode(between)
	if err != nil {
		return nil, fmt.Errorf("sampler.Flow.Interpolate: %w", err)
	}
	return out, nil
}

// rowsLike returns rows as [len(rows), event...] of like's dtype and event.
func rowsLike(like *tensors.Tensor, rows [][]float64) *tensors.Tensor {
	dims := append([]int{len(rows)}, like.Shape().Dimensions[1:]...)
	if like.DType() == float64Type {
		return tensors.FromFlatDataAndDimensions(flatten[float64](rows), dims...)
	}
	return tensors.FromFlatDataAndDimensions(flatten[float32](rows), dims...)
}

func flatten[F float32 | float64](rows [][]float64) (out []F) {
	for _, row := range rows {
		for _, v := range row {
			out = append(out, F(v))
		}
	}
	return out
}
