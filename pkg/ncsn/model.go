package ncsn

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

// Model is a noise-conditional score network with its weights (float32) and the backend that runs it. Its methods take and
// return Go slices and tensors, for scripts and notebooks; Config.Score gives the function on nodes. Each method compiles once for a
// number of rows (Sample and Path once for each ε), and keeps its programs: the fields stay what they are. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	functions program.Functions
	runs      program.Memo[float64, *sampler.Run] // by ε
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	err := c.Check()
	var store *model.Store
	if err == nil {
		store, err = program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
			return c.Score(scope)(Zeros(g, shapes.Make(dtypes.Float32, 1, c.Dim)), Const(g, [][]float32{{float32(c.Levels[0])}}))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("ncsn.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with Config.Loss if need be. c is
// part of the run's identity: a checkpoint of another architecture or of other levels is an error, as all of
// fit.LoadOrTrain's. The first tensor of a batch holds the data [batch, Dim].
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("ncsn.LoadOrTrain: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Score returns s_θ(x, σ) for rows x [n][Dim], as [n][Dim]. It returns an error for no rows or rows of another width, for σ outside
// the levels, and when the store lacks weights.
func (m *Model) Score(x [][]float64, sigma float64) ([][]float64, error) {
	levels := m.Config.Levels
	if smallest := levels[len(levels)-1]; !(sigma >= smallest && sigma <= levels[0]) {
		return nil, fmt.Errorf("ncsn.Model.Score: σ = %g, expected a noise level that was trained, from %g to %g", sigma, smallest, levels[0])
	}
	if err := program.Rows(x, m.Config.Dim, "the model's data"); err != nil {
		return nil, fmt.Errorf("ncsn.Model.Score: %w", err)
	}
	out, err := m.functions.Call(m.Backend, m.Store, "Score", func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{m.Config.Score(scope)(in[0], in[1])}
	}, x, [][]float64{{sigma}})
	if err != nil {
		return nil, fmt.Errorf("ncsn.Model.Score: %w", err)
	}
	return out[0].Value().([][]float64), nil
}

// Sampling says how to draw.
type Sampling struct {
	Steps int     // K, Langevin steps at each level, at least 1
	Eps   float64 // ε of sampler.Annealed: a step at σ is ε σ²/2σ_L²; 0 takes StepSize's
}

// Sample draws n rows by annealed Langevin dynamics (Song and Ermon 2019, algorithm 1), [n][Dim]: from N(0, σ_1² I), K steps at each
// level. All noise comes from seed. The rows still carry noise of the size σ_L. It returns an error when n or Steps is below 1, Eps is
// negative, the store lacks weights, or a chain diverges.
func (m *Model) Sample(n int, s Sampling, seed int64) ([][]float64, error) {
	run, start, times, err := m.start(n, s, seed)
	if err != nil {
		return nil, fmt.Errorf("ncsn.Model.Sample: %w", err)
	}
	x, err := run.Sample(start, times, seed)
	if err != nil {
		return nil, fmt.Errorf("ncsn.Model.Sample: %w", err)
	}
	defer x.MustFinalizeAll()
	_, rows := sampler.Point{X: x}.Frame()
	return rows, nil
}

// Path draws as Sample does and yields x before and after every step, with the noise level of the next step as its T, and 0 at the end.
func (m *Model) Path(n int, s Sampling, seed int64) iter.Seq2[sampler.Point, error] {
	run, start, times, err := m.start(n, s, seed)
	if err != nil {
		return func(yield func(sampler.Point, error) bool) {
			yield(sampler.Point{}, fmt.Errorf("ncsn.Model.Path: %w", err))
		}
	}
	return run.Path(start, times, seed)
}

// Finalize frees what the methods compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() {
	m.functions.Finalize()
	m.runs.Finalize()
}

// start checks a request and returns what a run needs: the noise at σ_1 and the levels, each Steps times.
func (m *Model) start(n int, s Sampling, seed int64) (*sampler.Run, *tensors.Tensor, []float64, error) {
	if n < 1 || s.Steps < 1 || !(s.Eps >= 0) || math.IsInf(s.Eps, 0) {
		return nil, nil, nil, fmt.Errorf("%d rows in K = %d steps a level with ε = %g, expected at least 1 of both, and ε above 0, or 0 for StepSize's", n, s.Steps, s.Eps)
	}
	levels := m.Config.Levels
	if s.Eps == 0 {
		var err error
		if s.Eps, err = StepSize(widest(levels), levels[len(levels)-1], s.Steps); err != nil {
			return nil, nil, nil, err
		}
	}
	run := m.runs.Get(s.Eps, func() *sampler.Run {
		return sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper {
			return sampler.Annealed{Process: m.Config.Process(), Score: m.Config.Score(scope), Eps: s.Eps, SigmaMin: levels[len(levels)-1]}
		})
	})
	return run, sampler.Prior(shapes.Make(dtypes.Float32, n, m.Config.Dim), levels[0], seed), sampler.Repeat(levels, s.Steps), nil
}

// widest returns the largest ratio of neighbouring levels.
func widest(levels []float64) float64 {
	ratio := 1.0
	for i, s := range levels[1:] {
		ratio = math.Max(ratio, levels[i]/s)
	}
	return ratio
}
