package ncsn_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
)

func TestMaxDistance(t *testing.T) {
	got, err := ncsn.MaxDistance([][]float64{{0, 0}, {1, 1}, {-2, 0}, {1, -3}, {0, .5}})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("from (1, 1) to (1, −3) it is 4, from (−2, 0) to (1, −3) √18", got, math.Sqrt(18), a64)
	for _, bad := range [][][]float64{nil, {{1}}, {{}, {}}, {{1, 2}, {1}}, {{1}, {math.NaN()}}, {{1}, {math.Inf(1)}}, {{3, 4}, {3, 4}}} {
		_, err := ncsn.MaxDistance(bad)
		wantError(t, err, "ncsn.MaxDistance", "expected")
	}
}

// The published settings for CIFAR-10 (3072 numbers, levels from 50 to 0.01, 232 of them, 5 steps of 6.2e-6 in the convention of
// 2020) come out of the rules: github.com/ermongroup/ncsnv2, configs/cifar10.yml.
func TestRulesGiveThePublishedSettings(t *testing.T) {
	c := check.T(t)
	ratio := math.Pow(50/.01, 1./231)
	c.Near("their neighbours overlap by about a half", ncsn.Overlap(3072, ratio), .5, .05)
	eps, err := ncsn.StepSize(ratio, .01, 5)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("their step, which is half of ours", eps/2/6.2e-6, 1, .005)
}

func TestRatio(t *testing.T) {
	c := check.T(t)
	for _, d := range []int{5, 6, 64, 784, 3072, 196608} {
		for _, overlap := range []float64{.01, .5, .99} {
			ratio, err := ncsn.Ratio(d, overlap)
			if err != nil {
				t.Fatal(err)
			}
			c.Near("the equation is solved", ncsn.Overlap(d, ratio), overlap, a64)
			c.Less("by a ratio above 1", 1, ratio)
		}
	}
	ratio, err := ncsn.Ratio(3072, .5)
	if err != nil {
		t.Fatal(err)
	}
	a := math.Sqrt(2 * 3072.)
	c.Near("in many dimensions the first Φ is 1", ratio, a/(a-3), 1e-10)

	// The overlap itself, against draws of the norm's normal law.
	norm, larger := distuv.Normal{Mu: math.Sqrt(64), Sigma: math.Sqrt(.5)}, 1.3
	inside := norm.CDF(larger*(norm.Mu+3*norm.Sigma)) - norm.CDF(larger*(norm.Mu-3*norm.Sigma))
	c.Near("Overlap is the probability of the shell", ncsn.Overlap(64, larger), inside, 1e-12)

	for d := 1; d < 5; d++ {
		for ratio := 1.01; ratio < 1e6; ratio *= 1.5 {
			if ncsn.Overlap(d, ratio) < .9973 {
				t.Errorf("in %d dimensions a ratio of %g overlaps by %g: then Ratio has an answer", d, ratio, ncsn.Overlap(d, ratio))
			}
		}
		_, err := ncsn.Ratio(d, .5)
		wantError(t, err, "ncsn.Ratio", "dimensions", "RadialRatio")
	}
	for _, bad := range []float64{0, 1, -1, .998, math.NaN()} {
		_, err := ncsn.Ratio(100, bad)
		wantError(t, err, "ncsn.Ratio", "overlap", "0.5")
		_, err = ncsn.RadialRatio(2, bad)
		wantError(t, err, "ncsn.RadialRatio", "overlap")
	}
	_, err = ncsn.RadialRatio(0, .5)
	wantError(t, err, "0 dimensions")
}

