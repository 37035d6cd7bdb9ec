package ebm

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// EBM is the law exp(−f(x))/Z. Energy is f: it maps x [n, event...] to [n], in nats, for any n. The methods panic when its
// result has another shape.
type EBM struct{ Energy func(x *Node) *Node }

// energy is f, after its shape is checked.
func (m EBM) energy(method string, x *Node) *Node {
	f := m.Energy(x)
	if f.Rank() != 1 || f.Shape().Dimensions[0] != x.Shape().Dimensions[0] {
		panic(fmt.Errorf("ebm.EBM.%s: the energy of x %s has shape %s, expected [%d]: one number for each row of x",
			method, x.Shape(), f.Shape(), x.Shape().Dimensions[0]))
	}
	return f
}

// LogProb returns −f(x) = log p(x) + log Z, [batch]: the log-density up to the constant that nobody knows.
func (m EBM) LogProb(x *Node) *Node { return Neg(m.energy("LogProb", x)) }

// Score returns ∇ log p(x) = −∇f(x), of x's shape, by automatic differentiation: log Z is a constant in x
// (Luo 2022, equations 153–155).
func (m EBM) Score(x *Node) *Node { return dist.ScoreOf(m, x) }

// Law returns the law with its normalising constant, for a log Z that LogZ or AIS found.
func (m EBM) Law(logZ float64) dist.LogProber { return normalised{m, logZ} }

type normalised struct {
	EBM
	logZ float64
}

// LogProb returns −f(x) − log Z.
func (n normalised) LogProb(x *Node) *Node { return AddScalar(n.EBM.LogProb(x), -n.logZ) }

// Loss returns f(x) − mean f(x⁻), [batch], for data x and negatives x⁻ [m, event...]. When the negatives are draws of p, the
// gradient of its mean is that of −log p(x): energy falls at the data and rises where the model draws. Its value is no
// likelihood. No gradient flows into the negatives.
func (m EBM) Loss(x, negatives *Node) *Node {
	return Sub(m.energy("Loss", x), ReduceAllMean(m.energy("Loss", StopGradient(negatives))))
}

// Contrastive returns Loss with negatives that are n Langevin steps of the given size away from the data: contrastive divergence
// CD-n (Hinton 2002). The chains have no time to leave the data's neighbourhood, so that modes without data keep their mass.
// It panics when n < 1.
func (m EBM) Contrastive(src noise.Source, x *Node, size float64, n int) *Node {
	return m.Loss(x, Walk(src, m.Langevin(size), x, n))
}

// Langevin returns the chain x − c∇f(x) + √(2c) ε, whose law tends to p as c tends to 0.
func (m EBM) Langevin(size float64) sampler.Langevin {
	return sampler.Langevin{Score: m.Score, Size: size}
}

// chain returns Langevin's chain, or the one that is adjusted.
func (m EBM) chain(size float64, adjusted bool) sampler.Stepper {
	if adjusted {
		return sampler.MALA{LogProb: m.LogProb, Size: size}
	}
	return m.Langevin(size)
}

// Walk returns where n steps of a chain take x [batch, event...], all in one graph and without a gradient. Its times are those
// of sampler.Count. It panics when n < 1. A chain that diverges ends in values that are not finite.
func Walk(src noise.Source, chain sampler.Stepper, x *Node, n int) *Node {
	return walk(src, chain, x, n).X
}

// walk is Walk, with what the chain carries.
func walk(src noise.Source, chain sampler.Stepper, x *Node, n int) sampler.State {
	if n < 1 {
		panic(fmt.Errorf("ebm.Walk: %d steps, expected at least 1", n))
	}
	ones := make([]int, x.Rank())
	for i := range ones {
		ones[i] = 1
	}
	at := func(i int) *Node { return BroadcastToDims(ConstAsDType(x.Graph(), x.DType(), float64(n-i)), ones...) }
	st := chain.Init(constant(x))
	for i := range n {
		st = chain.Step(src, st, at(i), at(i+1))
		st.X = constant(st.X)
	}
	return st
}

// constant returns x without the gradient of how it came about. The identity around it matters: GoMLX's Gradient with respect to
// a StopGradient node itself is 0.
func constant(x *Node) *Node { return Identity(StopGradient(x)) }
