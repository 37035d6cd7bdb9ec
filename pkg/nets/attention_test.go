package nets

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

// TestAttention holds the products of all images and heads at once against loops over images, heads, queries and keys.
func TestAttention(t *testing.T) {
	const batch, n, heads, d = 2, 3, 2, 4
	const dim = heads * d
	source := rand.New(rand.NewPCG(1, 2))
	qkv := make([]float64, batch*n*3*dim)
	for i := range qkv {
		qkv[i] = source.NormFloat64()
	}
	got := backendtest.Floats(t, func(x *graph.Node) *graph.Node { return mix(x, batch, heads) },
		tensors.FromFlatDataAndDimensions(qkv, batch*n, 3*dim))
	// at returns entry k of the query (0), key (1) or value (2) of a token for a head.
	at := func(image, token, part, head, k int) float64 {
		return qkv[(image*n+token)*3*dim+part*dim+head*d+k]
	}
	for image := range batch {
		for head := range heads {
			for query := range n {
				want, total := make([]float64, d), 0.0
				for key := range n {
					score := 0.0
					for k := range d {
						score += at(image, query, 0, head, k) * at(image, key, 1, head, k)
					}
					weight := math.Exp(score / math.Sqrt(d))
					total += weight
					for k := range d {
						want[k] += weight * at(image, key, 2, head, k)
					}
				}
				for k := range d {
					if g := got[(image*n+query)*dim+head*d+k]; !(math.Abs(g-want[k]/total) <= 1e-13) {
						t.Errorf("image %d, head %d, query %d, entry %d: %.15g, want %.15g", image, head, query, k, g, want[k]/total)
					}
				}
			}
		}
	}
}

// TestPatches cuts an image of numbered pixels: the tokens, their haloes and the way back.
func TestPatches(t *testing.T) {
	const h, w, p, r = 4, 6, 2, 1
	pixels := make([]float64, h*w)
	for i := range pixels {
		pixels[i] = float64(i + 1) // 0 is outside
	}
	out := backendtest.Call(t, func(x *graph.Node) []*graph.Node {
		grid := patches(x, p)
		return []*graph.Node{tokens(withHalo(grid, r)), unpatch(tokens(grid), 1, h, w, 1, p)}
	}, tensors.FromFlatDataAndDimensions(pixels, 1, h, w, 1))
	seen, back := tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
	const side = p + 2*r
	for token := range h / p * (w / p) {
		for k := range side * side {
			y, x := token/(w/p)*p+k/side-r, token%(w/p)*p+k%side-r
			want := 0.0
			if y >= 0 && y < h && x >= 0 && x < w {
				want = pixels[y*w+x]
			}
			if got := seen[token*side*side+k]; got != want {
				t.Errorf("token %d sees %g at %d, want %g", token, got, k, want)
			}
		}
	}
	for i, v := range back {
		if v != pixels[i] {
			t.Errorf("pixel %d comes back as %g, want %g", i, v, pixels[i])
		}
	}
}

// TestHaloOfOnePatch: around an image of a single patch there is nothing.
func TestHaloOfOnePatch(t *testing.T) {
	pixels := []float64{1, 2, 3, 4}
	got := backendtest.Floats(t, func(x *graph.Node) *graph.Node { return withHalo(patches(x, 2), 1) }, tensors.FromFlatDataAndDimensions(pixels, 1, 2, 2, 1))
	for i, v := range got {
		want := 0.0
		if y, x := i/4-1, i%4-1; y >= 0 && y < 2 && x >= 0 && x < 2 {
			want = pixels[2*y+x]
		}
		if v != want {
			t.Errorf("entry %d of the patch with its halo is %g, want %g", i, v, want)
		}
	}
}
