package toys

import "math"

// LogProb returns the log-density at x, in nats per unit of area:
//
//	log ∫₀¹ N(x; At(u), StdDev² I) du
//
// by the midpoint rule on curvePoints points, for a StdDev above a hundredth of the curve's radius; a thinner curve is too rough for it.
func (s Spiral) LogProb(x [2]float64) float64 {
	const curvePoints = 4000
	sum, variance := 0.0, s.StdDev*s.StdDev
	for i := range curvePoints {
		at := s.At((float64(i) + 0.5) / curvePoints)
		dx, dy := x[0]-at[0], x[1]-at[1]
		sum += math.Exp(-(dx*dx + dy*dy) / (2 * variance))
	}
	return math.Log(sum/curvePoints) - math.Log(2*math.Pi*variance)
}
