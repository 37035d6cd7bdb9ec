package ncsn

import (
	"fmt"
	"math"

	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// Geometric returns n levels with one ratio between neighbours, from largest down to smallest, both included:
//
//	σᵢ = σ_1 (σ_n/σ_1)^((i−1)/(n−1))
//
// (Song and Ermon 2019, section 4.2). The error is that of CheckLevels.
func Geometric(largest, smallest float64, n int) ([]float64, error) {
	if n < 2 || !(smallest > 0 && smallest < largest) || math.IsInf(largest, 0) {
		return nil, fmt.Errorf("ncsn.Geometric: %d levels from %g down to %g, expected at least 2 from a finite number down to a "+
			"smaller one above 0", n, largest, smallest)
	}
	levels := make([]float64, n)
	for i := range levels {
		levels[i] = largest * math.Pow(smallest/largest, float64(i)/float64(n-1))
	}
	levels[n-1] = smallest
	return levels, nil
}

// CheckLevels returns an error unless levels are two or more noise levels, finite and above 0, that fall strictly.
func CheckLevels(levels []float64) error {
	if len(levels) < 2 {
		return fmt.Errorf("ncsn.CheckLevels: %d levels, expected at least 2, as Geometric gives them", len(levels))
	}
	for i, s := range levels {
		switch {
		case !(s > 0) || math.IsInf(s, 0):
			return fmt.Errorf("ncsn.CheckLevels: σ_%d = %g, expected a finite noise level above 0: at 0 the score may not exist", i+1, s)
		case i > 0 && s >= levels[i-1]:
			return fmt.Errorf("ncsn.CheckLevels: σ_%d = %g after σ_%d = %g, expected levels that fall, from the most noise to the least: "+
				"turn the list around", i+1, s, i, levels[i-1])
		}
	}
	return nil
}

// Process returns the process EDM between the smallest and the largest level. It panics with CheckLevels' error.
func Process(levels []float64) process.Process {
	if err := CheckLevels(levels); err != nil {
		panic(fmt.Errorf("ncsn.Process: %w", err))
	}
	return process.Process{Schedule: process.EDM{}, TMin: levels[len(levels)-1], TMax: levels[0]}
}

// Objective returns the loss whose mean is the mean over the levels of σ² E‖s(x, σ) − ∇log p_σ(x)‖², up to a constant without s
// (Song and Ermon 2019, equations 5 and 6, without the ½). It panics with CheckLevels' error.
func Objective(levels []float64) score.Objective {
	return score.Objective{Process: Process(levels), Times: levels}
}
