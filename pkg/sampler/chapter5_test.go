package sampler_test

import (
	"math"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// stds are the three variances of E5.58, by the names that chain.recursion knows.
func stds(p process.Process) map[string]sampler.ReverseStd {
	return map[string]sampler.ReverseStd{"posterior": nil, "transition": sampler.TransitionStd, "exact": exactStd(p)}
}

// The chain of GD under D4, by exact propagation, by DDPM's formulas in plain Go, and by drawing.
func TestChain(t *testing.T) {
	bar := chain{1, .9, .72, .504, .3024}
	for kind, std := range stds(d4) {
		for last, noise := range map[sampler.Last]bool{sampler.LastMean: false, sampler.LastDraw: true} {
			mean, variance := bar.recursion(down(4), kind, noise)
			for name, b := range backends(t) {
				m, v := moments(t, b, exact(d4, std, last), d4.Grid(4), 0, 1)
				check.T(t).Near("E5.57 mean with "+kind+", "+name, m, mean, a64)
				check.T(t).Near("E5.57 variance with "+kind+", "+name, v, variance, a64)
			}
		}
	}
	t.Run("E5.60 a chain that is too short shifts the samples", func(t *testing.T) {
		m, _ := moments(t, onHost, exact(d4, nil, sampler.LastMean), d4.Grid(4), 0, 1)
		check.T(t).Near("mean, not 1", m, .8218661640, printed)
	})
	t.Run("E5.6 the joint, drawn", func(t *testing.T) {
		mean, variance := bar.recursion(down(4), "exact", true)
		run := sampler.Of(backendtest.Open(t), exact(d4, exactStd(d4), sampler.LastDraw))
		x := check.Floats(sample(t, run, prior(100_000), d4.Grid(4), 5))
		check.T(t).MC("mean", x, mean, .003)
		squares := make([]float64, len(x))
		for i, v := range x {
			squares[i] = (v - mean) * (v - mean)
		}
		check.T(t).MC("variance", squares, variance, .005)
	})
	t.Run("E5.7 every step draws noise of its own", func(t *testing.T) {
		run := sampler.Of(onHost, exact(d4, sampler.TransitionStd, sampler.LastDraw))
		points := path(t, run, prior(20_000), d4.Grid(4), 2)
		for step := 1; step < len(points); step++ {
			z := innovation(check.Floats(points[step-1]), check.Floats(points[step]))
			products := make([]float64, 0, len(z))
			for i := 1; i < len(z); i++ {
				products = append(products, z[i]*z[i-1]) // neighbouring rows
			}
			check.T(t).MC("rows", products, 0, .02)
			if step > 1 {
				before := innovation(check.Floats(points[step-2]), check.Floats(points[step-1]))
				for i := range before {
					before[i] *= z[i]
				}
				check.T(t).MC("steps", before, 0, .02)
			}
		}
	})
}

// innovation returns the residual of y regressed on x, standardised: the noise of an affine step.
func innovation(x, y []float64) []float64 {
	mx, my, n := check.Mean(x), check.Mean(y), float64(len(x))
	var xx, xy, rr float64
	for i := range x {
		xx, xy = xx+(x[i]-mx)*(x[i]-mx), xy+(x[i]-mx)*(y[i]-my)
	}
	z := make([]float64, len(x))
	for i := range x {
		z[i] = y[i] - my - xy/xx*(x[i]-mx)
		rr += z[i] * z[i]
	}
	for i := range z {
		z[i] /= math.Sqrt(rr / n)
	}
	return z
}

// The final variances of the three reverse variances at T = 1000 and T = 50, and how fast they tend to .5.
func TestReverseVariances(t *testing.T) {
	short := process.Process{Schedule: process.DDPM(50, .002, .4), TMax: 50}
	type result struct{ long, short float64 }
	for name, c := range map[string]struct {
		std  func(p process.Process) sampler.ReverseStd
		last sampler.Last
		want result
	}{
		"σ_q²":                 {func(process.Process) sampler.ReverseStd { return sampler.PosteriorStd }, sampler.LastDraw, result{.4942219473, .4125462}},
		"exact":                {exactStd, sampler.LastDraw, result{.5000000002, .5}},
		"β":                    {func(process.Process) sampler.ReverseStd { return sampler.TransitionStd }, sampler.LastDraw, result{.5007589385, .5159843}},
		"σ_q², no noise last":  {func(process.Process) sampler.ReverseStd { return nil }, sampler.LastMean, result{.4942219473, .4125462}},
		"exact, no noise last": {exactStd, sampler.LastMean, result{.4999000102, .4980040}},
		"β, no noise last":     {func(process.Process) sampler.ReverseStd { return sampler.TransitionStd }, sampler.LastMean, result{.5006589385, .5139843}},
	} {
		t.Run("E5.58 "+name, func(t *testing.T) {
			_, long := moments(t, onHost, exact(sch, c.std(sch), c.last), sch.Grid(1000), 0, 1)
			_, brief := moments(t, onHost, exact(short, c.std(short), c.last), short.Grid(50), 0, 1)
			check.T(t).Near("T = 1000", long, c.want.long, printed)
			check.T(t).Near("T = 50", brief, c.want.short, 5e-8)
			slope := math.Log(math.Abs(long-.5)/math.Abs(brief-.5)) / math.Log(1000./50)
			switch name {
			case "σ_q²":
				check.T(t).Near("error slope", slope, -.907, 5e-4)
			case "β":
				check.T(t).Near("error slope", slope, -1.018, 5e-4)
			}
		})
	}
	t.Run("E5.58 in one call", func(t *testing.T) {
		_, v := moments(t, backendtest.Open(t), exact(sch, nil, sampler.LastMean), sch.Grid(1000), 0, 1)
		check.T(t).Near("T = 1000", v, .4942219473, printed)
	})
}

// A grid that skips times takes the ratio ᾱ_t/ᾱ_s of its step, and not the β of one index.
func TestStrided(t *testing.T) {
	bar := ddpm(1000, 1e-4, .02)
	indices := []int{1000, 999, 700, 301, 300, 20, 3, 0}
	for kind, std := range stds(sch) {
		for last, noise := range map[sampler.Last]bool{sampler.LastMean: false, sampler.LastDraw: true} {
			mean, variance := bar.recursion(indices, kind, noise)
			m, v := moments(t, onHost, exact(sch, std, last), floatsOf(indices), 0, 1)
			check.T(t).Near("mean with "+kind, m, mean, a64)
			check.T(t).Near("variance with "+kind, v, variance, a64)
		}
	}
}

// With the exact variance and the exact start every grid ends in the exact law, however few its steps: VP, VE and subVP.
func TestAnyGridIsExact(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub, "SCH": sch} {
		t.Run(name, func(t *testing.T) {
			bySNR, err := sampler.LogSNRGrid(onHost, p, 7)
			if err != nil {
				t.Fatal(err)
			}
			for grid, times := range map[string][]float64{"one step": {p.TMax, p.TMin}, "in t": p.Grid(5), "in λ": bySNR,
				"ends early": p.Grid(10)[:4]} {
				m, v := marginal(t, p, times[0])
				wantM, wantV := marginal(t, p, times[len(times)-1])
				last := sampler.LastDraw
				if grid == "ends early" {
					last = sampler.LastMean // counts at TMin alone
				}
				m, v = moments(t, onHost, exact(p, exactStd(p), last), times, m, v)
				check.T(t).Near("mean, "+grid, m, wantM, a64)
				check.T(t).Near("variance, "+grid, v/wantV, 1, 1e-8)
			}
		})
	}
}
