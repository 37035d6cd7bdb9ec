package elbo_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// The bound of a poor q and of the posterior, at x = 2 under z ~ N(0,1), x|z ~ N(1.5z+0.5, 0.25).
func Example() {
	b := backend.MustOpen("")
	out := MustExecOnce(b, func(x *Node) *Node {
		m := oracle.NewLinearGaussian(x.Graph(), 1.5, .5, .25)
		poor, best := oracle.ScalarNormal(x.Graph(), .5, .3), m.Posterior(x)
		terms := elbo.Terms{Recon: m.Recon(poor, x), Prior: dist.KL(poor, m.Prior())}
		// At the posterior each weight is p(x), whatever z is drawn.
		weights := elbo.LogWeights(noise.FromSeed(x.Graph(), 1), best, x, m.LogJoint, 3)
		return Concatenate([]*Node{terms.Bound(), elbo.ImportanceWeighted(weights), m.Marginal().LogProb(x)}, 0)
	}, [][]float64{{2}})
	fmt.Printf("bound %.4f, at the posterior %.4f, log p(x) %.4f\n", out.Value().([]float64)[0], out.Value().([]float64)[1], out.Value().([]float64)[2])
	// Output: bound -3.0778, at the posterior -1.8271, log p(x) -1.8271
}
