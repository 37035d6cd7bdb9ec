package oracle_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// The marginal of LG is N(.5, 2.5).
const lgMean, lgVar = .5, 2.5

func TestChapter3FiniteMixture(t *testing.T) {
	c, b := check.T(t), backendtest.Open(t)
	l1 := func(k int) float64 {
		return check.Integral(b, func(x *Node) *Node {
			m, _ := fixture(x.Graph())
			x = InsertAxes(x, -1)
			return Abs(Sub(Exp(m.Finite(k).LogProb(x)), Exp(m.Marginal().LogProb(x))))
		}, lgMean-10*math.Sqrt(lgVar), lgMean+10*math.Sqrt(lgVar))
	}
	t.Run("E3.3 finite mixture P(x) = Σ P(m) P(x|m) (X4, X5)", func(t *testing.T) {
		before := math.Inf(1)
		for _, k := range []struct {
			components int
			want       float64
		}{{4, .20512}, {16, .03619}, {64, .00758}, {256, .00168}} {
			got := l1(k.components)
			c.Near("E3.3 L1 distance to the marginal", got, k.want, 1e-5)
			c.Less("E3.3 more components come closer", got, before)
			c.Less("E3.3 a finite mixture leaves an error", 1e-4, got)
			before = got
		}
		c.Near("E3.3 it is the mixture of K normals", backendtest.Floats(t, func(x *Node) *Node {
			m, _ := fixture(x.Graph())
			z := distuv.UnitNormal.Quantile(.75)
			pair := dist.NewMixture(x.Graph(), []float64{1, 1}, [][]float64{{.5 - 1.5*z}, {.5 + 1.5*z}}, [][]float64{{.25}, {.25}})
			return Sub(m.Finite(2).LogProb(x), pair.LogProb(x))
		}, [][]float64{{-2}, {.3}, {5}}), 0, 1e-12)
	})
	t.Run("E3.3 P(m) is the weight, P(x|m) the component (X4)", func(t *testing.T) {
		weights, means, vars := []float64{.3, .7}, [][]float64{{-2}, {1}}, [][]float64{{.25}, {.16}}
		m := func(g *Graph) dist.Mixture { return dist.NewMixture(g, weights, means, vars) }
		x := []float64{-2.3, 0, .8}
		got := check.Eval(b, func(x *Node) *Node { return Exp(m(x.Graph()).LogProb(InsertAxes(x, -1))) }, x)
		for i := range x {
			sum := 0.0
			for k := range weights {
				d := x[i] - means[k][0]
				sum += weights[k] * math.Exp(-d*d/(2*vars[k][0])) / math.Sqrt(2*math.Pi*vars[k][0])
			}
			c.Near("E3.3 Σ wₖ N(x; mₖ, vₖ)", got[i], sum, 1e-9)
		}
		asWritten := check.Integral(b, func(x *Node) *Node { // components weighted by each other's densities
			first, second := m(x.Graph()).Components[0], m(x.Graph()).Components[1]
			x = InsertAxes(x, -1)
			return Exp(Add(first.LogProb(x), second.LogProb(x)))
		}, -8, 8)
		c.Differ("E3.3 with the roles exchanged the total is not 1", asWritten, 1, .5)
	})
}

