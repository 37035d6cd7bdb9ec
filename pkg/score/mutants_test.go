package score_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// TestSlicedPerExample holds each example's own two directions against its own Jacobian: the mean over a batch would be the same
// if they were mixed up.
func TestSlicedPerExample(t *testing.T) {
	points := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	v := [][]float64{{1, 2}, {-1, .5}, {0, 3}, {2, -1}, {1, 1}, {-.5, 0}} // the first of each example, then the second
	got := backendtest.Floats(t, func(x, v *Node) *Node {
		return score.Sliced(2, func(src noise.Source, like *Node) *Node { return src.RandomNormal(like.Graph(), like.Shape()) })(noise.Fixed(v), curved, x)
	}, points, v)
	want := make([]float64, len(points))
	for i, p := range points {
		j := curvedJacobian(p[0], p[1])
		th, s := math.Tanh(.8*p[0]-.5*p[1]), p[0]*math.Sin(p[1])
		want[i] = (th*th + s*s) / 2
		for _, v := range [][]float64{v[i], v[i+len(points)]} {
			for a := range 2 {
				for b := range 2 {
					want[i] += v[a] * j[a][b] * v[b] / 2
				}
			}
		}
	}
	check.T(t).Near("½ Σ vᵀ∇s v + ½‖s‖²", got, want, 1e-13)
}
