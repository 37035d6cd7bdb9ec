package metric_test

import (
	"math"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func TestCountModes(t *testing.T) {
	c := check.T(t)
	centres := [][]float64{{0, 0}, {10, 0}, {0, 10}}
	x := [][]float64{{1, 0}, {0, -2}, {0, 3}, {9, 1}, {0, 4}, {5.1, 0}, {-1, 0}, {.5, .5}}
	m := metric.CountModes(x, centres, 3, .2)
	c.Near("counts: the radius is included", m.Counts, []int{5, 1, 0}, 0)
	c.Near("outside", m.Outside, 2./8, 1e-15)
	c.Near("one of 8 is less than a fifth", m.Covered, 1, 0)
	c.Near("and more than a tenth", metric.CountModes(x, centres, 3, .1).Covered, 2, 0)
	c.Near("no share asked: an empty mode still is not covered", metric.CountModes(x, centres, 3, 0).Covered, 2, 0)
}

func TestNeighbourRatio(t *testing.T) {
	c, rng := check.T(t), newRand()
	train := [][]float64{{0}, {10}}
	c.Near("by hand", metric.NeighbourRatio([][]float64{{1}, {2}}, train, [][]float64{{-4}, {14}}), .375, 1e-15)
	c.Near("copies", metric.NeighbourRatio([][]float64{{10}, {0}}, train, [][]float64{{-4}}), 0, 0)
	t.Run("E3.27 samples of the law itself", func(t *testing.T) {
		var logs []float64 // the logarithm is symmetric between samples and held-out data
		for range 200 {
			set := func() [][]float64 { return normals(rng, 60, 1, 0, 0) }
			logs = append(logs, math.Log(metric.NeighbourRatio(set(), set(), set())))
		}
		check.T(t).MC("ratio 1", logs, 0, .02)
	})
}

func TestHighFrequencyPower(t *testing.T) {
	const h, w = 8, 6
	wave := func(ky, kx int, a, level float64) []float64 {
		img := make([]float64, h*w)
		for i := range img {
			y, x := float64(i/w), float64(i%w)
			img[i] = level + a*math.Cos(2*math.Pi*(float64(ky)*y/h+float64(kx)*x/w))
		}
		return img
	}
	power := func(cutoff float64, images ...[]float64) float64 {
		return metric.HighFrequencyPower(images, h, w, cutoff)
	}
	c := check.T(t)
	image := wave(1, 2, 3, 5) // frequency (1/8, 2/6), length 0.356
	c.Near("below the wave: a²/2", power(.35, image), 4.5, 1e-14)
	c.Near("above the wave", power(.36, image), 0, 1e-14)
	c.Near("variance", power(0, image), 4.5, 1e-14)
	c.Near("mean square", power(-1, image), 29.5, 1e-14)
	c.Near("mean over images", power(.2, image, wave(1, 0, 3, 0)), 2.25, 1e-14)
	c.Near("Nyquist, alone in its power", power(.4, wave(4, 0, 3, 0)), 9, 1e-14)

	rng := newRand()
	var noise [][]float64
	for range 20 {
		noise = append(noise, normals(rng, 1, 1, make([]float64, h*w)...)[0])
	}
	direct := 0.0
	for _, img := range noise {
		direct += check.Mean(squares(img)) / 20
	}
	c.Near("Parseval", power(-1, noise...), direct, 1e-13)
	c.Near("E3.27 a blur of three pixels in a row keeps (1+2cos 2πf)²/9 at f = 1/3: nothing",
		power(.3, blur(wave(0, 2, 1, 0), w)), 0, 1e-14)
}

func squares(x []float64) []float64 {
	var out []float64
	for _, v := range x {
		out = append(out, v*v)
	}
	return out
}

// blur averages each pixel with its neighbours in the row, around the edge.
func blur(img []float64, w int) []float64 {
	out := make([]float64, len(img))
	for i := range img {
		row, x := i/w*w, i%w
		out[i] = (img[row+(x+w-1)%w] + img[i] + img[row+(x+1)%w]) / 3
	}
	return out
}

func TestSpearman(t *testing.T) {
	c := check.T(t)
	x := []float64{-3, -1, 0, 2, 5, 4}
	exp := make([]float64, len(x))
	for i, v := range x {
		exp[i] = -math.Exp(v)
	}
	c.Near("falling function", metric.Spearman(x, exp), -1, 1e-15)
	c.Near("1 − 6Σd²/n(n²−1)", metric.Spearman([]float64{1, 2, 3, 4, 5}, []float64{20, 10, 30, 50, 40}), 1-6*4./120, 1e-15)
	// Ranks (1, 2.5, 2.5, 4) and (1, 2, 3, 4): covariance 4.5, variances 4.5 and 5.
	c.Near("ties", metric.Spearman([]float64{0, 1, 1, 2}, []float64{1, 2, 3, 4}), 4.5/math.Sqrt(22.5), 1e-15)
	c.True("constant", math.IsNaN(metric.Spearman([]float64{1, 1}, []float64{1, 2})), "NaN")
}

// minmax is the fit by its formula: max over a ≤ i of min over b ≥ i of the mean of y[a..b], for increasing x.
func minmax(y []float64) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		out[i] = math.Inf(-1)
		for a := 0; a <= i; a++ {
			least := math.Inf(1)
			for b := i; b < len(y); b++ {
				least = math.Min(least, check.Mean(y[a:b+1]))
			}
			out[i] = math.Max(out[i], least)
		}
	}
	return out
}

