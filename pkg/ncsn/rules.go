package ncsn

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// MaxDistance returns the largest Euclidean distance between two rows of x [n][d], the rule for the largest level: then a chain can
// go from any data point to any other (Song and Ermon 2020, technique 1). It takes n²d/2 operations: give it some thousands of a
// large data set. It returns an error unless there are two different finite rows of one width.
func MaxDistance(x [][]float64) (float64, error) {
	if err := checkRows("MaxDistance", x); err != nil {
		return 0, err
	}
	largest := 0.0
	for i, a := range x {
		for _, b := range x[:i] {
			square := 0.0
			for j, v := range a {
				square += (v - b[j]) * (v - b[j])
			}
			largest = math.Max(largest, square)
		}
	}
	if !(largest > 0) {
		return 0, fmt.Errorf("ncsn.MaxDistance: all %d rows are the same, expected two different ones", len(x))
	}
	return math.Sqrt(largest), nil
}

// checkRows returns an error unless x is two or more rows of one width, of finite numbers.
func checkRows(function string, x [][]float64) error {
	if len(x) < 2 || len(x[0]) == 0 {
		return fmt.Errorf("ncsn.%s: %d rows, expected at least 2 of 1 number or more", function, len(x))
	}
	for i, row := range x {
		if len(row) != len(x[0]) {
			return fmt.Errorf("ncsn.%s: row %d has %d numbers, expected %d as the first", function, i, len(row), len(x[0]))
		}
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("ncsn.%s: x[%d][%d] = %g, expected a finite number: leave the row out", function, i, j, v)
			}
		}
	}
	return nil
}

// within3 is Φ(3) − Φ(−3), the share of a normal law that lies within three standard deviations.
var within3 = 2*distuv.UnitNormal.CDF(3) - 1

// Overlap is the share of the draws of N(0, σ²I) in d dimensions whose norm lies within three standard deviations of the norms of
// N(0, γ²σ²I), when norms are taken as normal, ‖x‖ ~ N(√d σ, σ²/2):
//
//	Φ(√(2d)(γ−1) + 3γ) − Φ(√(2d)(γ−1) − 3γ)
//
// (Song and Ermon 2020, proposition 2 and technique 2).
func Overlap(d int, ratio float64) float64 {
	shift := math.Sqrt(2*float64(d)) * (ratio - 1)
	return distuv.UnitNormal.CDF(shift+3*ratio) - distuv.UnitNormal.CDF(shift-3*ratio)
}

// Ratio returns the ratio γ > 1 of neighbouring levels with Overlap(d, γ) = overlap, which the authors take as 0.5
// (Song and Ermon 2020, technique 2). For 3072 dimensions it is 1.04.
//
// It returns an error unless 0 < overlap < 0.9973, and for d < 5: there three standard deviations of the larger level's norms
// reach down to 0, every γ overlaps, and the equation has no solution. RadialRatio does.
func Ratio(d int, overlap float64) (float64, error) {
	if !(overlap > 0 && overlap < within3) {
		return 0, fmt.Errorf("ncsn.Ratio: an overlap of %g, expected a number between 0 and %.4f, as 0.5", overlap, within3)
	}
	if d < 5 {
		return 0, fmt.Errorf("ncsn.Ratio: %d dimensions, expected 5 or more: below, all ratios overlap by more than %.4f; use RadialRatio", d, within3)
	}
	low, high := 1.0, 2.0 // Overlap rises from within3 at γ = 1 to its only maximum, then falls to 0
	for Overlap(d, high) > overlap {
		low, high = high, 2*high
	}
	return bisect(func(ratio float64) bool { return Overlap(d, ratio) > overlap }, low, high), nil
}

// RadialRatio returns the ratio γ > 1 of neighbouring levels at which a draw of N(0, γ²σ²I) in d dimensions lies with the probability
// overlap in the ball that holds 99.73% (three standard deviations' share) of N(0, σ²I):
//
//	γ² = Q(0.9973) / Q(overlap), Q the quantile function of χ² with d degrees of freedom
//
// It is Ratio's idea with the norm's exact law, so that it has an answer in every dimension. In many dimensions 0.5 gives about
// Ratio's levels. It returns an error unless d ≥ 1 and 0 < overlap < 0.9973.
func RadialRatio(d int, overlap float64) (float64, error) {
	if d < 1 || !(overlap > 0 && overlap < within3) {
		return 0, fmt.Errorf("ncsn.RadialRatio: %d dimensions and an overlap of %g, expected 1 or more, and a number between 0 and %.4f",
			d, overlap, within3)
	}
	square := distuv.ChiSquared{K: float64(d)}
	return math.Sqrt(square.Quantile(within3) / square.Quantile(overlap)), nil
}

// FinalVariance returns Var(x)/σᵢ² after n Langevin steps at the level σᵢ, for data at one point, when before them x has the
// variance (γσᵢ)² of the level before:
//
//	(1−h)^(2n) (γ² − 2h/(1−(1−h)²)) + 2h/(1−(1−h)²),  h = c/σᵢ² = ε/2σ_L²
//
// where a step is x + c s + √(2c) z. ε is that of sampler.Annealed, whose step is c = εσᵢ²/2σ_L² (Song and Ermon 2019); theirs of 2020
// is half of it. Source: Song and Ermon 2020, proposition 3. It is above 1 for every 0 < h < 2, and at h ≥ 2 the chain diverges.
func FinalVariance(ratio, eps, smallest float64, n int) float64 {
	h := eps / (2 * smallest * smallest)
	stationary := 2 / (2 - h) // 2h/(1−(1−h)²)
	kept := math.Pow(1-h, 2*float64(n))
	return kept*ratio*ratio + (1-kept)*stationary
}

// StepSize returns the ε of sampler.Annealed that brings FinalVariance closest to 1, for n steps at each of levels with the given ratio
// of neighbours, the smallest of which is σ_L (Song and Ermon 2020, technique 4). It returns an error unless ratio > 1, smallest > 0
// and n ≥ 1.
func StepSize(ratio, smallest float64, n int) (float64, error) {
	if !(ratio > 1) || math.IsInf(ratio, 0) || !(smallest > 0) || n < 1 {
		return 0, fmt.Errorf("ncsn.StepSize: a ratio of %g, the smallest level %g and %d steps, expected a ratio above 1, a level above 0 "+
			"and at least 1 step", ratio, smallest, n)
	}
	steps := 2 * float64(n)
	falls := func(h float64) bool { // whether the derivative of FinalVariance in h is negative; it changes its sign once
		kept := math.Pow(1-h, steps-1)
		return steps*kept*(ratio*ratio-2/(2-h)) > (1-kept*(1-h))*2/((2-h)*(2-h))
	}
	h := bisect(falls, 0, math.Min(1, 2-2/(ratio*ratio))) // at the end the left side is 0
	return 2 * h * smallest * smallest, nil
}

// bisect returns the number between low and high where before turns from true to false.
func bisect(before func(x float64) bool, low, high float64) float64 {
	for range 200 { // more than the bits of a float64, so that the interval has closed
		if middle := (low + high) / 2; before(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
