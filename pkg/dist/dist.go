package dist

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// LogProber is a law with a density (or a probability mass).
type LogProber interface {
	// LogProb returns log p(x) of x [batch, event...] as [batch], in nats.
	LogProb(x *Node) *Node
}

// Sampler is a law one can draw from.
type Sampler interface {
	// Sample draws one value for each element of the batch.
	Sample(src noise.Source) *Node
}

// Scorer is a law whose score is known in closed form.
type Scorer interface {
	// Score returns ∇ₓ log p(x), of x's shape.
	Score(x *Node) *Node
}

// ScoreOf returns ∇ₓ log p(x), of x's shape, by automatic differentiation. It needs no normalising constant:
// a constant factor of p adds a constant to log p and vanishes.
func ScoreOf(p LogProber, x *Node) *Node {
	x = mathx.Free(x)
	return Gradient(ReduceAllSum(p.LogProb(x)), x)[0]
}

// Repeat returns x [batch, event...] copied n times along its first axis, [n·batch, event...].
func Repeat(x *Node, n int) *Node {
	dims := x.Shape().Clone().Dimensions
	dims[0] *= n
	return Reshape(BroadcastPrefix(x, n), dims...)
}
