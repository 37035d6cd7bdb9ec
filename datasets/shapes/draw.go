package shapes

import (
	"fmt"
	"math"
)

// Side is the height and the width of a picture in pixels. Coordinates run over [0, Side]: x to the right, y down;
// pixel (row i, column j) is the square [j, j+1] x [i, i+1].
const Side = 8

// sub is the number of sample points a pixel has along each axis when it is anti-aliased.
const sub = 8

// Kind is what is drawn.
type Kind int32

// The kinds, as sets of points at the offset (dx, dy) from the centre, with size s and thickness t.
const (
	Square Kind = iota // s - t < max(|dx|, |dy|) ≤ s, the outline of a square
	Circle             // s - t < √(dx² + dy²) ≤ s, a ring
	Cross              // two bars: |dx| ≤ s, |dy| ≤ t/2, and the same with dx and dy exchanged
	kinds
)

// String returns "square", "circle" or "cross".
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return fmt.Sprintf("Kind(%d)", int32(k))
	}
	return [...]string{"square", "circle", "cross"}[k]
}

// Factors are what a picture is made from, in pixels: the centre, the half width and the thickness of the stroke.
type Factors struct{ X, Y, Size, Thickness float64 }

// Area is the area of the shape, which the intensities of an anti-aliased picture sum to up to the sampling of its edge.
func (f Factors) Area(k Kind) float64 {
	s, t := f.Size, math.Min(f.Thickness, f.Size)
	switch k {
	case Square:
		return 4 * (s*s - (s-t)*(s-t))
	case Circle:
		return math.Pi * (s*s - (s-t)*(s-t))
	}
	return 4*s*f.Thickness - f.Thickness*f.Thickness
}

func (f Factors) holds(k Kind, x, y float64) bool {
	dx, dy := math.Abs(x-f.X), math.Abs(y-f.Y)
	r := math.Max(dx, dy)
	switch k {
	case Circle:
		r = math.Sqrt(dx*dx + dy*dy)
	case Cross:
		return r <= f.Size && math.Min(dx, dy) <= f.Thickness/2
	}
	return r <= f.Size && r > f.Size-f.Thickness
}

// Draw returns the Side*Side intensities of a picture, row by row. Anti-aliased, a pixel is the fraction of its area
// that the shape covers, taken at 8 x 8 points; otherwise it is 1 when the shape holds its centre and 0 when not.
// It panics when k is no kind.
func Draw(k Kind, f Factors, antialias bool) []float32 {
	if k < 0 || k >= kinds {
		panic(fmt.Errorf("shapes.Draw: %v, want Square, Circle or Cross", k))
	}
	points := 1
	if antialias {
		points = sub
	}
	out := make([]float32, Side*Side)
	for i := range out {
		out[i] = f.cover(k, i/Side, i%Side, points)
	}
	return out
}

// cover is the fraction of points x points sample points of pixel (row, column) that the shape holds.
func (f Factors) cover(k Kind, row, column, points int) float32 {
	count := 0
	for a := range points * points {
		x := float64(column) + (float64(a%points)+0.5)/float64(points)
		y := float64(row) + (float64(a/points)+0.5)/float64(points)
		if f.holds(k, x, y) {
			count++
		}
	}
	return float32(count) / float32(points*points)
}
