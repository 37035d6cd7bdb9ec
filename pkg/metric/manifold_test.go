package metric_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func uniforms(rng *rand.Rand, n int, lo, hi float64) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = []float64{lo + (hi-lo)*rng.Float64()}
	}
	return out
}

// many measures repeats pairs of sets.
func many(repeats, k int, model, data func() [][]float64) (precision, recall []float64) {
	for range repeats {
		f := metric.PrecisionRecall(model(), data(), k, metric.Pixels())
		precision, recall = append(precision, f.Precision), append(recall, f.Recall)
	}
	return precision, recall
}

// TestPrecisionRecallOfUniforms uses the gaps of n uniform points. They are exchangeable, n+1 of mean 1/(n+1). With k = 1
// a ball reaches to the nearer neighbour, so an inner gap g between gaps a and b is covered by min(g, a+b), of mean
// ∫ e^(−t)·(1+t)e^(−t) dt = 3/4 of a gap; the outermost have 1/2, the next 1: together 3/4 of the whole, at every n.
func TestPrecisionRecallOfUniforms(t *testing.T) {
	rng, c := newRand(), check.T(t)
	const n, repeats = 20, 4000
	whole := func() [][]float64 { return uniforms(rng, n, 0, 1) }
	half := func() [][]float64 { return uniforms(rng, n, 0, .5) }
	precision, recall := many(repeats, 1, whole, whole)
	c.MC("equal laws, k = 1: precision 3/4", precision, .75, .003)
	c.MC("equal laws, k = 1: recall 3/4", recall, .75, .003)
	precision, recall = many(repeats, 1, half, whole)
	c.MC("half the support, k = 1: precision 3/4", precision, .75, .003)
	// The last ball reaches beyond the half by max(0, its gap − the gap to the end), half of .5/(n+1) on average.
	c.MC("half the support, k = 1: recall 3/8 and what the last ball adds", recall, .375+.25/(n+1), .003)
}

func TestPrecisionRecallWithManyNeighbours(t *testing.T) {
	rng, c := newRand(), check.T(t)
	whole := func() [][]float64 { return uniforms(rng, 2000, 0, 1) }
	half := func() [][]float64 { return uniforms(rng, 2000, 0, .5) }
	precision, recall := many(4, 10, half, whole)
	c.Near("half the support, k = 10: precision 1", precision, 1, .002)
	// 5 SE of a share of 4·2000 points, and at most 10 gaps of 1/4000 for what the last balls reach beyond the half.
	c.Near("recall ½", check.Mean(recall)-.5, 0, 5*.5/math.Sqrt(8000)+.0025)
}

func TestPrecisionRecallAtTheEnds(t *testing.T) {
	rng, c := newRand(), check.T(t)
	x := normals(rng, 50, 1, 0, 0)
	same := metric.PrecisionRecall(x, x, 1, metric.Pixels())
	c.Near("a set and itself", []float64{same.Precision, same.Recall}, 1, 0)
	apart := metric.PrecisionRecall(x, normals(rng, 60, 1, 100, 0), 3, metric.Pixels())
	c.Near("disjoint", []float64{apart.Precision, apart.Recall}, 0, 0)
	mode := metric.PrecisionRecall(normals(rng, 40, 1, 0, 0), append(normals(rng, 300, 1, 0, 0), normals(rng, 300, 1, 100, 0)...), 5, metric.Pixels())
	c.Less("one of two modes: precise", .9, mode.Precision)
	c.Less("and half recalled at most", mode.Recall, .5+1e-12)
	if got, want := apart.String(), "precision 0, recall 0 (k = 3, 50 samples against 60, pixels)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPrecisionRecallByHand(t *testing.T) {
	data := [][]float64{{0}, {1}, {3}, {7}} // k = 2: radii 3, 2, 3, 6, so [−3,3], [−1,3], [0,6], [1,13]
	model := [][]float64{{-3}, {-3.5}, {13}, {14}}
	f := metric.PrecisionRecall(model, data, 2, metric.Pixels())
	c := check.T(t)
	c.Near("−3 and 13 lie on the edge, which belongs to the ball", f.Precision, .5, 0)
	c.Near("radii 16.5, 17, 16.5, 17.5 reach all", f.Recall, 1, 0)
}

func TestPCA(t *testing.T) {
	c := check.T(t)
	centre := []float64{5, -2, 7}
	var data [][]float64 // ±10 along (3,4,0)/5, ±2 along the third axis, ±1 along (−4,3,0)/5
	for _, v := range [][]float64{{6, 8, 0}, {0, 0, 2}, {-.8, .6, 0}} {
		for _, sign := range []float64{1, -1} {
			data = append(data, []float64{centre[0] + sign*v[0], centre[1] + sign*v[1], centre[2] + sign*v[2]})
		}
	}
	space := metric.PCA(data, 2)
	c.True("the share of 104 in 105", space.Name == "2 principal components, 99% of the variance", space.Name)
	got := space.Features(append([][]float64{centre}, data...))
	for _, v := range got { // the sign of an eigenvector is free
		v[0], v[1] = math.Abs(v[0]), math.Abs(v[1])
	}
	c.Near("centre, and 10, 2, 0 along the axes", got, [][]float64{{0, 0}, {10, 0}, {10, 0}, {0, 2}, {0, 2}, {0, 0}, {0, 0}}, 1e-12)
	rng := newRand()
	x, y := normals(rng, 100, 1, 0, 0, 0), normals(rng, 100, 1, 1, 0, 0)
	in, out := metric.PrecisionRecall(x, y, 3, metric.Pixels()), metric.PrecisionRecall(x, y, 3, metric.PCA(x, 3))
	c.Near("all components are a rotation", []float64{out.Precision, out.Recall}, []float64{in.Precision, in.Recall}, 0)
	c.True("the space is named", strings.HasPrefix(out.Space, "3 principal components"), out.Space)
}

func TestWithFloor(t *testing.T) {
	next := 0.0
	draw := func() float64 { next++; return next }
	j := metric.WithFloor(func(x, y float64) float64 { return x * y }, 3, 5, draw, 1)
	check.T(t).Near("the value and the floor of draws 1 and 2", []float64{j.Value, j.Floor.Median}, []float64{15, 2}, 0)
	if got, want := j.String(), "15 (two exact sets: median 2, 95% in 2 to 2, max 2)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
