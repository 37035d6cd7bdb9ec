package elbo_test

import (
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// evidence is log p(2) of LG.
const evidence = -1.8270838991417502

// lg returns the fixture LG and its observation.
func lg(g *Graph) (oracle.LinearGaussian, *Node) {
	return oracle.NewLinearGaussian(g, 1.5, .5, .25), Const(g, [][]float64{{2}})
}

// gauss returns N(mean, variance) for nodes of shape [n, 1].
func gauss(mean, variance *Node) dist.DiagNormal {
	return dist.DiagNormal{Mean: mean, LogStd: MulScalar(Log(variance), .5)}
}

// ofLG evaluates fn for q = N(mean, variance), one row for each pair.
func ofLG(t *testing.T, fn func(m oracle.LinearGaussian, q dist.DiagNormal, x *Node) *Node, mean, variance [][]float64) []float64 {
	t.Helper()
	return backendtest.Floats(t, func(mean, variance *Node) *Node {
		m, x := lg(mean.Graph())
		return fn(m, gauss(mean, variance), Add(x, ZerosLike(mean)))
	}, mean, variance)
}

// average returns ∫ q(z) f(z) dz by quadrature for q = N(.5, .3).
func average(t *testing.T, f func(m oracle.LinearGaussian, q dist.DiagNormal, x, z *Node) *Node) float64 {
	t.Helper()
	return check.Integral(backendtest.Open(t), func(z *Node) *Node {
		m, x := lg(z.Graph())
		q := oracle.ScalarNormal(z.Graph(), .5, .3)
		z = InsertAxes(z, -1)
		return Mul(Exp(q.LogProb(z)), f(m, q, Add(x, ZerosLike(z)), z))
	}, .5-12*math.Sqrt(.3), .5+12*math.Sqrt(.3))
}

var half, third = [][]float64{{.5}}, [][]float64{{.3}} // q = N(.5, .3)

func boundLG(m oracle.LinearGaussian, q dist.DiagNormal, x *Node) *Node { return m.Bound(q, x) }
func priorLG(m oracle.LinearGaussian, q dist.DiagNormal, _ *Node) *Node { return dist.KL(q, m.Prior()) }
func reconLG(m oracle.LinearGaussian, q dist.DiagNormal, x *Node) *Node { return m.Recon(q, x) }
func posteriorLG(m oracle.LinearGaussian, q dist.DiagNormal, x *Node) *Node {
	return dist.KL(q, m.Posterior(x))
}

func TestChapter3Bound(t *testing.T) {
	c := check.T(t)
	t.Run("E3.8 log P(x) = L_b + KL(q(z|x) ‖ P(z|x))", func(t *testing.T) {
		line := map[string]float64{
			"∫ q log p(x) dz": average(t, func(m oracle.LinearGaussian, _ dist.DiagNormal, x, _ *Node) *Node { return m.Marginal().LogProb(x) }),
			"∫ q log [p(x,z)/p(z|x)] dz": average(t, func(m oracle.LinearGaussian, _ dist.DiagNormal, x, z *Node) *Node {
				return Sub(m.LogJoint(x, z), m.Posterior(x).LogProb(z))
			}),
			"L_b + KL": average(t, func(m oracle.LinearGaussian, q dist.DiagNormal, x, z *Node) *Node {
				return Sub(m.LogJoint(x, z), q.LogProb(z))
			}) + average(t, func(m oracle.LinearGaussian, q dist.DiagNormal, x, z *Node) *Node {
				return Sub(q.LogProb(z), m.Posterior(x).LogProb(z))
			}),
		}
		for name, got := range line {
			c.Near("E3.8 "+name, got, evidence, 1e-8)
		}
	})
	t.Run("E3.8 L_b ≤ log P(x) for 1000 q", func(t *testing.T) {
		rng, mean, variance := rand.New(rand.NewPCG(38, 1)), [][]float64{}, [][]float64{}
		for range 1000 {
			mean, variance = append(mean, []float64{2 * rng.NormFloat64()}), append(variance, []float64{math.Exp(2 * rng.NormFloat64())})
		}
		bound, gap := ofLG(t, boundLG, mean, variance), ofLG(t, posteriorLG, mean, variance)
		sums := make([]float64, len(bound))
		for i := range sums {
			sums[i] = bound[i] + gap[i]
			if !(gap[i] >= 0) {
				t.Errorf("q = N(%g, %g): the gap %g is negative", mean[i][0], variance[i][0], gap[i])
			}
		}
		c.Near("E3.8 L_b + KL", sums, evidence, 1e-9)
	})
	t.Run("E3.9 L_b = −KL(q ‖ P(z)) + ∫ q log P(x|z) dz (X30)", func(t *testing.T) {
		recon := average(t, func(m oracle.LinearGaussian, _ dist.DiagNormal, x, z *Node) *Node { return m.Given(z).LogProb(x) })
		kl := average(t, func(m oracle.LinearGaussian, q dist.DiagNormal, _, z *Node) *Node {
			return Sub(q.LogProb(z), m.Prior().LogProb(z))
		})
		c.Near("E3.9 reconstruction", recon, -2.700791352644727, 1e-8)
		c.Near("E3.9 KL to the prior", kl, .3769864021629681, 1e-8)
		c.Near("E3.9 their difference is L_b", recon-kl, ofLG(t, boundLG, half, third)[0], 1e-8)
		c.Near("E3.9 L_b", ofLG(t, boundLG, half, third), -3.0777777548076948, 1e-12)
	})
	t.Run("E3.32 two KLs, only one of them in the loss", func(t *testing.T) {
		c.Near("E3.32 KL to the prior", ofLG(t, priorLG, half, third), .3769864021629681, 1e-12)
		c.Near("E3.32 KL to the posterior", ofLG(t, posteriorLG, half, third), 1.250693855665945, 1e-12)
		c.Near("E3.32 the loss has the first", ofLG(t, boundLG, half, third)[0], ofLG(t, reconLG, half, third)[0]-.3769864021629681, 1e-12)
		c.Differ("E3.32 with the second it is another number", ofLG(t, reconLG, half, third)[0]-1.250693855665945, ofLG(t, boundLG, half, third)[0], .8)
	})
}

func TestChapter3Reconstruction(t *testing.T) {
	c := check.T(t)
	// decomposed returns Recon of Decompose with l draws, for n repetitions.
	decomposed := func(n, l int) []float64 {
		return backendtest.Floats(t, func(g *Graph) *Node {
			m, x := lg(g)
			q := oracle.ScalarNormal(g, .5, .3)
			logLik := func(x, z *Node) *Node { return m.Given(z).LogProb(x) }
			return elbo.Decompose(noise.FromSeed(g, 312), q.Repeat(n), m.Prior(), dist.Repeat(x, n), logLik, l).Recon
		})
	}
	want := -.5*math.Log(2*math.Pi*.25) - ((2-.5-1.5*.5)*(2-.5-1.5*.5)+2.25*.3)/.5
	t.Run("E3.12 reconstruction term of a normal decoder", func(t *testing.T) {
		c.Near("E3.12 closed form", ofLG(t, reconLG, half, third), want, 1e-9)
		byQuadrature := average(t, func(m oracle.LinearGaussian, _ dist.DiagNormal, x, z *Node) *Node { return m.Given(z).LogProb(x) })
		c.Near("E3.12 by quadrature", byQuadrature, want, 1e-8)
		c.MC("E3.12 by draws", decomposed(100_000, 1), want, .01)
	})
	t.Run("E3.12 fixed s: minus half the squared error over s², and a constant", func(t *testing.T) {
		x, mu := [][]float64{{1, -2, .5}}, [][]float64{{.2, -1, 0}}
		got := backendtest.Floats(t, func(x, mu *Node) *Node {
			p := dist.DiagNormal{Mean: mu, LogStd: ConstAs(mu, [][]float64{{math.Log(.3)}})}
			return Sub(p.LogProb(x), p.LogProb(mu))
		}, x, mu)
		c.Near("E3.12 −‖x−μ‖²/2s²", got, -(.64+1+.25)/(2*.09), 1e-9)
	})
	t.Run("E3.12 Bernoulli decoder: cross-entropy", func(t *testing.T) {
		x, p := []float64{1, 0, .3, 1}, []float64{.9, .2, .4, .001}
		crossEntropy, logits := 0.0, make([]float64, len(p))
		for i := range p {
			crossEntropy -= x[i]*math.Log(p[i]) + (1-x[i])*math.Log(1-p[i])
			logits[i] = math.Log(p[i] / (1 - p[i]))
		}
		got := backendtest.Floats(t, func(x, l *Node) *Node { return Neg(dist.Bernoulli{Logits: l}.LogProb(x)) }, [][]float64{x}, [][]float64{logits})
		c.Near("E3.12 −log p(x|z)", got, crossEntropy, 1e-9)
	})
	t.Run("E3.15 Monte Carlo with l draws", func(t *testing.T) {
		ls, ses := []float64{1, 4, 16, 64}, []float64{}
		for _, l := range ls {
			got := decomposed(4000, int(l))
			c.MC("E3.15 unbiased", got, want, .06/math.Sqrt(l))
			ses = append(ses, check.SE(got)*math.Sqrt(4000))
		}
		c.Order("E3.15 the error of one estimate falls as 1/√l", ls, ses, -.5, .05)
	})
}

func TestChapter3PriorMatching(t *testing.T) {
	c := check.T(t)
	slope := func(fn func(m oracle.LinearGaussian, q dist.DiagNormal, x *Node) *Node, variances [][]float64) []float64 {
		return backendtest.Floats(t, func(v *Node) *Node {
			m, x := lg(v.Graph())
			return Gradient(ReduceAllSum(fn(m, gauss(MulScalar(OnesLike(v), .5), v), x)), v)[0]
		}, variances)
	}
	t.Run("E3.14 without the KL the variance goes to 0", func(t *testing.T) {
		c.Near("E3.14 d recon/dv = −a²/2s²", slope(reconLG, [][]float64{{1e-9}, {.1}, {1}, {3}}), -4.5, 1e-9)
	})
	t.Run("E3.14 with it the best variance is 1/(1+a²/s²)", func(t *testing.T) {
		got := slope(boundLG, [][]float64{{.1}, {.09}, {.11}})
		c.Near("E3.14 dL/dv at v = .1", got[0], 0, 1e-9)
		c.Less("E3.14 below .1 the bound rises", 0, got[1])
		c.Less("E3.14 above it the bound falls", got[2], 0)
		curvature := backendtest.Floats(t, func(v *Node) *Node {
			m, x := lg(v.Graph())
			first := Gradient(ReduceAllSum(m.Bound(gauss(ZerosLike(v), v), x)), v)[0]
			return Gradient(ReduceAllSum(first), v)[0]
		}, [][]float64{{.01}, {.1}, {2}})
		for _, k := range curvature {
			c.Less("E3.14 L is concave in v: the optimum is the only one", k, 0)
		}
	})
}
