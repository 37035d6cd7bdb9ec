package hvae

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

// WarmUp gives each batch of Data the weight of the KLs at its step, which rises in a straight line:
//
//	β_k = min(1, k/Steps) at step k = 0, 1, …;  1 throughout for Steps = 0
//
// (Bowman et al. 2016, section 3.1; Sønderby et al. 2016, section 2.2). A level that starts useless is not
// pressed to the prior before the levels below have learned to use it. It is a fit.Batches of x and β: what follows x in Data's
// batches, as labels, is left out.
type WarmUp struct {
	Data  fit.Batches
	Steps int
}

// Batch implements fit.Batches. It returns an error when Steps is negative or Data's batch cannot be had.
func (w WarmUp) Batch(step int) ([]*tensors.Tensor, error) {
	if w.Steps < 0 {
		return nil, fmt.Errorf("hvae.WarmUp: %d steps, expected 0 (no warm-up) or more", w.Steps)
	}
	batch, err := w.Data.Batch(step)
	if err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		return nil, fmt.Errorf("hvae.WarmUp: batch %d holds no tensor, expected x", step)
	}
	return []*tensors.Tensor{batch[0], tensors.FromScalar(float32(w.Beta(step)))}, nil
}

// Beta returns β_k at the given step.
func (w WarmUp) Beta(step int) float64 {
	if step >= w.Steps {
		return 1
	}
	return float64(step) / float64(w.Steps)
}
