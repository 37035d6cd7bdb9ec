package vdm

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// RowConfig is the architecture of a diffusion model of rows of Dim numbers of the size of 1: a multi-layer perceptron that gets x_t and
// t, and predicts v. Its schedule is log-SNR-linear.
type RowConfig struct {
	Dim                  int
	Hidden               []int   // widths of the hidden layers
	MaxLogSNR, MinLogSNR float64 // both 0 means 9 and −8; x_0 is read with noise of the variance e^(−MaxLogSNR)
}

// String names the architecture and the schedule: it is what makes a checkpoint fit.
func (c RowConfig) String() string {
	c = c.withDefaults()
	return fmt.Sprintf("diffusion of %d numbers, hidden %v, log-SNR %g to %g", c.Dim, c.Hidden, c.MaxLogSNR, c.MinLogSNR)
}

// Check returns an error that names the field when there is no such model.
func (c RowConfig) Check() error {
	c = c.withDefaults()
	switch {
	case c.Dim < 1:
		return fmt.Errorf("vdm.RowConfig: Dim = %d, expected the numbers in a row, 1 or more", c.Dim)
	case !(c.MaxLogSNR > c.MinLogSNR) || math.IsInf(c.MaxLogSNR-c.MinLogSNR, 0):
		return fmt.Errorf("vdm.RowConfig: MaxLogSNR, MinLogSNR = %g, %g, expected a finite log-SNR that falls", c.MaxLogSNR, c.MinLogSNR)
	}
	for _, h := range c.Hidden {
		if h < 1 {
			return fmt.Errorf("vdm.RowConfig: Hidden = %v, expected positive widths", c.Hidden)
		}
	}
	return nil
}

func (c RowConfig) withDefaults() RowConfig {
	if c.MaxLogSNR == 0 && c.MinLogSNR == 0 {
		c.MaxLogSNR, c.MinLogSNR = 9, -8
	}
	return c
}

// Process returns the schedule, log-SNR linear in t from 0 to 1.
func (c RowConfig) Process() process.Process {
	c = c.withDefaults()
	return process.Process{Schedule: process.LogSNRLinear{Max: c.MaxLogSNR, Min: c.MinLogSNR}, TMin: 0, TMax: 1}
}

// Build returns the model in continuous time whose weights lie in scope, between the latents at TMin and TMax, with
// p(x_0|x_1) = N(x_1/α, (σ/α)² I). It panics when c is not a valid RowConfig, or x has another width.
func (c RowConfig) Build(scope *model.Scope) VDM {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("vdm.RowConfig.Build: %w", err))
	}
	p := c.Process()
	return VDM{
		ReverseStep: sampler.ReverseStep{Process: p, Denoise: c.head(scope).Denoiser(p)},
		Times:       []float64{p.TMin, p.TMax},
		Decode: func(x1 *Node) dist.LogProber {
			t := fillTime(x1, p.TMin)
			return dist.DiagNormal{Mean: Div(x1, p.Alpha(t)), LogStd: p.LogNoiseLevel(t)}
		},
	}
}

// head is the network, of kind V.
func (c RowConfig) head(scope *model.Scope) Head {
	const features, slowest, fastest = 16, 1, 30 // radians over the range of t
	const stretch = 3                            // of x, so that the first layer bends within the data
	return Head{param.V, func(xt, t *Node) *Node {
		if xt.Rank() != 2 || xt.Shape().Dimensions[1] != c.Dim {
			panic(fmt.Errorf("vdm.RowConfig: x has shape %s, expected [batch, %d]", xt.Shape(), c.Dim))
		}
		time := BroadcastToDims(nets.TimeEmbedding(t, features, slowest, fastest), xt.Shape().Dimensions[0], features)
		sizes := append(append([]int{}, c.Hidden...), c.Dim)
		return nets.MLP(scope.At("denoiser"), Concatenate([]*Node{MulScalar(xt, stretch), time}, -1), nets.GlorotUniform, activation.Swish, sizes...)
	}}
}

// Loss returns what fit.Train minimises: the mean over the batch of ‖ε̂−ε‖²/Dim by NoiseError, as Config.Loss. The first tensor of a
// batch holds x_0 [batch, Dim].
func (c RowConfig) Loss() fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		schedule := c.withDefaults()
		o := NoiseError(schedule.MaxLogSNR, schedule.MinLogSNR)
		o.Head = c.head(scope)
		loss := c.Build(scope).Matching(noise.Finite(scope), batch[0], o)
		return DivScalar(ReduceAllMean(loss), float64(c.Dim))
	}
}

// RowModel is a diffusion model of rows with its weights (float32) and the backend that runs it. Its methods take and return Go
// slices, one row an example. It is not for concurrent use.
type RowModel struct {
	Config  RowConfig
	Store   *model.Store
	Backend compute.Backend

	runs  program.Memo[float64, *sampler.Run] // by η
	solve *sampler.Run
}

// LoadOrTrainRows returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with RowConfig.Loss if need be. c is
// part of the run's identity. The error is that of c, or fit.LoadOrTrain's.
func LoadOrTrainRows(ctx context.Context, b compute.Backend, dir string, c RowConfig, data fit.Batches, f fit.Config) (*RowModel, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("vdm.LoadOrTrainRows: %w", err)
	}
	return &RowModel{Config: c, Store: store, Backend: b}, report, nil
}

