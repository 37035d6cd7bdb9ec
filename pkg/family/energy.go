package family

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
)

// LevelSteps is the number of Langevin steps that NCSN takes at a noise level.
const LevelSteps = 40

// NCSN trains a noise-conditional score network with levels by the rules of ncsn.ConfigFor, down to Least. Annealed Langevin dynamics
// draw a set. It has a score at each level and no likelihood of its own; what the score of a diffusion gives is Flow.
func (t Trainer) NCSN() (Model, error) {
	dir, data, how, err := t.start("ncsn")
	if err != nil {
		return Model{}, err
	}
	c, err := ncsn.ConfigFor(t.Rows[:min(2000, len(t.Rows))], t.Least)
	if err != nil {
		return Model{}, err
	}
	c.Hidden = t.Hidden
	m, _, err := ncsn.LoadOrTrain(t.Context, t.Backend, dir, c, data, how)
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "NCSN", Calls: LevelSteps * len(c.Levels), Weights: weights(m.Store),
		Sample: func(n int, seed int64) ([][]float64, error) {
			return m.Sample(n, ncsn.Sampling{Steps: LevelSteps}, seed)
		},
		finalize: m.Finalize}, nil
}

// EBM trains an energy on data with noise of the size Least, by chains that persist. Adjusted Langevin chains draw a set, each step a call
// of the network and of its gradient. log p(x) needs log Z: by quadrature in one or two dimensions, beyond them an estimate by AIS.
func (t Trainer) EBM() (Model, error) {
	dir, data, how, err := t.start("ebm")
	if err != nil {
		return Model{}, err
	}
	e := t.Energy
	how.Steps = unless(e.Moves, how.Steps)
	c := ebm.Config{Data: t.Dim(), Hidden: t.Hidden, Std: e.Std, Steps: e.Steps, Size: e.Size, Chains: e.Chains, Adjusted: true, Noise: t.Least}
	m, _, err := ebm.LoadOrTrain(t.Context, t.Backend, dir, c, data, how)
	if err != nil {
		return Model{}, err
	}
	out := Model{Name: "EBM", Calls: e.Draw, Weights: weights(m.Store), Evidence: Exact,
		Sample: func(n int, seed int64) ([][]float64, error) {
			return m.Sample(n, ebm.Sampling{Steps: e.Draw, Adjusted: true}, seed)
		},
		LogProb:  func(x [][]float64, seed int64) (LogProb, error) { return t.energyLogProb(m, x, seed) },
		finalize: m.Finalize}
	if t.Dim() > 2 {
		out.Evidence = Estimate
	}
	return out, nil
}

func (t Trainer) energyLogProb(m *ebm.Model, x [][]float64, seed int64) (LogProb, error) {
	var z ebm.Partition
	var err error
	if d := t.Dim(); d <= 2 {
		const wide, tol = 6, 1e-4 // standard deviations of the first term, beyond which exp(−f) is negligible; nats
		box := ebm.Box{}
		for range d {
			box.Lo, box.Hi = append(box.Lo, -wide*t.Energy.Std), append(box.Hi, wide*t.Energy.Std)
		}
		z.LogZ, err = m.LogZ(box, tol)
	} else {
		z, err = m.Anneal(t.Energy.AIS[0], t.Energy.AIS[1], seed)
	}
	if err != nil {
		return LogProb{}, fmt.Errorf("family.Trainer.EBM: LogProb: %w", err)
	}
	values, err := m.LogProb(x, z.LogZ)
	return LogProb{Values: values, Shared: z.SE}, err
}

// GAN trains a generator of rows from Noise numbers against a discriminator, in the game of the task. One call draws a set. It says
// nothing of log p(x).
func (t Trainer) GAN() (Model, error) {
	dir, data, how, err := t.start("gan")
	if err != nil {
		return Model{}, err
	}
	if t.Game.Rate > 0 {
		how.LearningRate = t.Game.Rate
	}
	c := gan.Config{Data: t.Dim(), Latent: t.Noise, G: t.Hidden, D: t.Hidden,
		Loss: t.Game.Loss, Penalty: t.Game.Penalty, DSteps: t.Game.DSteps, Minibatch: t.Game.Minibatch}
	m, _, err := gan.LoadOrTrain(t.Context, t.Backend, dir, c, data, how)
	if err != nil {
		return Model{}, err
	}
	return Model{Name: "GAN", Calls: 1, Weights: weights(m.Store), Sample: m.Sample, finalize: m.Finalize}, nil
}

// float32s makes rows a tensor of float32.
func float32s(x [][]float64) *tensors.Tensor {
	var flat []float32
	for _, row := range x {
		for _, v := range row {
			flat = append(flat, float32(v))
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, len(x), len(x[0]))
}
