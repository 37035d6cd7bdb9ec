package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/stat"
)

// Wasserstein1 returns the Wasserstein-1 distance of two sets of numbers, exactly: ∫ |F(v) − G(v)| dv of their empirical
// distribution functions, in units of x. The sets may differ in size.
func Wasserstein1(x, y []float64) float64 {
	checkNumbers("Wasserstein1", x, y)
	x, y = sorted(x), sorted(y)
	sum, i, j := 0.0, 0, 0
	at := math.Min(x[0], y[0])
	for i < len(x) || j < len(y) {
		next := math.Inf(1)
		if i < len(x) {
			next = x[i]
		}
		if j < len(y) {
			next = math.Min(next, y[j])
		}
		f, g := float64(i)/float64(len(x)), float64(j)/float64(len(y))
		sum += math.Abs(f-g) * (next - at)
		for at = next; i < len(x) && x[i] == at; i++ {
		}
		for ; j < len(y) && y[j] == at; j++ {
		}
	}
	return sum
}

// SlicedWasserstein1 returns the mean of Wasserstein1 over random directions, of the projections of x [n][d] and y [m][d]
// (Bonneel et al., "Sliced and Radon Wasserstein barycenters", 2015). It is a Monte Carlo estimate over the directions.
// It panics when directions < 1.
func SlicedWasserstein1(x, y [][]float64, directions int, rng *rand.Rand) float64 {
	checkSets("SlicedWasserstein1", 1, x, y)
	if directions < 1 {
		panic(fmt.Errorf("metric.SlicedWasserstein1: %d directions, expected at least 1", directions))
	}
	sum := 0.0
	for range directions {
		u := direction(len(x[0]), rng)
		sum += Wasserstein1(project(x, u), project(y, u))
	}
	return sum / float64(directions)
}

// direction draws uniformly from the unit sphere.
func direction(d int, rng *rand.Rand) []float64 {
	u, norm := make([]float64, d), 0.0
	for i := range u {
		u[i] = rng.NormFloat64()
		norm += u[i] * u[i]
	}
	for i := range u {
		u[i] /= math.Sqrt(norm)
	}
	return u
}

func project(x [][]float64, u []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		for j := range u {
			out[i] += u[j] * v[j]
		}
	}
	return out
}

// KolmogorovSmirnov returns sup |F(v) − G(v)| of the empirical distribution functions of two sets of numbers. Where the
// laws agree it is above √(−ln(α/2)·(n+m)/(2nm)) with a probability near α, for large sets.
func KolmogorovSmirnov(x, y []float64) float64 {
	checkNumbers("KolmogorovSmirnov", x, y)
	return stat.KolmogorovSmirnov(sorted(x), nil, sorted(y), nil)
}

func sorted(x []float64) []float64 {
	out := append([]float64{}, x...)
	sort.Float64s(out)
	return out
}

func checkNumbers(function string, x, y []float64) {
	if len(x) == 0 || len(y) == 0 {
		panic(fmt.Errorf("metric.%s: sets of %d and %d numbers, expected at least 1 in each", function, len(x), len(y)))
	}
	for _, v := range append(append([]float64{}, x...), y...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			panic(fmt.Errorf("metric.%s: %v among the numbers, expected finite ones", function, v))
		}
	}
}
