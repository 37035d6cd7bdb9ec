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
//	Recon    log p(x_0|x_1)
//	Prior    log p(x_T) − log q(x_T|x_{T−1})
//	Between  log p_θ(x_t|x_{t+1}) − log q(x_t|x_{t−1}), a row for each t = 1 … T−1: consistency
//
// Each consistency term needs the two neighbours of x_t. See ConsistencyKL for what it is not.
func (m VDM) Form1(x []*Node) Ratios {
	m = m.checkPath("Form1", x)
	encoder := m.logEncoder(x)
	r := Ratios{Recon: m.logRecon(x), Prior: Sub(m.logPrior(x), Squeeze(Slice(encoder, AxisElem(-1)), 0))}
	if m.T() > 1 {
		r.Between = Sub(m.logReverse(x), Slice(encoder, AxisRange(0, m.T()-1)))
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
	return m.terms(x, m.MatchingKL)
}

// Form3 is Form2 with each divergence as an error of x̂₀, weighted by the SNR that the step loses (Luo 2022, equation 111):
//
//	Matching  Σ_{t=2}^T ½(SNR(t−1) − SNR(t)) ‖x̂₀(x_t, t) − x_0‖²: see MatchingSNR
//
// That is form 2 for the posterior's variance, so it panics when Std is set.
func (m VDM) Form3(x []*Node) elbo.Terms {
	m = m.checkPath("Form3", x)
	if m.Std != nil {
		panic(errors.New("vdm.Form3: Std is set, expected nil: form 3 holds for the posterior's variance alone; take Form2"))
	}
	return m.terms(x, m.MatchingSNR)
}

// terms adds up matching [T−1, batch].
func (m VDM) terms(x []*Node, matching func(x []*Node) *Node) elbo.Terms {
	terms := elbo.Terms{Recon: m.logRecon(x), Prior: m.priorKL(x[0])}
	if m.T() > 1 {
		terms.Matching = ReduceSum(matching(x), 0)
	}
	return terms
}

// LogJoint returns log p(x_{0:T}) = log p(x_T) + Σ_{t=2}^T log p_θ(x_{t−1}|x_t) + log p(x_0|x_1) (Luo 2022, equation 32).
func (m VDM) LogJoint(x []*Node) *Node {
	m = m.checkPath("LogJoint", x)
	sum := Add(m.logPrior(x), m.logRecon(x))
	if m.T() > 1 {
		sum = Add(sum, ReduceSum(m.logReverse(x), 0))
	}
	return sum
}

// LogEncoder returns log q(x_{1:T}|x_0) = Σ_{t=1}^T log q(x_t|x_{t−1}) (Luo 2022, equation 30).
func (m VDM) LogEncoder(x []*Node) *Node {
	m = m.checkPath("LogEncoder", x)
	return ReduceSum(m.logEncoder(x), 0)
}

// Ratios are the log-ratios that a form splits log p(x_{0:T})/q(x_{1:T}|x_0) into, in nats, to be raised.
type Ratios struct {
	Recon, Prior *Node // [batch]
	Between      *Node // [T−1, batch]; nil for T = 1
}

// Sum returns the log-ratio of the whole path, [batch], in nats: Form0.
func (r Ratios) Sum() *Node {
	sum := Add(r.Recon, r.Prior)
	if r.Between == nil {
		return sum
	}
	return Add(sum, ReduceSum(r.Between, 0))
}

// Denoising returns the log-ratios of form 2 before their expectations are taken (Luo 2022, equations 47–53):
//
//	Recon    log p(x_0|x_1)
//	Prior    log p(x_T) − log q(x_T|x_0)
//	Between  log p_θ(x_{t−1}|x_t) − log q(x_{t−1}|x_t,x_0), a row for each t = 2 … T
//
// By Bayes' rule for each step the product of the ratios telescopes to the path's own.
func (m VDM) Denoising(x []*Node) Ratios {
	m = m.checkPath("Denoising", x)
	T := m.T()
	r := Ratios{Recon: m.logRecon(x), Prior: Sub(m.logPrior(x), m.marginal(x[0], T).LogProb(x[T]))}
	if T > 1 {
		r.Between = Sub(m.logReverse(x), m.rows(m.posteriors(x).LogProb(stack(x, 1, T-1))))
	}
	return r
}

// PriorKL1 returns KL(q(x_T|x_{T−1}) ‖ p(x_T)), the prior term of form 1, to be lowered (Luo 2022, equation 45). It exceeds
// form 2's by the information I(x_T; x_{T−1}|x_0) = ½ log[(1−ᾱ_T)/(1−α_T)] a dimension, in expectation, and does not
// vanish as T grows. For T = 1 it is form 2's.
func (m VDM) PriorKL1(x []*Node) *Node {
	m = m.checkPath("PriorKL1", x)
	batch, encoders := x[0].Shape().Dimensions[0], m.encoders(x)
	last := AxisRange((m.T() - 1) * batch)
	return dist.KL(dist.DiagNormal{Mean: Slice(encoders.Mean, last), LogStd: Slice(encoders.LogStd, last)}, m.prior(x[0]))
}

// ConsistencyKL returns KL(q(x_t|x_{t−1}) ‖ p_θ(x_t|x_{t+1})) at the path's neighbours of x_t, a row for each
// t = 1 … T−1, and needs T ≥ 2. It is often written for the consistency terms of form 1 (Luo 2022, equation 45), and its
// expectation is not theirs: given both neighbours, x_t does not follow q(x_t|x_{t−1}). Where p_θ(x_t|x_{t+1}) =
// N(A x_{t+1} + B, S) the two differ by A √α_{t+1} (1−α_t)/S a dimension.
func (m VDM) ConsistencyKL(x []*Node) *Node {
	m = m.checkBetween("ConsistencyKL", x)
	batch, encoders := x[0].Shape().Dimensions[0], m.encoders(x)
	inner := AxisRange(0, (m.T()-1)*batch)
	return m.rows(dist.KL(dist.DiagNormal{Mean: Slice(encoders.Mean, inner), LogStd: Slice(encoders.LogStd, inner)}, m.reverses(x)))
}

// MatchingKL returns KL(q(x_{t−1}|x_t,x_0) ‖ p_θ(x_{t−1}|x_t)), a row for each t = 2 … T: the terms of form 2's Matching.
// It needs T ≥ 2.
func (m VDM) MatchingKL(x []*Node) *Node {
	m = m.checkBetween("MatchingKL", x)
	return m.rows(dist.KL(m.posteriors(x), m.reverses(x)))
}

// MatchingSNR returns ½(SNR(t−1) − SNR(t)) ‖x̂₀(x_t, t) − x_0‖², a row for each t = 2 … T: the terms of form 3's Matching.
// It needs T ≥ 2.
func (m VDM) MatchingSNR(x []*Node) *Node {
	m = m.checkBetween("MatchingSNR", x)
	s, t := m.times(x[0], 1, m.T()-1), m.times(x[0], 2, m.T())
	miss := Sub(m.Denoise(stack(x, 2, m.T()), t), m.data(x))
	return m.rows(mathx.SumEvent(Mul(MulScalar(m.Process.SNRDrop(s, t), 0.5), Square(miss))))
}

// logRecon returns log p(x_0|x_1), [batch].
func (m VDM) logRecon(x []*Node) *Node { return m.Decode(x[1]).LogProb(x[0]) }

// logPrior returns log p(x_T), [batch].
func (m VDM) logPrior(x []*Node) *Node { return m.prior(x[m.T()]).LogProb(x[m.T()]) }

// logReverse returns log p_θ(x_{t−1}|x_t) for t = 2 … T, [T−1, batch].
func (m VDM) logReverse(x []*Node) *Node { return m.rows(m.reverses(x).LogProb(stack(x, 1, m.T()-1))) }

// logEncoder returns log q(x_t|x_{t−1}) for t = 1 … T, [T, batch].
func (m VDM) logEncoder(x []*Node) *Node {
	return Reshape(m.encoders(x).LogProb(stack(x, 1, m.T())), m.T(), -1)
}

// priorKL returns KL(q(x_T|x_0) ‖ p(x_T)), [batch].
func (m VDM) priorKL(x0 *Node) *Node { return dist.KL(m.marginal(x0, m.T()), m.prior(x0)) }

// rows returns stacked values as [T−1, batch].
func (m VDM) rows(stacked *Node) *Node { return Reshape(stacked, m.T()-1, -1) }

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

// checkBetween is checkPath for what needs two latents.
func (m VDM) checkBetween(method string, x []*Node) VDM {
	if len(m.Times) == 1 {
		panic(fmt.Errorf("vdm.%s: one latent, expected T ≥ 2: with T = 1 there is no step between latents", method))
	}
	return m.checkPath(method, x)
}
