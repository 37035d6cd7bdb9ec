package nets

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// condition is the MLP of t, and the table of the classes, that a network's blocks are modulated by.
type condition struct {
	dim, classes       int
	omegaMin, omegaMax float64
}

// features returns the condition's features [batch or 1, dim].
func (c condition) features(scope *model.Scope, x, t, label *graph.Node) *graph.Node {
	h := TimeEmbedding(t, c.dim, c.omegaMin, c.omegaMax)
	h = dense(scope.In("time_1"), h, GlorotUniform, c.dim)
	h = dense(scope.In("time_2"), swish(h), GlorotUniform, c.dim)
	if c.classes > 0 {
		h = graph.Add(h, c.class(scope.In("class"), x, label))
	}
	return swish(h)
}

// class returns a row of a table [classes+1, dim] for each label, by a product with 0 and 1; the last row for no label.
func (c condition) class(scope *model.Scope, x, label *graph.Node) *graph.Node {
	table := weights(scope, x, GlorotUniform, c.classes+1, c.dim)
	if label == nil {
		return graph.SliceAxis(table, 0, graph.AxisRange(c.classes))
	}
	return graph.MatMul(graph.OneHot(label, c.classes+1, x.DType()), table)
}

func (c condition) layers() []layer {
	square := layer{in: c.dim, out: c.dim, rows: 1, bias: true}
	list := []layer{square, square}
	if c.classes > 0 {
		list = append(list, layer{in: c.classes + 1, out: c.dim, rows: 1})
	}
	return list
}

func (c condition) check(network string) error {
	if c.classes < 0 {
		return fmt.Errorf("nets.%s: Classes = %d, expected the number of classes, or 0 for none", network, c.classes)
	}
	if !(0 < c.omegaMin && c.omegaMin <= c.omegaMax) {
		return fmt.Errorf("nets.%s: frequencies from %g to %g, expected 0 < OmegaMin <= OmegaMax", network, c.omegaMin, c.omegaMax)
	}
	return nil
}

// frequencies returns the default ones when both are 0: those for t in [0, 1].
func frequencies(low, high float64) (omegaMin, omegaMax float64) {
	if low == 0 && high == 0 {
		return 1, 1000
	}
	return low, high
}

// checkInput panics unless x is floats [batch, event…], t follows the time contract for it, and label is [batch] integers, or nil.
func checkInput(network string, x, t, label *graph.Node, event []int, classes int) {
	ok := x.Rank() == len(event)+1 && x.DType().IsFloat()
	for i := 0; ok && i < len(event); i++ {
		ok = x.Shape().Dimensions[i+1] == event[i]
	}
	if !ok {
		panic(fmt.Errorf("nets.%s: x is %s, expected floats [batch, %d, %d, %d]: resize the images, or build a network of their size",
			network, x.Shape(), event[0], event[1], event[2]))
	}
	batch := x.Shape().Dimensions[0]
	n := t.Shape().Size()
	if t.Rank() != x.Rank() || t.DType() != x.DType() || n != t.Shape().Dimensions[0] || n != 1 && n != batch {
		panic(fmt.Errorf("nets.%s: t is %s, expected %s [%d or 1, 1, 1, 1], since x is %s", network, t.Shape(), x.DType(), batch, x.Shape()))
	}
	if label == nil {
		return
	}
	if classes == 0 {
		panic(fmt.Errorf("nets.%s: a label %s for a network with Classes = 0; pass nil, or set Classes", network, label.Shape()))
	}
	if label.Rank() != 1 || !label.DType().IsInt() || label.Shape().Dimensions[0] != batch {
		panic(fmt.Errorf("nets.%s: label is %s, expected integers [%d], since x is %s", network, label.Shape(), batch, x.Shape()))
	}
}
