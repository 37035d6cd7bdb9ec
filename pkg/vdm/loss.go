package vdm

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Head is a network and what it predicts. Net gets x_t and t and returns a prediction of x_t's shape.
type Head struct {
	Kind param.Kind
	Net  func(xt, t *Node) *Node
}

// Denoiser returns the x̂₀ of the head's predictions.
func (h Head) Denoiser(p process.Process) param.Denoiser { return param.Bind(p, h.Kind, h.Net) }

// Objective says how the matching term is estimated from one random time for each example. Its zero value with a Head is the
// bound of the model's T latents at uniform times.
type Objective struct {
	Head
	Continuous bool      // infinitely many times between the model's first and last, in place of T
	Weight     Weighting // nil is Bound
	Times      TimeLaw   // nil is Uniform
}

// Estimate returns the terms of the bound for one draw of x_1 and one random time t for each example, each [batch]:
//
//	Recon     log p(x_0|x_1), x_1 ~ q(x_1|x_0)
//	Prior     KL(q(x_T|x_0) ‖ p(x_T))
//	Matching  see Matching
//
// With Weight = Bound their expectation is form 2's, so Bound() is an unbiased estimate of the bound on log p(x_0), in nats
// (Kingma et al. 2021, section 4). The matching term is that of p_θ with the posterior's variance.
func (m VDM) Estimate(src noise.Source, x0 *Node, o Objective) elbo.Terms {
	m.check("Estimate", x0)
	return elbo.Terms{
		Recon:    m.Decode(m.marginal(x0, 1).Sample(src)).LogProb(x0),
		Prior:    m.priorKL(x0),
		Matching: m.Matching(src, x0, o),
	}
}

// Loss returns −Estimate(…).Bound(), [batch]: what training minimises.
func (m VDM) Loss(src noise.Source, x0 *Node, o Objective) *Node {
	return Neg(m.Estimate(src, x0, o).Bound())
}

// Matching estimates the bound's matching term, [batch], from one time t and one noise ε for each example:
//
//	w(t)/r(t) · ‖value − target‖², x_t = α_t x_0 + σ_t ε
//
// value is the head's prediction at (x_t, t), target what it regresses on, w the weight and r the density of t. With
// Weight = Bound the expectation is, for T latents, the sum over t = 2 … T of form 3, and with Continuous its limit
//
//	½ ∫ (−SNR'(t)) E‖x̂₀ − x_0‖² dt = ½ ∫ (−λ'(t)) E‖ε̂ − ε‖² dt
//
// (Luo 2022, equations 100 and 111; Kingma et al. 2021, equations 13 and 17–18). It is zero for T = 1.
// It panics when the head's prediction does not have x_0's shape.
func (m VDM) Matching(src noise.Source, x0 *Node, o Objective) *Node {
	m.check("Matching", x0)
	if m.T() == 1 {
		return ZerosLike(mathx.SumEvent(x0))
	}
	if o.Net == nil {
		panic(errors.New("vdm.Matching: the objective has no Head, expected a network and what it predicts"))
	}
	s, t, scale := m.drawTimes(src, x0, o)
	weight := o.Weight
	if weight == nil {
		weight = Bound
	}
	scale = Mul(scale, weight(m.Process, o.Kind, s, t))
	return Mul(Reshape(scale, -1), m.squaredError(src, x0, t, o.Head))
}

// squaredError returns ‖value − target‖² of the head at x_t = α_t x_0 + σ_t ε, [batch].
func (m VDM) squaredError(src noise.Source, x0, t *Node, h Head) *Node {
	eps := src.RandomNormal(x0.Graph(), x0.Shape())
	value := h.Net(m.Process.Diffuse(x0, eps, t), t)
	if !value.Shape().Equal(x0.Shape()) {
		panic(fmt.Errorf("vdm.Matching: the head made shape %s from x_t of shape %s, expected one shape: give its network as "+
			"many outputs as the data has", value.Shape(), x0.Shape()))
	}
	target := param.Target(h.Kind, x0, eps, m.Process.Alpha(t), m.Process.Sigma(t))
	return mathx.SumEvent(Square(Sub(value, target)))
}

// drawTimes returns a time t for each example, the time s of the latent before it (nil with Continuous), and the factor
// that makes the expectation at t a sum over the latents 2 … T, or an integral: all [batch, 1, …].
func (m VDM) drawTimes(src noise.Source, x0 *Node, o Objective) (s, t, scale *Node) {
	law := o.Times
	if law == nil {
		law = Uniform
	}
	dims := ones(x0)
	dims[0] = x0.Shape().Dimensions[0]
	u, inverse := law(src, x0.Graph(), x0.DType(), dims...)
	u = StopGradient(u) // no weight moves it; without this GoMLX asks a law's Floor for a gradient, behind a fused layer
	first, last := m.Times[0], m.Times[m.T()-1]
	if o.Continuous {
		return nil, AddScalar(MulScalar(u, last-first), first), MulScalar(inverse, last-first)
	}
	steps := float64(m.T() - 1)
	index := MinScalar(Floor(MulScalar(u, steps)), steps-1) // of s among the latents, from 0
	return m.at(index), m.at(AddScalar(index, 1)), MulScalar(inverse, steps)
}

// at returns Times at each index, counted from 0, of index's shape.
func (m VDM) at(index *Node) *Node {
	table := ConstAsDType(index.Graph(), index.DType(), m.Times)
	return Gather(table, ExpandAxes(ConvertDType(index, dtypes.Int32), -1))
}

// Weighting returns the factor w of ‖value − target‖² for a head of the given kind, of t's shape; s < t is the time of the
// latent before t, and nil in continuous time.
type Weighting func(p process.Process, k param.Kind, s, t *Node) *Node

// Bound is the weight of the bound: half the SNR that is lost from s to t, or at t per unit of time, in the head's unit
//
//	½(SNR(s) − SNR(t))·Slope², or −½ SNR'(t)·Slope²
//
// (Luo 2022, equation 111; Kingma et al. 2021, equations 14 and 17).
func Bound(p process.Process, k param.Kind, s, t *Node) *Node {
	var drop *Node
	if s == nil {
		drop = p.SNRRate(t)
	} else {
		drop = p.SNRDrop(s, t)
	}
	return MulScalar(Mul(drop, Square(param.Slope(k, p.Alpha(t), p.Sigma(t)))), 0.5)
}

// Simple is the weight 1: the plain squared error in the head's own unit, DDPM's L_simple for Eps
// (Ho et al. 2020, equation 14). What it estimates is no bound.
func Simple(_ process.Process, _ param.Kind, _, t *Node) *Node { return OnesLike(t) }
