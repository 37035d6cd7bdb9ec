package nets_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// patchVariants are small networks without and with all options.
func patchVariants() map[string]nets.Patch {
	rich := nets.Patch{Height: 6, Width: 4, Channels: 2, Patch: 2, Dim: 8, Depth: 2, Heads: 2, Ratio: 3, Classes: 3,
		Halo: 1, Fourier: []int{0, 1}, Skip: true, OmegaMin: .5, OmegaMax: 4}
	plain := nets.Patch{Height: 4, Width: 4, Channels: 1, Patch: 2, Dim: 8, Depth: 2, Heads: 2, OmegaMin: .5, OmegaMax: 4}
	captions := plain
	captions.Caption = threeWords
	return map[string]nets.Patch{"plain": plain, "rich": rich, "captions": captions}
}

// TestPatchGradients holds the gradient of ‖∇ₓ Σ sin(y)‖², by x, t and weights, against central differences in float64.
func TestPatchGradients(t *testing.T) {
	for name, p := range patchVariants() {
		t.Run(name, func(t *testing.T) {
			twice(t, images(1, p.Height, p.Width, p.Channels, 2), func(s *model.Scope, x, time *graph.Node) *graph.Node {
				return p.Apply(s.At("net"), x, time, nil)
			})
		})
	}
}

// TestPatchPositions holds the features of a place against the formula, written out.
func TestPatchPositions(t *testing.T) {
	features := nets.PatchPositions(2, 3, 8)
	if len(features) != 6 {
		t.Fatalf("%d places, want 6", len(features))
	}
	for i := range 2 {
		for j := range 3 {
			y, x := float64(i), float64(j)
			want := []float64{math.Sin(y), math.Sin(y / 10), math.Cos(y), math.Cos(y / 10), math.Sin(x), math.Sin(x / 10), math.Cos(x), math.Cos(x / 10)}
			for k, w := range want {
				near(t, features[3*i+j][k], w, 1e-15, "place", i, j, "feature", k)
			}
		}
	}
}
