package sampler

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// CheckTimes returns an error unless times are two or more, fall strictly, and lie between p's TMin and TMax, on indices
// where the schedule is Discrete.
func CheckTimes(p process.Process, times []float64) error {
	if len(times) < 2 {
		return fmt.Errorf("sampler.CheckTimes: %d times, expected at least 2: T steps need T+1 times, as Process.Grid(T) gives them", len(times))
	}
	_, discrete := p.Schedule.(process.Discrete)
	for i, t := range times {
		switch {
		case !(t >= p.TMin && t <= p.TMax):
			return fmt.Errorf("sampler.CheckTimes: times[%d] = %g, expected a time between TMin = %g and TMax = %g of the process", i, t, p.TMin, p.TMax)
		case i > 0 && !(t < times[i-1]):
			return fmt.Errorf("sampler.CheckTimes: times[%d] = %g after times[%d] = %g, expected falling times, from the noise to the data",
				i, t, i-1, times[i-1])
		case discrete && t != math.Trunc(t):
			return fmt.Errorf("sampler.CheckTimes: times[%d] = %g of a Discrete schedule, expected one of its indices: round it", i, t)
		}
	}
	return nil
}

// Count returns n, n−1, …, 0: the times of a Stepper that counts its n steps, as Langevin. It panics when n < 1.
func Count(n int) []float64 {
	if n < 1 {
		panic(fmt.Errorf("sampler.Count: %d steps, expected at least 1", n))
	}
	times := make([]float64, n+1)
	for i := range times {
		times[i] = float64(n - i)
	}
	return times
}

// Prior draws x_T ~ N(0, std² I) of a float32 or float64 shape on the host, the same on every backend. std is 1 for a
// process that keeps the variance, and σ(TMax) for VE. It panics for another dtype.
func Prior(shape shapes.Shape, std float64, seed int64) *tensors.Tensor {
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	switch shape.DType {
	case dtypes.Float32:
		return normals[float32](r, shape, std)
	case dtypes.Float64:
		return normals[float64](r, shape, std)
	}
	panic(fmt.Errorf("sampler.Prior: shape %s, expected one of float32 or float64", shape))
}

func normals[F float32 | float64](r *rand.Rand, shape shapes.Shape, std float64) *tensors.Tensor {
	x := make([]F, shape.Size())
	for i := range x {
		x[i] = F(std * r.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(x, shape.Dimensions...)
}

// bisections is how often LogSNRGrid halves its intervals: to the last bit of a float64 time.
const bisections = 60

// LogSNRGrid returns the n+1 times from TMax to TMin at which the log-SNR rises in n equal steps. With a Discrete schedule
// each is the nearest free index, and where λ(TMin) is infinite the last step goes from the index after TMin to TMin.
// The schedule is evaluated on b. It returns an error when n < 1, when a Discrete schedule has fewer than n steps, and
// when λ is infinite at an end of a schedule in continuous time.
func LogSNRGrid(b compute.Backend, p process.Process, n int) ([]float64, error) {
	_, discrete := p.Schedule.(process.Discrete)
	if n < 1 || discrete && float64(n) > p.TMax-p.TMin {
		return nil, fmt.Errorf("sampler.LogSNRGrid: %d steps between t = %g and %g, expected at least 1 and at most one for each index",
			n, p.TMin, p.TMax)
	}
	exec, err := NewExec(b, p.LogSNR)
	if err != nil {
		return nil, fmt.Errorf("sampler.LogSNRGrid: %w", err)
	}
	defer exec.Finalize()
	logSNR := func(times []float64) ([]float64, error) {
		out, err := exec.Call(times)
		if err != nil {
			return nil, fmt.Errorf("sampler.LogSNRGrid: evaluating the log-SNR: %w", err)
		}
		defer out[0].MustFinalizeAll()
		return tensors.CopyFlatData[float64](out[0])
	}
	if discrete {
		return indexGrid(p, n, logSNR)
	}
	return inverseGrid(p, n, logSNR)
}

// inverseGrid solves λ(t) = target for all times at once by bisection.
func inverseGrid(p process.Process, n int, logSNR func([]float64) ([]float64, error)) ([]float64, error) {
	ends, err := logSNR(p.Grid(n))
	if err != nil {
		return nil, err
	}
	if span := ends[n] - ends[0]; math.IsInf(span, 0) || math.IsNaN(span) {
		return nil, fmt.Errorf("sampler.LogSNRGrid: λ(%g) = %g and λ(%g) = %g, expected both finite: move TMin and TMax inwards",
			p.TMax, ends[0], p.TMin, ends[n])
	}
	low, high, middle := make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
	for i := range low {
		low[i], high[i] = p.TMin, p.TMax
	}
	for range bisections {
		for i := range middle {
			middle[i] = (low[i] + high[i]) / 2
		}
		at, err := logSNR(middle)
		if err != nil {
			return nil, err
		}
		for i := range middle {
			if at[i] > between(ends[0], ends[n], i, n) {
				low[i] = middle[i]
			} else {
				high[i] = middle[i]
			}
		}
	}
	middle[0], middle[n] = p.TMax, p.TMin
	return middle, nil
}

// indexGrid takes the index whose λ is nearest, or the next that leaves one for each later step.
func indexGrid(p process.Process, n int, logSNR func([]float64) ([]float64, error)) ([]float64, error) {
	size := int(p.TMax - p.TMin)
	all := p.Grid(size)
	at, err := logSNR(all)
	if err != nil {
		return nil, err
	}
	last := size
	if math.IsInf(at[size], 1) {
		last--
	}
	grid, index := []float64{p.TMax}, 0
	for i := 1; i < n; i++ {
		steps := n // steps over which the finite λ are spread
		if last < size {
			steps = n - 1
		}
		target := between(at[0], at[last], i, steps)
		index++
		for index < size-(n-i) && math.Abs(at[index+1]-target) < math.Abs(at[index]-target) {
			index++
		}
		grid = append(grid, all[index])
	}
	return append(grid, p.TMin), nil
}

// between returns a + (b−a)·i/n.
func between(a, b float64, i, n int) float64 { return a + (b-a)*float64(i)/float64(n) }
