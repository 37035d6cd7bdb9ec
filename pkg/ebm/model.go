package ebm

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Model is an energy network with its weights (float32) and the backend that runs it. Its methods take and return Go slices, one
// row an x, for scripts and notebooks; Config.Build gives the functions on nodes. Each method compiles once for a number of rows (and
// chains once for each size of a step), and keeps its programs: the fields stay what they are. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	functions program.Functions
	runs      program.Memo[chains, *sampler.Run]
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	err := c.Check()
	var store *model.Store
	if err == nil {
		store, err = program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
			return c.Build(scope).Energy(Zeros(g, shapes.Make(dtypes.Float32, 1, c.Data)))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("ebm.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with Config.Loss if need be. The
// batches hold x [batch, Data]. c is part of the run's identity, and the replay buffer part of its state. The error is
// fit.LoadOrTrain's; where a chain ran away it names the chain and the step size that would have been stable.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("ebm.LoadOrTrain: %w", c.explain(b, store, data, err))
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Energy returns f(x) for x [n][Data], in nats. It is known up to a constant.
func (m *Model) Energy(x [][]float64) ([]float64, error) {
	out, err := m.call("Energy", func(e EBM, x *Node) *Node { return e.Energy(x) }, x)
	if err != nil {
		return nil, err
	}
	return out.Value().([]float64), nil
}

// Score returns −∇f(x) for x [n][Data], [n][Data].
func (m *Model) Score(x [][]float64) ([][]float64, error) {
	out, err := m.call("Score", EBM.Score, x)
	if err != nil {
		return nil, err
	}
	return out.Value().([][]float64), nil
}

// LogProb returns log p(x) = −f(x) − logZ for x [n][Data] and the log Z that LogZ or Anneal found, in nats.
func (m *Model) LogProb(x [][]float64, logZ float64) ([]float64, error) {
	out, err := m.call("LogProb", EBM.LogProb, x)
	if err != nil {
		return nil, err
	}
	values := out.Value().([]float64)
	for i := range values {
		values[i] -= logZ
	}
	return values, nil
}

// LogZ is the package's LogZ for the model's weights, which are float32: a tol below 1e-5 asks for more than they hold. The error
// is LogZ's; the model has one or two dimensions.
func (m *Model) LogZ(box Box, tol float64) (float64, error) {
	fail := func(err error) (float64, error) { return 0, fmt.Errorf("ebm.Model.LogZ: %w", err) }
	if len(box.Lo) != m.Config.Data {
		return fail(fmt.Errorf("a box of %d dimensions for a model of %d, expected as many: in more than two take Anneal", len(box.Lo), m.Config.Data))
	}
	logZ, err := quadrature{box: box, tol: tol, energies: func(x *tensors.Tensor) (*tensors.Tensor, error) {
		return m.function("Energy", func(e EBM, x *Node) *Node { return e.Energy(x) }, x)
	}}.logZ()
	if err != nil {
		return fail(err)
	}
	return logZ, nil
}

// Anneal estimates log Z by AIS: n chains through the given number of temperatures, from the model's own N(0, Std² I), with steps
// of the model's Size. The error is Anneal's.
func (m *Model) Anneal(n, temperatures int, seed int64) (Partition, error) {
	if n < 2 || temperatures < 1 {
		return Partition{}, fmt.Errorf("ebm.Model.Anneal: %d chains through %d temperatures, expected at least 2 and 1", n, temperatures)
	}
	return Anneal(m.run(chains{size: m.Config.withDefaults().Size, annealed: true}), m.shape(n), Temperatures(temperatures), seed)
}

// Sampling says how to draw: Steps of Langevin dynamics of the given size from N(0, Std² I).
type Sampling struct {
	Steps    int     // at least 1
	Size     float64 // c; 0 means the Size of the Config
	Adjusted bool    // by Metropolis and Hastings (MALA): no bias of the step size
}

// Sample draws n points by chains of their own, [n][Data]. It returns an error when n or Steps is below 1, the store lacks weights,
// or a chain becomes NaN or infinite, naming it.
func (m *Model) Sample(n int, s Sampling, seed int64) ([][]float64, error) {
	run, start, err := m.start(n, s, seed)
	if err != nil {
		return nil, fmt.Errorf("ebm.Model.Sample: %w", err)
	}
	defer start.MustFinalizeAll()
	x, err := run.Sample(start, sampler.Count(s.Steps), seed)
	if err != nil {
		return nil, fmt.Errorf("ebm.Model.Sample: %w", err)
	}
	defer x.MustFinalizeAll()
	_, rows := sampler.Point{X: x}.Frame()
	return rows, nil
}

// Path draws as Sample does and yields the chains before and after every step.
func (m *Model) Path(n int, s Sampling, seed int64) iter.Seq2[sampler.Point, error] {
	return func(yield func(sampler.Point, error) bool) {
		run, start, err := m.start(n, s, seed)
		if err != nil {
			yield(sampler.Point{}, fmt.Errorf("ebm.Model.Path: %w", err))
			return
		}
		defer start.MustFinalizeAll()
		run.Path(start, sampler.Count(s.Steps), seed)(yield)
	}
}

// Finalize frees what the methods compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() {
	m.functions.Finalize()
	m.runs.Finalize()
}

// start checks a request and returns a run and its starting points.
func (m *Model) start(n int, s Sampling, seed int64) (*sampler.Run, *tensors.Tensor, error) {
	c := m.Config.withDefaults()
	if s.Size == 0 {
		s.Size = c.Size
	}
	if n < 1 || s.Steps < 1 || !(s.Size > 0) || math.IsInf(s.Size, 1) {
		return nil, nil, fmt.Errorf("%d chains of %d steps of size %g, expected at least 1 of both and a positive size", n, s.Steps, s.Size)
	}
	return m.run(chains{size: s.Size, adjusted: s.Adjusted}), sampler.Prior(m.shape(n), c.Std, seed), nil
}

// chains are what a run is kept by.
type chains struct {
	size               float64
	adjusted, annealed bool
}

// run returns the run of such chains.
func (m *Model) run(k chains) *sampler.Run {
	return m.runs.Get(k, func() *sampler.Run {
		return sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper {
			c := m.Config.withDefaults()
			if k.annealed {
				return AIS{EBM: c.Build(scope), Std: c.Std, Size: k.size}
			}
			return c.Build(scope).chain(k.size, k.adjusted)
		})
	})
}

func (m *Model) shape(n int) shapes.Shape { return shapes.Make(dtypes.Float32, n, m.Config.Data) }

// call runs fn of the model on rows of Data numbers.
func (m *Model) call(method string, fn func(e EBM, x *Node) *Node, rows [][]float64) (out *tensors.Tensor, err error) {
	if err = program.Rows(rows, m.Config.Data, "the model's data"); err == nil {
		out, err = m.function(method, fn, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("ebm.Model.%s: %w", method, err)
	}
	return out, nil
}

// function runs fn of the model, which name stands for, on x.
func (m *Model) function(name string, fn func(e EBM, x *Node) *Node, x any) (*tensors.Tensor, error) {
	out, err := m.functions.Call(m.Backend, m.Store, name, func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{fn(m.Config.Build(scope), in[0])}
	}, x)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
