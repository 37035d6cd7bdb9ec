package process

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// validateSteps is on how many intervals Validate looks at a schedule in continuous time.
const validateSteps = 1000

// New returns the Process of schedule between tMin and tMax after Validate has accepted it.
func New(b compute.Backend, schedule Schedule, tMin, tMax float64) (Process, error) {
	p := Process{schedule, tMin, tMax}
	return p, p.Validate(b)
}

// Validate returns an error unless TMin < TMax, both indices for a Discrete schedule, and the SNR falls strictly between
// them: where it rises, the bound would weigh an error negatively. It evaluates the schedule on b, in float64, at 1001
// equally spaced times (a Discrete one at every index), so it cannot see a rise between two of them. A schedule whose
// function needs variables of a model.Store is evaluated by its owner: see CheckLogSNR.
func (p Process) Validate(b compute.Backend) error {
	if p.Schedule == nil || !(p.TMin < p.TMax) {
		return fmt.Errorf("process.Validate: schedule %v between TMin = %g and TMax = %g, expected a schedule and TMin < TMax",
			p.Schedule, p.TMin, p.TMax)
	}
	n := validateSteps
	if d, ok := p.Schedule.(Discrete); ok {
		if p.TMin < 0 || p.TMax > float64(d.T()) || p.TMin != math.Trunc(p.TMin) || p.TMax != math.Trunc(p.TMax) {
			return fmt.Errorf("process.Validate: times from %g to %g of a Discrete schedule, expected two of its indices 0 … %d",
				p.TMin, p.TMax, d.T())
		}
		n = int(p.TMax - p.TMin)
	}
	times := p.Grid(n)
	out, err := CallOnce(b, p.LogSNR, times)
	if err != nil {
		return fmt.Errorf("process.Validate: evaluating the log-SNR: %w", err)
	}
	logSNR, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		return fmt.Errorf("process.Validate: %w", err)
	}
	return CheckLogSNR(times, logSNR)
}

// CheckLogSNR returns an error unless logSNR, the λ at each of times, falls strictly as the time grows. The times come
// falling, as Grid gives them. The error names the first two times, from the smallest, between which λ does not fall.
// An infinite λ can only stand at an end.
func CheckLogSNR(times, logSNR []float64) error {
	if len(times) != len(logSNR) || len(times) < 2 {
		return fmt.Errorf("process.CheckLogSNR: %d times and %d values, expected as many of each, at least 2", len(times), len(logSNR))
	}
	for i := len(times) - 1; i > 0; i-- {
		s, t, atS, atT := times[i], times[i-1], logSNR[i], logSNR[i-1]
		if !(s < t) || !(atS > atT) {
			return fmt.Errorf("process.CheckLogSNR: the log-SNR goes from %g at t = %g to %g at t = %g, expected it to fall strictly: "+
				"use a schedule whose SNR falls, or times at which it is defined", atS, s, atT, t)
		}
	}
	return nil
}
