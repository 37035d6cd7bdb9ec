package toys

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Mixture is the law p(x) = Σ_k w_k N(x; μ_k, s_k² I) in the plane. The label of a point is its component k.
type Mixture struct {
	Weights []float64    // w_k > 0; they need not sum to 1, the law uses w_k / Σ_j w_j
	Means   [][2]float64 // μ_k
	StdDevs []float64    // s_k ≥ 0
}

// EightGaussians is 8 equally likely Gaussians of standard deviation 0.2 with means on the circle of radius 2,
// component k at the angle kπ/4.
func EightGaussians() Mixture {
	m := Mixture{}
	for k := range 8 {
		sin, cos := math.Sincos(float64(k) * math.Pi / 4)
		m.Weights = append(m.Weights, 1.0/8)
		m.Means = append(m.Means, [2]float64{2 * cos, 2 * sin})
		m.StdDevs = append(m.StdDevs, 0.2)
	}
	return m
}

// NestedGaussians is clusters of clusters: 4 groups with centres on the circle of radius 1.8, at the angles π/4 + iπ/2, and around
// each centre 4 equally likely Gaussians of standard deviation 0.08 at the distance 0.5, at the angles jπ/2. Component 4i+j is the
// j-th of group i.
func NestedGaussians() Mixture {
	m := Mixture{}
	for i := range 4 {
		y, x := math.Sincos(math.Pi/4 + float64(i)*math.Pi/2)
		for j := range 4 {
			dy, dx := math.Sincos(float64(j) * math.Pi / 2)
			m.Weights = append(m.Weights, 1.0/16)
			m.Means = append(m.Means, [2]float64{1.8*x + 0.5*dx, 1.8*y + 0.5*dy})
			m.StdDevs = append(m.StdDevs, 0.08)
		}
	}
	return m
}

// Sample draws k with probability w_k / Σ_j w_j, then x = μ_k + s_k ε, ε ~ N(0, I).
// It panics when the three fields differ in length or a weight or standard deviation is out of range.
func (m Mixture) Sample(n int, seed int64) *Points {
	total := m.check()
	return sample("mixture", n, seed, func(rng *rand.Rand) point {
		k := pick(m.Weights, total*rng.Float64())
		return point{gaussian(rng, m.Means[k], m.StdDevs[k]), k, -1}
	})
}

func (m Mixture) check() (total float64) {
	if len(m.Weights) == 0 || len(m.Means) != len(m.Weights) || len(m.StdDevs) != len(m.Weights) {
		panic(fmt.Errorf("toys.Mixture: %d weights, %d means, %d standard deviations; want the same number, at least 1",
			len(m.Weights), len(m.Means), len(m.StdDevs)))
	}
	return checkWeights("toys.Mixture", m.Weights, m.StdDevs)
}

// checkWeights returns Σ w_k.
func checkWeights(name string, weights, stdDevs []float64) (total float64) {
	for k, w := range weights {
		total += w
		if !(w > 0 && total < math.Inf(1)) {
			panic(fmt.Errorf("%s: weight %d is %v, want a positive number", name, k, w))
		}
	}
	for k, s := range stdDevs {
		checkStdDev(fmt.Sprintf("%s: standard deviation %d", name, k), s)
	}
	return total
}

func checkStdDev(name string, s float64) {
	if !(s >= 0 && s < math.Inf(1)) {
		panic(fmt.Errorf("%s is %v, want a number of at least 0", name, s))
	}
}

// pick returns the component that the cumulative weights give to r in [0, Σ w).
func pick(weights []float64, r float64) int {
	for k, w := range weights {
		if r -= w; r < 0 {
			return k
		}
	}
	return len(weights) - 1
}

// gaussian draws mean + s ε, ε ~ N(0, I).
func gaussian(rng *rand.Rand, mean [2]float64, s float64) [2]float64 {
	return [2]float64{mean[0] + s*rng.NormFloat64(), mean[1] + s*rng.NormFloat64()}
}
