package family

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
)

// Task is data that all families learn, and how large the networks are.
type Task struct {
	Name   string                                        // of the data; the run of family F lies in the folder NAME-F
	Rows   [][]float64                                   // the training data [n][d], about 0 and of the size of 1
	Load   func(rows [][]float64, batch int) fit.Batches // makes batches [batch, d] of them
	Hidden []int                                         // widths of the hidden layers of every network
	Code   int                                           // numbers of the VAE's code, and of each of the HVAE's two levels; at most d
	Noise  int                                           // numbers of the GAN's z
	Cells  Cells
	Least  float64 // the score network's smallest noise level, which the energy's data carry too
	Steps  int     // of training, each on Batch rows
	Batch  int
	Rate   float64 // Adam's, warmed up and cooled by a half cosine
	Energy Energy
	Game   Game
}

// Cells says how the autoregressive model writes numbers, and how it differs from the others: it sees only in which cell a number lies, so
// that noise on few data does not keep it from learning them by heart.
type Cells struct {
	Lo, Hi float64
	Bits   int   // of a number; 2^Bits cells from Lo to Hi
	Hidden []int // nil means the task's
	Steps  int   // of training; 0 means the task's
}

// Energy says how the chains of an energy model are run. They are what it costs.
type Energy struct {
	Std    float64 // s of N(0, s² I), where chains start
	Size   float64 // c of a Langevin step
	Steps  int     // of a chain in a training step
	Chains int     // kept between training steps
	Draw   int     // steps of a chain that draws a sample
	Moves  int     // steps of training, each of which runs the chains; 0 means the task's
	AIS    [2]int  // chains and temperatures for log Z, in more than two dimensions; in fewer it is by quadrature
}

// Game says how the players of a GAN play.
type Game struct {
	Loss      gan.Loss
	Penalty   float64 // see gan.GAN
	DSteps    int     // moves of D for one of G
	Minibatch bool    // D sees the batch
	Rate      float64 // Adam's; 0 means the task's
}

// Dim returns d, the numbers in a row.
func (t Task) Dim() int { return len(t.Rows[0]) }

// Check returns an error that names the field when the task makes no sense. What belongs to one family its own Config checks.
func (t Task) Check() error {
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("family.Task %q: %s = %v, expected %s", t.Name, field, value, want)
	}
	switch {
	case t.Name == "":
		return wrong("Name", t.Name, "a name, the beginning of the runs' folders")
	case t.Load == nil:
		return wrong("Load", "nil", "what makes batches of the rows, as a datasets.Loader")
	case len(t.Rows) < 2 || len(t.Rows[0]) == 0:
		return wrong("Rows", len(t.Rows), "two rows of numbers or more")
	case t.Steps < 1 || t.Batch < 1 || !(t.Rate > 0):
		return wrong("Steps, Batch, Rate", []any{t.Steps, t.Batch, t.Rate}, "positive numbers")
	}
	return nil
}

// Trainer trains the models of a task, or loads those that are trained.
type Trainer struct {
	Task
	Context  context.Context
	Backend  compute.Backend
	Dir      string       // the runs' folders lie here
	Progress fit.Progress // or nil
}

// All returns the models of all families: VAE, HVAE, VDM, Flow, AR, NCSN, EBM, GAN. The error is that of the first that fails.
func (t Trainer) All() ([]Model, error) {
	var all []Model
	for _, family := range []func() (Model, error){t.VAE, t.HVAE, t.VDM, t.Flow, t.AR, t.NCSN, t.EBM, t.GAN} {
		m, err := family()
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// start checks the task and returns the run's folder, its data and its configuration.
func (t Trainer) start(family string) (dir string, data fit.Batches, how fit.Config, err error) {
	if err := t.Check(); err != nil {
		return "", nil, fit.Config{}, err
	}
	how = fit.Config{Steps: t.Steps, LearningRate: t.Rate, Schedule: fit.WarmupCosine{Warmup: min(50, t.Steps/2)}, EMA: 0.995, Seed: 1, Half: dtypes.Float16,
		Tag: t.Name, Progress: t.Progress}
	return filepath.Join(t.Dir, t.Name+"-"+family), t.Load(t.Rows, t.Batch), how, nil
}

// unless returns v, or otherwise where v is 0.
func unless(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

// weights counts the trained numbers of a store.
func weights(store *model.Store) (n int) {
	for v := range store.IterVariables() {
		if v.Trainable {
			n += v.Shape().Size()
		}
	}
	return n
}
