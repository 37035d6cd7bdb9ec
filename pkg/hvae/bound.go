package hvae

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Levels are the terms of the bound level by level, each [batch], in nats: the bound is Recon − Σ_t KL[t−1].
//
//	Recon     estimates E_q[log p(x|z₁, …)]
//	KL[T−1]   estimates E_q[KL(q(z_T|z_{T−1}) ‖ N(0, I))]
//	KL[t−1]   estimates E_q[log q(z_t|z_{t−1}) − log p(z_t|z_{t+1}, …)],  t < T
//
// The top term is a KL, never negative, and 0 exactly where q(z_T|z_{T−1}) is N(0, I) whatever lies below: an unused level. A term
// below the top is none, in spite of its name: its two laws are conditioned on different neighbours, and it can be negative.
// The KL it stands in for, KL(q(z_t|z_{t+1}, x) ‖ p(z_t|z_{t+1})), has no closed form.
type Levels struct {
	Recon *Node
	KL    []*Node
}

// Terms sums the levels up: Prior is the top level's KL, Matching the sum of those below it, nil when there are none.
func (l Levels) Terms() elbo.Terms {
	top := len(l.KL) - 1
	terms := elbo.Terms{Recon: l.Recon, Prior: l.KL[top]}
	for t, kl := range l.KL[:top] {
		if t == 0 {
			terms.Matching = kl
			continue
		}
		terms.Matching = Add(terms.Matching, kl)
	}
	return terms
}

// Levels returns the bound's terms, averaged over samples reparameterised paths zⁱ of q for each x:
//
//	Recon    = 1/l Σᵢ log p(x|zⁱ)
//	KL[t−1]  = 1/l Σᵢ log q(zⁱ_t|zⁱ_{t−1}) − log p(zⁱ_t|zⁱ_{t+1}, …),  t < T: at the draws
//	KL[T−1]  = 1/l Σᵢ KL(q(z_T|zⁱ_{T−1}) ‖ N(0, I)): in closed form, z_T integrated out
//
// All are unbiased. For T = 1 the KL has no noise, as the VAE's. Below the top log q stays at the draw, where much of its noise is that
// of log p too and cancels; the entropy, its expectation in closed form, would leave more. It panics when samples < 1.
func (h HVAE) Levels(src noise.Source, x *Node, samples int) Levels {
	h.check("Levels", true)
	levels, _ := h.weigh("Levels", src, x, samples)
	return levels.average(samples)
}

// Terms returns the bound's parts: Levels summed up.
func (h HVAE) Terms(src noise.Source, x *Node, samples int) elbo.Terms {
	return h.Levels(src, x, samples).Terms()
}

// Loss returns the mean over the batch of −(Recon − β Σ_t KL[t−1]), a scalar in nats: −ELBO for β = 1. beta is a scalar of any
// float type.
func (h HVAE) Loss(src noise.Source, x, beta *Node, samples int) *Node {
	terms := h.Terms(src, x, samples)
	kl := Sub(terms.Recon, terms.Bound())
	return Neg(ReduceAllMean(Sub(terms.Recon, Mul(ConvertDType(beta, kl.DType()), kl))))
}

// LogWeights returns log p(x, zⁱ_{1:T}) − log q(zⁱ_{1:T}|x) for k paths of q, [k, batch], in nats: the single-path values
// of the bound (Luo 2022, equation 29). elbo.Estimate and elbo.ImportanceWeighted turn them into bounds of log p(x).
// It panics when k < 1.
func (h HVAE) LogWeights(src noise.Source, x *Node, k int) *Node {
	h.check("LogWeights", true)
	_, logW := h.weigh("LogWeights", src, x, k)
	return logW
}

// weigh draws n paths of q for each x. It returns the bound's terms for each of them, [n·batch], and the paths' log-weights,
// [n, batch].
func (h HVAE) weigh(method string, src noise.Source, x *Node, n int) (Levels, *Node) {
	if n < 1 {
		panic(fmt.Errorf("hvae.HVAE.%s: %d draws of q, expected at least 1", method, n))
	}
	q, z := h.climb(src, h.Encode[0](x).Repeat(n))
	levels := Levels{Recon: h.Observe(z).LogProb(dist.Repeat(x, n))}
	logW, top := levels.Recon, h.T()-1
	for t := range z {
		p := dist.StandardNormal(z[t])
		if t < top {
			p = h.Decode[t](z[t+1:])
		}
		kl := Sub(q[t].LogProb(z[t]), p.LogProb(z[t]))
		logW = Sub(logW, kl)
		if t == top {
			kl = dist.KL(q[t], p)
		}
		levels.KL = append(levels.KL, kl)
	}
	return levels, Reshape(logW, n, -1)
}

// average returns the means over n paths of terms [n·batch], as [batch].
func (l Levels) average(n int) Levels {
	mean := func(each *Node) *Node { return ReduceMean(Reshape(each, n, -1), 0) }
	out := Levels{Recon: mean(l.Recon)}
	for _, kl := range l.KL {
		out.KL = append(out.KL, mean(kl))
	}
	return out
}
