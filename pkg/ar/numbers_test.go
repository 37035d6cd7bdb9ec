package ar_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// TestChain draws by steps what Model.Sample draws in one graph: the 512 frequencies follow the probabilities.
func TestChain(t *testing.T) {
	const n = 50_000
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(5); err != nil {
		t.Fatal(err)
	}
	b := backendtest.Open(t)
	p, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node { return Exp(made(scope).LogProb(x)) }, images())
	if err != nil {
		t.Fatal(err)
	}
	run := sampler.New(b, store, func(scope *model.Scope) sampler.Stepper { return ar.Chain{Model: made(scope)} })
	defer run.Finalize()
	out, err := run.Sample(tensors.FromShape(shapes.Make(dtypes.Float64, n, pixels)), sampler.Count(pixels), 4)
	if err != nil {
		t.Fatal(err)
	}
	flat, counts := check.Floats(out), make([]float64, 1<<pixels)
	for i := range n {
		counts[number(flat[i*pixels:(i+1)*pixels])]++
	}
	observed, expected := merge(counts, check.Floats(p), n)
	check.T(t).ChiSquare("E3.29 bit by bit, one call of the network each", observed, expected, 1e-6)
	_, err = run.Sample(tensors.FromShape(shapes.Make(dtypes.Float64, 2, pixels)), []float64{3, 1, 0}, 4)
	if err == nil || !strings.Contains(err.Error(), "ar.Chain: times[0] = 3, expected 2") {
		t.Errorf("%v does not name the time", err)
	}
	for _, few := range [][]float64{nil, {0}} {
		if _, err := run.Sample(tensors.FromShape(shapes.Make(dtypes.Float64, 2, pixels)), few, 4); err == nil || !strings.Contains(err.Error(), "ar.Chain: ") {
			t.Errorf("times %v: error %v, expected the Chain's", few, err)
		}
	}
}

var grid = ar.Grid{Dim: 2, Bits: 3, Lo: -1, Hi: 3}

func TestGrid(t *testing.T) {
	c := check.T(t)
	x := [][]float64{{-1, 2.9}, {.3, -.6}, {-7, 9}} // cells of width ½: 0 and 7, 2 and 0; beyond the ends the nearest
	bits := [][]float64{{0, 0, 0, 1, 1, 1}, {0, 1, 0, 0, 0, 0}, {0, 0, 0, 1, 1, 1}}
	c.Near("bits, the most significant first", backendtest.Call(t, grid.Encode, x)[0], bits, 0)
	c.Near("cells' lower ends", backendtest.Call(t, grid.Decode, bits)[0], [][]float64{{-1, 2.5}, {0, -1}, {-1, 2.5}}, 1e-15)
	c.Near("width", grid.Width(), .5, 0)
	for want, g := range map[string]ar.Grid{"ar.Grid: Dim = 0": {Bits: 1, Hi: 1}, "ar.Grid: Bits = 21": {Dim: 1, Bits: 21, Hi: 1}, "ar.Grid: Bits = 12 make cells of": {Dim: 1, Bits: 12, Hi: 1}, "ar.Grid: Lo = 1, Hi = 1": {Dim: 1, Bits: 1, Lo: 1, Hi: 1}} {
		if err := g.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	err := backendtest.Err(t, grid.Encode, [][]float64{{1, 2, 3}})
	c.True("another width is named", strings.Contains(err.Error(), "ar.Grid.Encode: shape (Float64)[1, 3], expected [batch, 2]"), err.Error())
}

// TestNumbers adds an untrained law up over its 64 cells, and looks where the draws lie within them.
func TestNumbers(t *testing.T) {
	c := check.T(t)
	config := ar.Config{Grid: grid, Hidden: []int{20}}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(2); err != nil {
		t.Fatal(err)
	}
	var middles [][]float64
	for i := range 8 {
		for j := range 8 {
			middles = append(middles, []float64{-.75 + .5*float64(i), -.75 + .5*float64(j)})
		}
	}
	rows := append(append([][]float64{}, middles...), []float64{0, 3}, []float64{-1.01, 0}, []float64{.01, .49})
	out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, x *Node) *Node { return config.Build(scope).LogProb(x) }, rows)
	if err != nil {
		t.Fatal(err)
	}
	logP, total := check.Floats(out), 0.0
	for _, l := range logP[:64] {
		total += math.Exp(l) / 4
	}
	c.Near("a density: its integral over 64 cells of ¼", total, 1, 1e-9)
	c.Near("outside the grid log p is −∞", logP[64:66], []float64{math.Inf(-1), math.Inf(-1)}, 0)
	c.Near("within a cell it is level", logP[66], logP[8*2+2], 0)
	u := backendtest.Floats(t, func(g *Graph) *Node {
		m := ar.Numbers{Grid: ar.Grid{Dim: 1, Bits: 1, Lo: 0, Hi: 4}}
		return m.Spread(noise.FromSeed(g, 1), Reshape(OnesLike(Const(g, make([]float64, 20_000))), -1, 1))
	})
	c.KS("a draw is uniform in its cell", u, distuv.Uniform{Min: 2, Max: 4}.CDF, 1e-7)
}

