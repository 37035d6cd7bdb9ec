package hvae

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Model is an HVAE with its weights (float32) and the backend that runs it. Its methods take and return Go slices,
// one row an example, for scripts and notebooks; Build gives the functions on nodes.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error is that of c, or of computing the weights on b.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("hvae.NewModel: %w", err)
	}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, fmt.Errorf("hvae.NewModel: seed %d: %w", seed, err)
	}
	_, err := model.CallOnce(b, store, func(scope *model.Scope, g *Graph) *Node {
		x := Zeros(g, shapes.Make(dtypes.Float32, 1, c.Data))
		return New(scope, c).LogWeights(noise.FromSeed(g, 0), x, 1)
	})
	if err != nil {
		return nil, fmt.Errorf("hvae.NewModel: %w", err)
	}
	return &Model{c, store, b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain if need be: minus the bound
// with one path an example, the KLs' weight rising over the first warmUp steps (see WarmUp).
// The error is that of c, of a warmUp that is not within 0..f.Steps, or of fit.LoadOrTrain.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, warmUp int, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	if err := c.Validate(); err != nil {
		return nil, fit.Report{}, fmt.Errorf("hvae.LoadOrTrain: %w", err)
	}
	if warmUp < 0 || warmUp > f.Steps {
		return nil, fit.Report{}, fmt.Errorf("hvae.LoadOrTrain: KL warm-up over %d steps, expected 0 to %d, the steps of training: shorten it or train longer", warmUp, f.Steps)
	}
	store := model.NewStore()
	f.Tag = fmt.Sprintf("%s, KL warm-up %d, %s", c, warmUp, f.Tag)
	report, err := fit.LoadOrTrain(ctx, b, dir, store, c.Loss(1), WarmUp{data, warmUp}, f)
	if err != nil {
		return nil, report, err
	}
	return &Model{c, store, b}, report, nil
}

// Build returns the HVAE on the model's weights, for a graph that runs on the model's store.
func (m *Model) Build(scope *model.Scope) HVAE { return New(scope, m.Config) }

// Encode draws a path of q(z_{1:T}|x) for x [n][data]: [T][n][k_t].
func (m *Model) Encode(x [][]float64, seed int64) ([][][]float64, error) {
	return m.rows("Encode", func(h HVAE, in []*Node) []*Node { return h.Path(noise.FromSeed(in[0].Graph(), seed), in[0]) }, x)
}

// Sample draws n ancestral samples: x [n][data] and the latents z [T][n][k_t] that they came from.
func (m *Model) Sample(n int, seed int64) (x [][]float64, z [][][]float64, err error) {
	if err := m.Config.Validate(); err != nil {
		return nil, nil, fmt.Errorf("hvae.Model.Sample: %w", err)
	}
	top := make([][]float64, max(n, 0))
	for i := range top {
		top[i] = make([]float64, m.Config.Latents[len(m.Config.Latents)-1])
	}
	return m.split(m.rows("Sample", func(h HVAE, in []*Node) []*Node {
		src := noise.FromSeed(in[0].Graph(), seed)
		return h.generate(src, src.RandomNormal(in[0].Graph(), in[0].Shape()))
	}, top))
}

// SampleBelow draws x and all latents below the given highest levels z_s … z_T in above, [T−s+1][n][k]: x [n][data], and all
// latents z [T][n][k_t], the given ones among them. Levels given twice in two rows, and drawn anew below, show what each level decides.
func (m *Model) SampleBelow(above [][][]float64, seed int64) (x [][]float64, z [][][]float64, err error) {
	return m.split(m.rows("SampleBelow", func(h HVAE, in []*Node) []*Node {
		return h.generate(noise.FromSeed(in[0].Graph(), seed), in...)
	}, above...))
}

// generate returns x and z₁ … z_T below the given levels.
func (h HVAE) generate(src noise.Source, above ...*Node) []*Node {
	z := h.Descend(src, above...)
	return append([]*Node{h.Observe(z).Sample(src)}, z...)
}

func (m *Model) split(all [][][]float64, err error) ([][]float64, [][][]float64, error) {
	if err != nil {
		return nil, nil, err
	}
	return all[0], all[1:], nil
}

// Evaluation is the bound's terms for each of n examples, in nats: differences of models on the same examples have the standard error
// of the differences, not of the sums.
type Evaluation struct {
	Bound []float64   // Recon − Σ KL, a mean over k paths
	Recon []float64   // see Levels
	KL    [][]float64 // [T][n]; see Levels
	NLL   []float64   // −log 1/k Σ wᵢ of the same k paths: in expectation at least −log p(x)
}

// Evaluate measures the bound at x [n][data] with k paths of q each; all n·k paths are one batch.
func (m *Model) Evaluate(x [][]float64, k int, seed int64) (Evaluation, error) {
	out, err := m.call("Evaluate", func(h HVAE, in []*Node) []*Node {
		h.check("Evaluate", true)
		levels, logW := h.weigh("Evaluate", noise.FromSeed(in[0].Graph(), seed), in[0], k)
		levels = levels.average(k)
		terms := []*Node{levels.Terms().Bound(), levels.Recon, Neg(elbo.ImportanceWeighted(logW))}
		return append(terms, levels.KL...)
	}, x)
	if err != nil {
		return Evaluation{}, err
	}
	values := make([][]float64, len(out))
	for i, t := range out {
		values[i] = t.Value().([]float64)
	}
	return Evaluation{Bound: values[0], Recon: values[1], NLL: values[2], KL: values[3:]}, nil
}

// rows is call for results that are [n][width].
func (m *Model) rows(method string, fn func(h HVAE, in []*Node) []*Node, args ...[][]float64) ([][][]float64, error) {
	out, err := m.call(method, fn, args...)
	if err != nil {
		return nil, err
	}
	rows := make([][][]float64, len(out))
	for i, t := range out {
		rows[i] = t.Value().([][]float64)
	}
	return rows, nil
}

// call runs fn of the HVAE on rows, as float32; the results are float64.
func (m *Model) call(method string, fn func(h HVAE, in []*Node) []*Node, args ...[][]float64) ([]*tensors.Tensor, error) {
	inputs := make([]any, len(args))
	for i, rows := range args {
		if len(rows) == 0 {
			return nil, fmt.Errorf("hvae.Model.%s: no rows, expected at least one", method)
		}
		if len(rows) != len(args[0]) {
			return nil, fmt.Errorf("hvae.Model.%s: levels of %d and %d rows, expected as many in each", method, len(args[0]), len(rows))
		}
		inputs[i] = rows
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("hvae.Model.%s: no levels given, expected the highest ones, z_T last", method)
	}
	lacks := fit.Frozen(m.Store)
	out, err := model.CallOnceN(m.Backend, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		return convert(fn(m.Build(scope), convert(in, dtypes.Float32)), dtypes.Float64)
	}, inputs...)
	if lack := lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		return nil, fmt.Errorf("hvae.Model.%s: %w", method, err)
	}
	return out, nil
}

func convert(in []*Node, to dtypes.DType) []*Node {
	out := make([]*Node, len(in))
	for i, n := range in {
		out[i] = ConvertDType(n, to)
	}
	return out
}
