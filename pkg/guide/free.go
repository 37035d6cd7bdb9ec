package guide

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Conditional returns x̂₀ ≈ E[x₀|x_t, y], of x_t's shape, for a condition y whose first axis is the batch: a class [batch], words
// [batch, n], an image [batch, height, width, channels]. One y stands for "no condition".
type Conditional func(xt, t, y *Node) *Node

// Bind returns the Conditional of a network that predicts the given kind for p: param.Bind with a condition.
func Bind(p process.Process, k param.Kind, net func(xt, t, y *Node) *Node) Conditional {
	return func(xt, t, y *Node) *Node {
		return param.Bind(p, k, func(xt, t *Node) *Node { return net(xt, t, y) })(xt, t)
	}
}

// Given returns the denoiser under the condition y, [batch, ...], or [1, ...] for all of the batch. It panics, when it is used,
// for another batch.
func (d Conditional) Given(y *Node) param.Denoiser {
	return func(xt, t *Node) *Node { return d(xt, t, repeated("Conditional.Given", y, xt)) }
}

// ClassifierFree returns γ·cond + (1−γ)·uncond. Since x̂₀, ε̂ and the score depend on each other affinely at one x_t and t, it
// is the denoiser of the same combination of scores,
//
//	γ ∇log p(x_t|y) + (1−γ) ∇log p(x_t) = ∇log p(x_t) + γ ∇log p(y|x_t)
//
// and of (1+w)ε̂(x_t, y) − wε̂(x_t) with w = γ−1. γ = 0 and γ = 1 are uncond and cond themselves, at the price of one evaluation; any other
// takes both. It panics, when it is used, unless both make x̂₀ of one shape.
// Source: Luo 2022, equations 167–168; Ho and Salimans 2022, equation 6.
func ClassifierFree(cond, uncond param.Denoiser, scale Scale) param.Denoiser {
	scale.check("ClassifierFree")
	switch scale {
	case 0:
		return uncond
	case 1:
		return cond
	}
	return ClassifierFreeAt(cond, uncond, scale.at)
}

// ClassifierFreeAt is ClassifierFree with a γ that is a node, as in ClassifierAt. It takes both evaluations for every γ.
func ClassifierFreeAt(cond, uncond param.Denoiser, gamma func(t *Node) *Node) param.Denoiser {
	return func(xt, t *Node) *Node { return Combine(cond(xt, t), uncond(xt, t), gamma(t)) }
}

// Combine returns γ·cond + (1−γ)·uncond for two predictions of one kind, x̂₀, ε̂, v̂ or the score: exactly uncond at γ = 0 and cond at γ = 1,
// where the other is finite. gamma is a scalar, or of a shape that broadcasts. It panics unless both have one shape.
func Combine(cond, uncond, gamma *Node) *Node {
	if !cond.Shape().Equal(uncond.Shape()) {
		panic(fmt.Errorf("guide.Combine: the prediction with the condition has shape %s and the one without %s, expected one shape",
			cond.Shape(), uncond.Shape()))
	}
	return Add(Mul(gamma, cond), Mul(OneMinus(gamma), uncond))
}

// Batched returns the denoiser of ClassifierFree(net given y, net given null) by one call of net on twice the batch: first the rows with
// their y, then the same rows with null. y is [batch, ...] or [1, ...], and null too, with the same axes after the first and the same
// dtype. With γ = 0 or 1 the batch is not doubled. It panics, when it is used, for another batch.
func Batched(net Conditional, y, null *Node, scale Scale) param.Denoiser {
	scale.check("Batched")
	switch scale {
	case 0:
		return net.Given(null)
	case 1:
		return net.Given(y)
	}
	return BatchedAt(net, y, null, scale.at)
}

// BatchedAt is Batched with a γ that is a node, as in ClassifierAt. It doubles the batch for every γ.
func BatchedAt(net Conditional, y, null *Node, gamma func(t *Node) *Node) param.Denoiser {
	return func(xt, t *Node) *Node {
		times, n := t, xt.Shape().Dimensions[0]
		if t.Shape().Dimensions[0] > 1 {
			times = Concatenate([]*Node{t, t}, 0)
		}
		conditions := Concatenate([]*Node{repeated("Batched", y, xt), repeated("Batched", null, xt)}, 0)
		both := net(Concatenate([]*Node{xt, xt}, 0), times, conditions)
		return Combine(SliceAxis(both, 0, AxisRange(0, n)), SliceAxis(both, 0, AxisRange(n)), gamma(t))
	}
}

// repeated returns y with x_t's batch. It panics unless y has it, or 1.
func repeated(function string, y, xt *Node) *Node {
	n := xt.Shape().Dimensions[0]
	if y.Rank() == 0 || y.Shape().Dimensions[0] != n && y.Shape().Dimensions[0] != 1 {
		panic(fmt.Errorf("guide.%s: the condition has shape %s and x_t %s, expected a condition for each of the %d examples, or one for all",
			function, y.Shape(), xt.Shape(), n))
	}
	dims := append([]int{}, y.Shape().Dimensions...)
	dims[0] = n
	return BroadcastToDims(y, dims...)
}
