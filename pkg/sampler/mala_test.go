package sampler_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// logProbOf is the log-density of data without noise.
func logProbOf(data oracle.Data) func(x *Node) *Node {
	return func(x *Node) *Node { return data.Marginal(noiseLevels, zeroTime(x)).LogProb(x) }
}

// A proposal is taken exactly when log u is below log [p(y) q(x|y) / (p(x) q(y|x))], in one dimension and in two.
func TestMALAAccepts(t *testing.T) {
	const c = .7
	logQ := func(to, from, score float64) float64 {
		return distuv.Normal{Mu: from + c*score, Sigma: math.Sqrt(2 * c)}.LogProb(to)
	}
	logP := func(x float64) float64 { return logDensity(nearby, x) }
	var xs, zs [][]float64
	var us, wants, accepted []float64
	for _, x := range []float64{-1.1, .2, 1.4} {
		for _, z := range []float64{-1.5, -.4, .3, 2} {
			s := plainScore(nearby, x)
			y := x + c*s + math.Sqrt(2*c)*z
			bound := math.Exp(logP(y) + logQ(x, y, plainScore(nearby, y)) - logP(x) - logQ(y, x, s))
			for _, u := range []float64{bound * (1 - 1e-9), bound * (1 + 1e-9)} {
				want, counts := x, 0.
				if u < bound {
					want, counts = y, 1
				}
				xs, zs, us = append(xs, []float64{x}), append(zs, []float64{z}), append(us, u)
				wants, accepted = append(wants, want), append(accepted, counts)
			}
		}
	}
	check.T(t).Near("x and the acceptances", malaStep(t, logProbOf(nearby), c, xs, zs, us), append(wants, accepted...), 1e-12)
	// Two dimensions of N(0, diag(1, .25)), two rows: the ratio of a row is the product over its entries.
	v, x, z := []float64{1, .25}, [][]float64{{.5, -.3}, {-1, .8}}, [][]float64{{1.2, .4}, {.3, 1.1}}
	var u, want, counts []float64
	for row := range x {
		logRatio, y := 0.0, make([]float64, 2)
		for i, xi := range x[row] {
			s := -xi / v[i]
			y[i] = xi + c*s + math.Sqrt(2*c)*z[row][i]
			logRatio += -y[i]*y[i]/(2*v[i]) + xi*xi/(2*v[i]) + logQ(xi, y[i], -y[i]/v[i]) - logQ(y[i], xi, s)
		}
		if row == 0 {
			u, want, counts = append(u, math.Exp(logRatio)*(1-1e-9)), append(want, y...), append(counts, 1)
		} else {
			u, want, counts = append(u, math.Exp(logRatio)*(1+1e-9)), append(want, x[row]...), append(counts, 0)
		}
	}
	check.T(t).Near("in two dimensions", malaStep(t, logProbOf(centredNormal(v...)), c, x, z, u), append(want, counts...), 1e-12)
}

// A step after a refused proposal starts from x's own log p and score: from .2 by a proposal that is refused and one whose
// bound decides.
func TestMALARemembers(t *testing.T) {
	const c, x, refused, z = .7, .2, 2.5, -.8
	s := plainScore(nearby, x)
	y := x + c*s + math.Sqrt(2*c)*z
	logP := func(x float64) float64 { return logDensity(nearby, x) }
	logQ := func(to, from, score float64) float64 {
		return distuv.Normal{Mu: from + c*score, Sigma: math.Sqrt(2 * c)}.LogProb(to)
	}
	bound := math.Exp(logP(y) + logQ(x, y, plainScore(nearby, y)) - logP(x) - logQ(y, x, s))
	for u, want := range map[float64][]float64{bound * (1 - 1e-9): {y, 1}, bound * (1 + 1e-9): {x, 0}} {
		got := backendtest.Floats(t, func(x, u *Node) *Node {
			g, chain := x.Graph(), sampler.MALA{LogProb: logProbOf(nearby), Size: c}
			src := noise.Fixed(Const(g, [][]float64{{refused}}), Const(g, []float64{1 - 1e-12}), Const(g, [][]float64{{z}}), u)
			st := chain.Step(src, chain.Init(x), nil, nil)
			st = chain.Step(src, st, nil, nil)
			return Concatenate([]*Node{Reshape(st.X, -1), st.Aux[0]}, 0)
		}, [][]float64{{x}}, []float64{u})
		check.T(t).Near("x and the acceptances", got, want, 1e-12)
	}
}

