package ar

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Model is p(x) = Πᵢ p(xᵢ|x_{<i}) over x [batch, d] of zeros and ones.
type Model struct {
	// Logits returns l [batch, d] for x [batch, d], where lᵢ may depend on x_{<i} only. Leak measures
	// whether it keeps that promise; without it LogProb is no log-probability. nets.MADE makes such a network.
	Logits func(x *Node) *Node
}

// LogProb returns log p(x) = Σᵢ log p(xᵢ|x_{<i}), [batch], in nats. It is exact: no integral, no bound.
// It panics when x is not [batch, d].
func (m Model) LogProb(x *Node) *Node {
	return dist.Bernoulli{Logits: m.logits("LogProb", x)}.LogProb(x)
}

// LogConditionals returns log p(xᵢ|x_{<i}) for every pixel i, [batch, d], in nats: the terms of LogProb's sum.
// It panics when x is not [batch, d].
func (m Model) LogConditionals(x *Node) *Node {
	coins := dist.Bernoulli{Logits: Reshape(m.logits("LogConditionals", x), -1)}
	return Reshape(coins.LogProb(Reshape(x, -1)), x.Shape().Dimensions...)
}

// Loss returns −E log p(x) over the batch, a scalar in nats: the sum of the pixels' cross-entropies, whose minimum is
// maximum likelihood.
func (m Model) Loss(x *Node) *Node { return Neg(ReduceAllMean(m.LogProb(x))) }

// Sample draws pixel i from p(xᵢ|x_{<i}), for i from clamped to d−1, in that order. The first clamped pixels of
// x [batch, d] are kept as they are and the others are replaced, so that clamped = 0 draws from p(x), and any other
// draws the rest of the image given its beginning. The network is called d−clamped times. No gradient flows through it.
// It panics when x is not [batch, d] or clamped is not between 0 and d.
func (m Model) Sample(src noise.Source, x *Node, clamped int) *Node {
	requireImages("Sample", x)
	d := x.Shape().Dimensions[1]
	if clamped < 0 || clamped > d {
		panic(fmt.Errorf("ar.Model.Sample: clamped is %d, expected 0 to %d for x of shape %s", clamped, d, x.Shape()))
	}
	for i := clamped; i < d; i++ {
		conditional := dist.Bernoulli{Logits: pixel(m.logits("Sample", x), i)}
		x = withPixel(x, i, conditional.Sample(src))
	}
	return StopGradient(x)
}

// Leak returns the largest |change| of a logit lᵢ when a pixel j ≥ i of x [batch, d] is flipped, a scalar.
// But for rounding it is 0 at every x when, and only when, Logits keeps its promise. It calls the network d+1 times: it is for tests.
func (m Model) Leak(x *Node) *Node {
	requireImages("Leak", x)
	before, worst := m.logits("Leak", x), ScalarZero(x.Graph(), x.DType())
	for j := range x.Shape().Dimensions[1] {
		after := m.logits("Leak", withPixel(x, j, OneMinus(pixel(x, j))))
		change := Abs(Sub(after, before))
		worst = Max(worst, ReduceAllMax(Slice(change, AxisRange(), AxisRange(0, j+1))))
	}
	return worst
}

func (m Model) logits(caller string, x *Node) *Node {
	requireImages(caller, x)
	logits := m.Logits(x)
	if !logits.Shape().Equal(x.Shape()) {
		panic(fmt.Errorf("ar.Model.%s: Logits has shape %s, expected x's %s", caller, logits.Shape(), x.Shape()))
	}
	return logits
}

func requireImages(caller string, x *Node) {
	if x.Rank() != 2 || !x.DType().IsFloat() {
		panic(fmt.Errorf("ar.Model.%s: x has shape %s, expected floats of shape [batch, pixels]", caller, x.Shape()))
	}
}

// pixel returns column i of x [batch, d] as [batch, 1].
func pixel(x *Node, i int) *Node { return Slice(x, AxisRange(), AxisRange(i, i+1)) }

// withPixel returns x [batch, d] with column i replaced by value [batch, 1].
func withPixel(x *Node, i int, value *Node) *Node {
	parts := []*Node{value}
	if i > 0 {
		parts = append([]*Node{Slice(x, AxisRange(), AxisRange(0, i))}, parts...)
	}
	if d := x.Shape().Dimensions[1]; i < d-1 {
		parts = append(parts, Slice(x, AxisRange(), AxisRange(i+1, d)))
	}
	return Concatenate(parts, 1)
}
