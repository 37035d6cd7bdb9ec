package dist

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Mixture is p(x) = Σₖ wₖ N(x; μₖ, diag σₖ²): LogWeights [K] holds log wₖ, Components the K normals,
// whose Mean and LogStd are [1, event...].
type Mixture struct {
	LogWeights *Node
	Components []DiagNormal
}

// NewMixture makes a mixture of float64 constants: weights [K] (they are normalised), means and variances [K][d].
// It panics when a length does not fit, a weight is negative, all of them are 0, or a variance is not positive.
func NewMixture(g *Graph, weights []float64, means, variances [][]float64) Mixture {
	if len(weights) == 0 || len(means) != len(weights) || len(variances) != len(weights) {
		panic(fmt.Errorf("dist.NewMixture: %d weights, %d means and %d variances, expected as many of each",
			len(weights), len(means), len(variances)))
	}
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if !(total > 0) || math.IsInf(total, 1) {
		panic(fmt.Errorf("dist.NewMixture: weights %v with the sum %g, expected a positive, finite one", weights, total))
	}
	m := Mixture{}
	logWeights := make([]float64, len(weights))
	for k, w := range weights {
		if w < 0 || len(variances[k]) != len(means[k]) || len(means[k]) != len(means[0]) {
			panic(fmt.Errorf("dist.NewMixture: component %d has weight %g, mean %v and variance %v, expected a weight of 0 or more and %d entries each",
				k, w, means[k], variances[k], len(means[0])))
		}
		logWeights[k] = math.Log(w / total)
		logStd := make([]float64, len(means[k]))
		for i, v := range variances[k] {
			if !(v > 0) {
				panic(fmt.Errorf("dist.NewMixture: component %d has variance %v, expected positive entries", k, variances[k]))
			}
			logStd[i] = math.Log(v) / 2
		}
		m.Components = append(m.Components, DiagNormal{Const(g, [][]float64{means[k]}), Const(g, [][]float64{logStd})})
	}
	m.LogWeights = Const(g, logWeights)
	return m
}

// LogProb returns log Σₖ exp(log wₖ + log N(x; μₖ, σₖ²)) of x [batch, event...] as [batch], in nats.
func (m Mixture) LogProb(x *Node) *Node { return mathx.LogSumExp(m.logJoint(x)) }

// Responsibilities returns P(k|x) = wₖ N(x; μₖ, σₖ²) / p(x), [batch, K].
func (m Mixture) Responsibilities(x *Node) *Node { return Softmax(m.logJoint(x), -1) }

// Score returns Σₖ P(k|x) ∇ log N(x; μₖ, σₖ²), of x's shape.
func (m Mixture) Score(x *Node) *Node {
	return m.Average(x, func(k int) *Node { return m.Components[k].Score(x) })
}

// Average returns Σₖ P(k|x) value(k), where value(k) has x's shape.
func (m Mixture) Average(x *Node, value func(k int) *Node) *Node {
	weights := m.Responsibilities(x)
	var sum *Node
	for k := range m.Components {
		term := Mul(column(weights, k, x.Rank()), value(k))
		if sum == nil {
			sum = term
			continue
		}
		sum = Add(sum, term)
	}
	return sum
}

// SampleN draws n values, [n, event...]: a component by its weight, then a point of it.
func (m Mixture) SampleN(src noise.Source, n int) *Node {
	g := m.LogWeights.Graph()
	dims := m.Components[0].Mean.Shape().Clone()
	dims.Dimensions[0] = n
	u := src.RandomUniform(g, shapes.Make(dims.DType, n))
	eps := src.RandomNormal(g, dims)
	weights := Exp(m.LogWeights)
	x := ZerosLike(eps)
	below := ZerosLike(u)
	for k, c := range m.Components {
		upTo := Add(below, Slice(weights, AxisElem(k)))
		if k == len(m.Components)-1 {
			upTo = OnesLike(u) // rounding must not leave a gap below 1
		}
		chosen := And(GreaterOrEqual(u, below), LessThan(u, upTo))
		chosen = column(ExpandAxes(ConvertDType(chosen, x.DType()), -1), 0, x.Rank())
		x = Add(x, Mul(chosen, Add(c.Mean, Mul(c.Std(), eps))))
		below = upTo
	}
	return x
}

// logJoint returns log wₖ + log N(x; μₖ, σₖ²), [batch, K].
func (m Mixture) logJoint(x *Node) *Node {
	terms := make([]*Node, len(m.Components))
	for k, c := range m.Components {
		terms[k] = c.LogProb(x)
	}
	return Add(Stack(terms, -1), ExpandLeftToRank(m.LogWeights, 2))
}

// column returns column k of m [batch, K] as [batch, 1, ...] of the given rank.
func column(m *Node, k, rank int) *Node {
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = m.Shape().Dimensions[0]
	return Reshape(Slice(m, AxisRange(), AxisElem(k)), dims...)
}
