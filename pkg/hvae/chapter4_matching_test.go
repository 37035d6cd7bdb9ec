package hvae_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// curved is CH with q(z₁|x) = N(.8x, .2) and the nonlinear q(z₂|z₁) = N(z₁², .3).
func curved() hvae.HVAE {
	return chain(linear(.8, .2), func(z1 *Node) dist.DiagNormal { return linear(1, .3)(Square(z1)) })
}

// posterior is q(z₁|z₂, x) of one z₂ at x = 1: its density by normalisation, and its moments.
type posterior struct {
	z2, logMass, mean, variance, skewness float64
	logDensity                            func(z1 *Node) *Node
}

// matching computes q(z₁|z₂, x) of h by quadrature over z₁.
func matching(t *testing.T, h hvae.HVAE, z2 float64) posterior {
	t.Helper()
	p := posterior{z2: z2}
	joint := func(z1 *Node) *Node {
		column := InsertAxes(z1, -1)
		return h.LogPosterior(OnesLike(column), []*Node{column, AddScalar(ZerosLike(column), z2)})
	}
	b, lo, hi := backendtest.Open(t), .8-12*math.Sqrt(.2), .8+12*math.Sqrt(.2)
	p.logMass = math.Log(check.Integral(b, func(z1 *Node) *Node { return Exp(joint(z1)) }, lo, hi))
	p.logDensity = func(z1 *Node) *Node { return AddScalar(joint(z1), -p.logMass) }
	moment := func(f func(z1 *Node) *Node) float64 {
		return check.Integral(b, func(z1 *Node) *Node { return Mul(Exp(p.logDensity(z1)), f(z1)) }, lo, hi)
	}
	p.mean = moment(func(z1 *Node) *Node { return z1 })
	p.variance = moment(func(z1 *Node) *Node { return Square(AddScalar(z1, -p.mean)) })
	p.skewness = moment(func(z1 *Node) *Node { return PowScalar(AddScalar(z1, -p.mean), 3) }) / math.Pow(p.variance, 1.5)
	return p
}

// kl returns KL(q(z₁|z₂, x) ‖ p(z₁|z₂)) by quadrature.
func (p posterior) kl(t *testing.T) float64 {
	t.Helper()
	return check.Integral(backendtest.Open(t), func(z1 *Node) *Node {
		column := InsertAxes(z1, -1)
		prior := ch.Middle(AddScalar(ZerosLike(column), p.z2)).LogProb(column)
		return Mul(Exp(p.logDensity(z1)), Sub(p.logDensity(z1), prior))
	}, .8-12*math.Sqrt(.2), .8+12*math.Sqrt(.2))
}

// klOfMoments is what the closed form gives for the normal law of the same mean and variance.
func (p posterior) klOfMoments() float64 {
	d := p.mean - 1.2*p.z2
	return .5 * (p.variance/.5 + d*d/.5 - 1 - math.Log(p.variance/.5))
}

func TestChapter4Matching(t *testing.T) {
	c := check.T(t)
	t.Run("E4.9 a linear encoder: q(z₁|z₂, x) is normal", func(t *testing.T) {
		p := matching(t, rough(), .3)
		precision := 1/.2 + .25/.3
		c.Near("E4.9 its mean and variance, by Bayes' rule", []float64{p.mean, p.variance}, []float64{(.8/.2 + .5*.3/.3) / precision, 1 / precision}, 1e-8)
		c.Near("E4.9 no skewness", p.skewness, 0, 1e-8)
		c.Near("E4.9 the KL has its closed form", p.kl(t), p.klOfMoments(), 1e-8)
	})
	t.Run("E4.9 a nonlinear one: it is not", func(t *testing.T) {
		for _, z2 := range []float64{-.5, .3, 2} {
			p := matching(t, curved(), z2)
			t.Logf("z₂ = %g: skewness %.3f, KL %.4f, of the normal law with its moments %.4f", z2, p.skewness, p.kl(t), p.klOfMoments())
			c.Less("E4.9 |skewness| of q(z₁|z₂, x)", .1, math.Abs(p.skewness))
			c.Less("E4.9 the closed form gives less than the KL", p.klOfMoments()+1e-3, p.kl(t))
		}
	})
	t.Run("E4.9 the terms that can be estimated are not these KLs", func(t *testing.T) {
		const n = 100_000
		terms := draws(t, n, 49, func(src noise.Source, x *Node) []*Node { return rough().Levels(src, x, 1).KL })
		// q(z₂|x) = N(.4, .35); q(z₁|z₂, x) has the mean (4 + z₂/.6)/precision, linear in z₂, and a fixed variance.
		precision := 1/.2 + .25/.3
		variance, slope := 1/precision, .5/.3/precision
		d2 := math.Pow(4/precision+(slope-1.2)*.4, 2) + math.Pow(slope-1.2, 2)*.35
		lower := .5 * (variance/.5 + d2/.5 - 1 - math.Log(variance/.5))
		upper := .5 * (.35 + .16 - 1 - math.Log(.35))
		both := make([]float64, n)
		for i := range both {
			both[i] = terms[0][i] + terms[1][i]
		}
		c.MC("E4.9 both splits have one sum", both, lower+upper, .01)
		c.Less("E4.9 the top term is more than KL(q(z₂|x) ‖ p(z₂))", upper+5*check.SE(terms[1]), check.Mean(terms[1]))
		c.Less("E4.9 and the lower less than E KL(q(z₁|z₂, x) ‖ p(z₁|z₂))", check.Mean(terms[0]), lower-5*check.SE(terms[0]))
	})
	t.Run("E4.9 below the top a term can be negative", func(t *testing.T) {
		h := chain(linear(.8, 2), linear(1/1.2, .01)) // q(z₂|z₁) copies z₁
		terms := draws(t, 100_000, 50, func(src noise.Source, x *Node) []*Node { return h.Levels(src, x, 1).KL })
		want := -distuv.Normal{Sigma: math.Sqrt2}.Entropy() + .5*math.Log(2*math.Pi*.5) + 1.44*.01/(2*.5)
		c.MC("E4.9 E_q[log q(z₁|x) − log p(z₁|z₂)]", terms[0], want, .01)
		c.Less("E4.9 is no KL", want, -1)
	})
}
