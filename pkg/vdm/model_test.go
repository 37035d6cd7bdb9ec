package vdm_test

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// tiny is a model that is built in no time.
var tiny = vdm.Config{Height: 4, Width: 4, Channels: 1, Levels: 17, Net: "patch", Slabs: 1}

// images is a data set of one batch of nothing.
type images struct{ dims []int }

func (d images) Batch(int) ([]*tensors.Tensor, error) {
	x := tensors.FromShape(shapes.Make(dtypes.Float32, d.dims...))
	return []*tensors.Tensor{x}, nil
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, expected one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, expected one with %q", err, part)
		}
	}
}

func TestModelErrors(t *testing.T) {
	b := backend.MustOpen("go") // compiles nothing
	m, err := vdm.NewModel(b, tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	good, _ := images{[]int{2, 4, 4, 1}}.Batch(0)
	wrong, _ := images{[]int{2, 4, 5, 1}}.Batch(0)
	_, err = m.Evaluate(wrong, 1, 1)
	wantError(t, err, "vdm.Evaluate", "[2, 4, 5, 1]", "[batch, 4, 4, 1]")
	_, err = m.Evaluate(nil, 1, 1)
	wantError(t, err, "0 batches")
	_, err = vdm.Evaluate(b, model.NewStore(), tiny, good, 1, 1)
	wantError(t, err, "lacks", "train")
	_, err = m.Intensities(tensors.FromShape(shapes.Make(dtypes.Float32, 1, 4, 8, 1))) // as many numbers as two images
	wantError(t, err, "vdm.Model.Intensities", "[1, 4, 8, 1]", "[2, 4, 4, 1]")
	_, err = m.Sample(4, vdm.Sampling{Steps: 0}, 1)
	wantError(t, err, "vdm.Model.Sample", "T = 0")
	_, err = m.Sample(0, vdm.Sampling{Steps: 5}, 1)
	wantError(t, err, "0 images")
	for _, err := range m.Path(1, vdm.Sampling{Steps: 5, Eta: 2}, 1) {
		wantError(t, err, "vdm.Model.Path", "η = 2")
	}
	for _, c := range []struct {
		change func(*vdm.Config)
		want   string
	}{
		{func(c *vdm.Config) { c.Height = 0 }, "Height"},
		{func(c *vdm.Config) { c.Levels = 4 }, "Levels"},
		{func(c *vdm.Config) { c.Slabs = -1 }, "Slabs"},
		{func(c *vdm.Config) { c.Net = "mlp" }, "Net = mlp"},
		{func(c *vdm.Config) { c.MinLogSNR = 14; c.MaxLogSNR = 13 }, "falls"},
		{func(c *vdm.Config) { c.MaxLogSNR = math.Inf(1) }, "from a finite number"},
		{func(c *vdm.Config) { c.Height = 5 }, "nets.Patch"},
	} {
		bad := tiny
		c.change(&bad)
		_, err := vdm.NewModel(b, bad, 1)
		wantError(t, err, "vdm.NewModel", c.want)
	}
}

func TestModelOfAnotherConfigIsAnError(t *testing.T) {
	b, dir := backend.MustOpen("go"), t.TempDir()
	how := fit.Config{Steps: 1, LearningRate: 1e-3, Tag: "test"}
	data := images{[]int{2, 4, 4, 1}}
	if _, _, err := vdm.LoadOrTrain(context.Background(), b, dir, tiny, data, how); err != nil {
		t.Fatal(err)
	}
	m, report, err := vdm.LoadOrTrain(context.Background(), b, dir, tiny, data, how)
	if err != nil || !report.Loaded {
		t.Fatalf("loaded %v, error %v", report.Loaded, err)
	}
	x, err := m.Sample(2, vdm.Sampling{Steps: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range x {
		for _, v := range row {
			if k := v * 16; k != math.Round(k) || k < 0 || k > 16 {
				t.Errorf("intensity %g of a sample, expected k/16", v)
			}
		}
	}
	for _, change := range []func(*vdm.Config){
		func(c *vdm.Config) { c.MaxLogSNR, c.MinLogSNR = 12, -5 },
		func(c *vdm.Config) { c.Slabs = 2 },
		func(c *vdm.Config) { c.Levels = 16 },
	} {
		other := tiny
		change(&other)
		_, _, err := vdm.LoadOrTrain(context.Background(), b, dir, other, data, how)
		wantError(t, err, "another run", other.String(), tiny.String())
		_, _, err = vdm.Load(b, dir, other)
		wantError(t, err, "vdm.Load", other.String(), tiny.String())
	}
	shipped, report, err := vdm.Load(b, dir, tiny)
	if err != nil || report.Steps != 1 {
		t.Fatalf("Load: %d steps, error %v", report.Steps, err)
	}
	again, err := shipped.Sample(2, vdm.Sampling{Steps: 3}, 1)
	if err != nil || !reflect.DeepEqual(again, x) {
		t.Errorf("the loaded model draws %v, error %v; want %v", again, err, x)
	}
	_, _, err = vdm.Load(b, t.TempDir(), tiny)
	wantError(t, err, "vdm.Load", "finished run")
}
