package metric_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func TestBitsOfAUniformLaw(t *testing.T) {
	const levels, d = 16, 3
	discrete := []float64{d * math.Log(levels), d * math.Log(levels)}
	check.T(t).Near("a probability: log₂ of the levels", metric.BitsPerDim(discrete, d, metric.DiscreteLevels(levels)).Mean(), 4, 1e-14)
	for _, scale := range [][2]float64{{0, 1}, {-1, 1}, {0, 16}, {3, 3.5}} {
		nats := d * math.Log(scale[1]-scale[0])
		bits := metric.BitsPerDim([]float64{nats, nats}, d, metric.UniformDequantisation(levels, scale[0], scale[1]))
		check.T(t).Near("a density on any scale: the same", bits.Mean(), 4, 1e-14)
		check.T(t).Near("equal examples have no error", bits.SE(), 0, 0)
	}
}

// TestDequantisationBoundsTheDiscreteBits takes a normal density, on several scales, for data of 4 levels; the discrete
// model it implies has P(v) = ∫ of the density over the level.
func TestDequantisationBoundsTheDiscreteBits(t *testing.T) {
	const levels = 4
	for _, scale := range [][2]float64{{0, 1}, {-1, 1}, {0, 4}} {
		width := (scale[1] - scale[0]) / levels
		law := distuv.Normal{Mu: scale[0] + 1.7*width, Sigma: .9 * width}
		var continuous, discrete, exact []float64
		for v := range levels {
			from := scale[0] + float64(v)*width
			mean := check.IntegralFn(law.LogProb, from, from+width) / width // E_u log p
			continuous = append(continuous, -mean)
			discrete = append(discrete, -math.Log(law.CDF(from+width)-law.CDF(from)))
			exact = append(exact, math.Log(.9)+.5*math.Log(2*math.Pi)+
				(math.Pow(float64(v)+.5-1.7, 2)+1./12)/(2*.81)) // −E_u log of the density in units of levels, by hand
		}
		bound := metric.BitsPerDim(continuous, 1, metric.UniformDequantisation(levels, scale[0], scale[1]))
		bits := metric.BitsPerDim(discrete, 1, metric.DiscreteLevels(levels))
		check.T(t).Near("the scale drops out", bound.Mean(), check.Mean(exact)/math.Ln2, 1e-12)
		check.T(t).Less("Jensen: more than the discrete bits", bits.Mean(), bound.Mean())
	}
}

func TestBitsSEAndText(t *testing.T) {
	nats := []float64{10 * math.Ln2, 12 * math.Ln2, 14 * math.Ln2}
	bits := metric.BitsPerDim(nats, 2, metric.DiscreteLevels(256))
	check.T(t).Near("5, 6 and 7: standard deviation 1", bits.SE(), 1/math.Sqrt(3), 1e-14)
	if got, want := bits.String(), "6.000 ± 0.577 bits/dim (3 examples × 2, 256 discrete levels, of which a uniform code needs 8)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	coding := metric.UniformDequantisation(256, -1, 1)
	if got, want := metric.BitsPerDim(nats, 2, coding).Coding().String(), "256 levels dequantised uniformly on -1 to 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
