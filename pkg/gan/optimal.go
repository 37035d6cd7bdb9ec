package gan

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Optimal returns the logit of the best discriminator between data of law p and fakes of law q, log p(x) − log q(x):
//
//	D*(x) = p/(p + q) = σ(log p − log q), the maximum of p log D + q log(1 − D) at each x
//
// (Goodfellow et al. 2014, proposition 1). It maps x [n, event...] to [n].
func Optimal(p, q dist.LogProber) func(x *Node) *Node {
	return func(x *Node) *Node { return Sub(p.LogProb(x), q.LogProb(x)) }
}

// Integrand returns p(x) log D(x) + q(x) log(1 − D(x)), whose integral over x is V for the logit d, in nats. It maps x [n, event...] to
// [n].
func Integrand(p, q dist.LogProber, d func(x *Node) *Node) func(x *Node) *Node {
	return func(x *Node) *Node {
		l := d(x)
		return Add(Mul(Exp(p.LogProb(x)), mathx.LogSigmoid(l)), Mul(Exp(q.LogProb(x)), mathx.LogSigmoid(Neg(l))))
	}
}

// JensenShannon returns the integrand of JSD(p, q) = ½KL(p‖m) + ½KL(q‖m), m = (p + q)/2, in nats. It maps x [n, event...] to [n]. The
// divergence lies between 0 and log 2 (Lin 1991).
func JensenShannon(p, q dist.LogProber) func(x *Node) *Node {
	return func(x *Node) *Node {
		logP, logQ := p.LogProb(x), q.LogProb(x)
		logM := AddScalar(mathx.LogSumExp(Stack([]*Node{logP, logQ}, -1)), -math.Ln2)
		side := func(log *Node) *Node { return Mul(Exp(log), Sub(log, logM)) }
		return MulScalar(Add(side(logP), side(logQ)), 0.5)
	}
}
