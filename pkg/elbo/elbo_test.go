package elbo_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// Two data, two draws of each: row 2i+j of eps is draw i for element j.
var (
	data = []float64{2, -1}
	mean = []float64{.5, -.7}
	std  = []float64{.4, 1.1}
	eps  = []float64{.3, -1.2, .8, 2}
)

func column(v []float64) [][]float64 {
	out := make([][]float64, len(v))
	for i := range v {
		out[i] = v[i : i+1]
	}
	return out
}

// lawsOf returns LG, x and q, [2, 1] each.
func lawsOf(g *Graph) (m oracle.LinearGaussian, x *Node, q dist.DiagNormal) {
	m, _ = fixture(g)
	return m, Const(g, column(data)), dist.DiagNormal{Mean: Const(g, column(mean)), LogStd: Log(Const(g, column(std)))}
}

// byHand returns log p(x|z), log p(z) and log q(z) of row i by gonum.
func byHand(i int) (likelihood, prior, logQ float64) {
	z := mean[i%2] + std[i%2]*eps[i]
	return distuv.Normal{Mu: 1.5*z + .5, Sigma: .5}.LogProb(data[i%2]), distuv.UnitNormal.LogProb(z),
		distuv.Normal{Mu: mean[i%2], Sigma: std[i%2]}.LogProb(z)
}

func TestDecompose(t *testing.T) {
	out := backendtest.Call(t, func(e *Node) (recon, prior, bound *Node) {
		m, x, q := lawsOf(e.Graph())
		terms := elbo.Decompose(noise.Fixed(e), q, m.Prior(), x, func(x, z *Node) *Node { return m.Given(z).LogProb(x) }, 2)
		return terms.Recon, terms.Prior, terms.Bound()
	}, column(eps))
	recon, prior, bound := make([]float64, 2), make([]float64, 2), make([]float64, 2)
	for i := range eps {
		likelihood, _, _ := byHand(i)
		recon[i%2] += likelihood / 2
	}
	for j := range prior { // KL(N(m, s²) ‖ N(0, 1))
		prior[j] = (mean[j]*mean[j]+std[j]*std[j]-1)/2 - math.Log(std[j])
		bound[j] = recon[j] - prior[j]
	}
	c := check.T(t)
	c.Near("reconstruction", out[0], recon, 1e-12)
	c.Near("KL to the prior", out[1], prior, 1e-12)
	c.Near("bound", out[2], bound, 1e-12)
}

func TestLogWeights(t *testing.T) {
	out := backendtest.Call(t, func(e *Node) (logW, mean, iw *Node) {
		m, x, q := lawsOf(e.Graph())
		w := elbo.LogWeights(noise.Fixed(e), q, x, m.LogJoint, 2)
		return w, elbo.Estimate(w), elbo.ImportanceWeighted(w)
	}, column(eps))
	logW, estimate, iw := [][]float64{{0, 0}, {0, 0}}, make([]float64, 2), make([]float64, 2)
	for i := range eps {
		likelihood, prior, logQ := byHand(i)
		logW[i/2][i%2] = likelihood + prior - logQ
		estimate[i%2] += logW[i/2][i%2] / 2
	}
	for j := range iw {
		iw[j] = math.Log((math.Exp(logW[0][j]) + math.Exp(logW[1][j])) / 2)
	}
	c := check.T(t)
	c.Near("log-weights, [k, batch]", out[0], logW, 1e-12)
	c.Near("their mean", out[1], estimate, 1e-12)
	c.Near("the logarithm of the weights' mean", out[2], iw, 1e-12)
	c.Near("one weight alone", backendtest.Floats(t, elbo.ImportanceWeighted, [][]float64{{-3, 5}}), []float64{-3, 5}, 1e-12)
	// Weights of e^±1000 leave float64; their logarithms do not.
	c.Near("weights too small and too large for a float64",
		backendtest.Floats(t, elbo.ImportanceWeighted, [][]float64{{-1000, 1000}, {-1001, 999}}),
		[]float64{-1000 + math.Log((1+math.Exp(-1))/2), 1000 + math.Log((1+math.Exp(-1))/2)}, 1e-12)
}

