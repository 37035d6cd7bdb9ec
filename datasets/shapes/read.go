package shapes

import (
	"fmt"
	"math"
)

// Reading is the shape that fits a picture best: the kind and the factors with the least squared distance between the picture
// and Draw(Kind, Factors, true). RMS is the root of that distance's mean over the pixels, an intensity: near 0 for a drawn
// picture, and large for a picture of no shape.
type Reading struct {
	Kind    Kind
	Factors Factors
	RMS     float64
}

// Reader reads the factors of pictures, drawn or generated, by search: no network takes part. Make it by Law.Reader.
type Reader struct {
	law    Law
	shapes []Reading
	x      [][]float64
}

// grid is the number of values of x, y, size and thickness that the search starts from.
var grid = [...]int{11, 11, 5, 3}

// halvings is the number of times that the search halves its steps.
const halvings = 4

// Reader returns a Reader that looks for the law's kinds within the ranges of its factors. It panics when the law has no kinds.
func (l Law) Reader() *Reader {
	if len(l.Kinds) == 0 {
		panic(fmt.Errorf("shapes.Law.Reader: no kinds, want at least one"))
	}
	r := &Reader{law: l}
	for _, k := range l.Kinds {
		for i := range grid[0] * grid[1] * grid[2] * grid[3] {
			f := l.point(i)
			r.shapes = append(r.shapes, Reading{Kind: k, Factors: f})
			r.x = append(r.x, wide(Draw(k, f, true)))
		}
	}
	return r
}

// point is point i of the grid of factors.
func (l Law) point(i int) Factors {
	at := func(r Range, n int) float64 {
		j := i % n
		i /= n
		return r.at(float64(j) / float64(n-1))
	}
	return Factors{X: at(l.X, grid[0]), Y: at(l.Y, grid[1]), Size: at(l.Size, grid[2]), Thickness: at(l.Thickness, grid[3])}
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Read returns the best fit to a picture of Side*Side intensities: the nearest picture of a grid of kinds and factors, from where one factor or two
// move by steps that are halved. Drawn pictures are read to within about a tenth of a pixel in x, y and size. It panics when x has
// another length, or a number that is not finite.
func (r *Reader) Read(x []float64) Reading {
	if len(x) != Side*Side {
		panic(fmt.Errorf("shapes.Reader.Read: %d intensities, want %d", len(x), Side*Side))
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			panic(fmt.Errorf("shapes.Reader.Read: intensity %d is %v, want finite numbers", i, v))
		}
	}
	best := Reading{RMS: math.Inf(1)}
	for i, s := range r.shapes {
		if s.RMS = distance(x, r.x[i]); s.RMS < best.RMS {
			best = s
		}
	}
	for h := range halvings {
		best = r.step(x, best, math.Exp2(-float64(h+1)))
	}
	return best
}

// step tries all moves of one or two factors by a share of the grid's steps, and keeps each that helps.
func (r *Reader) step(x []float64, best Reading, share float64) Reading {
	for i := range grid {
		for j := range i + 1 {
			for _, signs := range [][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}} {
				next := best
				r.move(&next.Factors, i, signs[0]*share)
				if j < i {
					r.move(&next.Factors, j, signs[1]*share)
				}
				if next.RMS = distance(x, wide(Draw(next.Kind, next.Factors, true))); next.RMS < best.RMS {
					best = next
				}
			}
		}
	}
	return best
}

// move moves factor i by a number of the grid's steps, within its range.
func (r *Reader) move(f *Factors, i int, steps float64) {
	span := [...]Range{r.law.X, r.law.Y, r.law.Size, r.law.Thickness}[i]
	v := f.at(i)
	*v = math.Min(math.Max(*v+steps*(span.Hi-span.Lo)/float64(grid[i]-1), span.Lo), span.Hi)
}

// at points to factor i, in the order x, y, size, thickness.
func (f *Factors) at(i int) *float64 { return [...]*float64{&f.X, &f.Y, &f.Size, &f.Thickness}[i] }

// distance is the root mean square difference.
func distance(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum / float64(len(x)))
}
