package sde

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Brownian is one Brownian path, or one for each row, by its increments on a grid of times.
type Brownian struct {
	Times []float64
	Steps []*Node // Steps[i] = w(Times[i+1]) − w(Times[i]), of a shape that broadcasts to x's
}

// DrawBrownian draws a path of independent increments N(0, |dt|) on the times, which grow or fall. Each has like's shape: for x
// [batch, event...] take like [1, event...], and all rows share one path; or like x itself, and each row has its own. All
// increments are one draw from src, of shape [len(times)−1, like's...]. It panics as SDE.Path does on the times.
func DrawBrownian(src noise.Source, like *Node, times []float64) Brownian {
	checkMonotone("DrawBrownian", times)
	all := src.RandomNormal(like.Graph(), shapes.Make(like.DType(), append([]int{len(times) - 1}, like.Shape().Dimensions...)...))
	w := Brownian{Times: times}
	for i := range times[1:] {
		dt := math.Abs(times[i+1] - times[i])
		w.Steps = append(w.Steps, MulScalar(Squeeze(Slice(all, AxisElem(i)), 0), math.Sqrt(dt)))
	}
	return w
}

// Between returns w(Times[to]) − w(Times[from]), the sum of the steps from index from to index to.
// It panics unless 0 ≤ from ≤ to < len(Times).
func (w Brownian) Between(from, to int) *Node {
	w.check("Between", from, to)
	sum := ZerosLike(w.Steps[0])
	for _, dw := range w.Steps[from:to] {
		sum = Add(sum, dw)
	}
	return sum
}

// Coarsen returns the same path on every k-th of its times. It panics unless k ≥ 1 divides the number of steps.
func (w Brownian) Coarsen(k int) Brownian {
	if k < 1 || len(w.Steps)%k != 0 {
		panic(fmt.Errorf("sde.Brownian.Coarsen: k = %d for %d steps, expected a divisor of their number", k, len(w.Steps)))
	}
	out := Brownian{Times: w.Times[:1:1]}
	for i := 0; i < len(w.Steps); i += k {
		out.Times, out.Steps = append(out.Times, w.Times[i+k]), append(out.Steps, w.Between(i, i+k))
	}
	return out
}

func (w Brownian) check(method string, from, to int) {
	if len(w.Steps) == 0 || len(w.Times) != len(w.Steps)+1 {
		panic(fmt.Errorf("sde.Brownian.%s: %d times for %d steps, expected one time more than steps: see DrawBrownian", method, len(w.Times), len(w.Steps)))
	}
	if from < 0 || from > to || to > len(w.Steps) {
		panic(fmt.Errorf("sde.Brownian.%s: from time %d to time %d, expected 0 ≤ from ≤ to ≤ %d, indices of the path's times", method, from, to, len(w.Steps)))
	}
}
