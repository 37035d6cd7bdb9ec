package vae

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

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Model is a VAE with its weights (float32) and the backend that runs it. Its methods take and return Go slices,
// one row an example, for scripts and notebooks; Build gives the functions on nodes. Each method compiles once for a number of rows,
// and keeps its program: the fields stay what they are. It is not for concurrent use.
type Model struct {
	Config  Config
	Store   *model.Store
	Backend compute.Backend

	functions program.Functions
}

// NewModel returns the model of config c with the weights that training starts from, drawn from seed.
// The error is that of computing them on b.
func NewModel(b compute.Backend, c Config, seed int64) (*Model, error) {
	store, err := program.NewStore(b, seed, func(scope *model.Scope, g *Graph) *Node {
		return New(scope, c).Reconstruct(Zeros(g, shapes.Make(dtypes.Float32, 1, c.Data)))
	})
	if err != nil {
		return nil, fmt.Errorf("vae.NewModel: %w", err)
	}
	return &Model{Config: c, Store: store, Backend: b}, nil
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
	return &Model{Config: c, Store: store, Backend: b}, report, nil
}

// Build returns the VAE on the model's weights, for a graph that runs on the model's store.
func (m *Model) Build(scope *model.Scope) VAE { return New(scope, m.Config) }

// SampleMeans returns E[x|z] for n codes z ~ N(0, I): the pictures without the observation's noise, [n][data].
func (m *Model) SampleMeans(n int, seed int64) ([][]float64, error) {
	return m.ofCodes("SampleMeans", func(v VAE, in []*Node) *Node {
		return v.Generate(dist.StandardNormal(in[0]).Sample(noise.NewStream(in[1])))
	}, m.codes(n), program.Seed(seed))
}

// Sample draws x ~ p(x|z) for n codes z ~ N(0, I), [n][data].
func (m *Model) Sample(n int, seed int64) ([][]float64, error) {
	return m.ofCodes("Sample", func(v VAE, in []*Node) *Node { return v.Sample(noise.NewStream(in[1]), in[0]) }, m.codes(n), program.Seed(seed))
}

// Encode returns the means μ(x) of q(z|x), [n][latent], for x [n][data].
func (m *Model) Encode(x [][]float64) ([][]float64, error) {
	return m.ofData("Encode", func(v VAE, in []*Node) *Node { return v.Encode(in[0]).Expectation() }, x)
}

// EncodeStd returns the standard deviations σ(x) of q(z|x), [n][latent], for x [n][data].
func (m *Model) EncodeStd(x [][]float64) ([][]float64, error) {
	return m.ofData("EncodeStd", func(v VAE, in []*Node) *Node { return v.Encode(in[0]).Std() }, x)
}

// Generate returns E[x|z] for codes z [n][latent], as [n][data].
func (m *Model) Generate(z [][]float64) ([][]float64, error) {
	return m.ofCodes("Generate", func(v VAE, in []*Node) *Node { return v.Generate(in[0]) }, z)
}

// Reconstruct returns E[x|z] at z = μ(x) for x [n][data], as [n][data].
func (m *Model) Reconstruct(x [][]float64) ([][]float64, error) {
	return m.ofData("Reconstruct", func(v VAE, in []*Node) *Node { return v.Reconstruct(in[0]) }, x)
}

// Traverse returns E[x|z] along one coordinate of the code, which takes n values from lo to hi: [n][data].
func (m *Model) Traverse(code []float64, axis int, lo, hi float64, n int) ([][]float64, error) {
	name := fmt.Sprintf("Traverse axis %d from %g to %g in %d", axis, lo, hi, n)
	return m.ofCodes(name, func(v VAE, in []*Node) *Node { return v.Generate(Traverse(in[0], axis, lo, hi, n)) }, [][]float64{code})
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

// Finalize frees what the methods compiled. The model can be used again, and compiles anew.
func (m *Model) Finalize() { m.functions.Finalize() }

// ofData runs fn of the VAE, which name stands for, on rows of data.
func (m *Model) ofData(name string, fn func(v VAE, in []*Node) *Node, x [][]float64) ([][]float64, error) {
	return m.call(name, program.Rows(x, m.Config.Data, "the model's data"), fn, x)
}

// ofCodes runs fn of the VAE, which name stands for, on codes and what else it takes.
func (m *Model) ofCodes(name string, fn func(v VAE, in []*Node) *Node, z [][]float64, more ...any) ([][]float64, error) {
	return m.call(name, program.Rows(z, m.Config.Latent, "the model's codes"), fn, append([]any{z}, more...)...)
}

// call runs fn of the VAE unless its rows are wrong. name begins with the method's.
func (m *Model) call(name string, wrong error, fn func(v VAE, in []*Node) *Node, args ...any) ([][]float64, error) {
	method, _, _ := strings.Cut(name, " ")
	if wrong != nil {
		return nil, fmt.Errorf("vae.Model.%s: %w", method, wrong)
	}
	out, err := m.functions.Call(m.Backend, m.Store, name, func(scope *model.Scope, in []*Node) []*Node {
		return []*Node{fn(m.Build(scope), in)}
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("vae.Model.%s: %w", method, err)
	}
	return out[0].Value().([][]float64), nil
}
