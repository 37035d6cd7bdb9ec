package elbo_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

func TestChapter3GradientEstimators(t *testing.T) {
	c := check.T(t)
	const n = 200_000
	square := func(z *Node) *Node { return Reshape(Square(z), -1) }
	type estimator func(noise.Source, dist.DiagNormal, func(*Node) *Node, int) elbo.GradientDraws
	// variance of each estimator of d/dμ and d/dσ of E[z²] = μ²+σ² at μ = σ = 1
	for name, e := range map[string]struct {
		estimate      estimator
		varMu, varStd float64
	}{"pathwise": {elbo.Pathwise, 4, 12}, "score function": {elbo.ScoreFunction, 30, 136}} {
		t.Run("E3.18 unbiased gradient, "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(g *Graph) []*Node {
				q := dist.DiagNormal{Mean: Const(g, [][]float64{{1}}), LogStd: Const(g, [][]float64{{0}})}
				d := e.estimate(noise.FromSeed(g, 318), q, square, n)
				return []*Node{d.Mean, d.Std}
			})
			mu, std := check.Floats(out[0]), check.Floats(out[1])
			c.MC("E3.18 d/dμ = 2μ", mu, 2, .02)
			c.MC("E3.18 d/dσ = 2σ", std, 2, .03)
			c.MC("E3.18 variance for μ", deviations(mu, 2), e.varMu, e.varMu/20)
			c.MC("E3.18 variance for σ", deviations(std, 2), e.varStd, e.varStd/20)
		})
	}
	t.Run("E3.18 rows belong to draws and elements", func(t *testing.T) {
		eps := [][]float64{{.5, -1}, {2, 0}, {-.3, 1}, {1, 1}} // two draws of two elements
		mean, std := [][]float64{{1, -2}, {.5, 3}}, [][]float64{{1, .1}, {2, .5}}
		for name, estimate := range map[string]estimator{"pathwise": elbo.Pathwise, "score": elbo.ScoreFunction} {
			out := backendtest.Call(t, func(e, m, s *Node) []*Node {
				norm := func(z *Node) *Node { return ReduceSum(Square(z), 1) }
				d := estimate(noise.Fixed(e), dist.DiagNormal{Mean: m, LogStd: Log(s)}, norm, 2)
				return []*Node{d.Mean, d.Std}
			}, eps, mean, std)
			var dMu, dStd []float64
			for r, e := range eps {
				z := []float64{mean[r%2][0] + std[r%2][0]*e[0], mean[r%2][1] + std[r%2][1]*e[1]}
				for i := range z {
					if name == "pathwise" {
						dMu, dStd = append(dMu, 2*z[i]), append(dStd, 2*z[i]*e[i])
						continue
					}
					f := z[0]*z[0] + z[1]*z[1]
					dMu, dStd = append(dMu, f*e[i]/std[r%2][i]), append(dStd, f*(e[i]*e[i]-1)/std[r%2][i])
				}
			}
			c.Near("E3.18 ∂μ, "+name, out[0], dMu, 1e-9)
			c.Near("E3.18 ∂σ, "+name, out[1], dStd, 1e-9)
		}
	})
}

// deviations returns (x−mean)² of each x.
func deviations(xs []float64, mean float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = (x - mean) * (x - mean)
	}
	return out
}

// maximise returns the largest value of fn over its parameters, each [1, 1], and where it lies, by BFGS on fn and its gradient.
func maximise(t *testing.T, fn func(p []*Node) *Node, start ...float64) (best float64, at []float64) {
	t.Helper()
	exec := MustNewExec(backendtest.Open(t), func(all *Node) []*Node {
		value := ReduceAllSum(fn(Split(all, 1, len(start))))
		return []*Node{Neg(value), Neg(Gradient(value, all)[0])}
	})
	defer exec.Finalize()
	result, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { return check.Floats(exec.MustCall([][]float64{x})[0])[0] },
		Grad: func(grad, x []float64) { copy(grad, check.Floats(exec.MustCall([][]float64{x})[1])) },
	}, start, &optimize.Settings{GradientThreshold: 1e-8}, &optimize.BFGS{})
	if err != nil {
		t.Fatal(err)
	}
	return -result.F, result.X
}

