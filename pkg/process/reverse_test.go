package process_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// For x₀ ~ N(m, v), x_s and x_t are jointly normal, and x_s given x_t has the mean and variance of the textbook.
func TestReverseOfGaussianData(t *testing.T) {
	const m, v, xt = .7, .6, -.4
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			s, u := pairs(c.p)
			var x0, varX0, mean, variance []float64
			for i := range s {
				early, late := c.alpha2(s[i])*v+c.sigma2(s[i]), c.alpha2(u[i])*v+c.sigma2(u[i]) // Var x_s and Var x_t
				alphaS, alphaT := math.Sqrt(c.alpha2(s[i])), math.Sqrt(c.alpha2(u[i]))
				cov := alphaT / alphaS * early
				away := xt - alphaT*m
				x0, varX0 = append(x0, m+alphaT*v/late*away), append(varX0, v-alphaT*v/late*alphaT*v)
				mean, variance = append(mean, alphaS*m+cov/late*away), append(variance, early-cov*cov/late)
			}
			out := backendtest.Call(t, func(x0, varX0, s, u *Node) (*Node, *Node) {
				law := c.p.Reverse(AddScalar(ZerosLike(x0), xt), x0, varX0, s, u)
				return law.Mean, law.Variance()
			}, column(x0), column(varX0), column(s), column(u))
			check.T(t).Near("E[x_s|x_t]", out[0], column(mean), a64)
			check.T(t).Near("Var(x_s|x_t)", out[1], column(variance), a64)
		})
	}
}

// DDIM keeps the marginals for every η, has η² of the posterior's variance, and is the posterior at η = 1.
func TestDDIM(t *testing.T) {
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			s, u := pairs(c.p)
			etas := []float64{0, .3, .8, 1}
			forms := []func(y, s, u *Node) dist.DiagNormal{
				func(x0, s, _ *Node) dist.DiagNormal { return c.p.Marginal(x0, s) },
				func(x0, _, u *Node) dist.DiagNormal { return c.p.Marginal(x0, u) },
				func(xt, s, u *Node) dist.DiagNormal { return c.p.Posterior(xt, OnesLike(xt), s, u) }} // x₀ = 1
			for _, eta := range etas {
				forms = append(forms, func(xt, s, u *Node) dist.DiagNormal { return c.p.DDIM(xt, OnesLike(xt), s, u, eta) })
			}
			laws := readAll(t, s, u, forms...)
			early, late, posterior := laws[0], laws[1], laws[2]
			for k, ddim := range laws[3:] {
				eta := etas[k]
				for i := range s {
					check.T(t).Near("mean through x_t", ddim.slope[i]*late.slope[i]+ddim.at0[i], early.slope[i], a64)
					through := ddim.slope[i] * ddim.slope[i] * late.variance[i]
					check.T(t).Near("variance through x_t", through+ddim.variance[i], early.variance[i], a64)
					check.T(t).Near("variance", ddim.variance[i], eta*eta*posterior.variance[i], a64)
					if eta == 1 {
						check.T(t).Near("slope of the posterior", ddim.slope[i], posterior.slope[i], a64)
						check.T(t).Near("posterior's mean at x_t = 0", ddim.at0[i], posterior.at0[i], a64)
					}
				}
			}
		})
	}
}

// With η = 0 the same noise carries x₀ to x_t and to x_s.
func TestDDIMKeepsTheNoise(t *testing.T) {
	x0, eps := [][]float64{{.4, -1}, {1.8, 0}, {0, .7}}, [][]float64{{-1, .2}, {.5, 3}, {.1, -.4}}
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			s, u := pairs(c.p)
			out := backendtest.Call(t, func(in []*Node) []*Node {
				x0, eps, s, u := in[0], in[1], in[2], in[3]
				law := c.p.DDIM(c.p.Diffuse(x0, eps, u), x0, s, u, 0)
				return []*Node{law.Mean, c.p.Diffuse(x0, eps, s), law.Std()}
			}, x0, eps, column(s), column(u))
			check.T(t).Near("x_s", out[0], out[1], a64)
			check.T(t).Near("no noise", out[2], 0, 0)
		})
	}
}

// −dSNR/dt and −dλ/dt against finite differences.
func TestRates(t *testing.T) {
	for _, c := range continuous() {
		t.Run(c.name, func(t *testing.T) {
			ts := times(c.p, 13)
			got := evalAll(t, ts, c.p.SNRRate, c.p.LogSNRRate, c.p.SNR)
			slope := check.Derivatives(backendtest.Open(t), c.p.LogSNR, ts)
			rate := make([]float64, len(ts))
			for i := range slope {
				slope[i] = -slope[i]
				rate[i] = got[0][i] / got[2][i] // the SNR spans many powers of ten
			}
			check.T(t).Near("−dλ/dt", got[1], slope, 1e-6)
			check.T(t).Near("−dSNR/dt over SNR", rate, slope, 1e-6)
		})
	}
}

// nearby has α² = e⁻ᵗ and σ² = eᵗ, and so λ = −2t, which keeps all its digits near t = 0.
type nearby struct{}

func (nearby) LogAlpha(t *Node) *Node { return MulScalar(t, -.5) }
func (nearby) LogSigma(t *Node) *Node { return MulScalar(t, .5) }

// Nothing cancels between two times that are close.
func TestCloseTimes(t *testing.T) {
	p := process.Process{Schedule: nearby{}, TMax: 1}
	s, u := []float64{1e-13, 1e-9, 1e-5, .1}, []float64{3e-13, 2e-9, 7e-5, .6}
	laws := readAll(t, s, u, p.Transition, func(xt, s, u *Node) dist.DiagNormal { return p.Posterior(xt, OnesLike(xt), s, u) })
	drop := backendtest.Floats(t, p.SNRDrop, column(s), column(u))
	for i := range s {
		c := -math.Expm1(-2 * (u[i] - s[i]))
		got := []float64{drop[i], laws[0].variance[i], laws[1].variance[i], laws[1].at0[i]}
		want := []float64{c * math.Exp(-2*s[i]), c * math.Exp(u[i]), c * math.Exp(s[i]), c * math.Exp(-s[i]/2)}
		check.T(t).Near("SNR drop, both variances and the posterior's share of x₀, over Go's expm1", ratio(got, want), 1, 1e-12)
	}
}
