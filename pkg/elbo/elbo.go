package elbo

import (
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Terms are the parts of a bound, each [batch], in nats. A nil part counts as zero.
type Terms struct {
	Recon    *Node // E_q[log p(x|z)], to be raised
	Prior    *Node // KL of the deepest latent to its prior, to be lowered
	Matching *Node // KLs of the levels between, to be lowered; nil with one level
}

// Bound returns Recon − Prior − Matching, [batch], in nats. It panics when all three are nil.
func (t Terms) Bound() *Node { return t.Weighted(1) }

// Weighted returns Recon − β(Prior + Matching), [batch], in nats: the objective of the β-VAE (Higgins et al. 2017,
// equation 4), a lower bound of log p(x) for β ≥ 1 only. It panics when all three terms are nil.
func (t Terms) Weighted(beta float64) *Node {
	var sum *Node
	for _, part := range []struct {
		term  *Node
		scale float64
	}{{t.Recon, 1}, {t.Prior, -beta}, {t.Matching, -beta}} {
		switch {
		case part.term == nil:
		case sum == nil:
			sum = MulScalar(part.term, part.scale)
		default:
			sum = Add(sum, MulScalar(part.term, part.scale))
		}
	}
	if sum == nil {
		panic(errors.New("elbo.Terms: Recon, Prior and Matching are all nil, expected at least one"))
	}
	return sum
}

// Decompose returns the bound's parts with the KL in closed form (Luo 2022, equation 19):
//
//	Recon = 1/l Σᵢ log p(x|zᵢ), zᵢ ~ q,  Prior = KL(q ‖ prior).
//
// logLik returns log p(x|z), [batch]; it gets x and z with l·batch rows. A q of one row serves every row of x, each with draws of
// its own. It panics when l < 1, or q has another number of rows.
func Decompose(src noise.Source, q, prior dist.DiagNormal, x *Node, logLik func(x, z *Node) *Node, l int) Terms {
	q = rows("Decompose", q, x)
	ql := repeat("Decompose", q, l)
	each := Reshape(logLik(dist.Repeat(x, l), ql.Sample(src)), l, -1)
	return Terms{Recon: ReduceMean(each, 0), Prior: dist.KL(q, prior)}
}

// LogWeights returns log wᵢ = log p(x,zᵢ) − log q(zᵢ|x) for k draws zᵢ ~ q, [k, batch], in nats.
// logJoint gets x and z with k·batch rows. A q of one row serves every row of x, each with draws of its own. It panics when k < 1, or q has
// another number of rows.
func LogWeights(src noise.Source, q dist.DiagNormal, x *Node, logJoint func(x, z *Node) *Node, k int) *Node {
	qk := repeat("LogWeights", rows("LogWeights", q, x), k)
	z := qk.Sample(src)
	logW := Sub(logJoint(dist.Repeat(x, k), z), qk.LogProb(z))
	return Reshape(logW, k, -1)
}

// Estimate returns 1/k Σᵢ log wᵢ of LogWeights' [k, batch], as [batch]: an unbiased estimate of the bound.
func Estimate(logW *Node) *Node { return ReduceMean(logW, 0) }

// ImportanceWeighted returns log 1/k Σᵢ wᵢ of LogWeights' [k, batch], as [batch]. Its expectation rises with k
// from the bound to log p(x) (Burda, Grosse and Salakhutdinov 2016, theorem 1).
func ImportanceWeighted(logW *Node) *Node {
	k := float64(logW.Shape().Dimensions[0])
	return AddScalar(mathx.LogSumExp(Transpose(logW, 0, 1)), -math.Log(k))
}

func repeat(caller string, q dist.DiagNormal, n int) dist.DiagNormal {
	if n < 1 {
		panic(fmt.Errorf("elbo.%s: %d draws of q, expected at least 1", caller, n))
	}
	return q.Repeat(n)
}

// rows returns q with a law for each row of x: one that all rows share is drawn from for each of them.
func rows(caller string, q dist.DiagNormal, x *Node) dist.DiagNormal {
	n, batch := q.Mean.Shape().Dimensions[0], x.Shape().Dimensions[0]
	switch {
	case n == batch || batch == 1:
		return q
	case n == 1:
		return q.Repeat(batch)
	}
	panic(fmt.Errorf("elbo.%s: q's mean has shape %s and x %s, expected as many rows, or a q of one", caller, q.Mean.Shape(), x.Shape()))
}
