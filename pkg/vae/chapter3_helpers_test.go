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

// trainedVAE is a VAE with its trained weights.
type trainedVAE struct {
	vae.Config
	store *model.Store
}

// train fits the VAE of c to data in batches of the given size, with weight beta on the KL.
func train(t *testing.T, c vae.Config, beta float64, data datasets.Data, batch int, how fit.Config) trainedVAE {
	t.Helper()
	loader, err := datasets.NewLoader(data, batch, how.Seed, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := model.NewStore()
	report, err := fit.Train(context.Background(), backendtest.Open(t), store, c.Loss(beta, 1), loader, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, β = %g: %d steps in %.1f s, last loss %.3f", c, beta, report.Steps, report.Seconds, report.Losses[len(report.Losses)-1])
	return trainedVAE{c, store}
}

// on evaluates fn on the trained VAE: one flat slice for each output.
func (m trainedVAE) on(t *testing.T, fn func(v vae.VAE, src noise.Source, in []*Node) []*Node, args ...any) [][]float64 {
	t.Helper()
	out, err := model.CallOnceN(backendtest.Open(t), m.store, func(scope *model.Scope, in []*Node) []*Node {
		return fn(vae.New(scope, m.Config), noise.Finite(scope), in)
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

// generate returns n draws of p(x), or of E[x|z] when mean is set: [n][data].
func (m trainedVAE) generate(t *testing.T, n int, mean bool) [][]float64 {
	t.Helper()
	like := make([][]float32, n)
	for i := range like {
		like[i] = make([]float32, m.Latent)
	}
	return rowsOf(m.on(t, func(v vae.VAE, src noise.Source, in []*Node) []*Node {
		v.Encode = nil // generation is the decoder's work alone
		if mean {
			return []*Node{v.Generate(src.RandomNormal(in[0].Graph(), in[0].Shape()))}
		}
		return []*Node{v.Sample(src, in[0])}
	}, like)[0], m.Data)
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

// pp is the syllabus's fixture PP: the optimal model of this covariance with one latent.
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
