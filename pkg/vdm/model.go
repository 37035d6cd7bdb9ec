package vdm

import (
	"context"
	"fmt"
	"iter"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Model is a diffusion model of images with its weights (float32) and the backend that runs it. Its methods take and
// return Go slices and tensors, for scripts and notebooks; Config.Build gives the functions on nodes. The programs of Sample,
// SampleGiven and Path are compiled once for each η and n, with and without a condition and a guidance scale, and kept.
// It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	runs program.Memo[float64, *sampler.Run] // by η
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("vdm.NewModel: %w", err)
	}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, fmt.Errorf("vdm.NewModel: seed %d: %w", seed, err)
	}
	m := &Model{Config: c, Store: store, Backend: b}
	_, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node {
		return c.Build(scope, nil).Denoise(x, fillTime(x, c.Process().TMax))
	}, tensors.FromShape(m.shape(1)))
	if err != nil {
		return nil, fmt.Errorf("vdm.NewModel: %w", err)
	}
	return m, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with Config.Loss if need be. c is
// part of the run's identity: a checkpoint of another architecture or schedule is an error, as all of
// fit.LoadOrTrain's. The batches hold images [batch, Height, Width, Channels] as intensities in [0, 1], with
// Classes the labels, integers [batch], and with Caption the words, integers [batch, Caption.Length].
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("vdm.LoadOrTrain: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Load returns the model of config c of the finished run in dir, as one that came with the project, without its data and
// whatever it was trained by. It returns an error when dir holds no whole finished run, or one of another Config.
func Load(b compute.Backend, dir string, c Config) (*Model, fit.Report, error) {
	store, report, err := fit.LoadSetting(dir, c)
	if err != nil {
		return nil, report, fmt.Errorf("vdm.Load: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Sampling says how to draw.
type Sampling struct {
	Steps int     // T, of equal size in t, at least 1; 50 do for most pictures
	Eta   float64 // of sampler.DDIM: 0 draws no noise on the way, 1 is ancestral sampling with the posterior's variance
}

// Sample draws n images as rows of Height·Width·Channels intensities in [0, 1], [n][…], without a condition. The starting noise and the
// steps' come from seed, so that for one seed other Steps go from the same noise. On XLA a network of matrix products draws
// them in one call. It returns an error when n or Steps is below 1, the store lacks weights, or when the model has a condition and was
// trained without Drop, so that it never learned to do without.
func (m *Model) Sample(n int, s Sampling, seed int64) ([][]float64, error) {
	rows, err := m.draw(n, s, seed)
	if err != nil {
		return nil, fmt.Errorf("vdm.Model.Sample: %w", err)
	}
	return rows, nil
}

// SampleGiven draws one image for each entry of y, as rows like Sample's, by classifier-free guidance with the scale γ (guide.Batched):
// 1 draws from the model of p(x|y), 0 ignores y and is Sample from the same noise, and more than 1 keeps closer to y for less variety.
// At γ = 1 and 0 a step evaluates the network once, otherwise twice in one batch. Other values of y and γ compile nothing.
//
// It returns an error where Sample does; when y is not of the Config's kind, or holds a label outside the classes, an unknown word or a
// picture of another size; and when γ is not finite, or not 1 for a model that was trained without Drop.
func (m *Model) SampleGiven(y Condition, scale guide.Scale, s Sampling, seed int64) ([][]float64, error) {
	given, err := m.given(y, scale)
	if err == nil {
		defer finalize(given)
		rows, err := m.draw(y.Len(), s, seed, given...)
		if err == nil {
			return rows, nil
		}
		return nil, fmt.Errorf("vdm.Model.SampleGiven: %w", err)
	}
	return nil, fmt.Errorf("vdm.Model.SampleGiven: %w", err)
}

// draw runs all steps with what is given: nothing, a condition, or a condition and a scale.
func (m *Model) draw(n int, s Sampling, seed int64, given ...*tensors.Tensor) ([][]float64, error) {
	run, start, times, err := m.start(n, s, seed, len(given) > 0)
	if err != nil {
		return nil, err
	}
	x, err := run.Sample(start, times, seed, given...)
	if err != nil {
		return nil, err
	}
	defer x.MustFinalizeAll()
	return m.Intensities(x)
}

// Path draws as Sample does and yields x_t before and after every step.
func (m *Model) Path(n int, s Sampling, seed int64) iter.Seq2[sampler.Point, error] {
	run, start, times, err := m.start(n, s, seed, false)
	if err != nil {
		return func(yield func(sampler.Point, error) bool) {
			yield(sampler.Point{}, fmt.Errorf("vdm.Model.Path: %w", err))
		}
	}
	return run.Path(start, times, seed)
}

// Intensities returns images x_t, values around −1 to 1 of shape [n, Height, Width, Channels], as rows of intensities of
// the nearest levels. It returns an error for another shape.
func (m *Model) Intensities(x *tensors.Tensor) ([][]float64, error) {
	values, err := tensors.CopyFlatData[float32](x)
	if err != nil {
		return nil, fmt.Errorf("vdm.Model.Intensities: %w", err)
	}
	size := m.Config.Size()
	if want := m.shape(len(values) / size); !x.Shape().Equal(want) {
		return nil, fmt.Errorf("vdm.Model.Intensities: x has shape %s, expected images of the trained size, as %s", x.Shape(), want)
	}
	rows := make([][]float64, len(values)/size)
	for i := range rows {
		rows[i] = make([]float64, size)
		for j := range rows[i] {
			rows[i][j] = m.Config.Levels.ToIntensity(float64(values[i*size+j]))
		}
	}
	return rows, nil
}

// Finalize frees the programs that Sample and Path compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() { m.runs.Finalize() }

// start checks a request and returns what a run needs: the noise at TMax and the times from there to TMin.
func (m *Model) start(n int, s Sampling, seed int64, given bool) (*sampler.Run, *tensors.Tensor, []float64, error) {
	if n < 1 || s.Steps < 1 || !(s.Eta >= 0 && s.Eta <= 1) {
		return nil, nil, nil, fmt.Errorf("%d images in T = %d steps with η = %g, expected at least 1 of both and η from 0 to 1", n, s.Steps, s.Eta)
	}
	if c := m.Config; !given && c.conditional() && c.Drop == 0 {
		return nil, nil, nil, fmt.Errorf("no condition for a model of %s, which was trained with one always: give it %s, or train it with Drop above 0",
			c, c.kind())
	}
	run := m.runs.Get(s.Eta, func() *sampler.Run {
		return sampler.NewGiven(m.Backend, m.Store, func(scope *model.Scope, given []*Node) sampler.Stepper {
			c := m.Config
			return sampler.DDIM{Process: c.Process(), Denoise: c.guided(scope, given), Eta: s.Eta, Last: sampler.LastX0}
		})
	})
	return run, sampler.Prior(m.shape(n), 1, seed), m.Config.Process().Grid(s.Steps), nil
}

// Evaluate is the package's Evaluate for the model's weights.
func (m *Model) Evaluate(batches []*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	return Evaluate(m.Backend, m.Store, m.Config, batches, k, seed)
}

// EvaluateGiven is the package's EvaluateGiven for the model's weights.
func (m *Model) EvaluateGiven(batches [][]*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	return EvaluateGiven(m.Backend, m.Store, m.Config, batches, k, seed)
}

func (m *Model) shape(n int) shapes.Shape {
	c := m.Config
	return shapes.Make(dtypes.Float32, n, c.Height, c.Width, c.Channels)
}
