package vae_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// ones gives the same batch at each step: 16 pictures of four pixels, the left two on in half of them.
type ones struct{}

func (ones) Batch(int) ([]*tensors.Tensor, error) {
	x := make([][]float32, 16)
	for i := range x {
		x[i] = []float32{float32(i % 2), float32(i % 2), float32(1 - i%2), float32(1 - i%2)}
	}
	return []*tensors.Tensor{tensors.FromValue(x)}, nil
}

func TestModelLearnsTwoPictures(t *testing.T) {
	dir := t.TempDir()
	c := vae.Config{Data: 4, Latent: 1, Hidden: []int{8}}
	f := fit.Config{Steps: 600, LearningRate: 1e-2, Seed: 1}
	m, _, err := vae.LoadOrTrain(context.Background(), backendtest.Open(t), dir, c, 1, ones{}, f)
	if err != nil {
		t.Fatal(err)
	}
	x := [][]float64{{1, 1, 0, 0}, {0, 0, 1, 1}}
	got, err := m.Reconstruct(x)
	if err != nil {
		t.Fatal(err)
	}
	for i := range x {
		for j := range x[i] {
			if math.Abs(got[i][j]-x[i][j]) > .1 {
				t.Errorf("reconstruction [%d][%d] = %.3f of %g", i, j, got[i][j], x[i][j])
			}
		}
	}
	z, err := m.Encode(x)
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.Generate(z)
	if err != nil {
		t.Fatal(err)
	}
	if again[0][0] != got[0][0] {
		t.Errorf("Generate(Encode(x)) = %g, Reconstruct(x) = %g", again[0][0], got[0][0])
	}
	loaded, report, err := vae.LoadOrTrain(context.Background(), backendtest.Open(t), dir, c, 1, ones{}, f)
	if err != nil || !report.Loaded {
		t.Fatalf("second LoadOrTrain: loaded %v, %v", report.Loaded, err)
	}
	a, err := m.SampleMeans(5, 2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := loaded.SampleMeans(5, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if a[i][0] != b[i][0] {
			t.Errorf("sample %d of the loaded model starts %g, of the trained one %g", i, b[i][0], a[i][0])
		}
	}
	if _, _, err := vae.LoadOrTrain(context.Background(), backendtest.Open(t), dir, c, 4, ones{}, f); err == nil {
		t.Error("another β in the same directory: expected an error")
	}
	if _, err := m.Encode(nil); err == nil {
		t.Error("no rows: expected an error")
	}
}

// Each method compiles once for a number of rows, whatever the seed.
func TestModelCompilesOnce(t *testing.T) {
	m, err := vae.NewModel(backendtest.Open(t), vae.Config{Data: 4, Latent: 2, Hidden: []int{3}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	use := func(seed int64) int {
		x, err := m.Sample(2, seed)
		if err == nil {
			_, err = m.SampleMeans(2, seed)
		}
		if err == nil {
			_, err = m.Reconstruct(x)
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.Compiles()
	}
	if first, second := use(1), use(2); first != 3 || second != 3 {
		t.Errorf("%d compilations of three methods, %d after a second use", first, second)
	}
	for want, call := range map[string]func() error{
		"vae.Model.Encode: row 1 has 3 numbers, expected 4 as the model's data":    func() error { _, err := m.Encode([][]float64{{1, 0, 0, 1}, {1, 0, 1}}); return err },
		"vae.Model.Traverse: row 0 has 1 numbers, expected 2 as the model's codes": func() error { _, err := m.Traverse([]float64{1}, 0, -1, 1, 3); return err },
		"vae.Model.SampleMeans: no rows, expected at least one of 2 numbers":       func() error { _, err := m.SampleMeans(0, 1); return err },
	} {
		if err := call(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A store without the network's weights is an error, and stays without them.
func TestModelWithoutWeights(t *testing.T) {
	m := &vae.Model{Config: vae.Config{Data: 4, Latent: 1, Hidden: []int{8}}, Store: model.NewStore(), Backend: backendtest.Open(t)}
	x := [][]float64{{1, 1, 0, 0}}
	if _, err := m.Reconstruct(x); err == nil || !strings.Contains(err.Error(), "lacks 8 weights") {
		t.Errorf("Reconstruct on an empty store: %v", err)
	}
	if _, err := m.Evaluate([]*tensors.Tensor{tensors.FromValue([][]float32{{1, 1, 0, 0}})}, 3, 1); err == nil || !strings.Contains(err.Error(), "lacks 8 weights") {
		t.Errorf("Evaluate on an empty store: %v", err)
	}
	for v := range m.Store.IterVariables() {
		t.Errorf("the store holds %s now", v.Path())
	}
}

// Fresh weights follow the seed, and a decoder alone can sample but not encode.
func TestNewModel(t *testing.T) {
	c := vae.Config{Data: 4, Latent: 1, Hidden: []int{8}}
	sample := func(seed int64) float64 {
		m, err := vae.NewModel(backendtest.Open(t), c, seed)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Store.DeleteVariablesInScope("/encoder"); err != nil {
			t.Fatal(err)
		}
		x, err := m.SampleMeans(1, 7)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Encode(x); err == nil || !strings.Contains(err.Error(), "lacks 4 weights") {
			t.Errorf("Encode without an encoder: %v", err)
		}
		return x[0][0]
	}
	if a, b := sample(1), sample(1); a != b {
		t.Errorf("seed 1 twice: %g and %g", a, b)
	}
	if a, b := sample(1), sample(2); a == b {
		t.Errorf("seeds 1 and 2 both give %g", a)
	}
	if _, err := vae.NewModel(backendtest.Open(t), vae.Config{Data: 4}, 1); err == nil {
		t.Error("no latent: expected an error")
	}
}
