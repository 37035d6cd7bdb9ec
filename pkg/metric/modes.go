package metric

import (
	"fmt"
	"math"
)

// Modes says how samples spread over known modes.
type Modes struct {
	Counts  []int   // samples of each mode: nearest to its centre, and within the radius
	Covered int     // modes that got their share, see CountModes
	Outside float64 // share of the samples that lie within the radius of no centre
}

// CountModes assigns each sample of x [n][d] to the nearest of the centres [k][d], if that lies within radius (in units
// of x; three standard deviations of a mode is usual). A mode counts as covered when its share of all samples is at least
// share: for k equal modes a tenth of 1/k is usual. It panics unless radius is positive.
func CountModes(x, centres [][]float64, radius, share float64) Modes {
	checkSets("CountModes", 1, centres, x)
	if !(radius > 0) {
		panic(fmt.Errorf("metric.CountModes: radius %v, expected a positive number", radius))
	}
	out := Modes{Counts: make([]int, len(centres))}
	outside := 0
	for _, v := range x {
		at, d := nearest(v, centres)
		if d > radius {
			outside++
			continue
		}
		out.Counts[at]++
	}
	for _, c := range out.Counts {
		if c > 0 && float64(c) >= share*float64(len(x)) {
			out.Covered++
		}
	}
	out.Outside = float64(outside) / float64(len(x))
	return out
}

// nearest returns which of the points is nearest to v, and how far it is.
func nearest(v []float64, points [][]float64) (at int, d float64) {
	least := math.Inf(1)
	for i, p := range points {
		if s := squared(v, p); s < least {
			at, least = i, s
		}
	}
	return at, math.Sqrt(least)
}

// NeighbourRatio returns the mean distance of samples to their nearest neighbour in train, divided by the same mean for
// heldOut, data of the same law that training did not see. A model that repeats its training set has a ratio near 0, one
// that draws from the law itself a ratio near 1. All sets are [n][d]. It panics when all of heldOut are in train.
func NeighbourRatio(samples, train, heldOut [][]float64) float64 {
	checkSets("NeighbourRatio", 1, train, samples, heldOut)
	reference := meanNearest(heldOut, train)
	if reference == 0 {
		panic(fmt.Errorf("metric.NeighbourRatio: all %d held-out samples are in the training set: hold others out", len(heldOut)))
	}
	return meanNearest(samples, train) / reference
}

func meanNearest(x, points [][]float64) float64 {
	sum := 0.0
	for _, v := range x {
		_, d := nearest(v, points)
		sum += d
	}
	return sum / float64(len(x))
}
