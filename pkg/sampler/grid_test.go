package sampler_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// In continuous time the log-SNR rises in equal steps between the ends.
func TestLogSNRGrid(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		t.Run(name, func(t *testing.T) {
			times, err := sampler.LogSNRGrid(onHost, p, 9)
			if err != nil {
				t.Fatal(err)
			}
			check.T(t).Near("ends", []float64{times[0], times[9]}, []float64{p.TMax, p.TMin}, 0)
			logSNR := backendtest.Floats(t, p.LogSNR, times)
			check.T(t).Near("λ", logSNR, floats.Span(make([]float64, 10), logSNR[0], logSNR[9]), 1e-9)
			if err := sampler.CheckTimes(p, times); err != nil {
				t.Error(err)
			}
		})
	}
}

// On a discrete chain the times are indices, all of them when there are as many steps, and else those whose λ is nearest.
func TestLogSNRGridOfAChain(t *testing.T) {
	all, err := sampler.LogSNRGrid(onHost, d4, 4)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("as many steps as indices", all, []float64{4, 3, 2, 1, 0}, 0)
	bar := ddpm(1000, 1e-4, .02)
	logSNR := func(i float64) float64 { return math.Log(bar[int(i)] / (1 - bar[int(i)])) }
	for _, n := range []int{2, 10, 50, 990} {
		times, err := sampler.LogSNRGrid(onHost, sch, n)
		if err == nil {
			err = sampler.CheckTimes(sch, times)
		}
		if err != nil || len(times) != n+1 || times[0] != 1000 || times[n] != 0 {
			t.Errorf("%d steps: %v, %v", n, times, err)
		}
		if n == 10 { // far enough apart that none is taken twice
			for i, at := range times[:n] {
				target := logSNR(1000) + (logSNR(1)-logSNR(1000))*float64(i)/float64(n-1)
				away := math.Abs(logSNR(at) - target)
				for _, other := range []float64{at - 1, at + 1} {
					if other >= 1 && other <= 1000 && math.Abs(logSNR(other)-target) < away {
						t.Errorf("time %d is %g, but the λ of %g is nearer to %g", i, at, other, target)
					}
				}
			}
		}
	}
}

// Prior draws N(0, std²), the same from the same seed.
func TestPrior(t *testing.T) {
	shape := shapes.Make(dtypes.Float64, 1000, 20)
	x := sampler.Prior(shape, 3, 4)
	check.T(t).KS("N(0, 9)", check.Floats(x), distuv.Normal{Sigma: 3}.CDF, 1e-7)
	if !x.Shape().Equal(shape) {
		t.Errorf("shape %s, want %s", x.Shape(), shape)
	}
	check.T(t).Near("the same again", sampler.Prior(shape, 3, 4), x, 0)
	check.T(t).Near("scaled", check.Floats(sampler.Prior(shapes.Make(dtypes.Float32, 1000, 20), 1, 4))[:5], scaled(check.Floats(x)[:5], 1./3), 1e-6)
	check.T(t).Differ("another seed", sampler.Prior(shape, 3, 5), x, 1)
}

func scaled(x []float64, by float64) []float64 {
	floats.Scale(by, x)
	return x
}
