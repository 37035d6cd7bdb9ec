package metric_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(3, 14)) }

// normals draws n samples of N(mean, std² I) in as many dimensions as mean has.
func normals(rng *rand.Rand, n int, std float64, mean ...float64) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		for _, m := range mean {
			out[i] = append(out[i], m+std*rng.NormFloat64())
		}
	}
	return out
}

func column(x [][]float64) []float64 {
	var out []float64
	for _, v := range x {
		out = append(out, v[0])
	}
	return out
}

func phi(mean, std float64) func(float64) float64 { return distuv.Normal{Mu: mean, Sigma: std}.CDF }

func TestEnergyDistanceOfNormals(t *testing.T) {
	rng := newRand()
	var values, null []float64
	for range 400 {
		x, y := normals(rng, 60, 1, 0), normals(rng, 40, 1.5, .7)
		values = append(values, metric.EnergyDistance(x, y))
		null = append(null, metric.EnergyDistance(x, normals(rng, 40, 1, 0)))
	}
	f, g := phi(0, 1), phi(.7, 1.5)
	exact := 2 * check.IntegralFn(func(v float64) float64 { return (f(v) - g(v)) * (f(v) - g(v)) }, -15, 15) // Székely's identity
	check.T(t).MC("unbiased: the mean is 2 ∫ (F−G)²", values, exact, .01)
	check.T(t).MC("unbiased where the laws agree", null, 0, .005)
}

func TestEnergyDistanceByHand(t *testing.T) {
	x, y := [][]float64{{0, 0}, {3, 4}}, [][]float64{{0, 0}, {0, 4}, {3, 0}}
	// Cross: 0+4+3 + 5+3+4 = 19 over 6; within x: 5; within y: (4+3+5)/3.
	check.T(t).Near("by hand", metric.EnergyDistance(x, y), 2*19./6-5-4, 1e-15)
}

func TestEnergyTest(t *testing.T) {
	rng := newRand()
	x, y := normals(rng, 30, 1, 0, 0), normals(rng, 20, 1, 3, 0)
	d, p := metric.EnergyTest(x, y, 199, rng)
	check.T(t).Near("the distance of EnergyDistance", d, metric.EnergyDistance(x, y), 1e-13)
	check.T(t).Near("far apart: no permutation is as far", p, 1./200, 1e-15)
	var ps []float64
	for range 300 {
		_, p := metric.EnergyTest(normals(rng, 12, 1, 0), normals(rng, 8, 1, 0), 49, rng)
		ps = append(ps, p)
	}
	// Where the laws agree p is uniform on 1/50 ... 50/50.
	check.T(t).MC("mean of p", ps, .51, .02)
	check.T(t).KS("p is uniform", ps, func(p float64) float64 { return math.Floor(p*50+1e-9) / 50 }, 1e-7)
}

func TestMMDOfNormals(t *testing.T) {
	rng := newRand()
	const h, s1, s2, d = 1.3, 1.0, .6, 2
	shift := []float64{.5, -.8}
	k := func(variance, distance2 float64) float64 { // E k(A,B) of normals, A−B ~ N(Δ, variance I)
		v := h*h + variance
		return math.Pow(h*h/v, d/2.) * math.Exp(-distance2/(2*v))
	}
	exact := k(2*s1*s1, 0) + k(2*s2*s2, 0) - 2*k(s1*s1+s2*s2, .25+.64)
	var values, null []float64
	for range 400 {
		x := normals(rng, 50, s1, 0, 0)
		values = append(values, metric.MMD2(x, normals(rng, 40, s2, shift...), h))
		null = append(null, metric.MMD2(x, normals(rng, 40, s1, 0, 0), h))
	}
	check.T(t).MC("unbiased: the closed form", values, exact, .003)
	check.T(t).MC("unbiased where the laws agree", null, 0, .002)
}

func TestMedianBandwidth(t *testing.T) {
	check.T(t).Near("of 1, 2, 3, 4, 6, 7", metric.MedianBandwidth([][]float64{{0}, {1}, {3}, {7}}), 3.5, 1e-15)
	check.T(t).Near("of 1, 2, 3", metric.MedianBandwidth([][]float64{{0}, {1}, {3}}), 2, 1e-15)
}

