package metric

import (
	"fmt"
	"math"
	"sort"
)

// MMD2 returns the unbiased estimate of the squared maximum mean discrepancy
//
//	E k(X,X') + E k(Y,Y') − 2 E k(X,Y),   k(a,b) = exp(−‖a−b‖² / 2h²)
//
// between x [n][d] and y [m][d], with bandwidth h in units of x (Gretton et al., "A kernel two-sample test", JMLR 2012,
// eq. 3). It lies below 2 and is without unit. Always state h: see MedianBandwidth. It panics unless h is positive.
func MMD2(x, y [][]float64, h float64) float64 {
	checkSets("MMD2", 2, x, y)
	if !(h > 0) {
		panic(fmt.Errorf("metric.MMD2: bandwidth %v, expected a positive number", h))
	}
	return -contrast(x, y, func(a, b []float64) float64 { return math.Exp(-squared(a, b) / (2 * h * h)) })
}

// MedianBandwidth returns the median distance of distinct samples of x, the usual choice of h. Compute it once, on the
// data, and use it for every model.
func MedianBandwidth(x [][]float64) float64 {
	checkSets("MedianBandwidth", 2, x)
	var all []float64
	for _, row := range pairwise(x) {
		all = append(all, row...)
	}
	sort.Float64s(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
