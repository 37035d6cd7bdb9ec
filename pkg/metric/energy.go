package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// EnergyDistance returns the unbiased estimate of 2 E‖X−Y‖ − E‖X−X'‖ − E‖Y−Y'‖ from x [n][d] and y [m][d], in units of
// x; it is zero exactly when the laws agree (Székely, Rizzo, "Energy statistics", 2013, eq. 2.1, as U-statistic).
// It needs two samples in each set and takes n·m + n²/2 + m²/2 distances.
func EnergyDistance(x, y [][]float64) float64 {
	checkSets("EnergyDistance", 2, x, y)
	return contrast(x, y, distance)
}

// contrast returns 2 mean k(x,y) − mean k(x,x') − mean k(y,y') over distinct pairs.
func contrast(x, y [][]float64, k func(a, b []float64) float64) float64 {
	cross := 0.0
	for _, a := range x {
		for _, b := range y {
			cross += k(a, b)
		}
	}
	return 2*cross/float64(len(x)*len(y)) - meanWithin(x, k) - meanWithin(y, k)
}

func meanWithin(x [][]float64, k func(a, b []float64) float64) float64 {
	sum := 0.0
	for i, a := range x {
		for _, b := range x[:i] {
			sum += k(a, b)
		}
	}
	return 2 * sum / float64(len(x)*(len(x)-1))
}

// EnergyTest tests whether x and y come from one law, by the permutation test of the energy distance. It returns the
// distance and the p-value (1 + the number of permutations whose distance is at least as large) / (permutations + 1),
// which is below α with a probability of at most α where the laws agree. It keeps (n+m)² distances in memory. It panics when
// permutations < 1.
func EnergyTest(x, y [][]float64, permutations int, rng *rand.Rand) (distance, p float64) {
	checkSets("EnergyTest", 2, x, y)
	if permutations < 1 {
		panic(fmt.Errorf("metric.EnergyTest: %d permutations, expected at least 1: 999 for p-values down to .001", permutations))
	}
	pooled := pairwise(append(append([][]float64{}, x...), y...))
	first := make([]bool, len(pooled)) // whether a sample belongs to the first set
	for i := range x {
		first[i] = true
	}
	observed := pooled.energy(first)
	slack := 0.0 // the same split may sum in another order: its terms are distances, and may cancel
	for _, row := range pooled {
		for _, d := range row {
			slack = max(slack, 1e-12*d)
		}
	}
	atLeast := 1
	for range permutations {
		rng.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
		if pooled.energy(first) >= observed-slack {
			atLeast++
		}
	}
	return observed, float64(atLeast) / float64(permutations+1)
}

// distances has the distance of samples i and j < i at [i][j].
type distances [][]float64

func pairwise(x [][]float64) distances {
	out := make(distances, len(x))
	for i := range x {
		out[i] = make([]float64, i)
		for j := range i {
			out[i][j] = distance(x[i], x[j])
		}
	}
	return out
}

// energy is EnergyDistance of the split into first and others.
func (d distances) energy(first []bool) float64 {
	var sum [3]float64 // of pairs with 0, 1, 2 samples of the first set
	n := 0
	for i, row := range d {
		if first[i] {
			n++
		}
		var of [2]float64
		for j, v := range row {
			of[count(first[j])] += v
		}
		k := count(first[i])
		sum[k] += of[0]
		sum[k+1] += of[1]
	}
	a, b := float64(n), float64(len(d)-n)
	return 2*sum[1]/(a*b) - 2*sum[2]/(a*(a-1)) - 2*sum[0]/(b*(b-1))
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func distance(a, b []float64) float64 { return math.Sqrt(squared(a, b)) }

func squared(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		d := v - b[i]
		sum += d * d
	}
	return sum
}

// checkSets panics unless every set has at least least samples, all of one dimension.
func checkSets(function string, least int, sets ...[][]float64) {
	for _, x := range sets {
		if len(x) < least {
			panic(fmt.Errorf("metric.%s: a set of %d samples, expected at least %d", function, len(x), least))
		}
		for i, v := range x {
			if want := len(sets[0][0]); len(v) != want {
				panic(fmt.Errorf("metric.%s: sample %d has %d coordinates, expected %d", function, i, len(v), want))
			}
			for _, c := range v {
				if math.IsNaN(c) || math.IsInf(c, 0) {
					panic(fmt.Errorf("metric.%s: sample %d holds %v, expected finite numbers", function, i, c))
				}
			}
		}
	}
}
