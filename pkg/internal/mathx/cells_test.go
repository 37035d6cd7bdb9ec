package mathx_test

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// TestCells holds the means of 2×2 cells of a 2×4 image of two channels by hand, the repeated pixels, and that means of repeats are
// what was repeated.
func TestCells(t *testing.T) {
	x := [][][][]float64{{{{1, 10}, {2, 20}, {5, 0}, {7, 0}}, {{3, 30}, {6, 40}, {-1, 0}, {1, 8}}}}
	out := backendtest.Call(t, func(x *Node) (means, wide, back *Node) {
		means = mathx.CellMeans(x, 2)
		wide = mathx.Enlarge(means, 2)
		return means, wide, mathx.CellMeans(wide, 2)
	}, x)
	means := [][][][]float64{{{{3, 25}, {3, 2}}}}
	a, b := []float64{3, 25}, []float64{3, 2}
	for name, pair := range map[string][2]any{
		"means": {out[0].Value(), means}, "back": {out[2].Value(), means},
		"repeated": {out[1].Value(), [][][][]float64{{{a, a, b, b}, {a, a, b, b}}}},
	} {
		if !equal(pair[0].([][][][]float64), pair[1].([][][][]float64)) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	for want, call := range map[string]func(x *Node) *Node{
		"mathx.CellMeans: cells of 3×3 pixels and x of shape (Float64)[1, 2, 4, 2]": func(x *Node) *Node { return mathx.CellMeans(x, 3) },
		"mathx.CellMeans: cells of 0×0":                                             func(x *Node) *Node { return mathx.CellMeans(x, 0) },
		"mathx.Enlarge: 0×0 times":                                                  func(x *Node) *Node { return mathx.Enlarge(x, 0) },
		"mathx.Enlarge: 2×2 times y of shape (Float64)[16]":                         func(x *Node) *Node { return mathx.Enlarge(Reshape(x, -1), 2) },
	} {
		if err := backendtest.Err(t, call, x); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

func equal(a, b [][][][]float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		for j := range a[i] {
			for k := range a[i][j] {
				for l := range a[i][j][k] {
					if a[i][j][k][l] != b[i][j][k][l] {
						return false
					}
				}
			}
		}
	}
	return true
}
