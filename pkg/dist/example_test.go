package dist_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

// KL(N(1, 1) ‖ N(0, 1)) = ½ nat, and the other way round as much; with a wider p the two directions differ.
func ExampleKL() {
	b := backend.MustOpen(backend.PureGo)
	law := func(g *Graph, mean, logStd float64) dist.DiagNormal {
		return dist.DiagNormal{Mean: Const(g, [][]float64{{mean}}), LogStd: Const(g, [][]float64{{logStd}})}
	}
	out := MustExecOnceN(b, func(g *Graph) []*Node {
		q, p, wide := law(g, 1, 0), law(g, 0, 0), law(g, 0, 1)
		return []*Node{dist.KL(q, p), dist.KL(q, wide), dist.KL(wide, q)}
	})
	for _, kl := range out {
		fmt.Printf("%.4f ", kl.Value())
	}
	// Output: [0.5000] [0.6353] [2.6945]
}

// The density and the score of a mixture of two normals, at a point between them.
func ExampleMixture() {
	b := backend.MustOpen(backend.PureGo)
	out := MustExecOnceN(b, func(x *Node) []*Node {
		m := dist.NewMixture(x.Graph(), []float64{.3, .7}, [][]float64{{-2}, {1}}, [][]float64{{.25}, {.16}})
		return []*Node{Exp(m.LogProb(x)), m.Responsibilities(x), m.Score(x)}
	}, [][]float64{{0}})
	fmt.Printf("p(x) %.4f, P(k|x) %.4f, score %.4f\n", out[0].Value(), out[1].Value(), out[2].Value())
	// Output: p(x) [0.0308], P(k|x) [[0.0026 0.9974]], score [[6.2128]]
}
