package ebm

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// explain adds to the error of a training run that diverged which chain ran away, if one did: it walks the chains of the bad
// step again, from the state before it that the store holds, with the noise of that step.
func (c Config) explain(b compute.Backend, store *model.Store, data fit.Batches, err error) error {
	var diverged fit.Diverged
	if !errors.As(err, &diverged) {
		return err
	}
	batch, again := data.Batch(diverged.Step - 1)
	if again != nil {
		return errors.Join(err, again)
	}
	out, again := model.CallOnceN(b, store, c.rewalk, anys(batch)...)
	if again != nil {
		return errors.Join(err, again)
	}
	x := mathx.Floats(out[0])
	row, value := firstBad(x, len(x)/out[0].Shape().Dimensions[0])
	if row < 0 {
		return err
	}
	chain := EBM{}.chain(c.withDefaults().Size, c.Adjusted).(sampler.Explainer)
	return fmt.Errorf("step %d: chain %d of %d, %s, is %g after its walk: %s: %w", diverged.Step, row,
		out[0].Shape().Dimensions[0], c.Negatives, value, chain.Explain(out[1:], row), err)
}

// rewalk returns where the chains of a training step end, and what they carried. It changes nothing in the store but the state
// of the noise.
func (c Config) rewalk(scope *model.Scope, batch []*Node) (out []*Node) {
	src := noise.Finite(scope)
	x, c := c.data(src, batch), c.withDefaults()
	toEnd := func(start *Node) *Node {
		end := walk(src, c.Build(scope).chain(c.Size, c.Adjusted), start, c.Steps)
		out = append([]*Node{end.X}, end.Aux...)
		return end.X
	}
	if c.Negatives == Persistent {
		r := c.replay(x)
		toEnd(r.take(src, r.waiting(scope, x), x))
		return out
	}
	c.negatives(scope, src, x, toEnd)
	return out
}

func anys(batch []*tensors.Tensor) (out []any) {
	for _, t := range batch {
		out = append(out, t)
	}
	return out
}

// firstBad returns the first row of x, of width numbers, that is not finite, and the value there, or −1.
func firstBad(x []float64, width int) (row int, value float64) {
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return i / width, v
		}
	}
	return -1, 0
}
