package toys

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Moons is two interleaved half circles of radius 1 with Gaussian noise. With u ~ U(0, 1) and θ = πu,
// component 0 is (cos θ, sin θ) and component 1 is (1 - cos θ, 1/2 - sin θ); x adds StdDev·ε, ε ~ N(0, I).
// Both components have probability 1/2. Mean of component 0: (0, 2/π), of component 1: (1, 1/2 - 2/π).
type Moons struct{ StdDev float64 }

// TwoMoons is Moons with standard deviation 0.08.
func TwoMoons() Moons { return Moons{StdDev: 0.08} }

// Sample draws the component, u and the noise. It panics when StdDev is negative or not finite.
func (m Moons) Sample(n int, seed int64) *Points {
	checkStdDev("toys.Moons: StdDev", m.StdDev)
	return sample("two moons", n, seed, func(rng *rand.Rand) point {
		k, u := rng.IntN(2), rng.Float64()
		return point{gaussian(rng, m.At(k, u), m.StdDev), k, u}
	})
}

// At is the point of half circle k (0 or 1) at u.
func (m Moons) At(k int, u float64) [2]float64 {
	sin, cos := math.Sincos(math.Pi * u)
	if k == 0 {
		return [2]float64{cos, sin}
	}
	return [2]float64{1 - cos, 0.5 - sin}
}

// Spiral is the swiss roll in the plane: the point at u is Scale·t (cos t, sin t), t = Start + u(End - Start),
// with u ~ U(0, 1), to which x adds StdDev·ε, ε ~ N(0, I).
type Spiral struct{ Start, End, Scale, StdDev float64 }

// SwissRoll is the spiral from 3π/2 to 9π/2, scaled to radius 2 at its end, with standard deviation 0.05.
func SwissRoll() Spiral {
	return Spiral{Start: 1.5 * math.Pi, End: 4.5 * math.Pi, Scale: 2 / (4.5 * math.Pi), StdDev: 0.05}
}

// Sample draws u and the noise. It panics when StdDev is negative or not finite.
func (s Spiral) Sample(n int, seed int64) *Points {
	checkStdDev("toys.Spiral: StdDev", s.StdDev)
	return sample("swiss roll", n, seed, func(rng *rand.Rand) point {
		u := rng.Float64()
		return point{gaussian(rng, s.At(u), s.StdDev), -1, u}
	})
}

// At is the point of the spiral at u.
func (s Spiral) At(u float64) [2]float64 {
	t := s.Start + u*(s.End-s.Start)
	sin, cos := math.Sincos(t)
	return [2]float64{s.Scale * t * cos, s.Scale * t * sin}
}

// Segment is a line in the plane: the point at u is A + u(B - A), u ~ U(0, 1), to which x adds StdDev·ε, ε ~ N(0, I).
// Mean (A+B)/2, covariance (B-A)(B-A)ᵀ/12 + StdDev² I.
type Segment struct {
	A, B   [2]float64
	StdDev float64
}

// Line is the segment from (-2, -1) to (2, 1), with standard deviation 0.05.
func Line() Segment { return Segment{A: [2]float64{-2, -1}, B: [2]float64{2, 1}, StdDev: 0.05} }

// Sample draws u and the noise. It panics when StdDev is negative or not finite.
func (l Segment) Sample(n int, seed int64) *Points {
	checkStdDev("toys.Segment: StdDev", l.StdDev)
	return sample("line", n, seed, func(rng *rand.Rand) point {
		u := rng.Float64()
		return point{gaussian(rng, l.At(u), l.StdDev), -1, u}
	})
}

// At is the point of the segment at u.
func (l Segment) At(u float64) [2]float64 {
	return [2]float64{l.A[0] + u*(l.B[0]-l.A[0]), l.A[1] + u*(l.B[1]-l.A[1])}
}

// Circles is concentric rings: component k has the probability w_k / Σ_j w_j, an angle uniform on the circle
// and the radius Radii[k] + StdDev·ε, ε ~ N(0, 1). The point at u of ring k is Radii[k] (cos 2πu, sin 2πu).
type Circles struct {
	Weights, Radii []float64
	StdDev         float64
}

// Rings is three equally likely rings of radius 0.6, 1.3 and 2, with standard deviation 0.05.
func Rings() Circles {
	return Circles{Weights: []float64{1. / 3, 1. / 3, 1. / 3}, Radii: []float64{0.6, 1.3, 2}, StdDev: 0.05}
}

// Sample draws the ring, the angle and the radius.
// It panics when the fields differ in length or a weight or the standard deviation is out of range.
func (c Circles) Sample(n int, seed int64) *Points {
	if len(c.Weights) == 0 || len(c.Radii) != len(c.Weights) {
		panic(fmt.Errorf("toys.Circles: %d weights, %d radii; want the same number, at least 1", len(c.Weights), len(c.Radii)))
	}
	total := checkWeights("toys.Circles", c.Weights, []float64{c.StdDev})
	return sample("rings", n, seed, func(rng *rand.Rand) point {
		k, u := pick(c.Weights, total*rng.Float64()), rng.Float64()
		r := c.Radii[k] + c.StdDev*rng.NormFloat64()
		sin, cos := math.Sincos(2 * math.Pi * u)
		return point{[2]float64{r * cos, r * sin}, k, u}
	})
}
