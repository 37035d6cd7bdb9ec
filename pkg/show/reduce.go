package show

import (
	"fmt"
	"math"
)

// What the eye can resolve on one figure, and what keeps it below 60 KB.
const (
	maxMarkers  = 600 // markers of one series
	maxVertices = 700
)

// every returns evenly chosen entries, at most maxMarkers of them.
func every(v []float64) []float64 {
	if len(v) <= maxMarkers {
		return v
	}
	out := make([]float64, maxMarkers)
	for i := range out {
		out[i] = v[i*len(v)/maxMarkers]
	}
	return out
}

// thin leaves out vertices of a path in pixels. Where there are more than maxVertices it keeps the lowest and highest of
// each group of neighbours; then it leaves out those within a seventh of a pixel of the path without them.
func thin(path [][2]float64) [][2]float64 {
	if len(path) > maxVertices {
		group := 2*len(path)/maxVertices + 1
		out := path[:1:1]
		for i := 1; i < len(path)-1; i += group {
			out = append(out, extremes(path[i:min(i+group, len(path)-1)])...)
		}
		out = append(out, path[len(path)-1])
		path = out
	}
	return simplify(path, .15)
}

// simplify is the algorithm of Ramer, Douglas and Peucker: it keeps the vertex farthest from the chord while that is
// farther than tolerance.
func simplify(path [][2]float64, tolerance float64) [][2]float64 {
	if len(path) < 3 {
		return path
	}
	a, b := path[0], path[len(path)-1]
	far, at := 0.0, 0
	for i, p := range path[1 : len(path)-1] {
		if d := distance(p, a, b); d > far {
			far, at = d, i+1
		}
	}
	if far <= tolerance {
		return [][2]float64{a, b}
	}
	left := simplify(path[:at+1], tolerance)
	return append(left[:len(left)-1:len(left)-1], simplify(path[at:], tolerance)...)
}

// distance returns how far p is from the segment from a to b.
func distance(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := 0.0
	if length2 := dx*dx + dy*dy; length2 > 0 {
		t = math.Max(0, math.Min(1, ((p[0]-a[0])*dx+(p[1]-a[1])*dy)/length2))
	}
	return math.Hypot(p[0]-a[0]-t*dx, p[1]-a[1]-t*dy)
}

// extremes returns the lowest and the highest vertex in their order.
func extremes(path [][2]float64) [][2]float64 {
	lo, hi := 0, 0
	for i, p := range path {
		if p[1] < path[lo][1] {
			lo = i
		}
		if p[1] > path[hi][1] {
			hi = i
		}
	}
	return [][2]float64{path[min(lo, hi)], path[max(lo, hi)]}
}

// binned returns n+1 equal edges over the range of the finite samples, and count/(number·width) of each bin.
func binned(samples []float64, n int) (edges, density []float64) {
	s := newSpan(false)
	s.include(samples...)
	if n < 1 || !(s.lo < s.hi) {
		panic(fmt.Errorf("show.Figure.Histogram: %d bins over %v to %v, expected at least 1 bin and two different samples", n, s.lo, s.hi))
	}
	width := (s.hi - s.lo) / float64(n)
	edges, density = make([]float64, n+1), make([]float64, n)
	for i := range edges {
		edges[i] = s.lo + float64(i)*width
	}
	for _, v := range samples {
		if s.shows(v) {
			density[min(n-1, int((v-s.lo)/width))] += 1 / (float64(len(samples)) * width)
		}
	}
	return edges, density
}

// runningMean averages over the last n values, fewer at the start.
func runningMean(v []float64, n int) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		sum := 0.0
		from := max(0, i-n+1)
		for _, w := range v[from : i+1] {
			sum += w
		}
		out[i] = sum / float64(i+1-from)
	}
	return out
}
