package vae_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// A VAE is an encoder and a decoder. Here both belong to z ~ N(0, 1), x|z ~ N(1.5z + 0.5, 0.25), seen at x = 2: the
// decoder is the model's own, the encoder N(0.5, 0.3) is not the posterior, and the bound stays below log p(2).
func Example() {
	bounds, err := CallOnceN(backend.MustOpen(""), func(g *Graph) []*Node {
		m, x := oracle.NewLinearGaussian(g, 1.5, 0.5, 0.25), Const(g, [][]float64{{2}})
		v := vae.VAE{
			Encode: func(x *Node) dist.DiagNormal { return oracle.ScalarNormal(g, 0.5, 0.3) },
			Decode: func(z *Node) vae.Likelihood { return m.Given(z) },
		}
		terms := v.Terms(noise.FromSeed(g, 1), x, 1_000_000)
		return []*Node{terms.Prior, terms.Bound(), m.Marginal().LogProb(x)}
	})
	if err != nil {
		panic(err)
	}
	value := func(i int) float64 { return bounds[i].Value().([]float64)[0] }
	fmt.Printf("KL to the prior %.3f, bound %.1f, log p(2) %.3f\n", value(0), value(1), value(2))
	// Output: KL to the prior 0.377, bound -3.1, log p(2) -1.827
}