func TestIsotonic(t *testing.T) {
	c, rng := check.T(t), newRand()
	c.Near("by hand, unordered", metric.Isotonic([]float64{3, 1, 2, 4}, []float64{2, 1, 3, 4}), []float64{2.5, 1, 2.5, 4}, 1e-15)
	c.Near("one value for one x", metric.Isotonic([]float64{1, 1, 2, 2}, []float64{0, 4, 9, 5}), []float64{2, 2, 7, 7}, 1e-15)
	for range 50 {
		y := column(normals(rng, 12, 1, 0))
		x := make([]float64, len(y))
		for i := range x {
			x[i], y[i] = float64(i), y[i]+.1*float64(i)
		}
		c.Near("max-min formula", metric.Isotonic(x, y), minmax(y), 1e-14)
	}
}

func TestMonotoneR2(t *testing.T) {
	c, rng := check.T(t), newRand()
	x := column(normals(rng, 200, 1, 0))
	cube, falling, bent := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		cube[i], falling[i], bent[i] = v*v*v, -math.Tanh(v), v*v
	}
	c.Near("E3.25 a monotone function of the code", metric.MonotoneR2(x, cube), 1, 1e-14)
	c.Near("a falling one", metric.MonotoneR2(x, falling), 1, 1e-14)
	c.Less("a parabola is not monotone", metric.MonotoneR2(x, bent), .8)
	var shares []float64 // 1 − residual/total of a rising fit to unrelated normals has the mean (Hₙ−1)/(n−1)
	const n = 40
	index, harmonic := make([]float64, n), 0.0
	for i := range index {
		index[i] = float64(i)
		harmonic += 1 / float64(i+1)
	}
	for range 2000 {
		y := column(normals(rng, n, 1, 0))
		fit, mean, left, total := metric.Isotonic(index, y), check.Mean(y), 0.0, 0.0
		for i := range y {
			left += (y[i] - fit[i]) * (y[i] - fit[i])
			total += (y[i] - mean) * (y[i] - mean)
		}
		shares = append(shares, 1-left/total)
	}
	c.MC("floor of a rising fit", shares, (harmonic-1)/(n-1), .003)
}

