package hvae_test

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
)

// pairs gives the same batch at each step: 16 pictures of four pixels, the left two on in half of them, and their labels.
type pairs struct{}

func (pairs) Batch(int) ([]*tensors.Tensor, error) {
	x, labels := make([][]float32, 16), make([]int32, 16)
	for i := range x {
		labels[i] = int32(i % 2)
		x[i] = []float32{float32(i % 2), float32(i % 2), float32(1 - i%2), float32(1 - i%2)}
	}
	return []*tensors.Tensor{tensors.FromValue(x), tensors.FromValue(labels)}, nil
}

func TestWarmUp(t *testing.T) {
	w := hvae.WarmUp{Data: pairs{}, Steps: 4}
	for step, want := range []float64{0, .25, .5, .75, 1, 1} {
		batch, err := w.Batch(step)
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) != 2 || batch[0].Shape().Dimensions[0] != 16 {
			t.Fatalf("step %d: %d tensors, want x and β", step, len(batch))
		}
		check.T(t).Near("β", batch[1], want, 0)
	}
	check.T(t).Near("β without warm-up", hvae.WarmUp{Data: pairs{}}.Beta(0), 1, 0)
	_, err := hvae.WarmUp{Data: pairs{}, Steps: -1}.Batch(0)
	expectError(t, err, "hvae.WarmUp: -1 steps, expected 0 (no warm-up) or more")
}

func TestModel(t *testing.T) {
	dir, ctx, b := t.TempDir(), context.Background(), backendtest.Open(t)
	c := hvae.Config{Data: 4, Latents: []int{2, 1}, Hidden: []int{8}}
	f := fit.Config{Steps: 400, LearningRate: 1e-2, Seed: 1}
	m, _, err := hvae.LoadOrTrain(ctx, b, dir, c, 100, pairs{}, f)
	if err != nil {
		t.Fatal(err)
	}
	loaded, report, err := hvae.LoadOrTrain(ctx, b, dir, c, 100, pairs{}, f)
	if err != nil || !report.Loaded {
		t.Fatalf("second LoadOrTrain: loaded %v, %v", report.Loaded, err)
	}
	e, err := m.Evaluate([][]float64{{1, 1, 0, 0}, {0, 0, 1, 1}}, 500, 2)
	if err != nil {
		t.Fatal(err)
	}
	k := check.T(t)
	for i := range e.Bound {
		k.Near("the bound is its terms", e.Bound[i], e.Recon[i]-e.KL[0][i]-e.KL[1][i], 1e-5)
	}
	k.Less("two pictures, one bit: no model has less on average", math.Ln2-.01, check.Mean(e.NLL))
	k.Less("half of what pixels without a code need", check.Mean(e.NLL), 2*math.Ln2)
	x, z, err := m.Sample(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := loaded.Sample(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	k.Near("the loaded model draws the same", again, x, 0)
	_, below, err := m.SampleBelow(z[1:], 9)
	if err != nil {
		t.Fatal(err)
	}
	k.Near("the given level stays", below[1], z[1], 1e-6)
	k.Differ("the level below it is drawn anew", below[0], z[0], .01)
	codes, err := m.Encode(x, 5)
	if err != nil {
		t.Fatal(err)
	}
	k.Near("levels, rows and widths of a code", []int{len(codes), len(codes[0]), len(codes[0][0]), len(codes[1][0])}, []int{2, 6, 2, 1}, 0)

	_, _, err = hvae.LoadOrTrain(ctx, b, dir, c, 200, pairs{}, f)
	expectError(t, err, "KL warm-up 200")
	for _, warmUp := range []int{-1, 401} {
		_, _, err = hvae.LoadOrTrain(ctx, b, t.TempDir(), c, warmUp, pairs{}, f)
		expectError(t, err, "expected 0 to 400, the steps of training")
	}
	_, _, err = hvae.LoadOrTrain(ctx, b, t.TempDir(), hvae.Config{Data: 4}, 0, pairs{}, f)
	expectError(t, err, "hvae.LoadOrTrain: hvae.Config: Latents is empty (T = 0)")
	_, err = fit.Train(ctx, b, model.NewStore(), c.Loss(1), pairs{}, f)
	expectError(t, err, "hvae.Config.Loss: a batch of 2 tensors, expected x and the scalar β")
	_, err = m.Encode(nil, 1)
	expectError(t, err, "hvae.Model.Encode: no rows")
	_, err = m.Encode([][]float64{{1, 2}}, 1)
	expectError(t, err, "hvae.New: Encode got x of shape (Float32)[1, 2], expected [batch, 4]")
	_, err = m.Evaluate(x, 0, 1)
	expectError(t, err, "hvae.HVAE.Evaluate: 0 draws of q")
	_, _, err = m.SampleBelow(nil, 1)
	expectError(t, err, "hvae.Model.SampleBelow: no levels given")
	_, _, err = m.SampleBelow([][][]float64{z[0], z[1][:2]}, 1)
	expectError(t, err, "hvae.Model.SampleBelow: levels of 6 and 2 rows")
	empty := &hvae.Model{Config: c, Store: model.NewStore(), Backend: b}
	_, _, err = empty.Sample(2, 1)
	expectError(t, err, "lacks 8 weights")
}

// Each method compiles once for a number of rows, whatever the seed.
func TestModelCompilesOnce(t *testing.T) {
	m, err := hvae.NewModel(backendtest.Open(t), hvae.Config{Data: 4, Latents: []int{2, 1}, Hidden: []int{3}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	use := func(seed int64) int {
		x, _, err := m.Sample(2, seed)
		if err == nil {
			_, err = m.Encode(x, seed)
		}
		if err == nil {
			_, err = m.Evaluate(x, 3, seed)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.Compiles()
	}
	if first, second := use(1), use(2); first != 3 || second != 3 {
		t.Errorf("%d compilations of three methods, %d after a second use", first, second)
	}
}

func TestConfigString(t *testing.T) {
	c := hvae.Config{Data: 2, Latents: []int{2, 2}, Hidden: []int{32}, Shared: true, Observation: dist.ObserveGaussian, Std: .5}
	if got, want := c.String(), "2-[2 2], hidden [32], Markovian, shared levels, Gaussian, s 0.5"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
