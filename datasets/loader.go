package datasets

import (
	"fmt"
	"iter"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"

	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// Options of a Loader. The zero value shuffles, drops the incomplete last batch of an epoch (so that a compiled graph
// sees one shape only) and leaves the intensities as they are.
type Options struct {
	Sequential bool         // keep the order of the data, for evaluation
	KeepRest   bool         // give the incomplete last batch too: every example once an epoch
	Binarize   Binarization // of x, the first tensor
}

// Loader cuts a data set into batches. Batch is a pure function of the step, given the data, the batch size,
// the seed and the options: training that resumes at step k sees what it would have seen.
//
// It is a GoMLX train.Dataset as well, with x as the inputs of a batch and all else as its labels.
// A Loader may be used by several goroutines.
type Loader struct {
	data    Data
	size    int
	seed    int64
	options Options

	mu    sync.Mutex // guards what follows
	epoch int        // of order
	order []int      // nil before the first batch
	next  int        // the epoch of the next Iter
}

var _ train.Dataset = (*Loader)(nil)

// NewLoader returns a Loader of data in batches of the given size.
// It returns an error when data is empty, batch is outside 1..data.Len(), or the options do not fit the data.
func NewLoader(data Data, batch int, seed int64, options Options) (*Loader, error) {
	if batch < 1 || batch > data.Len() {
		return nil, fmt.Errorf("datasets.NewLoader(%q): batch of %d, want 1..%d", data.Name(), batch, data.Len())
	}
	if options.Binarize < Intensities || options.Binarize > Dynamic {
		return nil, fmt.Errorf("datasets.NewLoader(%q): %v, want Intensities, Static or Dynamic", data.Name(), options.Binarize)
	}
	l := &Loader{data: data, size: batch, seed: seed, options: options}
	first, err := data.Gather([]int{0})
	if err != nil {
		return nil, fmt.Errorf("datasets.NewLoader(%q): %w", data.Name(), err)
	}
	if dtype := first[0].DType(); dtype != dtypes.Float32 {
		return nil, fmt.Errorf("datasets.NewLoader(%q): x is %s, want float32", data.Name(), dtype)
	}
	return l, options.Binarize.binarize(first[0], seed, 0, []int{0})
}

// MustLoader is NewLoader for notebooks and tests: it panics with NewLoader's error.
func MustLoader(data Data, batch int, seed int64, options Options) *Loader {
	l, err := NewLoader(data, batch, seed, options)
	if err != nil {
		panic(err)
	}
	return l
}

// Name implements train.Dataset: the name of the data.
func (l *Loader) Name() string { return l.data.Name() }

// BatchesPerEpoch is ⌊n/batch⌋, or ⌈n/batch⌉ with KeepRest.
func (l *Loader) BatchesPerEpoch() int {
	if l.options.KeepRest {
		return (l.data.Len() + l.size - 1) / l.size
	}
	return l.data.Len() / l.size
}

// Batch returns the tensors of batch number step, counted from 0 over all epochs:
// epoch = step / BatchesPerEpoch(), and each epoch has its own Fisher-Yates permutation, drawn from (seed, epoch).
// The tensors are those of Data.Gather, x binarised as the options say; the caller owns them.
// It returns an error when step is negative or the data cannot be read.
func (l *Loader) Batch(step int) ([]*tensors.Tensor, error) {
	indices, err := l.Indices(step)
	if err != nil {
		return nil, err
	}
	batch, err := l.data.Gather(indices)
	if err != nil {
		return nil, fmt.Errorf("datasets.Loader.Batch(%d): %w", step, err)
	}
	if err := l.options.Binarize.binarize(batch[0], l.seed, step, indices); err != nil {
		return nil, fmt.Errorf("datasets.Loader.Batch(%d) of %q: %w", step, l.Name(), err)
	}
	return batch, nil
}

// Indices returns the positions in the data of the examples of batch number step. They must not be changed.
// It returns an error when step is negative.
func (l *Loader) Indices(step int) ([]int, error) {
	if step < 0 {
		return nil, fmt.Errorf("datasets.Loader.Batch(%d) of %q: a step is at least 0", step, l.Name())
	}
	order := l.permutation(step / l.BatchesPerEpoch())
	lo := step % l.BatchesPerEpoch() * l.size
	return order[lo:min(lo+l.size, len(order))], nil
}

// permutation returns the order of an epoch; the last one used is kept.
func (l *Loader) permutation(epoch int) []int {
	if l.options.Sequential {
		epoch = 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.order == nil || l.epoch != epoch {
		l.epoch, l.order = epoch, l.draw(epoch)
	}
	return l.order
}

func (l *Loader) draw(epoch int) []int {
	order := make([]int, l.data.Len())
	for i := range order {
		order[i] = i
	}
	if !l.options.Sequential {
		draw.Rand(l.seed, draw.Shuffle, epoch).Shuffle(len(order), func(i, j int) {
			order[i], order[j] = order[j], order[i]
		})
	}
	return order
}

// Epoch iterates over the batches of one epoch, counted from 0: Batch(epoch*BatchesPerEpoch()) and those after it.
// It stops after the first error.
func (l *Loader) Epoch(epoch int) iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for k := range l.BatchesPerEpoch() {
			tensors, err := l.Batch(epoch*l.BatchesPerEpoch() + k)
			if err != nil {
				yield(train.Batch{}, err)
				return
			}
			if !yield(train.Batch{Inputs: tensors[:1], Labels: tensors[1:]}, nil) {
				return
			}
		}
	}
}

// Iter implements train.Dataset: the first call iterates over epoch 0, the next over epoch 1, and so on.
func (l *Loader) Iter() iter.Seq2[train.Batch, error] {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return l.Epoch(l.next - 1)
}