func TestRadialRatio(t *testing.T) {
	c := check.T(t)
	within3 := math.Erf(3 / math.Sqrt2)
	for _, overlap := range []float64{.1, .5, .9} {
		got, err := ncsn.RadialRatio(2, overlap) // of ‖x‖²/σ² in the plane: 1 − e^(−r/2)
		if err != nil {
			t.Fatal(err)
		}
		c.Near("in the plane χ² has a closed form", got, math.Sqrt(math.Log1p(-within3)/math.Log1p(-overlap)), 1e-9)
		got, err = ncsn.RadialRatio(1, overlap) // both are quantiles of |x|
		if err != nil {
			t.Fatal(err)
		}
		c.Near("on a line the ball ends at 3σ", got, 3/distuv.UnitNormal.Quantile((1+overlap)/2), 1e-9)
	}
	radial, err := ncsn.RadialRatio(3072, .5)
	if err != nil {
		t.Fatal(err)
	}
	shell, err := ncsn.Ratio(3072, .5)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("in many dimensions it is about Ratio's", math.Log(radial)/math.Log(shell), 1, .15)
}

func TestVarianceOfALevel(t *testing.T) {
	c := check.T(t)
	for _, v := range []struct {
		ratio, eps, smallest float64
		steps                int
	}{{1.247, 2e-3, .3, 200}, {1.04, 1.24e-5, .01, 5}, {3, .1, .5, 1}, {1.5, 3, 1, 7}} {
		const sigma = 4.2                                         // of the level; the result is free of it
		size := v.eps * sigma * sigma / (v.smallest * v.smallest) // α of Song's step x + ½α s + √α ε
		variance := math.Pow(v.ratio*sigma, 2)
		for range v.steps {
			variance = math.Pow(1-size/2/(sigma*sigma), 2)*variance + size
		}
		c.Near("FinalVariance is that of the steps, one by one", ncsn.FinalVariance(v.ratio, v.eps, v.smallest, v.steps), variance/(sigma*sigma), a64)
	}
}

func TestStepSize(t *testing.T) {
	c := check.T(t)
	for _, v := range []struct {
		ratio, smallest float64
		steps           int
	}{{1.247, .3, 200}, {1.0376, .01, 5}, {1.04, .01, 1}, {4, 1, 3}, {1.5, .1, 1000}, {1.2, .05, 2}} {
		best, err := ncsn.StepSize(v.ratio, v.smallest, v.steps)
		if err != nil {
			t.Fatal(err)
		}
		least := ncsn.FinalVariance(v.ratio, best, v.smallest, v.steps)
		c.Less("the variance is above 1", 1, least)
		c.Less("and below that of the level before", least, v.ratio*v.ratio)
		slope := check.Derivative(func(u float64) float64 { return ncsn.FinalVariance(v.ratio, best*math.Exp(u), v.smallest, v.steps) }, 0)
		c.Near("its slope is 0", slope, 0, 1e-8)
		for factor := .01; factor < 100; factor *= 1.1 { // up to the step that diverges
			if eps := best * factor; eps < 4*v.smallest*v.smallest && ncsn.FinalVariance(v.ratio, eps, v.smallest, v.steps) < least-1e-12 {
				t.Errorf("ratio %g, %d steps: ε = %g gives %g, less than %g of ε = %g", v.ratio, v.steps, eps,
					ncsn.FinalVariance(v.ratio, eps, v.smallest, v.steps), least, best)
			}
		}
	}
	best, err := ncsn.StepSize(1.3, 1, 1) // h = 1 − 1/γ² by hand, FinalVariance 2 − 1/γ²
	if err != nil {
		t.Fatal(err)
	}
	c.Near("one step, by hand", []float64{best, ncsn.FinalVariance(1.3, best, 1, 1)}, []float64{2 - 2/1.69, 2 - 1/1.69}, a64)
	for _, bad := range []struct {
		ratio, smallest float64
		steps           int
	}{{1, 1, 1}, {math.Inf(1), 1, 1}, {2, 0, 1}, {2, 1, 0}, {math.NaN(), 1, 1}} {
		_, err := ncsn.StepSize(bad.ratio, bad.smallest, bad.steps)
		wantError(t, err, "ncsn.StepSize", "expected")
	}
}
