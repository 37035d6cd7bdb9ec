package hvae

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Model is an HVAE with its weights (float32) and the backend that runs it. Its methods take and return Go slices,
// one row an example, for scripts and notebooks; Build gives the functions on nodes. Each method compiles once for a number of rows,
// and keeps its program: the fields stay what they are. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	functions program.Functions
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error is that of c, or of computing the weights on b.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	err := c.Validate()
	var store *model.Store
	if err == nil {
		store, err = program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
			x := Zeros(g, shapes.Make(dtypes.Float32, 1, c.Data))
			return New(scope, c).LogWeights(noise.FromSeed(g, 0), x, 1)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("hvae.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
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
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Build returns the HVAE on the model's weights, for a graph that runs on the model's store.
func (m *Model) Build(scope *model.Scope) HVAE { return New(scope, m.Config) }

// Encode draws a path of q(z_{1:T}|x) for x [n][data]: [T][n][k_t].
func (m *Model) Encode(x [][]float64, seed int64) ([][][]float64, error) {
	return m.rows("Encode", seed, func(h HVAE, src noise.Source, in []*Node) []*Node { return h.Path(src, in[0]) }, x)
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
	return m.split(m.rows("Sample", seed, func(h HVAE, src noise.Source, in []*Node) []*Node {
		return h.generate(src, src.RandomNormal(in[0].Graph(), in[0].Shape()))
	}, top))
}

// SampleBelow draws x and all latents below the given highest levels z_s … z_T in above, [T−s+1][n][k]: x [n][data], and all
// latents z [T][n][k_t], the given ones among them. Levels given twice in two rows, and drawn anew below, show what each level decides.
func (m *Model) SampleBelow(above [][][]float64, seed int64) (x [][]float64, z [][][]float64, err error) {
	return m.split(m.rows("SampleBelow", seed, func(h HVAE, src noise.Source, in []*Node) []*Node {
		return h.generate(src, in...)
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
	out, err := m.call(fmt.Sprintf("Evaluate by %d", k), seed, func(h HVAE, src noise.Source, in []*Node) []*Node {
		h.check("Evaluate", true)
		levels, logW := h.weigh("Evaluate", src, in[0], k)
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

// Finalize frees what the methods compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() { m.functions.Finalize() }

// function makes results of arguments and the noise of a seed.
type function func(h HVAE, src noise.Source, in []*Node) []*Node

// rows is call for results that are [n][width].
func (m *Model) rows(name string, seed int64, fn function, args ...[][]float64) ([][][]float64, error) {
	out, err := m.call(name, seed, fn, args...)
	if err != nil {
		return nil, err
	}
	rows := make([][][]float64, len(out))
	for i, t := range out {
		rows[i] = t.Value().([][]float64)
	}
	return rows, nil
}

// call runs fn of the HVAE, which name stands for, on rows. name begins with the method's.
func (m *Model) call(name string, seed int64, fn function, args ...[][]float64) ([]*tensors.Tensor, error) {
	method, _, _ := strings.Cut(name, " ")
	inputs := []any{program.Seed(seed)}
	for _, rows := range args {
		if len(rows) == 0 {
			return nil, fmt.Errorf("hvae.Model.%s: no rows, expected at least one", method)
		}
		if len(rows) != len(args[0]) {
			return nil, fmt.Errorf("hvae.Model.%s: levels of %d and %d rows, expected as many in each", method, len(args[0]), len(rows))
		}
		inputs = append(inputs, rows)
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("hvae.Model.%s: no levels given, expected the highest ones, z_T last", method)
	}
	out, err := m.functions.Call(m.Backend, m.Store, name, func(scope *model.Scope, in []*Node) []*Node {
		return fn(m.Build(scope), noise.NewStream(in[0]), in[1:])
	}, inputs...)
	if err != nil {
		return nil, fmt.Errorf("hvae.Model.%s: %w", method, err)
	}
	return out, nil
}
