package oracle

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Law is a law whose density and score are known.
type Law interface {
	dist.LogProber
	dist.Scorer
}

// Data is a law of x₀ in d dimensions whose diffusion by any process is known exactly: Gaussian, Mixture and Points.
//
// x is [n, d] and t [n, 1] or [1, 1]; all constants take the dtype of t. The functions panic when x has another shape.
type Data interface {
	// Marginal returns q(x_t), the law of x_t at time t.
	Marginal(p process.Process, t *Node) Law
	// Denoiser returns E[x₀|x_t], which is what a network trained without end would become.
	Denoiser(p process.Process) param.Denoiser
	// Score returns ∇ log q(x_t), by its own formula and not by Tweedie's.
	Score(p process.Process) param.ScoreFn
	// PosteriorVar returns Var(x₀|x_t) for each coordinate, of xt's shape.
	PosteriorVar(p process.Process) func(xt, t *Node) *Node
}

// checkX panics unless x is [n, d].
func checkX(name string, x *Node, d int) {
	if x.Rank() != 2 || x.Shape().Dimensions[1] != d {
		panic(fmt.Errorf("oracle.%s: x has shape %s, expected [n, %d] as the data", name, x.Shape(), d))
	}
}

// row returns values as [1, d] in the given dtype.
func row(g *Graph, dtype dtypes.DType, values []float64) *Node {
	return ConstAsDType(g, dtype, [][]float64{values})
}

// moments are α and σ² at t.
func moments(p process.Process, t *Node) (alpha, sigma2 *Node) {
	return p.Alpha(t), Exp(MulScalar(p.LogSigma(t), 2))
}
