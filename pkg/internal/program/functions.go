package program

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// NewStore returns a store with the weights that build asks for, drawn from seed. The error is that of build, or of running
// it on b.
func NewStore(b compute.Backend, seed int64, build func(scope *model.Scope, g *graph.Graph) *graph.Node) (*model.Store, error) {
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	_, err := model.CallOnce(b, store, build)
	return store, err
}

// Functions are a model's functions of rows, by name: each is compiled once for each shape of its arguments, and kept, and reads
// the weights of its store anew at every call. The zero Functions is empty. It is not for concurrent use.
type Functions struct {
	execs  Memo[string, *model.Exec]
	graphs int
}

// Seed is an argument that enters as the state of random numbers that GoMLX derives from it, for noise.NewStream.
type Seed int64

// Builder makes the results of a model's function: networks take their weights from scope, in are the arguments.
type Builder func(scope *model.Scope, in []*graph.Node) []*graph.Node

// Call runs on b the function that name stands for, which build makes of the networks of store: arguments of a float type enter as
// float32, as weights are, and results come back as float64. So a name must say all that build takes from elsewhere. It
// returns an error when build panics, or the store lacks weights (see Frozen).
func (f *Functions) Call(b compute.Backend, store *model.Store, name string, build Builder, args ...any) ([]*tensors.Tensor, error) {
	exec := f.execs.Get(name, func() *model.Exec {
		return model.MustNewExec(b, store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
			f.graphs++
			return convert(build(scope, convert(in, dtypes.Float32)), dtypes.Float64)
		}).SetMaxCache(-1)
	})
	for i, a := range args {
		if seed, ok := a.(Seed); ok {
			state, err := graph.RNGStateFromSeed(int64(seed))
			if err != nil {
				return nil, fmt.Errorf("seed %d: %w", seed, err)
			}
			args[i] = state
		}
	}
	lacks := Frozen(store)
	out, err := exec.Call(args...)
	if lack := lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		f.execs.Forget(name)
		return nil, err
	}
	return out, nil
}

// Graphs returns how many graphs were built so far.
func (f *Functions) Graphs() int { return f.graphs }

// Finalize frees what was compiled. The functions can be called again, and compile anew.
func (f *Functions) Finalize() { f.execs.Finalize() }

// convert returns the nodes of a float type as dtype, the others as they are.
func convert(in []*graph.Node, dtype dtypes.DType) []*graph.Node {
	out := make([]*graph.Node, len(in))
	for i, n := range in {
		out[i] = n
		if n.DType().IsFloat() {
			out[i] = graph.ConvertDType(n, dtype)
		}
	}
	return out
}

// Rows returns an error unless x is one row or more of the given number of values, which are what.
func Rows(x [][]float64, width int, what string) error {
	if len(x) == 0 {
		return fmt.Errorf("no rows, expected at least one of %d numbers", width)
	}
	for i, row := range x {
		if len(row) != width {
			return fmt.Errorf("row %d has %d numbers, expected %d as %s", i, len(row), width, what)
		}
	}
	return nil
}
