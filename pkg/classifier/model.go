package classifier

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Model is a classifier of noisy data with its weights (float32) and the backend that runs it. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error names the field of c that is wrong.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	err := c.Check()
	var store *model.Store
	if err == nil {
		store, err = program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
			x := Zeros(g, shapes.Make(dtypes.Float32, 1, c.Dim))
			return c.Logits(scope, process.Process{Schedule: process.EDM{}})(x, ConstAs(x, [][]float64{{1}}))
		})
	}
	if err != nil {
		return nil, fmt.Errorf("classifier.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain with Config.Loss if need be. c, with its noise,
// is part of the run's identity: a checkpoint of another is an error, as all of fit.LoadOrTrain's.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	store, report, err := fit.LoadOrTrainSetting(ctx, b, dir, c, data, f)
	if err != nil {
		return nil, report, fmt.Errorf("classifier.LoadOrTrain: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Load returns the model of config c of the finished run in dir, without its data. It returns an error when dir holds no whole finished run,
// or one of another Config.
func Load(b compute.Backend, dir string, c Config) (*Model, error) {
	store, _, err := fit.LoadSetting(dir, c)
	if err != nil {
		return nil, fmt.Errorf("classifier.Load: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
}

// slack is how far a log-SNR may lie outside the range for rounding.
const slack = 1e-6

// Covers returns an error unless the classifier was trained with all the noise that p has between t = from and to. It names both ranges.
func (m *Model) Covers(p process.Process, from, to float64) error {
	out, err := CallOnce(m.Backend, p.LogSNR, []float64{from, to})
	if err != nil {
		return fmt.Errorf("classifier.Model.Covers: evaluating the log-SNR: %w", err)
	}
	defer out.MustFinalizeAll()
	ends, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		return fmt.Errorf("classifier.Model.Covers: %w", err)
	}
	low, high := min(ends[0], ends[1]), max(ends[0], ends[1])
	if c := m.Config; !(low >= c.MinLogSNR-slack && high <= c.MaxLogSNR+slack) {
		what := "cleaner and noisier inputs"
		switch {
		case low >= c.MinLogSNR-slack:
			what = "cleaner inputs"
		case high <= c.MaxLogSNR+slack:
			what = "noisier inputs"
		}
		return fmt.Errorf("classifier.Model.Covers: between t = %g and %g the log-SNR goes from %.4g to %.4g, but the classifier was trained on "+
			"log-SNRs from %.4g to %.4g: it does not know the %s; train one with a Config for these, or move the times inwards", from, to, low, high, c.MinLogSNR, c.MaxLogSNR, what)
	}
	return nil
}

// Probabilities returns p(y|x_t) for rows x [n][Dim] at the time t of p, as [n][Classes]. It returns an error for no rows or rows of another
// width, when the classifier was not trained with such noise, and when the store lacks weights.
func (m *Model) Probabilities(p process.Process, x [][]float64, t float64) ([][]float64, error) {
	if err := program.Rows(x, m.Config.Dim, "the model's data"); err != nil {
		return nil, fmt.Errorf("classifier.Model.Probabilities: %w", err)
	}
	if err := m.Covers(p, t, t); err != nil {
		return nil, fmt.Errorf("classifier.Model.Probabilities: %w", err)
	}
	lacks := fit.Frozen(m.Store)
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x *Node) *Node {
		x = ConvertDType(x, dtypes.Float32)
		return ConvertDType(Softmax(m.Config.Logits(scope, p)(x, ConstAs(x, [][]float64{{t}})), -1), dtypes.Float64)
	}, x)
	if lack := lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		return nil, fmt.Errorf("classifier.Model.Probabilities: %w", err)
	}
	defer out.MustFinalizeAll()
	return out.Value().([][]float64), nil
}

// Guide returns what makes, of the weights in a scope of Store, the denoiser uncond guided towards a class by guide.Classifier. It returns an error when there
// is no such class, or the process, between its TMin and TMax, has noise that the classifier was not trained with.
func (m *Model) Guide(p process.Process, uncond param.Denoiser, class int, scale guide.Scale) (func(scope *model.Scope) param.Denoiser, error) {
	if class < 0 || class >= m.Config.Classes {
		return nil, fmt.Errorf("classifier.Model.Guide: class %d, expected one from 0 to %d", class, m.Config.Classes-1)
	}
	if err := m.Covers(p, p.TMin, p.TMax); err != nil {
		return nil, fmt.Errorf("classifier.Model.Guide: %w", err)
	}
	y := func(xt *Node) *Node { return Const(xt.Graph(), []int32{int32(class)}) }
	return func(scope *model.Scope) param.Denoiser {
		return guide.Classifier(p, uncond, m.Config.LogProb(scope, p, y), scale)
	}, nil
}
