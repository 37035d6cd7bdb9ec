package vae_test

import (
	"context"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/datasets"
	drawn "github.com/lowerbound-ml/lowerbound/datasets/shapes"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// train fits the VAE of c to data in batches of the given size, with weight beta on the KL.
func train(t *testing.T, c vae.Config, beta float64, data datasets.Data, batch int, how fit.Config) *vae.Model {
	t.Helper()
	loader, err := datasets.NewLoader(data, batch, how.Seed, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := &vae.Model{Config: c, Store: model.NewStore(), Backend: backendtest.Open(t)}
	report, err := fit.Train(context.Background(), m.Backend, m.Store, c.Loss(beta, 1), loader, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, β = %g: %d steps, last loss %.3f", c, beta, report.Steps, report.Losses[len(report.Losses)-1])
	return m
}

// on evaluates fn on the model's VAE: one flat slice for each output.
func on(t *testing.T, m *vae.Model, fn func(v vae.VAE, src noise.Source, in []*Node) []*Node, args ...any) [][]float64 {
	t.Helper()
	out, err := model.CallOnceN(m.Backend, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		return fn(m.Build(scope), noise.Finite(scope), in)
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	flat := make([][]float64, len(out))
	for i, o := range out {
		flat[i] = check.Floats(o)
	}
	return flat
}

// must returns rows, or panics with the error of the Model's method that should have returned them.
func must(rows [][]float64, err error) [][]float64 {
	if err != nil {
		panic(err)
	}
	return rows
}

// rowsOf cuts flat into rows of the given width.
func rowsOf(flat []float64, width int) [][]float64 {
	rows := make([][]float64, len(flat)/width)
	for i := range rows {
		rows[i] = flat[i*width : (i+1)*width]
	}
	return rows
}

// float32s returns rows as float32, as the networks take them.
func float32s(rows [][]float64) [][]float32 {
	out := make([][]float32, len(rows))
	for i, row := range rows {
		for _, v := range row {
			out[i] = append(out[i], float32(v))
		}
	}
	return out
}

// pp is the fixture PP: the optimal model of this covariance with one latent.
var pp = oracle.FitPPCA(make([]float64, 3), mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7}), 1)

// drawPP returns n draws of pp.
func drawPP(t *testing.T, n int, seed int64) [][]float64 {
	t.Helper()
	return rowsOf(backendtest.Floats(t, func(g *Graph) *Node { return pp.SampleN(g, noise.FromSeed(g, seed), n) }), 3)
}

// moments returns the mean and the covariance (divided by n) of rows.
func moments(rows [][]float64) ([]float64, *mat.SymDense) {
	n, d := len(rows), len(rows[0])
	all, mean := mat.NewDense(n, d, nil), make([]float64, d)
	for i, row := range rows {
		all.SetRow(i, row)
	}
	for j := range mean {
		mean[j] = stat.Mean(mat.Col(nil, j, all), nil)
	}
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, all, nil)
	cov.ScaleSym(float64(n-1)/float64(n), &cov)
	return mean, &cov
}

// pictures returns the intensities of p, [n][64].
func pictures(p *drawn.Pictures) [][]float64 {
	out := make([][]float64, p.Len())
	for i := range out {
		for _, v := range p.At(i) {
			out[i] = append(out[i], float64(v))
		}
	}
	return out
}
