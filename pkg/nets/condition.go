package nets

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// condition is the MLP of t, and the table of the classes or the encoder of captions, that a network's blocks are modulated by.
type condition struct {
	dim, classes       int
	text               Text
	omegaMin, omegaMax float64
}

// features returns the condition's features [batch or 1, dim].
func (c condition) features(scope *model.Scope, x, t, y *graph.Node) *graph.Node {
	h := TimeEmbedding(t, c.dim, c.omegaMin, c.omegaMax)
	h = dense(scope.In("time_1"), h, GlorotUniform, c.dim)
	h = dense(scope.In("time_2"), swish(h), GlorotUniform, c.dim)
	if c.classes > 0 {
		h = graph.Add(h, c.class(scope.In("class"), x, y))
	}
	if !c.text.Empty() {
		h = graph.Add(h, c.text.Apply(scope.In("text"), y, x))
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
	if !c.text.Empty() {
		list = append(list, c.text.layers()...)
	}
	return list
}

// scores are the operations of the encoder's attention.
func (c condition) scores() float64 {
	if c.text.Empty() {
		return 0
	}
	return scoreFLOPs(c.text.Length, c.dim)
}

func (c condition) check(network string) error {
	if c.classes < 0 {
		return fmt.Errorf("nets.%s: Classes = %d, expected the number of classes, or 0 for none", network, c.classes)
	}
	if !(0 < c.omegaMin && c.omegaMin <= c.omegaMax) {
		return fmt.Errorf("nets.%s: frequencies from %g to %g, expected 0 < OmegaMin <= OmegaMax", network, c.omegaMin, c.omegaMax)
	}
	if c.text.Empty() {
		return nil
	}
	if c.classes > 0 {
		return fmt.Errorf("nets.%s: Classes = %d and a Caption of %d words, expected one of them", network, c.classes, len(c.text.Words))
	}
	if err := c.text.Check(); err != nil {
		return fmt.Errorf("nets.%s: %w", network, err)
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

// checkInput panics unless x is floats [batch, height, width, channels], t follows the time contract for it, and y is nil or the
// integers of the condition's kind.
func (c condition) checkInput(network string, x, t, y *graph.Node, height, width, channels int) {
	d := x.Shape().Dimensions
	if x.Rank() != 4 || !x.DType().IsFloat() || d[1] != height || d[2] != width || d[3] != channels {
		panic(fmt.Errorf("nets.%s: x is %s, expected floats [batch, %d, %d, %d]: resize the images, or build a network of their size",
			network, x.Shape(), height, width, channels))
	}
	n := t.Shape().Size()
	if t.Rank() != x.Rank() || t.DType() != x.DType() || n != t.Shape().Dimensions[0] || n != 1 && n != d[0] {
		panic(fmt.Errorf("nets.%s: t is %s, expected %s [%d or 1, 1, 1, 1], since x is %s", network, t.Shape(), x.DType(), d[0], x.Shape()))
	}
	if y != nil {
		c.checkCondition(network, x, y)
	}
}

// checkCondition panics unless y is integers [batch], or [batch, Length] of captions.
func (c condition) checkCondition(network string, x, y *graph.Node) {
	batch, want := x.Shape().Dimensions[0], []int{x.Shape().Dimensions[0]}
	switch {
	case !c.text.Empty():
		want = append(want, c.text.Length)
	case c.classes == 0:
		panic(fmt.Errorf("nets.%s: a label %s for a network with Classes = 0; pass nil, or set Classes or Caption", network, y.Shape()))
	}
	if !y.DType().IsInt() || !slices.Equal(y.Shape().Dimensions, want) {
		panic(fmt.Errorf("nets.%s: label is %s, expected integers %v, since x has a batch of %d", network, y.Shape(), want, batch))
	}
}
