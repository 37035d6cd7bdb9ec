package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Coding says what the data of a likelihood are: whole numbers, or whole numbers made continuous. Bits per dimension mean
// nothing without it. DiscreteLevels and UniformDequantisation make one; the zero value is none.
type Coding struct {
	levels int
	lo, hi float64 // the range that the dequantised levels fill; both 0 where the likelihood is a probability
}

// DiscreteLevels is the coding of a likelihood that is a probability of values 0 … levels−1.
// It panics when levels < 2.
func DiscreteLevels(levels int) Coding {
	if levels < 2 {
		panic(fmt.Errorf("metric.DiscreteLevels: %d levels, expected at least 2", levels))
	}
	return Coding{levels: levels}
}

// UniformDequantisation is the coding of a likelihood that is a density of y = lo + (hi−lo)(v+u)/levels, v = 0 … levels−1
// and u uniform on [0, 1). Each level has the width w = (hi−lo)/levels, and by Jensen's inequality
//
//	log P(v) = log ∫ p(y(v,u)) du + log w ≥ E_u log p(y(v,u)) + log w
//
// so the bits are an upper bound on those of the discrete data. Source: Theis, van den Oord and Bethge 2016, "A note on
// the evaluation of generative models", section 3.1. It panics when levels < 2 or lo is not below hi.
func UniformDequantisation(levels int, lo, hi float64) Coding {
	if levels < 2 || !(lo < hi) || math.IsInf(hi-lo, 0) {
		panic(fmt.Errorf("metric.UniformDequantisation: %d levels on %v to %v, expected at least 2 on a finite range", levels, lo, hi))
	}
	return Coding{levels, lo, hi}
}

// logWidth returns log w, which is 0 for probabilities: their values are 1 apart.
func (c Coding) logWidth() float64 {
	if c.lo == c.hi {
		return 0
	}
	return math.Log((c.hi - c.lo) / float64(c.levels))
}

// String names the coding.
func (c Coding) String() string {
	if c.lo == c.hi {
		return fmt.Sprintf("%d discrete levels", c.levels)
	}
	return fmt.Sprintf("%d levels dequantised uniformly on %g to %g", c.levels, c.lo, c.hi)
}

// Bits is a likelihood in bits per dimension, with the coding it holds for. Only BitsPerDim makes one.
type Bits struct {
	mean, se float64
	n, dims  int
	coding   Coding
}

// BitsPerDim returns the mean over examples of
//
//	(nats − d log w) / (d log 2)
//
// where nats[i] is −log-likelihood of example i (or −bound), summed over its d = dims numbers, and w is the width of a
// level (1 for DiscreteLevels). It panics without two examples, for dims < 1, and for the zero Coding.
func BitsPerDim(nats []float64, dims int, coding Coding) Bits {
	if len(nats) < 2 || dims < 1 || coding.levels == 0 {
		panic(fmt.Errorf("metric.BitsPerDim: %d examples of %d dimensions coded as %q: expected at least 2 of at least 1, "+
			"and a coding of DiscreteLevels or UniformDequantisation", len(nats), dims, coding))
	}
	bits := make([]float64, len(nats))
	for i, v := range nats {
		bits[i] = (v/float64(dims) - coding.logWidth()) / math.Ln2
	}
	mean, sd := stat.MeanStdDev(bits, nil)
	return Bits{mean, stat.StdErr(sd, float64(len(bits))), len(bits), dims, coding}
}

// Mean returns the bits per dimension.
func (b Bits) Mean() float64 { return b.mean }

// SE returns the standard error of Mean over the examples.
func (b Bits) SE() float64 { return b.se }

// Coding returns what the number holds for.
func (b Bits) Coding() Coding { return b.coding }

// String prints mean, standard error and coding: "3.512 ± 0.004 bits/dim (10000 examples × 784, 256 discrete levels, of
// which a uniform code needs 8)".
func (b Bits) String() string {
	return fmt.Sprintf("%.3f ± %.3f bits/dim (%d examples × %d, %s, of which a uniform code needs %.4g)",
		b.mean, b.se, b.n, b.dims, b.coding, math.Log2(float64(b.coding.levels)))
}