// TestTrained learns a normal law on 16 cells and holds it against the cells' own probabilities.
func TestTrained(t *testing.T) {
	c := check.T(t)
	config := ar.Config{Grid: ar.Grid{Dim: 1, Bits: 4, Lo: -4, Hi: 4}, Hidden: []int{24}}
	rng, data := rand.New(rand.NewPCG(8, 0)), make([][]float64, 20_000)
	for i := range data {
		data[i] = []float64{math.Min(math.Max(rng.NormFloat64(), -3.99), 3.99)}
	}
	loader := datasets.MustLoader(datasets.MustTable("normal", data), 500, 1, datasets.Options{})
	dir := filepath.Join(t.TempDir(), "run")
	m, _, err := ar.LoadOrTrain(context.Background(), backendtest.Open(t), dir, config, loader, fit.Config{Steps: 400, LearningRate: .02, Schedule: fit.WarmupCosine{}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	var cells [][]float64
	p, entropy := make([]float64, 16), 0.0
	for i := range p {
		lo := -4 + float64(i)/2
		cells, p[i] = append(cells, []float64{lo + .25}), distuv.UnitNormal.CDF(lo+.5)-distuv.UnitNormal.CDF(lo)
		entropy -= p[i] * math.Log(p[i]/.5)
	}
	logP, err := m.LogProb(cells)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("−E log p of the trained law is near the entropy of the cells", -floats.Dot(p, logP), entropy, .01)
	x, err := m.Sample(20_000, 3)
	if err != nil {
		t.Fatal(err)
	}
	counts, own := make([]float64, 16), make([]float64, 16)
	for _, row := range x {
		counts[int((row[0]+4)*2)]++
	}
	for i, l := range logP {
		own[i] = math.Exp(l) / 2
	}
	observed, expected := merge(counts, own, 20_000)
	c.ChiSquare("samples follow the model's own law", observed, expected, 1e-6)
	for seed := range int64(2) {
		again, err := m.Sample(20_000, seed)
		if err != nil {
			t.Fatal(err)
		}
		c.Differ("another seed", again, x, .01)
		if _, err := m.LogProb(cells); err != nil {
			t.Fatal(err)
		}
	}
	c.Near("LogProb and Sample compile once, whatever the seed", m.Compiles(), 2, 0)
	_, err = m.LogProb([][]float64{{1, 2}})
	c.True("rows of another width", err != nil && strings.Contains(err.Error(), "row 0 has 2 numbers, expected 1"), "")
	_, err = m.Sample(0, 1)
	c.True("no rows asked for", err != nil && strings.Contains(err.Error(), "ar.Trained.Sample: 0 rows"), "")
	_, err = m.LogProb(nil)
	c.True("no rows given", err != nil && strings.Contains(err.Error(), "ar.Trained.LogProb: no rows"), "")
	config.Hidden = []int{0}
	_, _, err = ar.LoadOrTrain(context.Background(), backendtest.Open(t), dir, config, loader, fit.Config{Steps: 1, LearningRate: 1})
	c.True("a bad width", err != nil && strings.Contains(err.Error(), "ar.Config: Hidden = [0]"), "")
}