// Sample draws n rows, [n][Dim], in s.Steps steps, each one call of the network, as Model.Sample does.
func (m *RowModel) Sample(n int, s Sampling, seed int64) ([][]float64, error) {
	fail := func(err error) ([][]float64, error) { return nil, fmt.Errorf("vdm.RowModel.Sample: %w", err) }
	if n < 1 || s.Steps < 1 || !(s.Eta >= 0 && s.Eta <= 1) {
		return fail(fmt.Errorf("%d rows in T = %d steps with η = %g, expected at least 1 of both and η from 0 to 1", n, s.Steps, s.Eta))
	}
	run := m.runs.Get(s.Eta, func() *sampler.Run {
		return sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper {
			v := m.Config.Build(scope)
			return sampler.DDIM{Process: v.Process, Denoise: v.Denoise, Eta: s.Eta, Last: sampler.LastX0}
		})
	})
	rows, err := m.draw(run, n, s.Steps, seed)
	if err != nil {
		return fail(err)
	}
	return rows, nil
}

// Solve draws n rows, [n][Dim], by Heun's rule along the probability flow of the model's score, in steps steps of two calls of the network.
// The starting noise is Sample's for the same seed. It returns an error when n or steps is below 1, or the store lacks weights.
func (m *RowModel) Solve(n, steps int, seed int64) ([][]float64, error) {
	if n < 1 || steps < 1 {
		return nil, fmt.Errorf("vdm.RowModel.Solve: %d rows in %d steps, expected at least 1 of both", n, steps)
	}
	if m.solve == nil {
		p := m.Config.Process()
		m.solve = sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper {
			return sampler.Heun{SDE: sde.Forward(p).ProbabilityFlow(param.ScoreOf(p, m.Config.Build(scope).Denoise)), Process: p}
		})
	}
	rows, err := m.draw(m.solve, n, steps, seed)
	if err != nil {
		return nil, fmt.Errorf("vdm.RowModel.Solve: %w", err)
	}
	return rows, nil
}

// draw runs n rows of noise through equal steps.
func (m *RowModel) draw(run *sampler.Run, n, steps int, seed int64) ([][]float64, error) {
	start := sampler.Prior(shapes.Make(dtypes.Float32, n, m.Config.Dim), 1, seed)
	defer start.MustFinalizeAll()
	x, err := run.Sample(start, m.Config.Process().Grid(steps), seed)
	if err != nil {
		return nil, err
	}
	defer x.MustFinalizeAll()
	return m.rows(x)
}

// rows copies x [n, Dim] to the host.
func (m *RowModel) rows(x *tensors.Tensor) ([][]float64, error) {
	flat, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(flat)/m.Config.Dim)
	for i := range out {
		for _, v := range flat[i*m.Config.Dim : (i+1)*m.Config.Dim] {
			out[i] = append(out[i], float64(v))
		}
	}
	return out, nil
}

// Bound returns for each row of x [n][Dim] an unbiased estimate of the bound on its log p(x_0), in nats, from k random times (VDM.Terms).
// It returns an error when there is no row or k < 1, when a row has another width, or the store lacks weights.
func (m *RowModel) Bound(x [][]float64, k int, seed int64) ([]float64, error) {
	if len(x) == 0 || k < 1 {
		return nil, fmt.Errorf("vdm.RowModel.Bound: %d rows and %d times, expected at least one of each", len(x), k)
	}
	run, err := newRepeated(m.Backend, m.Store, seed, func(scope *model.Scope, src noise.Source, in []*Node) []*Node {
		return []*Node{m.Config.Build(scope).Terms(src, ConvertDType(in[0], dtypes.Float32), k).Bound()}
	})
	if err != nil {
		return nil, fmt.Errorf("vdm.RowModel.Bound: %w", err)
	}
	defer run.finalize()
	out, err := run.call(x)
	if err != nil {
		return nil, fmt.Errorf("vdm.RowModel.Bound: %w", err)
	}
	return out[0], nil
}

// Flow returns the probability flow of the model's score between its first and last time: another model of the same network, with
// exact likelihoods. tolerance and d are those of sampler.FlowConfig.
func (m *RowModel) Flow(tolerance float64, d sampler.Divergence) (*sampler.Flow, error) {
	p := m.Config.Process()
	f, err := sampler.NewFlow(m.Backend, m.Store, sampler.FlowConfig{Process: p, Tolerance: tolerance, Terminal: sampler.Noise(1), Divergence: d,
		Score: func(scope *model.Scope) param.ScoreFn { return param.ScoreOf(p, m.Config.Build(scope).Denoise) }})
	if err != nil {
		return nil, fmt.Errorf("vdm.RowModel.Flow: %w", err)
	}
	return f, nil
}

// Finalize frees the programs that Sample and Solve compiled. The model can be used again, and compiles anew.
func (m *RowModel) Finalize() {
	if m.solve != nil {
		m.solve.Finalize()
	}
	m.runs.Finalize()
}
