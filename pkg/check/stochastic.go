package check

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mathext"
)

// MaxSE is how many standard errors a Monte Carlo mean may lie from its expectation: for a normal mean the
// false-alarm rate is 5.7e-7.
const MaxSE = 5

// rounding is the relative error that a sum of float64 may carry; it matters where every sample is the same.
const rounding = 1e-12

// MinExpected is the smallest expected count that ChiSquare accepts in a cell; below it the χ² law is a poor approximation.
const MinExpected = 5

// Mean returns the mean of samples, NaN where there are none.
func Mean(samples []float64) float64 { return floats.Sum(samples) / float64(len(samples)) }

// SE returns the standard error of the mean, s/√n with s² = Σ (x−mean)²/(n−1). It is NaN for fewer than two samples.
func SE(samples []float64) float64 {
	n := float64(len(samples))
	if n < 2 {
		return math.NaN()
	}
	d := centred(samples)
	return math.Sqrt(floats.Dot(d, d) / (n - 1) / n)
}

// centred returns x less its mean.
func centred(x []float64) []float64 {
	d := append([]float64{}, x...)
	floats.AddConst(-Mean(x), d)
	return d
}

// MC checks a Monte Carlo mean: |mean−want| ≤ 5 SE, and SE ≤ maxSE so that a check without power fails too.
// The samples are independent. An error of 1e-12·(1+|want|) is forgiven as rounding, for estimators without variance.
func (c Checker) MC(id string, samples []float64, want, maxSE float64) {
	c.helper()()
	mean, se := Mean(samples), SE(samples)
	z := (mean - want) / se
	text := fmt.Sprintf("%s ± %s (%d samples), expected %s", num(mean), format(se, 2), len(samples), num(want))
	if d := math.Abs(mean - want); d <= rounding*(1+math.Abs(want)) {
		z = 0
	}
	text += fmt.Sprintf("  z %s", format(math.Round(100*z)/100, -1))
	switch {
	case !(se <= maxSE):
		c.report(false, id, fmt.Sprintf("%s: SE %s, allowed %s: draw more samples", text, exact(se), num(maxSE)))
	case !(math.Abs(z) <= MaxSE):
		c.report(false, id, fmt.Sprintf("%s: more than %d SE away", text, MaxSE))
	default:
		c.report(true, id, text)
	}
}

// Order checks the order of convergence: the slope of log err against log h, by least squares, is within tol of want.
// It needs at least three h, all h and err positive.
func (c Checker) Order(id string, h, err []float64, want, tol float64) {
	c.helper()()
	if len(h) != len(err) || len(h) < 3 {
		c.report(false, id, fmt.Sprintf("%d step sizes and %d errors: expected as many, at least 3", len(h), len(err)))
		return
	}
	logH, logErr := make([]float64, len(h)), make([]float64, len(h))
	for i := range h {
		if !(h[i] > 0 && err[i] > 0) {
			c.report(false, id, fmt.Sprintf("h = %v has error %v: expected both positive", h[i], err[i]))
			return
		}
		logH[i], logErr[i] = math.Log(h[i]), math.Log(err[i])
	}
	dh := centred(logH)
	slope := floats.Dot(dh, centred(logErr)) / floats.Dot(dh, dh)
	ok := math.Abs(slope-want) <= tol
	c.report(ok, id, fmt.Sprintf("order %s, expected %s ± %s  (%d step sizes)", format(slope, 4), num(want), num(tol), len(h)))
}

// KS checks that samples follow the continuous law with the given cdf, by Kolmogorov and Smirnov's distance
// D = sup |F_n(x)−F(x)|: D ≤ √(ln(2/falseAlarm)/2n). That bound fails for the right law with a probability of at most
// falseAlarm at every n (Dvoretzky, Kiefer, Wolfowitz; Massart 1990). Take 1e-6 or less. Where the bound reaches 1,
// which no D exceeds (below 8 samples at 1e-6, or at falseAlarm = 0), the check fails for want of power.
func (c Checker) KS(id string, samples []float64, cdf func(float64) float64, falseAlarm float64) {
	c.helper()()
	x := append([]float64{}, samples...)
	sort.Float64s(x)
	n, d := float64(len(x)), 0.0
	for i, v := range x {
		f := cdf(v)
		d = math.Max(d, math.Max(f-float64(i)/n, float64(i+1)/n-f)) // NaN stays NaN
	}
	bound := math.Sqrt(math.Log(2/falseAlarm) / (2 * n))
	if !(bound < 1) {
		c.report(false, id, fmt.Sprintf("%d samples at a false-alarm rate of %g allow D %s: draw more samples", len(x), falseAlarm, num(bound)))
		return
	}
	if !(d <= bound) {
		c.report(false, id, fmt.Sprintf("D %s > %s (%d samples, false-alarm rate %g)", num(d), num(bound), len(x), falseAlarm))
		return
	}
	c.report(true, id, fmt.Sprintf("D %s ≤ %s (%d samples)", format(d, 3), format(bound, 3), len(x)))
}

// ChiSquare checks observed counts against expected ones by Pearson's χ² = Σ (O−E)²/E with len−1 degrees of freedom:
// its p-value is at least falseAlarm. Both must have the same sum, and every expected count must be at least MinExpected.
func (c Checker) ChiSquare(id string, observed, expected []float64, falseAlarm float64) {
	c.helper()()
	if len(observed) != len(expected) || len(observed) < 2 {
		c.report(false, id, fmt.Sprintf("%d observed and %d expected counts: expected as many, at least 2", len(observed), len(expected)))
		return
	}
	if least := floats.Min(expected); !(least >= MinExpected) {
		c.report(false, id, fmt.Sprintf("an expected count of %v: merge cells until each is at least %d", least, MinExpected))
		return
	}
	sumO, sumE := floats.Sum(observed), floats.Sum(expected)
	if !(math.Abs(sumO-sumE) <= 1e-6*sumE) {
		c.report(false, id, fmt.Sprintf("the observed counts sum to %v, the expected ones to %v", sumO, sumE))
		return
	}
	chi2, dof := 0.0, float64(len(observed)-1)
	for i, e := range expected {
		chi2 += (observed[i] - e) * (observed[i] - e) / e
	}
	p := mathext.GammaIncRegComp(dof/2, chi2/2)
	ok := p >= falseAlarm && falseAlarm > 0
	c.report(ok, id, fmt.Sprintf("χ² %s with %v degrees of freedom, p %s (at least %g)", format(chi2, 4), dof, format(p, 2), falseAlarm))
}

// MC is Checker.MC for a notebook cell.
func MC(id string, samples []float64, want, maxSE float64) { cell().MC(id, samples, want, maxSE) }

// Order is Checker.Order for a notebook cell.
func Order(id string, h, err []float64, want, tol float64) { cell().Order(id, h, err, want, tol) }

// KS is Checker.KS for a notebook cell.
func KS(id string, samples []float64, cdf func(float64) float64, falseAlarm float64) {
	cell().KS(id, samples, cdf, falseAlarm)
}

// ChiSquare is Checker.ChiSquare for a notebook cell.
func ChiSquare(id string, observed, expected []float64, falseAlarm float64) {
	cell().ChiSquare(id, observed, expected, falseAlarm)
}