func TestChapter3MaximiseBound(t *testing.T) {
	c := check.T(t)
	// a is the decoder's slope; b = .5, s² = .25 and x = 2 stay.
	withSlope := func(a *Node) (oracle.LinearGaussian, *Node) {
		m, x := lg(a.Graph())
		m.A = a
		return m, x
	}
	t.Run("E3.22 max L = max log p where q's family contains the posterior", func(t *testing.T) {
		evidence, _ := maximise(t, func(p []*Node) *Node {
			m, x := withSlope(p[0])
			return m.Marginal().LogProb(x)
		}, 1)
		c.Near("E3.22 max log p", evidence, -1.824403641, 1e-9)
		bound, _ := maximise(t, func(p []*Node) *Node {
			m, x := withSlope(p[0])
			return m.Bound(dist.DiagNormal{Mean: p[1], LogStd: p[2]}, x)
		}, 1, .5, -1)
		c.Near("E3.22 max L with the variance free", bound, evidence, 1e-8)
	})
	t.Run("E3.22 not where it does not (X9)", func(t *testing.T) {
		bound, at := maximise(t, func(p []*Node) *Node {
			m, x := withSlope(p[0])
			return m.Bound(gauss(p[1], MulScalar(OnesLike(p[1]), .3)), x)
		}, 1, .5)
		c.Near("E3.22 max L with q's variance frozen at .3", bound, -1.970945427, 1e-9)
		c.Near("E3.22 at (a, mean of q)", at, []float64{1.05797, 1.15895}, 5e-6)
		c.Less("E3.22 max L < max log p", bound, -1.824403641-.1)
	})
	t.Run("E3.22 a diagonal q leaves a gap for a rotated decoder", func(t *testing.T) {
		// W rotated by .5 correlates the two latents a posteriori; s² is the third eigenvalue.
		p := oracle.FitPPCA(make([]float64, 3), mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7}), 2)
		gap := func(p oracle.PPCA) float64 {
			cov := p.PosteriorCov()
			var inverse mat.Dense
			if err := inverse.Inverse(cov); err != nil {
				t.Fatal(err)
			}
			return .5 * (math.Log(inverse.At(0, 0)) + math.Log(inverse.At(1, 1)) + math.Log(mat.Det(cov)))
		}
		rotation := mat.NewDense(2, 2, []float64{math.Cos(.5), -math.Sin(.5), math.Sin(.5), math.Cos(.5)})
		c.Near("E3.22 gap after the rotation", gap(p.Rotate(rotation)), .1000920605, 1e-10)
		c.Near("E3.22 gap before it", gap(p), 0, 1e-12)
	})
}

func TestChapter3EncoderAndDecoderSteps(t *testing.T) {
	c := check.T(t)
	// at returns log p(2), L for q = N(.5, .3), and L after the encoder's step, for the slope a.
	at := func(a float64) (logP, fixed, refreshed float64) {
		out := backendtest.Call(t, func(a *Node) []*Node {
			m, x := lg(a.Graph())
			m.A = a
			return []*Node{m.Marginal().LogProb(x), m.Bound(oracle.ScalarNormal(a.Graph(), .5, .3), x), m.Bound(m.Posterior(x), x)}
		}, [][]float64{{a}})
		return check.Floats(out[0])[0], check.Floats(out[1])[0], check.Floats(out[2])[0]
	}
	t.Run("E3.31 the encoder's step lifts L to log p", func(t *testing.T) {
		for _, a := range []float64{-1, .3, 1.5} {
			logP, fixed, refreshed := at(a)
			c.Near("E3.31 L = log p", refreshed, logP, 1e-9)
			c.Less("E3.31 before it", fixed, logP)
		}
	})
	t.Run("E3.31 the decoder's step goes forward for L only (X10)", func(t *testing.T) {
		before, boundBefore, _ := at(math.Sqrt2)
		after, boundAfter, _ := at(15. / 11) // the best a for this q
		c.Near("E3.31 L rises", []float64{boundBefore, boundAfter}, []float64{-3.060137, -3.057323}, 3e-7)
		c.Near("E3.31 log p falls", []float64{before, after}, []float64{-1.824404, -1.825466}, 3e-7)
	})
	t.Run("E3.31 with the encoder refreshed log p never falls", func(t *testing.T) {
		cov := mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7})
		p := oracle.PPCA{W: mat.NewDense(3, 1, []float64{.1, -.5, .3}), Mean: make([]float64, 3), Var: 2}
		last := p.AverageLogProb(cov)
		for range 400 {
			p = p.EM(cov)
			next := p.AverageLogProb(cov)
			if next < last-1e-12 {
				t.Fatalf("one EM step lowered log p from %.15g to %.15g", last, next)
			}
			last = next
		}
		c.Near("E3.31 and it reaches the optimum", last, -4.487130352, 1e-9)
	})
}
