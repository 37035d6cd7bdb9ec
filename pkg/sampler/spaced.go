package sampler

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// PowerGrid returns the n+1 times from p's TMax to its TMin that are equally spaced in t^(1/ρ): with ρ = 1 it is p.Grid, with a
// larger ρ steps near TMin are shorter. Song, Meng and Ermon 2021, appendix D.2, take ρ = 2. It panics when n < 1, ρ is not
// positive and finite, TMin is negative, or the schedule is Discrete.
func PowerGrid(p process.Process, n int, rho float64) []float64 {
	_, discrete := p.Schedule.(process.Discrete)
	if n < 1 || !(rho > 0 && rho < math.Inf(1)) || p.TMin < 0 || discrete {
		panic(fmt.Errorf("sampler.PowerGrid: %d steps, ρ = %g, from t = %g to %g of the schedule %T, expected at least 1, a finite ρ above 0, and no "+
			"negative times of a schedule in continuous time", n, rho, p.TMax, p.TMin, p.Schedule))
	}
	times := make([]float64, n+1)
	for i := range times {
		times[i] = math.Pow(between(math.Pow(p.TMax, 1/rho), math.Pow(p.TMin, 1/rho), i, n), rho)
	}
	times[0], times[n] = p.TMax, p.TMin
	return times
}

// KarrasGrid returns the n+1 times from p's TMax to its TMin whose noise levels ς = σ/α are equally spaced in ς^(1/ρ):
//
//	ς_i = (ς_max^(1/ρ) + i/n (ς_min^(1/ρ) − ς_max^(1/ρ)))^ρ
//
// Karras et al. 2022, equation 5, take ρ = 7 and end with a step to 0, which a TMin of σ > 0 does without. The schedule is
// evaluated on b. It returns an error when n is not positive, ρ not positive and finite, σ is 0 at TMin or infinite at TMax, or the schedule has no inverse.
func KarrasGrid(b compute.Backend, p process.Process, n int, rho float64) ([]float64, error) {
	_, ok := p.Schedule.(process.Inverter)
	if n < 1 || !(rho > 0 && rho < math.Inf(1)) || !ok {
		return nil, fmt.Errorf("sampler.KarrasGrid: %d steps, ρ = %g, the schedule %T, expected at least 1, a finite ρ above 0, and a schedule with an inverse, as VP",
			n, rho, p.Schedule)
	}
	ends, err := call(b, p.NoiseLevel, []float64{p.TMax, p.TMin})
	if err != nil {
		return nil, fmt.Errorf("sampler.KarrasGrid: %w", err)
	}
	if !(ends[1] > 0) || math.IsInf(ends[0], 1) {
		return nil, fmt.Errorf("sampler.KarrasGrid: σ/α = %g at t = %g and %g at %g, expected both above 0 and finite: move TMin and TMax inwards",
			ends[0], p.TMax, ends[1], p.TMin)
	}
	levels := make([]float64, n+1)
	for i := range levels {
		levels[i] = math.Pow(between(math.Pow(ends[0], 1/rho), math.Pow(ends[1], 1/rho), i, n), rho)
	}
	times, err := call(b, func(level *Node) *Node { return timeOf(p, level) }, levels)
	if err != nil {
		return nil, fmt.Errorf("sampler.KarrasGrid: %w", err)
	}
	times[0], times[n] = p.TMax, p.TMin
	return times, nil
}

// call evaluates f at each of x on b.
func call(b compute.Backend, f func(x *Node) *Node, x []float64) ([]float64, error) {
	out, err := CallOnce(b, f, x)
	if err != nil {
		return nil, err
	}
	defer out.MustFinalizeAll()
	return tensors.CopyFlatData[float64](out)
}
