package family

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// What the bounds and the samplers of the likelihood families spend.
const (
	Draws     = 100  // of the code, for the importance-weighted bound of VAE and HVAE
	Times     = 64   // at which the diffusion's bound looks at a row
	Ancestors = 100  // steps of ancestral sampling
	HeunSteps = 20   // of the probability flow, two calls each
	Tolerance = 1e-4 // of the flow's likelihood
)

// VAE trains a variational autoencoder with a code of Code numbers and a normal p(x|z) of one learned scale a number. One call draws a
// set. Its evidence is the importance-weighted bound of Draws draws.
func (t Trainer) VAE() (Model, error) {
	dir, data, how, err := t.start("vae")
	if err != nil {
		return Model{}, err
	}
	c := vae.Config{Data: t.Dim(), Hidden: t.Hidden, Latent: t.Code, Observation: dist.ObserveGaussianPerPixel}
	m, _, err := vae.LoadOrTrain(t.Context, t.Backend, dir, c, 1, data, how)
	if err != nil {
		return Model{}, err
	}
	functions := &program.Functions{}
	logProb := func(x [][]float64, seed int64) (LogProb, error) {
		out, err := functions.Call(m.Backend, m.Store, fmt.Sprintf("LogProb with seed %d", seed), func(scope *model.Scope, in []*Node) []*Node {
			return []*Node{elbo.ImportanceWeighted(m.Build(scope).LogWeights(noise.FromSeed(in[0].Graph(), seed), in[0], Draws))}
		}, x)
		if err != nil {
			return LogProb{}, fmt.Errorf("family.Trainer.VAE: LogProb: %w", err)
		}
		return LogProb{Values: out[0].Value().([]float64)}, nil
	}
	return Model{Name: "VAE", Calls: 1, Weights: weights(m.Store), Evidence: Bound, Sample: m.Sample, LogProb: logProb,
		finalize: func() { m.Finalize(); functions.Finalize() }}, nil
}

// HVAE trains a Markovian hierarchy of two levels of Code numbers, its KLs warmed up over a quarter of the training. Two calls draw a
// set, one a level. Its evidence is the VAE's.
func (t Trainer) HVAE() (Model, error) {
	dir, data, how, err := t.start("hvae")
	if err != nil {
		return Model{}, err
	}
	c := hvae.Config{Data: t.Dim(), Latents: []int{t.Code, t.Code}, Hidden: t.Hidden, Observation: dist.ObserveGaussianPerPixel}
	m, _, err := hvae.LoadOrTrain(t.Context, t.Backend, dir, c, how.Steps/4, data, how)
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "HVAE", Calls: 2, Weights: weights(m.Store), Evidence: Bound,
		Sample: func(n int, seed int64) ([][]float64, error) {
			x, _, err := m.Sample(n, seed)
			return x, err
		},
		LogProb: func(x [][]float64, seed int64) (LogProb, error) {
			e, err := m.Evaluate(x, Draws, seed)
			if err != nil {
				return LogProb{}, err
			}
			for i, nats := range e.NLL {
				e.NLL[i] = -nats
			}
			return LogProb{Values: e.NLL}, nil
		}, finalize: m.Finalize}, nil
}

// Diffusion trains the network that VDM and Flow share.
func (t Trainer) Diffusion() (*vdm.RowModel, error) {
	dir, data, how, err := t.start("vdm")
	if err != nil {
		return nil, err
	}
	m, _, err := vdm.LoadOrTrainRows(t.Context, t.Backend, dir, vdm.RowConfig{Dim: t.Dim(), Hidden: t.Hidden}, data, how)
	return m, err
}

// VDM trains a diffusion model. Its chain of Ancestors steps draws a set; its evidence is the variational bound in continuous time.
func (t Trainer) VDM() (Model, error) {
	m, err := t.Diffusion()
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "VDM", Calls: Ancestors, Weights: weights(m.Store), Evidence: Bound,
		Sample: func(n int, seed int64) ([][]float64, error) {
			return m.Sample(n, vdm.Sampling{Steps: Ancestors, Eta: 1}, seed)
		},
		LogProb: func(x [][]float64, seed int64) (LogProb, error) {
			values, err := m.Bound(x, Times, seed)
			return LogProb{Values: values}, err
		}, finalize: m.Finalize}, nil
}

// Flow is the probability flow of VDM's network: HeunSteps steps of Heun's rule draw a set, and RK45 gives the exact log p(x), up to
// Tolerance and, beyond two dimensions, the scatter of Hutchinson's estimate.
func (t Trainer) Flow() (Model, error) {
	m, err := t.Diffusion()
	if err != nil {
		return Model{}, err
	}
	var divergence sampler.Divergence = sampler.ExactDivergence{}
	if t.Dim() > 2 {
		divergence = sampler.Hutchinson{Probes: 1}
	}
	flow, err := m.Flow(Tolerance, divergence)
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "SDE's flow", Calls: 2 * HeunSteps, Weights: weights(m.Store), Evidence: Exact,
		Sample: func(n int, seed int64) ([][]float64, error) { return m.Solve(n, HeunSteps, seed) },
		LogProb: func(x [][]float64, seed int64) (LogProb, error) {
			if err := program.Rows(x, t.Dim(), "the model's data"); err != nil {
				return LogProb{}, fmt.Errorf("family.Trainer.Flow: LogProb: %w", err)
			}
			l, err := flow.LogProb(float32s(x), seed)
			return LogProb{Values: l.LogProb}, err
		},
		finalize: func() { m.Finalize(); flow.Finalize() }}, nil
}

// AR trains an autoregressive model of the numbers' bits, as Cells says. It draws bit by bit, and its evidence is exact: the density is
// level within a cell.
func (t Trainer) AR() (Model, error) {
	dir, data, how, err := t.start("ar")
	if err != nil {
		return Model{}, err
	}
	c := ar.Config{Grid: ar.Grid{Dim: t.Dim(), Bits: t.Cells.Bits, Lo: t.Cells.Lo, Hi: t.Cells.Hi}, Hidden: t.Hidden}
	if t.Cells.Hidden != nil {
		c.Hidden = t.Cells.Hidden
	}
	how.Steps = unless(t.Cells.Steps, how.Steps)
	m, _, err := ar.LoadOrTrain(t.Context, t.Backend, dir, c, data, how)
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "AR", Calls: c.Pixels(), Weights: weights(m.Store), Evidence: Exact, Sample: m.Sample,
		LogProb: func(x [][]float64, _ int64) (LogProb, error) {
			values, err := m.LogProb(x)
			return LogProb{Values: values}, err
		}, finalize: m.Finalize}, nil
}
