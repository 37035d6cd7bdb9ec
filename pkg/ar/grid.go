package ar

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Grid writes numbers as bits, so that a Model of bits is a law of numbers: an interval [Lo, Hi) is cut into 2^Bits cells of one
// width, and a number becomes the number of its cell, most significant bit first. A row of Dim numbers becomes Dim·Bits bits, number
// by number.
type Grid struct {
	Dim    int
	Bits   int
	Lo, Hi float64
}

// Check returns an error that names the field when there is no such grid.
func (g Grid) Check() error {
	switch {
	case g.Dim < 1:
		return fmt.Errorf("ar.Grid: Dim = %d, expected the numbers in a row, 1 or more", g.Dim)
	case g.Bits < 1:
		return fmt.Errorf("ar.Grid: Bits = %d, expected 1 bit or more for a number", g.Bits)
	case !(g.Lo < g.Hi) || math.IsInf(g.Hi-g.Lo, 0):
		return fmt.Errorf("ar.Grid: Lo = %g, Hi = %g, expected a finite interval that holds the data", g.Lo, g.Hi)
	case g.Width() < steps32*spacing32(math.Max(math.Abs(g.Lo), math.Abs(g.Hi))):
		return fmt.Errorf("ar.Grid: Bits = %d make cells of %g from %g to %g, expected %d numbers of float32 or more in a cell: take fewer bits",
			g.Bits, g.Width(), g.Lo, g.Hi, int(steps32))
	}
	return nil
}

// steps32 is how many numbers of float32 a cell has to hold at least, so that a number within it does not round to the next one.
const steps32 = 4096

// spacing32 is the distance of two neighbours of float32 at x > 0.
func spacing32(x float64) float64 { return math.Exp2(math.Floor(math.Log2(x)) - 23) }

// Pixels returns the number of bits of a row, Dim·Bits.
func (g Grid) Pixels() int { return g.Dim * g.Bits }

// Width returns the width of a cell, (Hi−Lo)/2^Bits, in units of the numbers.
func (g Grid) Width() float64 { return (g.Hi - g.Lo) / math.Exp2(float64(g.Bits)) }

// Encode returns the bits of x [batch, Dim], as 0 and 1 of x's dtype, [batch, Dim·Bits]. A number outside [Lo, Hi) gets the
// nearest cell. It panics when x has another shape.
func (g Grid) Encode(x *Node) *Node {
	g.require("Encode", x, g.Dim)
	cell := ClipScalar(Floor(MulScalar(AddScalar(x, -g.Lo), 1/g.Width())), 0, math.Exp2(float64(g.Bits))-1)
	var bits []*Node
	for k := g.Bits - 1; k >= 0; k-- {
		above := func(k int) *Node { return Floor(MulScalar(cell, math.Exp2(-float64(k)))) } // the bits from k up, as a number
		bits = append(bits, InsertAxes(Sub(above(k), MulScalar(above(k+1), 2)), -1))
	}
	return Reshape(Concatenate(bits, -1), -1, g.Pixels())
}

// Decode returns the lower ends of the cells whose bits are given, [batch, Dim] for bits [batch, Dim·Bits]: the inverse of Encode but
// for the place within a cell. It panics when bits has another shape.
func (g Grid) Decode(bits *Node) *Node {
	g.require("Decode", bits, g.Pixels())
	digits := Reshape(bits, -1, g.Dim, g.Bits)
	weights := make([]float64, g.Bits)
	for k := range weights {
		weights[k] = g.Width() * math.Exp2(float64(g.Bits-1-k))
	}
	place := ConstAsDType(bits.Graph(), bits.DType(), [][][]float64{{weights}})
	return AddScalar(ReduceSum(Mul(digits, place), -1), g.Lo)
}

func (g Grid) require(method string, x *Node, width int) {
	if x.Rank() != 2 || x.Shape().Dimensions[1] != width {
		panic(fmt.Errorf("ar.Grid.%s: shape %s, expected [batch, %d]", method, x.Shape(), width))
	}
}

// Numbers is the law of rows of numbers that are uniform within the cell that Model draws:
//
//	log p(x) = log P(bits of x) − Dim log Width, and −∞ outside [Lo, Hi)
//
// a density, and an exact one. Its integral over the grid is 1.
type Numbers struct {
	Grid
	Model
}

// LogProb returns log p(x), [batch], in nats, for x [batch, Dim].
func (m Numbers) LogProb(x *Node) *Node {
	inside := LogicalAnd(GreaterOrEqual(x, MulScalar(OnesLike(x), m.Lo)), LessThan(x, MulScalar(OnesLike(x), m.Hi)))
	outside := mathx.SumEvent(ConvertDType(LogicalNot(inside), x.DType()))
	logP := AddScalar(m.Model.LogProb(m.Encode(x)), -float64(m.Dim)*math.Log(m.Width()))
	return Where(GreaterThan(outside, ZerosLike(outside)), AddScalar(ZerosLike(logP), math.Inf(-1)), logP)
}

// Spread places x uniformly in the cell of each row of bits [batch, Dim·Bits]: [batch, Dim]. It leaves out the last two of the numbers that
// a cell holds at least, from which float32 would round up to the next cell.
func (m Numbers) Spread(src noise.Source, bits *Node) *Node {
	corner := m.Decode(bits)
	u := MinScalar(src.RandomUniform(corner.Graph(), corner.Shape()), 1-2./steps32)
	return Add(corner, MulScalar(u, m.Width()))
}

var _ dist.LogProber = Numbers{}
