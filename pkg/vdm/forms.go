package vdm

import (
	"errors"
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// The forms of the bound. Each takes one path x = x_0, …, x_T of Path, and its expectation over the paths is the bound on
// log p(x_0). All results are [batch], in nats. They panic unless x has T+1 values of one shape.

// Form0 returns the log-ratio log p(x_{0:T}) − log q(x_{1:T}|x_0) (Luo 2022, equations 34–38).
func (m VDM) Form0(x []*Node) *Node {
	return Sub(m.LogJoint(x), m.LogEncoder(x))
}

// Form1 returns the log-ratios of form 1, whose expectation over x is the bound (Luo 2022, equations 39–44):
//
//	Recon       log p(x_0|x_1)
//	Prior       log p(x_T) − log q(x_T|x_{T−1})
//	Between[t]  log p(x_t|x_{t+1}) − log q(x_t|x_{t−1}), t = 1 … T−1: consistency
//
// Each consistency term needs the two neighbours of x_t. See ConsistencyKL for what it is not.
func (m VDM) Form1(x []*Node) Ratios {
	m = m.checkPath("Form1", x)
	T := m.T()
	r := Ratios{Recon: m.logRecon(x), Prior: Sub(m.prior(x[T]).LogProb(x[T]), m.logEncoder(x, T))}
	for t := 1; t < T; t++ {
		r.Between = append(r.Between, Sub(m.reverse(x[t+1], t+1).LogProb(x[t]), m.logEncoder(x, t)))
	}
	return r
}

// Form2 returns the terms of form 2, with every divergence in closed form at the path's x_t (Luo 2022, equations 47–58):
//
//	Recon     log p(x_0|x_1)
//	Prior     KL(q(x_T|x_0) ‖ p(x_T))
//	Matching  Σ_{t=2}^T KL(q(x_{t−1}|x_t,x_0) ‖ p_θ(x_{t−1}|x_t)): see MatchingKL
//
// For T = 1 it is the VAE's bound with the encoder q(x_1|x_0), and Matching is nil.
func (m VDM) Form2(x []*Node) elbo.Terms {
	m = m.checkPath("Form2", x)
	return m.terms(x, m.matchingKL)
}

// Form3 is Form2 with each divergence as an error of x̂₀, weighted by the SNR that the step loses (Luo 2022, equation 111):
//
//	Matching  Σ_{t=2}^T ½(SNR(t−1) − SNR(t)) ‖x̂₀(x_t, t) − x_0‖²
//
// That is form 2 for the posterior's variance, so it panics when Std is set.
func (m VDM) Form3(x []*Node) elbo.Terms {
	m = m.checkPath("Form3", x)
	if m.Std != nil {
		panic(errors.New("vdm.Form3: Std is set, expected nil: form 3 holds for the posterior's variance alone; take Form2"))
	}
	return m.terms(x, m.matchingSNR)
}

// LogJoint returns log p(x_{0:T}) = log p(x_T) + Σ_{t=2}^T log p_θ(x_{t−1}|x_t) + log p(x_0|x_1) (Luo 2022, equation 32).
func (m VDM) LogJoint(x []*Node) *Node {
	m = m.checkPath("LogJoint", x)
	sum := Add(m.prior(x[m.T()]).LogProb(x[m.T()]), m.logRecon(x))
	for t := 2; t <= m.T(); t++ {
		sum = Add(sum, m.reverse(x[t], t).LogProb(x[t-1]))
	}
	return sum
}

// LogEncoder returns log q(x_{1:T}|x_0) = Σ_{t=1}^T log q(x_t|x_{t−1}) (Luo 2022, equation 30).
func (m VDM) LogEncoder(x []*Node) *Node {
	m = m.checkPath("LogEncoder", x)
	sum := m.logEncoder(x, 1)
	for t := 2; t <= m.T(); t++ {
		sum = Add(sum, m.logEncoder(x, t))
	}
	return sum
}

// Ratios are the log-ratios that a form splits log p(x_{0:T})/q(x_{1:T}|x_0) into, each [batch], in nats, to be raised.
type Ratios struct {
	Recon, Prior *Node
	Between      []*Node // one for each of T−1 latents
}

// Sum returns the log-ratio of the whole path, [batch], in nats: Form0.
func (r Ratios) Sum() *Node {
	sum := Add(r.Recon, r.Prior)
	for _, term := range r.Between {
		sum = Add(sum, term)
	}
	return sum
}

// Denoising returns the log-ratios of form 2 before their expectations are taken (Luo 2022, equations 47–53):
//
//	Recon       log p(x_0|x_1)
//	Prior       log p(x_T) − log q(x_T|x_0)
//	Between[t]  log p_θ(x_{t−1}|x_t) − log q(x_{t−1}|x_t,x_0), t = 2 … T
//
// By Bayes' rule for each step the product of the ratios telescopes to the path's own.
func (m VDM) Denoising(x []*Node) Ratios {
	m = m.checkPath("Denoising", x)
	last := x[m.T()]
	r := Ratios{Recon: m.logRecon(x), Prior: Sub(m.prior(last).LogProb(last), m.marginal(x[0], m.T()).LogProb(last))}
	for t := 2; t <= m.T(); t++ {
		r.Between = append(r.Between, Sub(m.reverse(x[t], t).LogProb(x[t-1]), m.posterior(x, t).LogProb(x[t-1])))
	}
	return r
}

// PriorKL1 returns KL(q(x_T|x_{T−1}) ‖ p(x_T)), the prior term of form 1, to be lowered (Luo 2022, equation 45). It exceeds
// form 2's by the information I(x_T; x_{T−1}|x_0) = ½ log[(1−ᾱ_T)/(1−α_T)] a dimension, in expectation, and does not
// vanish as T grows.
func (m VDM) PriorKL1(x []*Node) *Node {
	m = m.checkPath("PriorKL1", x)
	return dist.KL(m.encoder(x[m.T()-1], m.T()), m.prior(x[m.T()]))
}

// ConsistencyKL returns KL(q(x_t|x_{t−1}) ‖ p_θ(x_t|x_{t+1})) at the path's neighbours of x_t, for each t = 1 … T−1. It is
// often written for the consistency terms of form 1 (Luo 2022, equation 45), and its expectation is not theirs: given both
// neighbours, x_t does not follow q(x_t|x_{t−1}). Where p_θ(x_t|x_{t+1}) = N(A x_{t+1} + B, S) the two differ by
// A √α_{t+1} (1−α_t)/S a dimension.
func (m VDM) ConsistencyKL(x []*Node) (terms []*Node) {
	m = m.checkPath("ConsistencyKL", x)
	for t := 1; t < m.T(); t++ {
		terms = append(terms, dist.KL(m.encoder(x[t-1], t), m.reverse(x[t+1], t+1)))
	}
	return terms
}

// MatchingKL returns KL(q(x_{t−1}|x_t,x_0) ‖ p_θ(x_{t−1}|x_t)) for each t = 2 … T, the terms of form 2's Matching.
func (m VDM) MatchingKL(x []*Node) (terms []*Node) {
	m = m.checkPath("MatchingKL", x)
	for t := 2; t <= m.T(); t++ {
		terms = append(terms, m.matchingKL(x, t))
	}
	return terms
}

func (m VDM) matchingKL(x []*Node, t int) *Node {
	return dist.KL(m.posterior(x, t), m.reverse(x[t], t))
}

// matchingSNR returns ½(SNR(t−1) − SNR(t)) ‖x̂₀(x_t, t) − x_0‖².
func (m VDM) matchingSNR(x []*Node, t int) *Node {
	weight := MulScalar(m.Process.SNRDrop(m.time(x[0], t-1), m.time(x[0], t)), 0.5)
	return mathx.SumEvent(Mul(weight, Square(Sub(m.Denoise(x[t], m.time(x[0], t)), x[0]))))
}

func (m VDM) terms(x []*Node, matching func(x []*Node, t int) *Node) elbo.Terms {
	terms := elbo.Terms{Recon: m.logRecon(x), Prior: m.priorKL(x[0])}
	for t := 2; t <= m.T(); t++ {
		if terms.Matching == nil {
			terms.Matching = matching(x, t)
			continue
		}
		terms.Matching = Add(terms.Matching, matching(x, t))
	}
	return terms
}

// logRecon returns log p(x_0|x_1).
func (m VDM) logRecon(x []*Node) *Node { return m.Decode(x[1]).LogProb(x[0]) }

// logEncoder returns log q(x_t|x_{t−1}).
func (m VDM) logEncoder(x []*Node, t int) *Node { return m.encoder(x[t-1], t).LogProb(x[t]) }

// priorKL returns KL(q(x_T|x_0) ‖ p(x_T)).
func (m VDM) priorKL(x0 *Node) *Node { return dist.KL(m.marginal(x0, m.T()), m.prior(x0)) }

// checkPath is checked after the path has the model's length and one shape.
func (m VDM) checkPath(method string, x []*Node) VDM {
	if len(x) != len(m.Times)+1 {
		panic(fmt.Errorf("vdm.%s: a path of %d values for %d latents, expected x_0 … x_T as Path draws them", method, len(x), len(m.Times)))
	}
	for t := range x {
		if !x[t].Shape().Equal(x[0].Shape()) {
			panic(fmt.Errorf("vdm.%s: x_%d has shape %s and x_0 %s, expected one shape", method, t, x[t].Shape(), x[0].Shape()))
		}
	}
	return m.checked(method, x[0])
}
