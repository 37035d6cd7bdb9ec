package oracle

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Labelled is a law of pairs (x₀, y): y = k with the probability Prior[k], and x₀ given y = k by Classes[k]. The prior is normalised. All that
// guidance speaks of is known of it exactly, at every time: x_t given y, x_t alone, and y given x_t.
// Its functions panic when the lengths differ, a probability is negative, or k is no class.
type Labelled struct {
	Prior   []float64
	Classes []Mixture
}

// Class returns the law of x₀ given y = k.
func (d Labelled) Class(k int) Mixture {
	d.check()
	if k < 0 || k >= len(d.Classes) {
		panic(fmt.Errorf("oracle.Labelled: class %d, expected one from 0 to %d", k, len(d.Classes)-1))
	}
	return d.Classes[k]
}

// All returns the law of x₀ whatever its label, Σₖ p(y=k) p(x₀|y=k): a mixture of all the classes' components.
func (d Labelled) All() Mixture {
	d.check()
	var all Mixture
	total := floats.Sum(d.Prior)
	for k, c := range d.Classes {
		sum := floats.Sum(c.Weights)
		for i, w := range c.Weights {
			all.Weights = append(all.Weights, d.Prior[k]/total*w/sum)
			all.Means, all.Vars = append(all.Means, c.Means[i]), append(all.Vars, c.Vars[i])
		}
	}
	return all
}

// Relabel returns the law of pairs whose labels are drawn anew from the prior with probability rate, whatever x₀ is. Its class k is
// what a model learns that was trained on such labels: (1−rate) p(x₀|y=k) + rate p(x₀). It panics unless 0 ≤ rate ≤ 1.
func (d Labelled) Relabel(rate float64) Labelled {
	if !(rate >= 0 && rate <= 1) {
		panic(fmt.Errorf("oracle.Labelled.Relabel: rate = %g, expected a probability", rate))
	}
	out := Labelled{Prior: d.Prior}
	for k := range d.Classes {
		one := Labelled{Prior: []float64{1 - rate, rate}, Classes: []Mixture{d.Class(k), d.All()}}
		out.Classes = append(out.Classes, one.All())
	}
	return out
}

// LogPosterior returns log p(y=k|x_t) as a function of x_t [n, d] and t, [n], in nats: what a perfect classifier that knows noise says.
func (d Labelled) LogPosterior(p process.Process, k int) func(xt, t *Node) *Node {
	return d.logPosterior(k, func(c Mixture, _, t *Node) Law { return c.Marginal(p, t) })
}

// CleanLogPosterior returns log p(y=k|x₀ = x_t), [n]: what a perfect classifier of clean data says of x_t, whatever the noise in it.
// It ignores t.
func (d Labelled) CleanLogPosterior(k int) func(xt, t *Node) *Node {
	return d.logPosterior(k, func(c Mixture, x, _ *Node) Law { return c.Law(x.Graph(), x.DType()) })
}

// logPosterior returns log p(y=k) + log q(x|y=k) − log Σⱼ p(y=j) q(x|y=j), with the laws that diffuse makes of the classes.
func (d Labelled) logPosterior(k int, diffuse func(c Mixture, x, t *Node) Law) func(x, t *Node) *Node {
	d.Class(k)
	return func(x, t *Node) *Node {
		joint := make([]*Node, len(d.Classes))
		for j := range joint {
			joint[j] = diffuse(d.Classes[j], x, t).LogProb(x)
		}
		prior := append([]float64{}, d.Prior...)
		floats.Scale(1/floats.Sum(prior), prior)
		all := Add(Stack(joint, -1), Log(ConstAs(x, [][]float64{prior})))
		return Sub(Squeeze(SliceAxis(all, -1, AxisElem(k)), -1), mathx.LogSumExp(all))
	}
}

// Denoise returns E[x₀|x_t, y] for labels y [n] of integers, and E[x₀|x_t] where y is len(Classes), the label that stands for none: what
// a network becomes that is trained with dropped labels.
func (d Labelled) Denoise(p process.Process) func(xt, t, y *Node) *Node {
	laws := append(append([]Mixture{}, d.Classes...), d.All())
	return func(xt, t, y *Node) *Node {
		var sum *Node
		for k, law := range laws {
			mine := Equal(ExpandAxes(y, -1), Const(y.Graph(), shapes.CastAsDType(k, y.DType())))
			x0 := Where(BroadcastToDims(mine, xt.Shape().Dimensions...), law.Denoiser(p)(xt, t), ZerosLike(xt))
			if sum == nil {
				sum = x0
				continue
			}
			sum = Add(sum, x0)
		}
		return sum
	}
}

// SampleN draws n pairs: x₀ [n, d] of the given dtype and y [n] of int32.
func (d Labelled) SampleN(g *Graph, dtype dtypes.DType, src noise.Source, n int) (x0, y *Node) {
	d.check()
	total, upTo := floats.Sum(d.Prior), 0.0
	u := src.RandomUniform(g, shapes.Make(dtype, n))
	y = Zeros(g, shapes.Make(dtypes.Int32, n))
	for k := range len(d.Classes) - 1 {
		upTo += d.Prior[k] / total
		y = Add(y, ConvertDType(GreaterOrEqual(u, Scalar(g, dtype, upTo)), dtypes.Int32))
	}
	for k, c := range d.Classes {
		x := c.Law(g, dtype).SampleN(src, n)
		if x0 == nil {
			x0 = x
			continue
		}
		mine := ExpandAxes(Equal(y, Const(g, int32(k))), -1)
		x0 = Where(BroadcastToDims(mine, x.Shape().Dimensions...), x, x0)
	}
	return x0, y
}

func (d Labelled) check() {
	if len(d.Prior) == 0 || len(d.Classes) != len(d.Prior) {
		panic(fmt.Errorf("oracle.Labelled: %d probabilities and %d classes, expected as many, at least 1", len(d.Prior), len(d.Classes)))
	}
	for k, p := range d.Prior {
		if !(p >= 0) || d.Classes[k].dim() != d.Classes[0].dim() {
			panic(fmt.Errorf("oracle.Labelled: class %d has the probability %g and %d dimensions, expected 0 or more, and %d dimensions as the first",
				k, p, d.Classes[k].dim(), d.Classes[0].dim()))
		}
	}
	if !(floats.Sum(d.Prior) > 0) {
		panic(fmt.Errorf("oracle.Labelled: the probabilities %v sum to 0, expected a positive sum", d.Prior))
	}
}