func TestWasserstein1(t *testing.T) {
	c, rng := check.T(t), newRand()
	x := column(normals(rng, 500, 1, 0))
	shifted := make([]float64, len(x))
	for i, v := range x {
		shifted[(i*7)%len(x)] = v + .75
	}
	c.Near("N(0,1) and N(d,1): d", metric.Wasserstein1(x, shifted), .75, 1e-13)
	c.Near("to itself", metric.Wasserstein1(x, x), 0, 0)
	c.Near("sizes differ", metric.Wasserstein1([]float64{0}, []float64{0, 1, 1, 2}), 1, 1e-15)
	c.Near("ties", metric.Wasserstein1([]float64{1, 1, 2}, []float64{2, 1, 2}), 1./3, 1e-15)
	f, g := phi(0, 1), phi(.5, 2)
	exact := check.IntegralFn(func(v float64) float64 { return math.Abs(f(v) - g(v)) }, -20, 20)
	const n = 20_000
	p, q := make([]float64, n), make([]float64, n)
	for i := range p {
		u := (float64(i) + .5) / n
		p[i], q[n-1-i] = distuv.UnitNormal.Quantile(u), .5+2*distuv.UnitNormal.Quantile(u)
	}
	c.Near("quantiles of N(0,1) and N(.5,4): ∫|F−G|", metric.Wasserstein1(p, q), exact, 1e-4)
}

func TestWasserstein1IsTheBestAssignment(t *testing.T) {
	rng := newRand()
	for range 20 {
		x, y := column(normals(rng, 6, 1, 0)), column(normals(rng, 6, 2, 1))
		best := math.Inf(1)
		for _, p := range combin.Permutations(6, 6) {
			cost := 0.0
			for i, j := range p {
				cost += math.Abs(x[i]-y[j]) / 6
			}
			best = math.Min(best, cost)
		}
		check.T(t).Near("least of 720 assignments", metric.Wasserstein1(x, y), best, 1e-14)
	}
}

func TestSlicedWasserstein1(t *testing.T) {
	rng := newRand()
	x := normals(rng, 40, 1, 0, 0)
	var y [][]float64
	for _, v := range x {
		y = append(y, []float64{v[0] + 3, v[1] - 4})
	}
	var values []float64
	for range 4000 {
		values = append(values, metric.SlicedWasserstein1(x, y, 1, rng))
	}
	check.T(t).MC("shift by v in the plane: 2‖v‖/π", values, 2*5/math.Pi, .03)
	line := normals(rng, 40, 1, 0)
	other := normals(rng, 30, 1, 1)
	check.T(t).Near("one dimension", metric.SlicedWasserstein1(line, other, 3, rng), metric.Wasserstein1(column(line), column(other)), 1e-14)
}

func TestKolmogorovSmirnov(t *testing.T) {
	rng := newRand()
	x, y := column(normals(rng, 30, 1, 0)), column(normals(rng, 21, 1, .5))
	y[3], y[4] = x[0], x[0] // ties
	most := 0.0
	for _, v := range append(append([]float64{}, x...), y...) {
		most = math.Max(most, math.Abs(share(x, v)-share(y, v)))
	}
	check.T(t).Near("largest gap of the distribution functions", metric.KolmogorovSmirnov(x, y), most, 1e-15)
	check.T(t).Near("disjoint", metric.KolmogorovSmirnov([]float64{3, 2}, []float64{0, 1, 0}), 1, 0)
}

func share(x []float64, v float64) float64 {
	n := 0
	for _, u := range x {
		if u <= v {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

// mixture draws from the data law GM: .3 N(−2, .25) + .7 N(1, .16).
func mixture(rng *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1 + .4*rng.NormFloat64()
		if rng.Float64() < .3 {
			out[i] = -2 + .5*rng.NormFloat64()
		}
	}
	return out
}

func TestFloor(t *testing.T) {
	rng, c := newRand(), check.T(t)
	t.Run("E1.1 floor of Wasserstein-1 between two sets of 10,000", func(t *testing.T) {
		f := metric.Floor(metric.Wasserstein1, func() []float64 { return mixture(rng, 10_000) }, 400)
		c.Near("median", f.Median, .019, .002) // its standard error is .0007
		c.Near("2.5 per cent", f.Low, .009, .002)
		c.Near("97.5 per cent", f.High, .047, .01)
		c.Less("all below the bar of 0.1", f.Max, .1)
	})
	next := 0.0
	count := func() float64 { next++; return next } // 1, 2 | 3, 4 | ...
	f := metric.Floor(func(x, y float64) float64 { return x * y }, count, 200)
	c.Near("k(k+1) for k = 199, 9, 389, 399", []float64{f.Median, f.Low, f.High, f.Max}, []float64{39800, 90, 151710, 159600}, 0)
	if got, want := (metric.Spread{Median: 12, Low: 2, High: 30.06, Max: 31}).String(), "median 12, 95% in 2 to 30.1, max 31"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Splits of data with few values tie, in whatever unit the data are.
func TestEnergyTestTies(t *testing.T) {
	p := func(unit float64) float64 {
		set := func(ones int) (x [][]float64) {
			for i := range 18 {
				x = append(x, []float64{0})
				if i < ones {
					x[i][0] = unit
				}
			}
			return x
		}
		_, p := metric.EnergyTest(set(9), set(6), 999, rand.New(rand.NewPCG(1, 2)))
		return p
	}
	check.T(t).Near("p in another unit", []float64{p(.3), p(1e-9), p(7)}, p(1), 0)
}
