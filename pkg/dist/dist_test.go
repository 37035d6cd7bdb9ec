package dist_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
)

func near(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= 1e-9*(1+math.Abs(want[i]))) {
			t.Errorf("%s[%d] = %.15g, want %.15g", what, i, got[i], want[i])
		}
	}
}

func TestDiagNormalAgainstGonum(t *testing.T) {
	mean, std := []float64{.7, -2}, []float64{.3, 4}
	x := [][]float64{{.5, 1}, {-1, -2}}
	var want, score []float64
	for _, row := range x {
		sum := 0.0
		for i := range row {
			n := distuv.Normal{Mu: mean[i], Sigma: std[i]}
			sum += n.LogProb(row[i])
			score = append(score, n.ScoreInput(row[i]))
		}
		want = append(want, sum)
	}
	law := func(g *Graph) dist.DiagNormal {
		return dist.DiagNormal{Mean: Const(g, [][]float64{mean}), LogStd: Log(Const(g, [][]float64{std}))}
	}
	near(t, "LogProb", backendtest.Floats(t, func(x *Node) *Node { return law(x.Graph()).LogProb(x) }, x), want...)
	near(t, "Score", backendtest.Floats(t, func(x *Node) *Node { return law(x.Graph()).Score(x) }, x), score...)
	near(t, "ScoreOf", backendtest.Floats(t, func(x *Node) *Node { return dist.ScoreOf(law(x.Graph()), x) }, x), score...)
	near(t, "ScoreOf where no gradient flows", backendtest.Floats(t, func(x *Node) *Node {
		return dist.ScoreOf(law(x.Graph()), StopGradient(x))
	}, x), score...)
	near(t, "the slope of ScoreOf", backendtest.Floats(t, func(x *Node) *Node {
		return Gradient(ReduceAllSum(dist.ScoreOf(law(x.Graph()), x)), x)[0]
	}, x), -1/(.3*.3), -1./16, -1/(.3*.3), -1./16)
	entropy := distuv.Normal{Mu: .7, Sigma: .3}.Entropy() + distuv.Normal{Mu: -2, Sigma: 4}.Entropy()
	near(t, "Entropy", backendtest.Floats(t, func(x *Node) *Node { return law(x.Graph()).Entropy() }, x), entropy)
}

func TestNormalAgainstGonum(t *testing.T) {
	mean := []float64{1, -1, .5}
	cov := mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7})
	want, _ := distmv.NewNormal(mean, cov, nil)
	x := [][]float64{{0, 0, 0}, {1, 2, 3}}
	near(t, "LogProb", backendtest.Floats(t, func(x *Node) *Node { return dist.NewNormal(x.Graph(), mean, cov).LogProb(x) }, x),
		want.LogProb(x[0]), want.LogProb(x[1]))
	other := mat.NewSymDense(3, []float64{1, -.2, 0, -.2, 1, .1, 0, .1, 3})
	p, _ := distmv.NewNormal([]float64{0, .3, 0}, other, nil)
	got := backendtest.Floats(t, func(g *Graph) *Node {
		return dist.KLNormal(dist.NewNormal(g, mean, cov), dist.NewNormal(g, []float64{0, .3, 0}, other))
	})
	near(t, "KLNormal", got, distmv.KullbackLeibler{}.DistNormal(want, p))
}

func TestKL(t *testing.T) {
	law := func(g *Graph, m, logStd float64) dist.DiagNormal {
		return dist.DiagNormal{Mean: Const(g, [][]float64{{m}}), LogStd: Const(g, [][]float64{{logStd}})}
	}
	// KL(N(.7, e^-.4) ‖ N(0,1)) = ½(e^-.4 − 1 + .4 + .49)
	got := backendtest.Floats(t, func(g *Graph) *Node { return dist.KL(law(g, .7, -.2), law(g, 0, 0)) })
	near(t, "KL", got, .5*(math.Exp(-.4)-1+.4+.49))
	// Two laws that differ by 1e-9 in log σ: the KL is u²/4 with u = 2e-9, far below the rounding of eᵘ.
	got = backendtest.Floats(t, func(g *Graph) *Node { return dist.KL(law(g, 0, 1e-9), law(g, 0, 0)) })
	if !(math.Abs(got[0]-1e-18) <= 1e-5*1e-18) { // Expm1(u) and u leave u²/2 of two numbers that are right to 1e-16·u
		t.Errorf("KL of nearly equal laws = %g, want 1e-18", got[0])
	}
}

func TestBernoulli(t *testing.T) {
	x, logits := [][]float64{{1, 0, .3}}, []float64{2, -1, 40}
	want := 0.0
	for i, l := range logits {
		want += x[0][i]*l - math.Max(l, 0) - math.Log1p(math.Exp(-math.Abs(l)))
	}
	got := backendtest.Floats(t, func(x *Node) *Node {
		return dist.Bernoulli{Logits: Const(x.Graph(), [][]float64{logits})}.LogProb(x)
	}, x)
	near(t, "LogProb", got, want)
}

func TestMixture(t *testing.T) {
	weights, means, variances := []float64{.3, .7}, [][]float64{{-2}, {1}}, [][]float64{{.25}, {.16}}
	density := func(x float64) float64 {
		p := 0.0
		for k := range weights {
			p += weights[k] * distuv.Normal{Mu: means[k][0], Sigma: math.Sqrt(variances[k][0])}.Prob(x)
		}
		return p
	}
	x := [][]float64{{-3}, {-.6}, {0}, {1.2}, {40}}
	var want, score []float64
	for _, row := range x[:4] {
		want = append(want, math.Log(density(row[0])))
	}
	mixture := func(g *Graph) dist.Mixture { return dist.NewMixture(g, weights, means, variances) }
	far := distuv.Normal{Mu: -2, Sigma: .5} // at 40 only the wider component counts, and its density underflows
	want = append(want, math.Log(.3)+far.LogProb(40))
	near(t, "LogProb", backendtest.Floats(t, func(x *Node) *Node { return mixture(x.Graph()).LogProb(x) }, x), want...)
	score = backendtest.Floats(t, func(x *Node) *Node { return dist.ScoreOf(mixture(x.Graph()), x) }, x)
	near(t, "Score", backendtest.Floats(t, func(x *Node) *Node { return mixture(x.Graph()).Score(x) }, x), score...)
}

func TestNewMixturePanics(t *testing.T) {
	one, two := []float64{1}, [][]float64{{0}, {1}}
	for _, c := range []struct {
		weights          []float64
		means, variances [][]float64
		want             string
	}{
		{nil, nil, nil, "0 weights"},
		{one, two, two, "1 weights, 2 means"},
		{[]float64{0, 0}, two, two, "expected a positive, finite one"},
		{[]float64{1, math.NaN()}, two, two, "expected a positive, finite one"},
		{[]float64{2, -1}, two, [][]float64{{1}, {1}}, "component 1 has weight -1"},
		{[]float64{1, 1}, [][]float64{{0}, {1, 2}}, [][]float64{{1}, {1, 1}}, "expected a weight of 0 or more and 1 entries"},
		{one, [][]float64{{0}}, [][]float64{{0}}, "expected positive entries"},
	} {
		err := backendtest.Err(t, func(x *Node) *Node {
			return dist.NewMixture(x.Graph(), c.weights, c.means, c.variances).LogProb(x)
		}, [][]float64{{0}})
		if !strings.Contains(err.Error(), "dist.NewMixture") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %q, want one with %q", err, c.want)
		}
	}
}
