package guide

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Drop returns y with each example's condition replaced by null, independently with probability rate: trained so, one network
// learns both E[x₀|x_t, y] and E[x₀|x_t] (Ho and Salimans 2022, algorithm 1, who take 0.1 or 0.2). y is [batch, ...] of any
// dtype; null has y's shape, or [1, ...] for all of the batch. rate = 0 returns y and draws nothing. It panics unless 0 ≤ rate ≤ 1.
func Drop(src noise.Source, y, null *Node, rate float64) *Node {
	checkRate("Drop", rate)
	if n, c := null.Shape(), y.Shape(); n.Rank() != c.Rank() || n.Rank() == 0 || (n.Dimensions[0] != 1 && n.Dimensions[0] != c.Dimensions[0]) ||
		!slices.Equal(n.Dimensions[1:], c.Dimensions[1:]) || n.DType != c.DType {
		panic(fmt.Errorf("guide.Drop: null has shape %s and the conditions %s, expected one shape, or a null of batch 1", n, c))
	}
	null = BroadcastToDims(null, y.Shape().Dimensions...)
	if rate == 0 {
		return y
	}
	u := src.RandomUniform(y.Graph(), shapes.Make(dtypes.Float32, y.Shape().Dimensions[0]))
	dropped := LessThan(u, Scalar(y.Graph(), dtypes.Float32, rate))
	dims := make([]int, y.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = -1
	return Where(BroadcastToDims(Reshape(dropped, dims...), y.Shape().Dimensions...), null, y)
}

// Loss is a loss of data x₀ [batch, ...] under the conditions y [batch, ...], [batch].
type Loss func(src noise.Source, x0, y *Node) *Node

// Dropping returns the loss of classifier-free training: l with the conditions of Drop. null makes the condition of batch 1 that stands for
// none, as NullClass does, in the graph of y.
func (l Loss) Dropping(null func(y *Node) *Node, rate float64) Loss {
	checkRate("Loss.Dropping", rate)
	return func(src noise.Source, x0, y *Node) *Node { return l(src, x0, Drop(src, y, null(y), rate)) }
}

// NullClass returns the label that stands for none of the classes 0, …, classes−1: [1], with the value classes.
func NullClass(classes int) func(y *Node) *Node {
	return func(y *Node) *Node { return ConstAs(y, []int{classes}) }
}

// CheckLabels returns an error unless all labels are from 0 to classes, where classes stands for none. A network cannot tell:
// a label outside is no class to it, and no error.
func CheckLabels[L ~int | ~int32 | ~int64](labels []L, classes int) error {
	for i, label := range labels {
		if label < 0 || int(label) > classes {
			return fmt.Errorf("guide.CheckLabels: label %d is %d, expected a class from 0 to %d, or %d for none", i, label, classes-1, classes)
		}
	}
	return nil
}

func checkRate(function string, rate float64) {
	if !(rate >= 0 && rate <= 1) {
		panic(fmt.Errorf("guide.%s: rate = %g, expected a probability of dropping the condition, as 0.1", function, rate))
	}
}
