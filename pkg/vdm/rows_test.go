package vdm_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// TestRows learns N(.5, .36) as rows of one number: bound, flow and both samplers against the law.
func TestRows(t *testing.T) {
	c, rng, b := check.T(t), rand.New(rand.NewPCG(17, 0)), backendtest.Open(t)
	law := distuv.Normal{Mu: .5, Sigma: .6}
	draw := func(n int) (rows [][]float64) {
		for range n {
			rows = append(rows, []float64{law.Mu + law.Sigma*rng.NormFloat64()})
		}
		return rows
	}
	config := vdm.RowConfig{Dim: 1, Hidden: []int{32, 32}}
	data := datasets.MustLoader(datasets.MustTable("normal", draw(20_000)), 400, 1, datasets.Options{})
	dir := filepath.Join(t.TempDir(), "run")
	how := fit.Config{Steps: 600, LearningRate: .01, Schedule: fit.WarmupCosine{Warmup: 20}, EMA: .99, Seed: 1}
	m, _, err := vdm.LoadOrTrainRows(context.Background(), b, dir, config, data, how)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	fresh := draw(2000)
	for name, sample := range map[string]func() ([][]float64, error){
		"ancestral": func() ([][]float64, error) { return m.Sample(2000, vdm.Sampling{Steps: 100, Eta: 1}, 2) },
		"flow":      func() ([][]float64, error) { return m.Solve(2000, 15, 2) },
	} {
		x, err := sample()
		if err != nil {
			t.Fatal(err)
		}
		c.Less("Wasserstein-1 of its samples: "+name, metric.Wasserstein1(check.Floats(x), check.Floats(fresh)), .08)
	}
	bound, err := m.Bound(fresh, 32, 3)
	if err != nil {
		t.Fatal(err)
	}
	exact := exactRows(t, config, law, fresh) // the bound of the exact denoiser, by the same noise
	miss, gap := make([]float64, len(bound)), make([]float64, len(bound))
	for i, x := range fresh {
		miss[i], gap[i] = law.LogProb(x[0])-exact[i], exact[i]-bound[i]
	}
	c.MC("the bound of the exact denoiser is log p", miss, 0, .05)
	c.Less("the trained one loses little", check.Mean(gap), .02)
	c.Less("and nothing beats the exact one, but for 5 SE", -5*check.SE(gap), check.Mean(gap))
	flow, err := m.Flow(1e-4, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer flow.Finalize()
	grid, mass := make([]float32, 400), 0.0
	for i := range grid {
		grid[i] = -4 + .02*float32(i) + .01 + float32(law.Mu)
	}
	l, err := flow.LogProb(tensors.FromFlatDataAndDimensions(grid, len(grid), 1), 1)
	if err != nil {
		t.Fatal(err)
	}
	kl := 0.0
	for i, v := range l.LogProb {
		mass += .02 * math.Exp(v)
		p := law.LogProb(float64(grid[i]))
		kl += .02 * math.Exp(p) * (p - v)
	}
	c.Near("the flow is a law", mass, 1, .01)
	c.Less("and near the data's: KL", kl, .02)
	for want, err := range map[string]error{
		"vdm.RowModel.Sample: 0 rows":              second(m.Sample(0, vdm.Sampling{Steps: 1}, 1)),
		"vdm.RowModel.Sample: 1 rows in T = 0":     second(m.Sample(1, vdm.Sampling{}, 1)),
		"vdm.RowModel.Solve: 1 rows in 0 steps":    second(m.Solve(1, 0, 1)),
		"vdm.RowModel.Bound: 0 rows and 1 times":   second(m.Bound(nil, 1, 1)),
		"vdm.RowConfig: x has shape (Float32)[1":   second(m.Bound([][]float64{{1, 2}}, 1, 1)),
		"vdm.RowConfig: Dim = 0":                   vdm.RowConfig{}.Check(),
		"vdm.RowConfig: MaxLogSNR, MinLogSNR = -1": vdm.RowConfig{Dim: 1, MaxLogSNR: -1}.Check(),
		"vdm.RowConfig: Hidden = [0]":              vdm.RowConfig{Dim: 1, Hidden: []int{0}}.Check(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	config.Hidden = []int{8}
	if _, _, err := vdm.LoadOrTrainRows(context.Background(), b, dir, config, data, how); err == nil {
		t.Error("a run of another width was loaded")
	}
}

// exactRows returns what RowModel.Bound with 32 times and seed 3 would return for the exact denoiser of law.
func exactRows(t *testing.T, c vdm.RowConfig, law distuv.Normal, x [][]float64) []float64 {
	v := c.Build(nil)
	v.Denoise = oracle.Gaussian{Mean: []float64{law.Mu}, Var: []float64{law.Variance()}}.Denoiser(c.Process())
	return backendtest.Floats(t, func(x *graph.Node) *graph.Node {
		x = graph.ConvertDType(x, dtypes.Float32)
		return graph.ConvertDType(v.Terms(noise.FromSeed(x.Graph(), 3), x, 32).Bound(), dtypes.Float64)
	}, x)
}

// second drops a result.
func second[T any](_ T, err error) error { return err }