func TestPanics(t *testing.T) {
	one, two := [][]float64{{1}}, [][]float64{{1}, {2}}
	for text, call := range map[string]func(){
		"metric.EnergyDistance: a set of 1 samples":         func() { metric.EnergyDistance(one, two) },
		"metric.EnergyDistance: sample 0 has 2 coordinates": func() { metric.EnergyDistance(two, [][]float64{{1, 2}, {1, 2}}) },
		"metric.EnergyTest: a set of 0 samples":             func() { metric.EnergyTest(two, nil, 9, newRand()) },
		"metric.MMD2: bandwidth 0":                          func() { metric.MMD2(two, two, 0) },
		"metric.Wasserstein1: sets of 0 and 1 numbers":      func() { metric.Wasserstein1(nil, []float64{1}) },
		"metric.Wasserstein1: NaN among":                    func() { metric.Wasserstein1([]float64{math.NaN()}, []float64{1}) },
		"metric.SlicedWasserstein1: 0 directions":           func() { metric.SlicedWasserstein1(one, one, 0, newRand()) },
		"metric.NeighbourRatio: all 2 held-out":             func() { metric.NeighbourRatio(two, two, two) },
		"metric.HighFrequencyPower: image 0 has 3 pixels":   func() { metric.HighFrequencyPower([][]float64{{1, 2, 3}}, 2, 2, 0) },
		"metric.HighFrequencyPower: no images":              func() { metric.HighFrequencyPower(nil, 2, 2, 0) },
		"metric.Spearman: 1 and 2 numbers":                  func() { metric.Spearman([]float64{1}, []float64{1, 2}) },
		"metric.MonotoneR2: all 2 values of y are 3":        func() { metric.MonotoneR2([]float64{1, 2}, []float64{3, 3}) },
		"metric.Floor: 0 repeats":                           func() { metric.Floor(metric.Wasserstein1, func() []float64 { return nil }, 0) },
		"metric.BitsPerDim: 2 examples of 1 dimensions":     func() { metric.BitsPerDim([]float64{1, 2}, 1, metric.Coding{}) },
		"metric.BitsPerDim: 1 examples":                     func() { metric.BitsPerDim([]float64{1}, 1, metric.DiscreteLevels(2)) },
		"metric.DiscreteLevels: 1 levels":                   func() { metric.DiscreteLevels(1) },
		"metric.UniformDequantisation: 2 levels on 1 to 1":  func() { metric.UniformDequantisation(2, 1, 1) },
		"metric.PrecisionRecall: a set of 2 samples":        func() { metric.PrecisionRecall(two, two, 2, metric.Pixels()) },
		"metric.PrecisionRecall: k = 0":                     func() { metric.PrecisionRecall(two, two, 0, metric.Pixels()) },
		"metric.Spearman: pair 1 is (NaN, 2)":               func() { metric.Spearman([]float64{1, math.NaN()}, []float64{1, 2}) },
		"metric.Isotonic: pair 0 is (1, NaN)":               func() { metric.Isotonic([]float64{1, 2}, []float64{math.NaN(), 2}) },
		"metric.MonotoneR2: pair 1 is (NaN, 2)":             func() { metric.MonotoneR2([]float64{1, math.NaN()}, []float64{1, 2}) },
		"metric.EnergyTest: sample 1 holds NaN":             func() { metric.EnergyTest(two, [][]float64{{1}, {math.NaN()}}, 9, newRand()) },
		"metric.EnergyTest: 0 permutations":                 func() { metric.EnergyTest(two, two, 0, newRand()) },
		"metric.CountModes: radius NaN":                     func() { metric.CountModes(two, two, math.NaN(), .1) },
		"metric.PrecisionRecall: sample 1 holds +Inf":       func() { metric.PrecisionRecall(two, [][]float64{{1}, {math.Inf(1)}}, 1, metric.Pixels()) },
		"metric.PCA: 2 components of 1 dimensions":          func() { metric.PCA(two, 2) },
	} {
		t.Run(text, func(t *testing.T) {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.HasPrefix(err.Error(), text) {
					t.Errorf("panic %v, expected one that starts with %q", err, text)
				}
			}()
			call()
		})
	}
}