func TestChapter3InfiniteMixture(t *testing.T) {
	c, b := check.T(t), backendtest.Open(t)
	t.Run("E3.4 infinite mixture ∫P(z)P(x|z)dz", func(t *testing.T) {
		for _, at := range []float64{-3, .5, 2} {
			got := check.Integral(b, func(z *Node) *Node {
				m, _ := fixture(z.Graph())
				z = InsertAxes(z, -1)
				return Exp(m.LogJoint(Const(z.Graph(), [][]float64{{at}}), z))
			}, -12, 12)
			want := math.Exp(-(at-lgMean)*(at-lgMean)/(2*lgVar)) / math.Sqrt(2*math.Pi*lgVar)
			c.Near("E3.4 N(b, a²+s²)", got, want, 1e-8)
		}
	})
	t.Run("E3.4 a mixture of normals has heavy tails: Laplace", func(t *testing.T) {
		for _, at := range []float64{.7, 3, 8} {
			got := check.Integral(b, func(u *Node) *Node {
				law := dist.DiagNormal{Mean: ConstAs(u, [][]float64{{0}}), LogStd: InsertAxes(MulScalar(Log(MulScalar(u, 2)), .5), -1)}
				return Mul(Exp(Neg(u)), Exp(law.LogProb(ConstAs(u, [][]float64{{at}}))))
			}, 0, math.Inf(1))
			c.Near("E3.4 ½e^{−|x|}", got, math.Exp(-at)/2, 1e-8)
			if at == .7 {
				c.Near("E3.4 at x = .7", got, .2482926519, 1e-10)
			}
		}
	})
}

func TestChapter3UnusedLatent(t *testing.T) {
	c := check.T(t)
	values := []float64{2.65452988, .91279249, .63267763}
	t.Run("E3.33 a large s² makes the optimum ignore z", func(t *testing.T) {
		for _, s2 := range []float64{.3, .8, 1.5, 3} {
			p := oracle.PPCAWithVar(make([]float64, 3), ppcaCov, 2, s2)
			var gram mat.Dense
			gram.Mul(p.W.T(), p.W)
			for j := range 2 {
				c.Near("E3.33 ‖Wⱼ‖² = max(λⱼ−s², 0)", gram.At(j, j), math.Max(values[j]-s2, 0), 1e-8)
				if values[j] <= s2 {
					c.Near("E3.33 the posterior of an unused latent is the prior", p.PosteriorCov().At(j, j), 1, 1e-12)
				}
			}
			c.Near("E3.33 the columns are orthogonal", gram.At(0, 1), 0, 1e-12)
		}
	})
	t.Run("E3.33 no other W does better at this s²", func(t *testing.T) {
		const s2 = 1.5 // between the eigenvalues: one latent used, one not
		p := oracle.PPCAWithVar(make([]float64, 3), ppcaCov, 2, s2)
		best := p.AverageLogProb(ppcaCov)
		score := func(w []float64) float64 {
			return oracle.PPCA{W: mat.NewDense(3, 2, append([]float64{}, w...)), Mean: p.Mean, Var: s2}.AverageLogProb(ppcaCov)
		}
		c.Near("E3.33 the gradient in W is 0", check.Grad(score, p.W.RawMatrix().Data), 0, 1e-9)
		for i := range 6 {
			for _, d := range []float64{-.3, .3} {
				w := append([]float64{}, p.W.RawMatrix().Data...)
				w[i] += d
				c.Less("E3.33 a moved weight lowers log p", score(w), best)
			}
		}
	})
}

// SampleN draws from the marginal: the mean and every second moment, and no draw is shared.
func TestPPCASampleN(t *testing.T) {
	const n = 50_000
	p := oracle.FitPPCA([]float64{1, -2, .5}, ppcaCov, 1)
	x := backendtest.Floats(t, func(g *Graph) *Node { return p.SampleN(g, noise.FromSeed(g, 3), n) })
	want, products := p.Cov(), make([]float64, n)
	for i := range 3 {
		for j := range i + 1 {
			for k := range n {
				products[k] = (x[3*k+i] - p.Mean[i]) * (x[3*k+j] - p.Mean[j])
			}
			check.T(t).MC("covariance", products, want.At(i, j), .02)
		}
	}
}

func TestPPCAWithVarPanics(t *testing.T) {
	for _, c := range []struct {
		means, k int
		s2       float64
	}{{2, 1, 1}, {3, 0, 1}, {3, 4, 1}, {3, 1, 0}, {3, 1, math.NaN()}} {
		func() {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "oracle.PPCAWithVar: k = ") {
					t.Errorf("%+v: panic %v, want PPCAWithVar's own", c, err)
				}
			}()
			oracle.PPCAWithVar(make([]float64, c.means), ppcaCov, c.k, c.s2)
		}()
	}
}
