package hvae_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// An HVAE is conditionals: two of the encoder and two of the decoder for two levels. Here all are those of the chain z₂ ~ N(0, 1),
// z₁|z₂ ~ N(1.2z₂, 0.5), x|z₁ ~ N(0.9z₁, 0.09). The encoder is exact, so a single path has the weight p(x), whatever it is.
func Example() {
	weights, err := CallOnceN(backend.MustOpen(""), func(g *Graph) []*Node {
		chain, x := oracle.Chain{A2: 1.2, V1: 0.5, A1: 0.9, V0: 0.09}, Const(g, [][]float64{{1}})
		h := hvae.HVAE{
			Encode:  []func(*Node) dist.DiagNormal{chain.PosteriorMiddle, chain.PosteriorTop},
			Decode:  []func([]*Node) dist.DiagNormal{hvae.Markov(chain.Middle)},
			Observe: hvae.Markov(func(z1 *Node) dist.Likelihood { return chain.Given(z1) }),
		}
		return []*Node{h.LogWeights(noise.FromSeed(g, 1), x, 2), chain.Marginal(g).LogProb(x)}
	})
	if err != nil {
		panic(err)
	}
	fmt.Printf("two paths %.4f, log p(1) %.4f\n", weights[0].Value(), weights[1].Value())
	// Output: two paths [[-1.4737] [-1.4737]], log p(1) [-1.4737]
}
