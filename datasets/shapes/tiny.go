package shapes

import (
	"fmt"
	"math"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// TinySide is the side of a tiny picture; it has TinyPixels pixels, and there are TinyImages of them.
const (
	TinySide   = 3
	TinyPixels = TinySide * TinySide
	TinyImages = 1 << TinyPixels
)

// Bits is a 3x3 binary picture: bit i is pixel i, row by row.
type Bits uint16

// Pixels returns the nine pixels, each 0 or 1, row by row.
func (b Bits) Pixels() []byte {
	out := make([]byte, TinyPixels)
	for i := range out {
		out[i] = byte(b >> i & 1)
	}
	return out
}

// Tiny is a law of 3x3 binary pictures that is small enough to enumerate: one of K patterns, each with the
// probability 1/K, of which each pixel is then flipped with the probability Flip, independently.
//
//	p(x) = (1/K) Σ_k Flip^h (1 - Flip)^(9-h),  h the number of pixels in which x differs from pattern k
type Tiny struct {
	Patterns []Bits
	Flip     float64
}

// LinesAndCorners is the law of 12 patterns with Flip = 0.02: the three rows, the three columns, the two diagonals,
// and the four corners, each made of two full sides (five pixels).
func LinesAndCorners() Tiny {
	row, column := Bits(0b111), Bits(0b001_001_001)
	top, middle, bottom := row, row<<3, row<<6
	left, centre, right := column, column<<1, column<<2
	return Tiny{Flip: 0.02, Patterns: []Bits{top, middle, bottom, left, centre, right,
		0b100_010_001, 0b001_010_100, top | left, top | right, bottom | left, bottom | right}}
}

// Prob is p(x). Over the 512 pictures it sums to 1.
func (t Tiny) Prob(x Bits) float64 {
	p := 0.0
	for _, pattern := range t.Patterns {
		p += t.flips(x^pattern) / float64(len(t.Patterns))
	}
	return p
}

// flips is the probability that just the pixels of diff flip.
func (t Tiny) flips(diff Bits) float64 {
	p := 1.0
	for _, d := range diff.Pixels() {
		if d == 1 {
			p *= t.Flip
		} else {
			p *= 1 - t.Flip
		}
	}
	return p
}

// Entropy is -Σ_x p(x) log p(x) over the 512 pictures, in nats: the least mean negative log-likelihood of any model.
func (t Tiny) Entropy() float64 {
	h := 0.0
	for x := range Bits(TinyImages) {
		if p := t.Prob(x); p > 0 {
			h -= p * math.Log(p)
		}
	}
	return h
}

// Sample draws n pictures, a function of (n, seed), as images of 3x3x1 with intensities 0 and 1;
// the label is the number of the pattern before the flips.
// It panics when n < 1, there are no patterns or Flip is no probability.
func (t Tiny) Sample(n int, seed int64) *datasets.Images {
	if n < 1 || len(t.Patterns) == 0 || !(t.Flip >= 0 && t.Flip <= 1) {
		panic(fmt.Errorf("shapes.Tiny.Sample: n = %d, %d patterns, Flip = %v; want n ≥ 1, a pattern, a probability",
			n, len(t.Patterns), t.Flip))
	}
	rng := draw.Rand(seed, draw.Shapes, 0)
	pixels, labels := make([]byte, 0, n*TinyPixels), make([]int32, 0, n)
	for range n {
		k := rng.IntN(len(t.Patterns))
		labels = append(labels, int32(k))
		for _, v := range t.Patterns[k].Pixels() {
			if rng.Float64() < t.Flip {
				v = 1 - v
			}
			pixels = append(pixels, v)
		}
	}
	d, err := datasets.NewImages("tiny", TinySide, TinySide, 1, 1, pixels, labels)
	if err != nil {
		panic(err) // the sizes are right by construction
	}
	return d
}