// logDensity is log p of a mixture in one dimension, in plain Go.
func logDensity(m oracle.Mixture, x float64) float64 {
	p := 0.0
	for k, w := range m.Weights {
		p += w * distuv.Normal{Mu: m.Means[k][0], Sigma: math.Sqrt(m.Vars[k][0])}.Prob(x)
	}
	return math.Log(p)
}

// malaStep returns x and the acceptances after one step with the given noise.
func malaStep(t *testing.T, logProb func(x *Node) *Node, c float64, x, z [][]float64, u []float64) []float64 {
	t.Helper()
	return backendtest.Floats(t, func(x, z, u *Node) *Node {
		chain := sampler.MALA{LogProb: logProb, Size: c}
		st := chain.Step(noise.Fixed(z, u), chain.Init(x), nil, nil)
		return Concatenate([]*Node{Reshape(st.X, -1), st.Aux[0]}, 0)
	}, x, z, u)
}

// Langevin and MALA from a start far off: the first follows a mixture up to its bias, the second exactly, at any size.
func TestLangevinConverges(t *testing.T) {
	b := backendtest.Open(t)
	start := func() []float64 { return check.Floats(uniforms(10_000, -3, 1, 5)) }
	t.Run("E7.14 Langevin with a small step", func(t *testing.T) {
		run := sampler.Of(b, sampler.Langevin{Score: scoreOf(nearby), Size: .01})
		check.T(t).KS("c = .01, 800 steps", check.Floats(sample(t, run, column(start()), sampler.Count(800), 1)), plainCDF(nearby), 1e-6)
	})
	for _, c := range []float64{.1, .4} {
		t.Run(fmt.Sprintf("E7.14 MALA has no bias at c = %g", c), func(t *testing.T) {
			run := sampler.Of(b, sampler.MALA{LogProb: logProbOf(nearby), Size: c})
			last, err := run.SampleState(column(start()), sampler.Count(150), 2)
			if err != nil {
				t.Fatal(err)
			}
			defer last.Finalize()
			x := check.Floats(last.X)
			check.T(t).KS("law", x, plainCDF(nearby), 1e-6)
			check.T(t).MC("mean", x, .4*.6, .01)
			for i, v := range x {
				x[i] = v * v
			}
			check.T(t).MC("second moment", x, .25+.36, .01)
			rate := check.Mean(check.Floats(last.Aux[0])) / 150
			check.T(t).True("some are refused, most are not", rate > .3 && rate < .99, fmt.Sprintf("%.3f accepted", rate))
		})
	}
	t.Run("E7.14 without the adjustment c = .4 shows its bias", func(t *testing.T) {
		run := sampler.Of(b, sampler.Langevin{Score: scoreOf(nearby), Size: .4})
		x := check.Floats(sample(t, run, column(start()), sampler.Count(300), 2))
		for i, v := range x {
			x[i] = v * v
		}
		check.T(t).Differ("second moment", check.Mean(x), .25+.36, .2)
	})
}

// A chain never leaves the support, and its law there is exact: e^(−x) on x > 0, whose drift −c leads out of it.
func TestMALASupport(t *testing.T) {
	exponential := func(x *Node) *Node {
		return Squeeze(Where(GreaterThan(x, ZerosLike(x)), Neg(x), Scalar(x.Graph(), x.DType(), math.Inf(-1))), -1)
	}
	run := sampler.Of(backendtest.Open(t), sampler.MALA{LogProb: exponential, Size: .5})
	x := check.Floats(sample(t, run, uniforms(20_000, 0, 2, 1), sampler.Count(200), 1))
	check.T(t).KS("law", x, distuv.Exponential{Rate: 1}.CDF, 1e-6)
}

// A density that is NaN in one chain's proposal is an error that names its row.
func TestMALANaN(t *testing.T) {
	broken := func(x *Node) *Node {
		nan := Scalar(x.Graph(), x.DType(), math.NaN())
		return Squeeze(Where(GreaterThan(x, Scalar(x.Graph(), x.DType(), 50)), nan, MulScalar(Square(x), -.5)), -1)
	}
	// Row 1 starts so far out that its first proposal is NaN; the score there is that of the start, 0 from the NaN's branch.
	for name, b := range backends(t) {
		_, err := sampler.Of(b, sampler.MALA{LogProb: broken, Size: .1}).Sample(column([]float64{0, 100, 1}), sampler.Count(9), 1)
		want := "step 1 of 9, from t = 9 to 8: row 1 of x is NaN, expected finite numbers: sampler.MALA: log p or its gradient is NaN at the proposal of row 1, after 0 accepted"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
