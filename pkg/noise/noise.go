package noise

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Source draws noise inside a graph. *model.Scope is one; wrap it with Finite before you train on it.
type Source interface {
	// RandomNormal draws independent N(0,1) of the given shape.
	RandomNormal(g *Graph, shape shapes.Shape) *Node
	// RandomUniform draws independent U[0,1) of the given shape.
	RandomUniform(g *Graph, shape shapes.Shape) *Node
}

// Stream is a Source that advances a random-number state. The zero Stream is not usable: see NewStream and FromSeed.
type Stream struct{ state *Node }

// NewStream starts at state, a node of the shape of RNGStateShape. It panics on any other shape.
func NewStream(state *Node) *Stream {
	if !state.Shape().Equal(RNGStateShape) {
		panic(fmt.Errorf("noise.NewStream: the state has shape %s, expected %s", state.Shape(), RNGStateShape))
	}
	return &Stream{state}
}

// FromSeed starts at the state that GoMLX derives from seed: seeds that are the same modulo 2³¹−1 have the same. The draws are part
// of the graph: every call of the compiled function repeats them. Pass a state as an argument (NewStream) to draw anew.
func FromSeed(g *Graph, seed int64) *Stream { return &Stream{RNGStateFromSeedForGraph(g, seed)} }

// State returns the state after the draws so far, to be carried to the next call.
func (s *Stream) State() *Node { return s.state }

// RandomUniform implements Source.
func (s *Stream) RandomUniform(_ *Graph, shape shapes.Shape) (u *Node) {
	s.state, u = RandomUniform(s.state, shape)
	return u
}

// RandomNormal implements Source; it is finite always (see Finite).
func (s *Stream) RandomNormal(g *Graph, shape shapes.Shape) *Node { return boxMuller(s, g, shape) }

// Finite returns a Source whose normals are finite always. GoMLX's RandomNormal takes the logarithm of the
// smallest denormal when its uniform is 0, which XLA flushes to 0: one draw in 2³² of float32 is then infinite.
// A Fixed source, which draws nothing, is returned as it is.
func Finite(src Source) Source {
	switch s := src.(type) {
	case finite, *Stream, *fixed:
		return s
	}
	return finite{src}
}

type finite struct{ Source }

// RandomNormal implements Source without infinities.
func (f finite) RandomNormal(g *Graph, shape shapes.Shape) *Node {
	return boxMuller(f.Source, g, shape)
}

// smallest is the least uniform that boxMuller takes: below float32's spacing of 2⁻³², far above its denormals.
const smallest = 0x1p-33

// boxMuller returns √(−2 log u₁)·cos(2πu₂), which is N(0,1) (Box and Muller 1958); |ε| ≤ √(66 log 2) = 6.76.
func boxMuller(src Source, g *Graph, shape shapes.Shape) *Node {
	u1 := MaxScalar(src.RandomUniform(g, shape), smallest)
	u2 := src.RandomUniform(g, shape)
	return Mul(Sqrt(MulScalar(Log(u1), -2)), Cos(MulScalar(u2, 2*math.Pi)))
}

// Fixed returns a Source that gives the values in their order, whether normals or uniforms are asked for:
// a test that injects the noise gets the same numbers on every backend.
// A draw panics when no value is left or when the next one has another shape than the one asked for.
func Fixed(values ...*Node) Source { return &fixed{values: values} }

type fixed struct {
	values []*Node
	next   int
}

func (f *fixed) RandomNormal(_ *Graph, shape shapes.Shape) *Node  { return f.draw(shape) }
func (f *fixed) RandomUniform(_ *Graph, shape shapes.Shape) *Node { return f.draw(shape) }

func (f *fixed) draw(shape shapes.Shape) *Node {
	if f.next >= len(f.values) {
		panic(fmt.Errorf("noise.Fixed: draw %d of shape %s asked for, only %d values were given", f.next+1, shape, len(f.values)))
	}
	v := f.values[f.next]
	if !v.Shape().Equal(shape) {
		panic(fmt.Errorf("noise.Fixed: value %d has shape %s, the draw asks for %s", f.next+1, v.Shape(), shape))
	}
	f.next++
	return v
}
