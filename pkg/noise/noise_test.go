package noise_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// uniforms is a Source whose uniforms are given, and whose normals are infinite, as GoMLX's rarest ones.
type uniforms struct{ noise.Source }

func (uniforms) RandomNormal(g *Graph, shape shapes.Shape) *Node { return Infinity(g, shape.DType, 1) }

// TestFinite gives the uniforms by hand: √(−2 log u₁)·cos 2πu₂, also at u₁ = 0, where the logarithm is infinite.
func TestFinite(t *testing.T) {
	u1, u2 := []float32{.5, .5, .1, 0, 1 - 1e-7}, []float32{0, .5, .125, 0, 0}
	out := backendtest.Call(t, func(u1, u2 *Node) *Node {
		return noise.Finite(uniforms{noise.Fixed(u1, u2)}).RandomNormal(u1.Graph(), u1.Shape())
	}, u1, u2)
	want := []float64{math.Sqrt(2 * math.Ln2), -math.Sqrt(2 * math.Ln2), math.Sqrt(2*math.Log(10)) * math.Sqrt2 / 2,
		math.Sqrt(66 * math.Ln2), math.Sqrt(-2 * math.Log(float64(float32(1-1e-7))))}
	check.T(t).Near("the normals of five pairs of uniforms", out[0], want, 1e-5)
}

// TestFiniteKeeps: sources that are finite already are not wrapped.
func TestFiniteKeeps(t *testing.T) {
	backendtest.Call(t, func(g *Graph) *Node {
		for _, src := range []noise.Source{noise.FromSeed(g, 1), noise.Fixed(), noise.Finite(uniforms{})} {
			if noise.Finite(src) != src {
				t.Errorf("Finite(%T) is another source", src)
			}
		}
		return Const(g, 0.)
	})
}

// TestStreamLaws holds the draws of a Stream against N(0,1) and U[0,1), and one draw against the next.
func TestStreamLaws(t *testing.T) {
	const n = 200_000
	shape := shapes.Make(dtypes.Float64, n)
	draw := func(g *Graph) []*Node {
		src := noise.FromSeed(g, 4)
		return []*Node{src.RandomNormal(g, shape), src.RandomNormal(g, shape), src.RandomUniform(g, shape)}
	}
	out, again := backendtest.Call(t, draw), backendtest.Call(t, draw)
	first, second, uniform := check.Floats(out[0]), check.Floats(out[1]), check.Floats(out[2])
	c := check.T(t)
	c.KS("normals", first, distuv.UnitNormal.CDF, 1e-7)
	c.KS("uniforms", uniform, distuv.Uniform{Min: 0, Max: 1}.CDF, 1e-7)
	products := make([]float64, n)
	for i := range products {
		products[i] = first[i] * second[i]
	}
	c.MC("two draws are uncorrelated", products, 0, 3e-3)
	for i := range out {
		if !out[i].Equal(again[i]) {
			t.Errorf("draw %d of one seed differs between two programs", i)
		}
	}
}

func TestPanics(t *testing.T) {
	x := []float64{1, 2}
	for want, fn := range map[string]func(x *Node) *Node{
		"noise.NewStream: the state has shape": func(x *Node) *Node { return noise.NewStream(x).State() },
		"noise.Fixed: draw 2 of shape": func(x *Node) *Node {
			src := noise.Fixed(x)
			return Add(src.RandomNormal(x.Graph(), x.Shape()), src.RandomUniform(x.Graph(), x.Shape()))
		},
		"noise.Fixed: value 1 has shape": func(x *Node) *Node {
			return noise.Fixed(x).RandomNormal(x.Graph(), shapes.Make(dtypes.Float64, 3))
		},
	} {
		if err := backendtest.Err(t, fn, x); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want one with %q", err, want)
		}
	}
}
