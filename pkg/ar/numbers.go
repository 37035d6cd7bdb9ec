package ar

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Config is the architecture of an autoregressive model of rows of numbers on a grid: nets.MADE on their bits.
type Config struct {
	Grid
	Hidden []int // widths of the hidden layers
}

// String names the architecture and the grid: it is what makes a checkpoint fit.
func (c Config) String() string {
	return fmt.Sprintf("autoregressive, %d numbers of %d bits on %g to %g, hidden %v", c.Dim, c.Bits, c.Lo, c.Hi, c.Hidden)
}

// Check returns an error that names the field when there is no such model.
func (c Config) Check() error {
	if err := c.Grid.Check(); err != nil {
		return err
	}
	if len(c.Hidden) == 0 {
		return fmt.Errorf("ar.Config: Hidden = %v, expected one width or more: see nets.MADE", c.Hidden)
	}
	for _, h := range c.Hidden {
		if h < 1 {
			return fmt.Errorf("ar.Config: Hidden = %v, expected positive widths", c.Hidden)
		}
	}
	return nil
}

// Build returns the law whose weights lie in scope, under "made". It panics when c is not a valid Config.
func (c Config) Build(scope *model.Scope) Numbers {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("ar.Config.Build: %w", err))
	}
	return Numbers{c.Grid, Model{Logits: func(bits *Node) *Node {
		return nets.MADE(scope.At("made"), bits, nets.HeUniform, activation.Relu, c.Hidden...)
	}}}
}

// Loss returns what fit.Train minimises: the mean over the batch of −log P(bits of x), in nats. The first tensor of a batch holds
// x [batch, Dim].
func (c Config) Loss() fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		m := c.Build(scope)
		return m.Loss(m.Encode(batch[0]))
	}
}

// Trained is an autoregressive model of numbers with its weights (float32) and the backend that runs it. Its methods take and return
// Go slices, one row an example. Each method compiles once for a number of rows, and keeps its program: the fields stay what they are.
// It is not for concurrent use.
type Trained struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	run       *sampler.Run
	functions program.Functions
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with Config.Loss if need be. c is
// part of the run's identity. The error is that of c, or fit.LoadOrTrain's.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Trained, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("ar.LoadOrTrain: %w", err)
	}
	return &Trained{Config: c, Store: store, Backend: b}, report, nil
}

// Sample draws n rows, [n][Dim], by Dim·Bits calls of the network. All noise comes from seed. It returns an error when n is below 1
// or the store lacks weights.
func (m *Trained) Sample(n int, seed int64) ([][]float64, error) {
	fail := func(err error) ([][]float64, error) { return nil, fmt.Errorf("ar.Trained.Sample: %w", err) }
	if n < 1 {
		return fail(fmt.Errorf("%d rows, expected at least 1", n))
	}
	if m.run == nil {
		m.run = sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper { return Chain{m.Config.Build(scope).Model} })
	}
	start := tensors.FromShape(shapes.Make(dtypes.Float32, n, m.Config.Pixels()))
	defer start.MustFinalizeAll()
	bits, err := m.run.Sample(start, sampler.Count(m.Config.Pixels()), seed)
	if err != nil {
		return fail(err)
	}
	defer bits.MustFinalizeAll()
	out, err := m.functions.Call(m.Backend, m.Store, "Spread", func(_ *model.Scope, in []*Node) []*Node {
		return []*Node{Numbers{Grid: m.Config.Grid}.Spread(noise.NewStream(in[0]), in[1])}
	}, program.Seed(seed), bits)
	if err != nil {
		return fail(err)
	}
	defer out[0].MustFinalizeAll()
	return out[0].Value().([][]float64), nil
}

// LogProb returns log p(x) for x [n][Dim], in nats: exact, by one call of the network. It returns an error for no rows, rows of another
// width, and when the store lacks weights.
func (m *Trained) LogProb(x [][]float64) ([]float64, error) {
	err := program.Rows(x, m.Config.Dim, "the model's data")
	if err != nil {
		return nil, fmt.Errorf("ar.Trained.LogProb: %w", err)
	}
	out, err := m.functions.Call(m.Backend, m.Store, "LogProb", func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{m.Config.Build(scope).LogProb(in[0])}
	}, x)
	if err != nil {
		return nil, fmt.Errorf("ar.Trained.LogProb: %w", err)
	}
	defer out[0].MustFinalizeAll()
	return out[0].Value().([]float64), nil
}

// Finalize frees the programs that the methods compiled. The model can be used again, and compiles anew.
func (m *Trained) Finalize() {
	m.functions.Finalize()
	if m.run != nil {
		m.run.Finalize()
	}
}
