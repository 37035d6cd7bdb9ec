package noise_test

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// A function that draws takes a Source, so that a caller who wants to know the noise gives it: here ε = (1, −2).
func ExampleFixed() {
	double := func(src noise.Source, x *Node) *Node {
		return Add(x, MulScalar(src.RandomNormal(x.Graph(), x.Shape()), 2))
	}
	out := MustExecOnce(backend.MustOpen(backend.PureGo), func(x, eps *Node) *Node {
		return double(noise.Fixed(eps), x)
	}, []float64{10, 10}, []float64{1, -2})
	fmt.Println(out.Value())
	// Output: [12 6]
}

// The state is an argument and a result: each call goes on where the one before it stopped, and compiles nothing.
func ExampleNewStream() {
	draw := MustNewExec(backend.MustOpen(backend.PureGo), func(state *Node) (*Node, *Node) {
		src := noise.NewStream(state)
		return src.RandomUniform(state.Graph(), shapes.Make(dtypes.Float64, 2)), src.State()
	})
	seed, err := RNGStateFromSeed(1)
	if err != nil {
		panic(err)
	}
	first := draw.MustCall(seed)
	second, again := draw.MustCall(first[1]), draw.MustCall(seed)
	fmt.Println(first[0].Equal(second[0]), first[0].Equal(again[0]))
	// Output: false true
}