func TestWeighted(t *testing.T) {
	parts := [][]float64{{-3, -5}, {1, 2}, {.5, .25}}
	row := func(g *Graph, i int) *Node { return Const(g, parts[i]) }
	for _, c := range []struct {
		name  string
		terms func(g *Graph) elbo.Terms
		beta  float64
		want  []float64
	}{
		{"β = 1", func(g *Graph) elbo.Terms { return elbo.Terms{Recon: row(g, 0), Prior: row(g, 1), Matching: row(g, 2)} }, 1, []float64{-4.5, -7.25}},
		{"β = 4", func(g *Graph) elbo.Terms { return elbo.Terms{Recon: row(g, 0), Prior: row(g, 1), Matching: row(g, 2)} }, 4, []float64{-9, -14}},
		{"without matching", func(g *Graph) elbo.Terms { return elbo.Terms{Recon: row(g, 0), Prior: row(g, 1)} }, 2, []float64{-5, -9}},
		{"without reconstruction", func(g *Graph) elbo.Terms { return elbo.Terms{Prior: row(g, 1)} }, 2, []float64{-2, -4}},
		{"reconstruction alone", func(g *Graph) elbo.Terms { return elbo.Terms{Recon: row(g, 0)} }, 9, []float64{-3, -5}},
	} {
		got := backendtest.Floats(t, func(g *Graph) *Node { return c.terms(g).Weighted(c.beta) })
		check.T(t).Near(c.name, got, c.want, 1e-15)
	}
}

// β < 1 gives up the bound: at the posterior, where the bound is log p(x), the objective lies above it.
func TestWeightedBelowOneIsNoBound(t *testing.T) {
	out := backendtest.Floats(t, func(g *Graph) *Node {
		m, x := fixture(g)
		q := m.Posterior(x)
		terms := elbo.Terms{Recon: m.Recon(q, x), Prior: dist.KL(q, m.Prior())}
		return Concatenate([]*Node{terms.Weighted(.5), terms.Weighted(1), terms.Weighted(2)}, 0)
	})
	c := check.T(t)
	c.Near("β = 1 is the bound", out[1], logP, 1e-12)
	c.Less("β = 0.5 exceeds log p(x)", logP+.1, out[0])
	c.Less("β = 2 does not", out[2], logP-.1)
}

func TestErrors(t *testing.T) {
	like := func(x, z *Node) *Node { return ReduceSum(z, 1) }
	for want, build := range map[string]func(g *Graph) *Node{
		"elbo.Terms: Recon, Prior and Matching are all nil": func(g *Graph) *Node { return elbo.Terms{}.Bound() },
		"elbo.Decompose: 0 draws of q": func(g *Graph) *Node {
			m, x, q := lawsOf(g)
			return elbo.Decompose(noise.FromSeed(g, 1), q, m.Prior(), x, like, 0).Recon
		},
		"elbo.LogWeights: -1 draws of q": func(g *Graph) *Node {
			_, x, q := lawsOf(g)
			return elbo.LogWeights(noise.FromSeed(g, 1), q, x, like, -1)
		},
		"elbo.LogWeights: q's mean has shape (Float64)[2, 1] and x (Float64)[3, 1]": func(g *Graph) *Node {
			q := dist.StandardNormal(Const(g, [][]float64{{0}, {0}}))
			return elbo.LogWeights(noise.FromSeed(g, 1), q, Const(g, [][]float64{{1}, {2}, {3}}), like, 2)
		},
	} {
		if err := backendtest.Err(t, build); !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, expected it to hold %q", err, want)
		}
	}
}

// A law that the batch shares is drawn from for each row of x by itself. Here log p(x|z) is z, so that the results tell the draws.
func TestDecomposeSharedLaw(t *testing.T) {
	law := func(g *Graph) (q dist.DiagNormal, x *Node) {
		return dist.StandardNormal(Const(g, [][]float64{{0}})), Const(g, [][]float64{{1}, {1}, {1}})
	}
	draw := func(_, z *Node) *Node { return ReduceSum(z, 1) }
	out := backendtest.Call(t, func(g *Graph) []*Node {
		q, x := law(g)
		terms := elbo.Decompose(noise.FromSeed(g, 1), q, q, x, draw, 2)
		return []*Node{terms.Recon, elbo.LogWeights(noise.FromSeed(g, 1), q, x, draw, 2), terms.Prior}
	})
	for i, of := range []string{"Recon", "LogWeights"} {
		values := check.Floats(out[i])
		for j := range values {
			for k := range j {
				check.T(t).Differ(of+": rows have draws of their own", values[j], values[k], 1e-3)
			}
		}
	}
	check.T(t).Near("Prior, of each row", out[2], []float64{0, 0, 0}, 0)
}
