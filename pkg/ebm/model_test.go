package ebm_test

import (
	"iter"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// last returns the error of a path.
func last(path iter.Seq2[sampler.Point, error]) (err error) {
	for _, err = range path {
	}
	return err
}

// TestModel holds the methods of a model against one another and against differences.
func TestModel(t *testing.T) {
	c := check.T(t)
	m, err := ebm.NewModel(backendtest.Open(t), ebm.Config{Data: 2, Hidden: []int{8}, Std: 1.5}, 3)
	if err != nil {
		t.Fatal(err)
	}
	points := [][]float64{{.3, -1}, {2, 1}}
	energy := must(t)(m.Energy(points))
	logP := must(t)(m.LogProb(points, 1.25))
	c.Near("log p = −f − log Z", logP, []float64{-energy[0] - 1.25, -energy[1] - 1.25}, 1e-6)
	score, err := m.Score(points)
	if err != nil {
		t.Fatal(err)
	}
	const h = 1e-2
	for i, p := range points {
		for j := range p {
			up, down := append([]float64{}, p...), append([]float64{}, p...)
			up[j], down[j] = p[j]+h, p[j]-h
			f := must(t)(m.Energy([][]float64{up, down}))
			c.Near("the score is the slope of −f", score[i][j], (f[1]-f[0])/(2*h), 2e-4)
		}
	}
	far := must(t)(m.Energy([][]float64{{1e4, 0}, {0, 0}}))
	c.Near("far out ‖x‖²/2s² is left", (far[0]-far[1])/(1e8/4.5), 1, 1e-3)

	s := ebm.Sampling{Steps: 7, Size: .1, Adjusted: true}
	x, err := m.Sample(5, s, 9)
	if err != nil {
		t.Fatal(err)
	}
	var end [][]float64
	for p, err := range m.Path(5, s, 9) {
		if err != nil {
			t.Fatal(err)
		}
		_, end = p.Frame()
	}
	c.Near("Path ends where Sample does", end, x, 1e-6)

	z, err := m.Anneal(4000, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	logZ, err := m.LogZ(ebm.Box{Lo: []float64{-9, -9}, Hi: []float64{9, 9}}, 1e-5)
	if err != nil {
		t.Fatal(err)
	}
	c.Less("AIS and quadrature, in standard errors", math.Abs(z.LogZ-logZ)/z.SE, check.MaxSE)
}

func must(t *testing.T) func(x []float64, err error) []float64 {
	return func(x []float64, err error) []float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// TestSampleLaw holds the law that adjusted chains of the well's own energy settle in.
func TestSampleLaw(t *testing.T) {
	run := sampler.Of(backendtest.Open(t), sampler.MALA{LogProb: well.LogProb, Size: .05})
	x, err := run.Sample(sampler.Prior(shape(20_000, 1), .8, 1), sampler.Count(300), 2)
	if err != nil {
		t.Fatal(err)
	}
	squares := tensors.MustCopyFlatData[float64](x)
	for i, v := range squares {
		squares[i] = v * v
	}
	check.T(t).MC("E7.1 E x² by chains", squares, wellX2, .006)
}
