package metric

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// Spearman returns the rank correlation of x and y, in [−1, 1]: Pearson's correlation of their ranks, with the mean rank
// for ties. It is ±1 exactly where y is a strictly monotone function of x, and NaN where one of them is constant. It panics on a NaN.
func Spearman(x, y []float64) float64 {
	checkPairs("Spearman", x, y)
	return stat.Correlation(ranks(x), ranks(y), nil)
}

func ranks(x []float64) []float64 {
	order := ordered(x)
	out := make([]float64, len(x))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}

// ordered returns the indices of x from its least to its greatest entry.
func ordered(x []float64) []int {
	out := make([]int, len(x))
	for i := range out {
		out[i] = i
	}
	sort.SliceStable(out, func(a, b int) bool { return x[out[a]] < x[out[b]] })
	return out
}

// Isotonic returns, for each x, the value at x of the non-decreasing function that is nearest to y in least squares.
// It pools adjacent violators (Barlow et al., "Statistical inference under order restrictions", 1972). It panics on a NaN.
func Isotonic(x, y []float64) []float64 {
	checkPairs("Isotonic", x, y)
	type block struct{ sum, n float64 }
	var blocks []block
	order := ordered(x)
	for from := 0; from < len(order); {
		var b block // starts as the samples of one x
		for v := x[order[from]]; from < len(order) && x[order[from]] == v; from++ {
			b.sum, b.n = b.sum+y[order[from]], b.n+1
		}
		for k := len(blocks) - 1; k >= 0 && blocks[k].sum/blocks[k].n >= b.sum/b.n; k-- {
			b.sum, b.n = b.sum+blocks[k].sum, b.n+blocks[k].n
			blocks = blocks[:k]
		}
		blocks = append(blocks, b)
	}
	out, at := make([]float64, len(x)), 0
	for _, b := range blocks {
		for range int(b.n) {
			out[order[at]] = b.sum / b.n
			at++
		}
	}
	return out
}

// MonotoneR2 returns the share of y's variance that a monotone function of x explains, rising or falling, whichever is
// better: 1 − Σ(y−fit)²/Σ(y−ȳ)², in [0, 1]. On n unrelated pairs its mean lies between (ln n)/n and twice that.
// It panics when y is constant, and on a NaN.
func MonotoneR2(x, y []float64) float64 {
	checkPairs("MonotoneR2", x, y)
	falling := make([]float64, len(x))
	for i, v := range x {
		falling[i] = -v
	}
	total := stat.Variance(y, nil) * float64(len(y)-1)
	if total == 0 {
		panic(fmt.Errorf("metric.MonotoneR2: all %d values of y are %v, expected two different ones", len(y), y[0]))
	}
	left := math.Min(residual(y, Isotonic(x, y)), residual(y, Isotonic(falling, y)))
	return 1 - left/total
}

func residual(y, fit []float64) float64 {
	sum := 0.0
	for i := range y {
		sum += (y[i] - fit[i]) * (y[i] - fit[i])
	}
	return sum
}

func checkPairs(function string, x, y []float64) {
	if len(x) != len(y) || len(x) < 2 {
		panic(fmt.Errorf("metric.%s: %d and %d numbers, expected as many, at least 2", function, len(x), len(y)))
	}
	for i := range x {
		if math.IsNaN(x[i]) || math.IsNaN(y[i]) {
			panic(fmt.Errorf("metric.%s: pair %d is (%v, %v), expected numbers", function, i, x[i], y[i]))
		}
	}
}
