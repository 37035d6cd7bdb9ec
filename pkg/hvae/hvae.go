package hvae

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// HVAE is the conditionals of a model with T levels of latents. x is [batch, data], z_t [batch, k_t].
// above lists the levels above, the next one first: z_{t+1}, …, z_T.
type HVAE struct {
	Encode  []func(below *Node) dist.DiagNormal   // T of them: Encode[0] is q(z₁|x), Encode[t−1] is q(z_t|z_{t−1})
	Decode  []func(above []*Node) dist.DiagNormal // T−1 of them: Decode[t−1] is p(z_t|z_{t+1}, …, z_T)
	Observe func(z []*Node) dist.Likelihood       // p(x|z₁, …, z_T)
}

// Markov makes a conditional of the Markovian HVAE: of all levels above it sees the next one alone.
func Markov[L any](law func(next *Node) L) func(above []*Node) L {
	return func(above []*Node) L { return law(above[0]) }
}

// T returns the number of levels of latents, counted by the generative conditionals.
func (h HVAE) T() int { return len(h.Decode) + 1 }

// Path draws z₁ … z_T of q(z_{1:T}|x), one path for each row of x: z₁ ~ q(z₁|x), then z_t ~ q(z_t|z_{t−1}).
func (h HVAE) Path(src noise.Source, x *Node) []*Node {
	h.check("Path", true)
	_, z := h.climb(src, h.Encode[0](x))
	return z
}

// climb returns the laws q(z_t|z_{t−1}) and a draw of each, upwards from q(z₁|x).
func (h HVAE) climb(src noise.Source, q1 dist.DiagNormal) (q []dist.DiagNormal, z []*Node) {
	q, z = []dist.DiagNormal{q1}, []*Node{q1.Sample(src)}
	for t := 1; t < h.T(); t++ {
		q = append(q, h.Encode[t](z[t-1]))
		z = append(z, q[t].Sample(src))
	}
	return q, z
}

// LogJoint returns log p(x, z_{1:T}) = log p(z_T) + Σ_{t<T} log p(z_t|z_{t+1}, …) + log p(x|z₁, …), [batch], in nats
// (Luo 2022, equation 23). It panics when z does not hold T levels.
func (h HVAE) LogJoint(x *Node, z []*Node) *Node {
	h.check("LogJoint", false)
	h.checkLevels("LogJoint", z)
	top := z[h.T()-1]
	sum := Add(h.Observe(z).LogProb(x), dist.StandardNormal(top).LogProb(top))
	for t, p := range h.Decode {
		sum = Add(sum, p(z[t+1:]).LogProb(z[t]))
	}
	return sum
}

// LogPosterior returns log q(z_{1:T}|x) = log q(z₁|x) + Σ_{t≥2} log q(z_t|z_{t−1}), [batch], in nats
// (Luo 2022, equation 24). It panics when z does not hold T levels.
func (h HVAE) LogPosterior(x *Node, z []*Node) *Node {
	h.check("LogPosterior", true)
	h.checkLevels("LogPosterior", z)
	sum := h.Encode[0](x).LogProb(z[0])
	for t := 1; t < h.T(); t++ {
		sum = Add(sum, h.Encode[t](z[t-1]).LogProb(z[t]))
	}
	return sum
}

// Descend returns z₁ … z_T: the given highest levels, z_s … z_T in above, and draws of p for those below them.
// It panics when above holds no level, or more than T.
func (h HVAE) Descend(src noise.Source, above ...*Node) []*Node {
	h.check("Descend", false)
	if len(above) < 1 || len(above) > h.T() {
		panic(fmt.Errorf("hvae.HVAE.Descend: %d levels given, expected the highest 1 to %d of them, z_%d last", len(above), h.T(), h.T()))
	}
	z := append(make([]*Node, h.T()-len(above)), above...)
	for t := h.T() - len(above) - 1; t >= 0; t-- {
		z[t] = h.Decode[t](z[t+1:]).Sample(src)
	}
	return z
}

// Sample draws x by ancestral sampling: z_T ~ N(0, I), then z_t ~ p(z_t|z_{t+1}, …) down to x ~ p(x|z₁, …).
// like [n, k_T] gives the shape of z_T; the result is [n, data]. The encoders take no part.
func (h HVAE) Sample(src noise.Source, like *Node) *Node {
	return h.Observe(h.Descend(src, dist.StandardNormal(like).Sample(src))).Sample(src)
}

// check panics unless there are conditionals of T ≥ 1 levels: those of q too where encoder is true.
func (h HVAE) check(method string, encoder bool) {
	if h.Observe == nil {
		panic(fmt.Errorf("hvae.HVAE.%s: Observe is nil, expected p(x|z₁, …, z_T)", method))
	}
	if encoder && len(h.Encode) != h.T() {
		panic(fmt.Errorf("hvae.HVAE.%s: %d laws in Encode and %d in Decode, expected T ≥ 1 and T−1: q(z_t|z_{t−1}) for each level, p(z_t|z_{t+1}, …) for all but the top",
			method, len(h.Encode), len(h.Decode)))
	}
}

func (h HVAE) checkLevels(method string, z []*Node) {
	if len(z) != h.T() {
		panic(fmt.Errorf("hvae.HVAE.%s: %d levels of latents, expected z₁ … z_T with T = %d", method, len(z), h.T()))
	}
}
