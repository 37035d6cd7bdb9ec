package nets_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// unetVariants are small networks without and with classes.
func unetVariants() map[string]nets.UNet {
	return map[string]nets.UNet{
		"captions": {Height: 4, Width: 4, Channels: 1, Widths: []int{4, 8}, Blocks: 1, AttendFrom: 2, Heads: 2, Groups: 2, Caption: threeWords,
			OmegaMin: .5, OmegaMax: 4},
		"plain": {Height: 4, Width: 4, Channels: 1, Widths: []int{4, 8}, Blocks: 1, AttendFrom: 2, Heads: 2, Groups: 2, OmegaMin: .5, OmegaMax: 4},
		"rich": {Height: 4, Width: 6, Channels: 2, Widths: []int{4, 8}, Blocks: 2, AttendFrom: 1, Heads: 2, Groups: 2, Classes: 3,
			OmegaMin: .5, OmegaMax: 4},
	}
}

// TestUNetGradients holds the gradient by x, t and all weights together against a central difference in float64, and the
// gradient of the squared gradient by x and t.
func TestUNetGradients(t *testing.T) {
	u := unetVariants()["plain"]
	x := images(1, u.Height, u.Width, u.Channels, 2)
	net := func(s *model.Scope, x, time *graph.Node) *graph.Node { return u.Apply(s.At("net"), x, time, nil) }
	t.Run("first order", func(t *testing.T) { slope(t, x, net, false, true) })
	t.Run("second order", func(t *testing.T) { slope(t, x, net, true, false) })
}

// A UNet on the mirrored image with mirrored kernels returns the mirrored result: nothing in it knows left from right.
func TestUNetMirror(t *testing.T) {
	u := unetVariants()["rich"]
	store, b := seeded(t, 9), pureGo(t)
	exec := model.MustNewExec(b, store, func(s *model.Scope, x, time *graph.Node) *graph.Node { return u.Apply(s, x, time, nil) })
	x, mirrored := images(1, 4, 6, 2, 3), images(1, 4, 6, 2, 3)
	mirror := func(flat []float64, rows, cols, inner int) []float64 {
		out := make([]float64, len(flat))
		for r := range rows {
			for c := range cols {
				copy(out[(r*cols+c)*inner:][:inner], flat[(r*cols+cols-1-c)*inner:][:inner])
			}
		}
		return out
	}
	exec.MustCall(x, timesOf(.4))
	perturb(t, store, .3)
	want := mirror(tensors.MustCopyFlatData[float64](exec.MustCall(x, timesOf(.4))[0]), 4, 6, 2)
	mirrored = tensors.FromFlatDataAndDimensions(mirror(tensors.MustCopyFlatData[float64](mirrored), 4, 6, 2), 1, 4, 6, 2)
	for v := range store.IterVariables() {
		if v.Shape().Rank() == 4 && v.Shape().Dimensions[0] == 3 {
			d := v.Shape().Dimensions
			flat := mirror(tensors.MustCopyFlatData[float64](v.MustValue()), 3, 3, d[2]*d[3])
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, d...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	most := 0.0
	for i, v := range tensors.MustCopyFlatData[float64](exec.MustCall(mirrored, timesOf(.4))[0]) {
		near(t, v, want[i], 1e-10, "mirrored", i)
		most = math.Max(most, math.Abs(v))
	}
	if most < 1e-3 {
		t.Errorf("the largest output is %g: the test sees nothing", most)
	}
}
