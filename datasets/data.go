package datasets

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Data is a finite sequence of examples that can be read in any order.
//
// Gather returns the examples at the given positions, which may repeat, as tensors whose first axis is the batch:
// first the example x (float32), then what belongs to it (labels as int32 [batch], factors as float32 [batch, k]).
// The number of tensors, their types and their shapes past the first axis are the same in every call.
// It returns an error when a position is outside 0..Len()-1. The caller owns the tensors.
// Gather may be called by several goroutines at once.
type Data interface {
	Name() string
	Len() int
	Gather(indices []int) ([]*tensors.Tensor, error)
}

// Rows gathers rows of a flat table: row i is flat[i*width : (i+1)*width] with width the product of dims,
// and the tensor returned is [len(indices), dims...]. With no dims a row is one number and the tensor [len(indices)].
// It is the whole of Gather for a data set that lies in memory as float32 or int32.
//
// It returns an error when flat is no whole number of rows or an index is outside the table.
func Rows[T float32 | int32](flat []T, indices []int, dims ...int) (*tensors.Tensor, error) {
	width := product(dims)
	if width < 1 || len(flat)%width != 0 {
		return nil, fmt.Errorf("datasets.Rows: %d values are no whole number of rows of shape %v", len(flat), dims)
	}
	if err := checkIndices("datasets.Rows", indices, len(flat)/width); err != nil {
		return nil, err
	}
	return fill(indices, dims, func(out []T) {
		for k, i := range indices {
			copy(out[k*width:], flat[i*width:(i+1)*width])
		}
	})
}

// fill returns the tensor [len(indices), dims...] that write has filled; its memory is written once, in place.
func fill[T float32 | int32](indices, dims []int, write func(out []T)) (*tensors.Tensor, error) {
	shape := shapes.Make(dtypes.FromGenericsType[T](), append([]int{len(indices)}, dims...)...)
	t := tensors.FromShape(shape)
	return t, tensors.MutableFlatData(t, write)
}

func checkIndices(name string, indices []int, n int) error {
	if len(indices) == 0 {
		return fmt.Errorf("%s: no indices, want at least one", name)
	}
	for _, i := range indices {
		if i < 0 || i >= n {
			return fmt.Errorf("%s: index %d is outside 0..%d", name, i, n-1)
		}
	}
	return nil
}

func product(dims []int) int {
	p := 1
	for _, d := range dims {
		p *= d
	}
	return p
}
