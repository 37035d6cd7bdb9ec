package shapes

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// Range is an interval [Lo, Hi], the support of a uniform law.
type Range struct{ Lo, Hi float64 }

func (r Range) at(u float64) float64 { return r.Lo + u*(r.Hi-r.Lo) }

// Law draws a kind, each with the same probability, and the four factors, independent and uniform on their ranges.
type Law struct {
	Kinds                 []Kind
	X, Y, Size, Thickness Range
	Antialias             bool
}

// Standard draws all three kinds, anti-aliased, with x, y ~ U(3, 5), size ~ U(2, 3), thickness ~ U(0.8, 1.6):
// no picture is cut off at the border.
func Standard() Law {
	return Law{Kinds: []Kind{Square, Circle, Cross}, X: Range{3, 5}, Y: Range{3, 5},
		Size: Range{2, 3}, Thickness: Range{0.8, 1.6}, Antialias: true}
}

// Pictures are draws from a Law. Gather gives x float32 [batch, 64], the factors float32 [batch, 4]
// in the order x, y, size, thickness, and the kinds int32 [batch].
type Pictures struct {
	Kinds   []Kind
	Factors []Factors
	x       []float32 // [n, 64]
	f       []float32 // [n, 4]
	k       []int32   // [n]
}

// Sample draws n pictures, a function of (n, seed): the first k of n are those of Sample(k, seed).
// It panics when n < 1 or the law has no kinds.
func (l Law) Sample(n int, seed int64) *Pictures {
	if n < 1 || len(l.Kinds) == 0 {
		panic(fmt.Errorf("shapes.Law.Sample: %d pictures of %d kinds, want at least 1 of each", n, len(l.Kinds)))
	}
	rng := draw.Rand(seed, draw.Shapes, 0)
	p := &Pictures{}
	for range n {
		k := l.Kinds[rng.IntN(len(l.Kinds))]
		f := Factors{l.X.at(rng.Float64()), l.Y.at(rng.Float64()), l.Size.at(rng.Float64()), l.Thickness.at(rng.Float64())}
		p.append(k, f, Draw(k, f, l.Antialias))
	}
	return p
}

func (p *Pictures) append(k Kind, f Factors, x []float32) {
	p.Kinds, p.Factors = append(p.Kinds, k), append(p.Factors, f)
	p.x, p.k = append(p.x, x...), append(p.k, int32(k))
	p.f = append(p.f, float32(f.X), float32(f.Y), float32(f.Size), float32(f.Thickness))
}

// Name implements datasets.Data.
func (p *Pictures) Name() string { return "shapes" }

// Len implements datasets.Data: the number of pictures.
func (p *Pictures) Len() int { return len(p.Kinds) }

// At returns the 64 intensities of picture i, row by row. They must not be changed.
func (p *Pictures) At(i int) []float32 { return p.x[i*Side*Side : (i+1)*Side*Side] }

// Gather implements datasets.Data.
func (p *Pictures) Gather(indices []int) ([]*tensors.Tensor, error) {
	x, err := datasets.Rows(p.x, indices, Side*Side)
	if err != nil {
		return nil, fmt.Errorf("shapes: %w", err)
	}
	factors, err := datasets.Rows(p.f, indices, 4)
	if err != nil {
		return nil, err
	}
	kinds, err := datasets.Rows(p.k, indices)
	return []*tensors.Tensor{x, factors, kinds}, err
}
