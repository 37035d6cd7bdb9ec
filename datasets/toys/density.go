package toys

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// LogProb returns the log-density at x, in nats per unit of area:
//
//	log ∫₀¹ N(x; At(u), StdDev² I) du
//
// by the midpoint rule on curvePoints points, for a StdDev above a hundredth of the curve's radius; a thinner curve is too rough for it.
func (s Spiral) LogProb(x [2]float64) float64 {
	const curvePoints = 4000
	exponents, variance := make([]float64, curvePoints), s.StdDev*s.StdDev
	for i := range exponents {
		at := s.At((float64(i) + 0.5) / curvePoints)
		dx, dy := x[0]-at[0], x[1]-at[1]
		exponents[i] = -(dx*dx + dy*dy) / (2 * variance)
	}
	return floats.LogSumExp(exponents) - math.Log(curvePoints) - math.Log(2*math.Pi*variance)
}
