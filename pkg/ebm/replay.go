package ebm

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Replay keeps chains from one training step to the next, so that each goes on where it was left while the energy changes
// slowly below it: persistent contrastive divergence (Tieleman 2008) with a replay buffer (Du and Mordatch 2019,
// "Implicit generation and modeling with energy-based models", section 3.2).
//
// The chains are a variable of the store, "chains" [Size, event...], which is not trained: package fit saves it with the
// weights, and a run that is stopped and resumed walks the same chains.
type Replay struct {
	Size    int     // chains in the buffer, at least those of one step; each is walked every Size/n steps
	Std     float64 // a chain starts from N(0, Std² I)
	Restart float64 // the probability that a chain starts anew before it walks, in [0, 1]
}

// Draw returns n negatives in like's shape [n, event...]: where walk takes the n chains that have waited longest, which then
// wait behind all others. It panics when a field of r is wrong, or like has more rows than there are chains.
func (r Replay) Draw(scope *model.Scope, src noise.Source, like *Node, walk func(x *Node) *Node) *Node {
	waiting := r.waiting(scope, like)
	negatives := StopGradient(walk(r.take(src, waiting, like)))
	n := like.Shape().Dimensions[0]
	if n < r.Size {
		r.chains(scope, like).SetNodeValue(Concatenate([]*Node{Slice(waiting, AxisRange(n)), negatives}, 0))
	} else {
		r.chains(scope, like).SetNodeValue(negatives)
	}
	return negatives
}

// take returns the first n of the waiting chains, each started anew with probability Restart.
func (r Replay) take(src noise.Source, waiting, like *Node) *Node {
	n := like.Shape().Dimensions[0]
	x := Slice(waiting, AxisRange(0, n))
	if r.Restart == 0 {
		return x
	}
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = n
	u := src.RandomUniform(x.Graph(), shapes.Make(x.DType(), dims...))
	anew := BroadcastToDims(LessThan(u, MulScalar(OnesLike(u), r.Restart)), x.Shape().Dimensions...)
	return Where(anew, MulScalar(src.RandomNormal(x.Graph(), x.Shape()), r.Std), x)
}

// waiting returns the buffer, those that have waited longest first.
func (r Replay) waiting(scope *model.Scope, like *Node) *Node {
	n := like.Shape().Dimensions[0]
	if r.Size < n || !(r.Std > 0) || !(r.Restart >= 0 && r.Restart <= 1) {
		panic(fmt.Errorf("ebm.Replay: %d chains for %d negatives, from N(0, %g²), restarted with probability %g; expected at least "+
			"as many chains as negatives, a positive Std and a probability", r.Size, n, r.Std, r.Restart))
	}
	return StopGradient(r.chains(scope, like).NodeValue(like.Graph()))
}

// chains returns the variable.
func (r Replay) chains(scope *model.Scope, like *Node) *model.Variable {
	shape := like.Shape().Clone()
	shape.Dimensions[0] = r.Size
	start := func(g *Graph, shape shapes.Shape) *Node {
		return MulScalar(noise.Finite(scope).RandomNormal(g, shape), r.Std)
	}
	return scope.WithInitializer(start).VariableWithShape("chains", shape).SetTrainable(false)
}
