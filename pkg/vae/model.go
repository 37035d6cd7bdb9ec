package vae

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Model is a VAE with its weights (float32) and the backend that runs it. Its methods take and return Go slices,
// one row an example, for scripts and notebooks; Build gives the functions on nodes.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error is that of computing them on b.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		return nil, fmt.Errorf("vae.NewModel: seed %d: %w", seed, err)
	}
	_, err := model.CallOnce(b, store, func(scope *model.Scope, g *Graph) *Node {
		return New(scope, c).Reconstruct(Zeros(g, shapes.Make(dtypes.Float32, 1, c.Data)))
	})
	if err != nil {
		return nil, fmt.Errorf("vae.NewModel: %w", err)
	}
	return &Model{c, store, b}, nil
}

// LoadOrTrain returns the model of config c that dir holds, trained on data by fit.LoadOrTrain if need be, with the
// loss −(Recon − β·Prior) and one draw of the code an example. The error is fit.LoadOrTrain's.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, c Config, beta float64, data fit.Batches, f fit.Config) (*Model, fit.Report, error) {
	store := model.NewStore()
	f.Tag = fmt.Sprintf("%s, β = %g, %s", c, beta, f.Tag)
	report, err := fit.LoadOrTrain(ctx, b, dir, store, c.Loss(beta, 1), data, f)
	if err != nil {
		return nil, report, err
	}
	return &Model{c, store, b}, report, nil
}

// Build returns the VAE on the model's weights, for a graph that runs on the model's store.
func (m *Model) Build(scope *model.Scope) VAE { return New(scope, m.Config) }

// SampleMeans returns E[x|z] for n codes z ~ N(0, I): the pictures without the observation's noise, [n][data].
func (m *Model) SampleMeans(n int, seed int64) ([][]float64, error) {
	return m.call("SampleMeans", func(v VAE, z *Node) *Node {
		return v.Generate(dist.StandardNormal(z).Sample(noise.FromSeed(z.Graph(), seed)))
	}, m.codes(n))
}

// Sample draws x ~ p(x|z) for n codes z ~ N(0, I), [n][data].
func (m *Model) Sample(n int, seed int64) ([][]float64, error) {
	return m.call("Sample", func(v VAE, z *Node) *Node { return v.Sample(noise.FromSeed(z.Graph(), seed), z) }, m.codes(n))
}

// Encode returns the means μ(x) of q(z|x), [n][latent], for x [n][data].
func (m *Model) Encode(x [][]float64) ([][]float64, error) {
	return m.call("Encode", func(v VAE, x *Node) *Node { return v.Encode(x).Expectation() }, x)
}

// EncodeStd returns the standard deviations σ(x) of q(z|x), [n][latent], for x [n][data].
func (m *Model) EncodeStd(x [][]float64) ([][]float64, error) {
	return m.call("EncodeStd", func(v VAE, x *Node) *Node { return v.Encode(x).Std() }, x)
}

// Generate returns E[x|z] for codes z [n][latent], as [n][data].
func (m *Model) Generate(z [][]float64) ([][]float64, error) {
	return m.call("Generate", func(v VAE, z *Node) *Node { return v.Generate(z) }, z)
}

// Reconstruct returns E[x|z] at z = μ(x) for x [n][data], as [n][data].
func (m *Model) Reconstruct(x [][]float64) ([][]float64, error) {
	return m.call("Reconstruct", func(v VAE, x *Node) *Node { return v.Reconstruct(x) }, x)
}

// Traverse returns E[x|z] along one coordinate of the code, which takes n values from lo to hi: [n][data].
func (m *Model) Traverse(code []float64, axis int, lo, hi float64, n int) ([][]float64, error) {
	return m.call("Traverse", func(v VAE, z *Node) *Node { return v.Generate(Traverse(z, axis, lo, hi, n)) }, [][]float64{code})
}

// Evaluate is the package's Evaluate for the model's weights.
func (m *Model) Evaluate(batches []*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	return Evaluate(m.Backend, m.Store, m.Build, batches, k, seed)
}

// codes returns n rows of zeros as wide as the code, none when n is negative.
func (m *Model) codes(n int) [][]float64 {
	z := make([][]float64, max(n, 0))
	for i := range z {
		z[i] = make([]float64, m.Config.Latent)
	}
	return z
}

// call runs fn of the VAE on rows, as float32.
func (m *Model) call(method string, fn func(v VAE, in *Node) *Node, rows [][]float64) ([][]float64, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("vae.Model.%s: no rows, expected at least one", method)
	}
	lacks := fit.Frozen(m.Store)
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, in *Node) *Node {
		return ConvertDType(fn(m.Build(scope), ConvertDType(in, dtypes.Float32)), dtypes.Float64)
	}, rows)
	if lack := lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		return nil, fmt.Errorf("vae.Model.%s: %w", method, err)
	}
	return out.Value().([][]float64), nil
}
