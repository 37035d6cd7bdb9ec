package fit

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// checkedBatch returns batch number step after holding its shapes against those of batch 0.
func (r *run) checkedBatch(step int) ([]*tensors.Tensor, error) {
	batch, err := r.data.Batch(step)
	if err != nil {
		return nil, fmt.Errorf("batch %d: %w", step, err)
	}
	if len(batch) != len(r.shapes) {
		return nil, fmt.Errorf("batch %d has %d tensors, expected %d as in batch 0", step, len(batch), len(r.shapes))
	}
	for i, t := range batch {
		if !t.Shape().Equal(r.shapes[i]) {
			return nil, fmt.Errorf("batch %d: tensor %d is %s, expected %s as in batch 0: a loader for training drops an incomplete last batch",
				step, i, t.Shape(), r.shapes[i])
		}
	}
	return batch, nil
}

// stacked returns batches first … first+n−1 as one tensor [K, …] for each tensor of a batch. The rows past n stay zero.
// For K = 1 it is the batch itself.
func (r *run) stacked(first, n int) ([]*tensors.Tensor, error) {
	if r.steps.k == 1 {
		return r.checkedBatch(first)
	}
	out := make([]*tensors.Tensor, len(r.shapes))
	for i, shape := range r.shapes {
		shape = shape.Clone()
		shape.Dimensions = append([]int{r.steps.k}, shape.Dimensions...)
		t, err := tensors.FromShapeForBackend(r.b, 0, shape)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	for j := range n {
		batch, err := r.checkedBatch(first + j)
		if err != nil {
			return nil, err
		}
		for i, t := range batch {
			if err := copyInto(out[i], t, j); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// copyInto writes t's bytes as row j of to.
func copyInto(to, t *tensors.Tensor, j int) (err error) {
	return t.ConstBytes(func(from []byte) {
		err = to.MutableBytes(func(all []byte) { copy(all[j*len(from):], from) })
	})
}
