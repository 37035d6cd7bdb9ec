package score_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// Data N(0, 1), and a score that is too flat, s(x) = −0.6x. The first three losses see p, whose score is −x, and differ by
// E½x² = ½. The fourth sees x + 0.5ε, whose score is −x/1.25: 0.025 from there, and the constant 1.6.
func Example() {
	s := func(x *Node) *Node { return MulScalar(x, -0.6) }
	out, err := CallOnceN(backend.MustOpen(""), func(g *Graph) []*Node {
		src := noise.FromSeed(g, 1)
		x := src.RandomNormal(g, shape(1_000_000, 1))
		edm := process.Process{Schedule: process.EDM{}, TMin: 0.1, TMax: 10}
		var means []*Node
		for _, loss := range []score.Loss{score.Explicit(Neg), score.Implicit(), score.Sliced(1, score.Gaussian),
			score.Denoising(edm, Const(g, [][]float64{{0.5}}))} {
			means = append(means, ReduceAllMean(loss(src, s, x)))
		}
		return means
	})
	if err != nil {
		panic(err)
	}
	for i, name := range []string{"explicit", "implicit", "sliced", "denoising"} {
		fmt.Printf("%s %.1f\n", name, out[i].Value())
	}
	// Output:
	// explicit 0.1
	// implicit -0.4
	// sliced -0.4
	// denoising 1.6
}
