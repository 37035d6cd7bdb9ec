package sampler

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// MALA is the Metropolis-adjusted Langevin algorithm: each chain moves to Langevin's proposal
//
//	y ~ q(y|x) = N(x + c ∇log p(x), 2c I)
//
// with the probability min(1, p(y) q(x|y) / (p(x) q(y|x))), and stays at x otherwise. So it leaves p as it is for every c:
// it has no bias, and an order of convergence only in the number of steps. A c that is too large shows as few acceptances.
// Its times only count the steps: see Count. Aux[0] holds each chain's number of accepted steps, [batch].
//
// A proposal outside the support, where log p is −∞, is refused; one where log p or its gradient is NaN makes x NaN, which
// ends the run. Source: Roberts and Tweedie 1996, "Exponential convergence of Langevin distributions and their discrete
// approximations", section 1.4.2.
type MALA struct {
	LogProb func(x *Node) *Node // log p up to a constant, [batch]; another shape panics
	Size    float64             // c > 0
}

// What MALA keeps in Aux: the accepted steps, and log p and its gradient at x.
const (
	malaAccepted = iota
	malaLogProb
	malaScore
)

// Init returns x with no step accepted.
func (m MALA) Init(x *Node) State {
	logProb, score := m.at(x)
	return State{X: x, Aux: []*Node{ZerosLike(logProb), logProb, score}}
}

// Step proposes a move, and takes it or not; t and s are not looked at.
func (m MALA) Step(src noise.Source, st State, _, _ *Node) State {
	x, g, dtype := st.X, st.X.Graph(), st.X.DType()
	accepted, logProb, score := st.Aux[malaAccepted], st.Aux[malaLogProb], st.Aux[malaScore]
	forward := m.proposal(x, score)
	y := forward.Sample(src)
	logProbY, scoreY := m.at(y)
	logRatio := Sub(Add(logProbY, m.proposal(y, scoreY).LogProb(x)), Add(logProb, forward.LogProb(y)))

	accept := LessThan(Log(src.RandomUniform(g, shapes.Make(dtype, x.Shape().Dimensions[0]))), logRatio)
	outside := Equal(logProbY, Scalar(g, dtype, math.Inf(-1)))
	broken := And(IsNaN(Add(logRatio, logProbY)), Not(outside))
	return State{
		X: Where(broken, Scalar(g, dtype, math.NaN()), Where(accept, y, x)),
		Aux: []*Node{
			Add(accepted, ConvertDType(accept, dtype)),
			Where(accept, logProbY, logProb),
			Where(accept, scoreY, score),
		},
	}
}

// proposal returns q(·|x).
func (m MALA) proposal(x, score *Node) dist.DiagNormal {
	return dist.DiagNormal{
		Mean:   Add(x, MulScalar(score, m.Size)),
		LogStd: Scalar(x.Graph(), x.DType(), math.Log(rootTwice(m.Size))),
	}
}

// at returns log p and its gradient.
func (m MALA) at(x *Node) (logProb, score *Node) {
	x = mathx.Free(x)
	logProb = m.LogProb(x)
	if logProb.Rank() != 1 || logProb.Shape().Dimensions[0] != x.Shape().Dimensions[0] {
		panic(fmt.Errorf("sampler.MALA: log p has shape %s for x of %s, expected [%d]: one number for each row", logProb.Shape(),
			x.Shape(), x.Shape().Dimensions[0]))
	}
	return logProb, Gradient(ReduceAllSum(logProb), x)[0]
}

// Check returns an error unless Size is a positive number and there is a step to take.
func (m MALA) Check(times []float64) error {
	if err := checkPositive("MALA", "Size", m.Size, "take one with which about half of the steps are accepted"); err != nil {
		return err
	}
	return checkCount("MALA", times)
}

// Explain says what is not a number.
func (m MALA) Explain(aux []*tensors.Tensor, row int) string {
	return fmt.Sprintf("sampler.MALA: log p or its gradient is NaN at the proposal of row %d, after %g accepted steps: look at LogProb there",
		row, mathx.Floats(aux[malaAccepted])[row])
}
