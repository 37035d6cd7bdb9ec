package oracle_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

// The fixture of the study notes' chapters 2 and 3: a = 1.5, b = 0.5, s² = 0.25, x = 2.
func fixture(g *Graph) (oracle.LinearGaussian, *Node) {
	return oracle.NewLinearGaussian(g, 1.5, .5, .25), Const(g, [][]float64{{2}})
}

func TestLinearGaussian(t *testing.T) {
	value := func(fn func(g *Graph) *Node) float64 { return backendtest.Floats(t, fn)[0] }
	near(t, "log p(2)", value(func(g *Graph) *Node { m, x := fixture(g); return m.Marginal().LogProb(x) }), -1.8270838991417502, 1e-12)
	near(t, "posterior mean", value(func(g *Graph) *Node { m, x := fixture(g); return m.Posterior(x).Mean }), .9, 1e-12)
	near(t, "posterior variance", value(func(g *Graph) *Node { m, x := fixture(g); return m.Posterior(x).Variance() }), .1, 1e-12)
	for _, c := range []struct{ mean, variance, want float64 }{
		{0, 1, -9.225791352644727}, {.5, .3, -3.0777777548076948}, {.9, .1, -1.8270838991417504},
	} {
		got := value(func(g *Graph) *Node {
			m, x := fixture(g)
			return m.Bound(dist.DiagNormal{Mean: Const(g, [][]float64{{c.mean}}), LogStd: Const(g, [][]float64{{math.Log(c.variance) / 2}})}, x)
		})
		near(t, "bound", got, c.want, 1e-12)
	}
}

var ppcaCov = mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7})

func TestPPCA(t *testing.T) {
	p := oracle.FitPPCA(make([]float64, 3), ppcaCov, 1)
	near(t, "s²", p.Var, .77273506, 1e-8)
	near(t, "max average log p", p.AverageLogProb(ppcaCov), -4.487130352413108, 1e-12)
	// The optimum is a fixed point of EM, and EM from elsewhere climbs to it without a step down.
	near(t, "EM at the optimum", p.EM(ppcaCov).AverageLogProb(ppcaCov), -4.487130352413108, 1e-12)
	q := oracle.PPCA{W: mat.NewDense(3, 1, []float64{.1, -.5, .3}), Mean: make([]float64, 3), Var: 2}
	before := q.AverageLogProb(ppcaCov)
	for range 500 {
		q = q.EM(ppcaCov)
		after := q.AverageLogProb(ppcaCov)
		if after < before-1e-12 {
			t.Fatalf("EM lowered the log-likelihood from %.15g to %.15g", before, after)
		}
		before = after
	}
	near(t, "EM from elsewhere", before, -4.487130352413108, 1e-10)
	// Bayes: log p(x|z) + log p(z) − log p(z|x) is log p(x) at every z.
	x := [][]float64{{1, -.3, .2}, {1, -.3, .2}, {1, -.3, .2}}
	got := backendtest.Floats(t, func(x, z *Node) *Node {
		joint := Add(p.Given(z).LogProb(x), dist.StandardNormal(z).LogProb(z))
		return Sub(Sub(joint, p.Posterior(x).LogProb(z)), p.Marginal(x.Graph()).LogProb(x))
	}, x, [][]float64{{-1}, {.3}, {2}})
	for _, d := range got {
		near(t, "log p(x,z) − log p(z|x) − log p(x)", d, 0, 1e-12)
	}
}

func TestChain(t *testing.T) {
	c := oracle.Chain{A2: 1.2, V1: .5, A1: .9, V0: .09}
	one := [][]float64{{1}}
	near(t, "log p(1)", backendtest.Floats(t, func(x *Node) *Node { return c.Marginal(x.Graph()).LogProb(x) }, one)[0], -1.473719848592447, 1e-12)
	near(t, "E[z₁|1]", backendtest.Floats(t, func(x *Node) *Node { return c.PosteriorMiddle(x).Mean }, one)[0], 1.0509209101, 1e-9)
	got := backendtest.Floats(t, func(x, z1, z2 *Node) *Node {
		posterior := Add(c.PosteriorMiddle(x).LogProb(z1), c.PosteriorTop(z1).LogProb(z2))
		return Sub(Sub(c.LogJoint(x, z1, z2), posterior), c.Marginal(x.Graph()).LogProb(x))
	}, [][]float64{{1}, {-2}}, [][]float64{{.3}, {1}}, [][]float64{{-.7}, {2}})
	for _, d := range got {
		near(t, "log p(x,z) − log p(z|x) − log p(x)", d, 0, 1e-12)
	}
}
