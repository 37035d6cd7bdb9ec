package ar_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// A law that likes to repeat: each pixel equals the one before it with probability σ(20), nearly 1.
// Clamp the first pixel, and the rest follows it.
func Example() {
	repeat := ar.Model{Logits: func(x *Node) *Node {
		before := ShiftWithScalar(x, 1, ShiftDirRight, 1, 0.5)
		return MulScalar(AddScalar(before, -0.5), 40)
	}}
	b := backend.MustOpen(backend.PureGo)
	samples, err := CallOnce(b, func(x *Node) *Node {
		return repeat.Sample(noise.FromSeed(x.Graph(), 1), x, 1)
	}, [][]float64{{0, 0, 0, 0}, {1, 0, 0, 0}})
	if err != nil {
		panic(err)
	}
	fmt.Println(samples.Value())
	// Output: [[0 0 0 0] [1 1 1 1]]
}
