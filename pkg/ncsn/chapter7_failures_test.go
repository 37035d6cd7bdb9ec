package ncsn_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// onLine is the points (u, y) of data on the axis y = 0, at which the score is s = (−u, −ky).
func onLine(ys ...float64) (points [][]float64) {
	for _, u := range []float64{-1.3, -.2, .4, 2} {
		for _, y := range ys {
			points = append(points, []float64{u, y})
		}
	}
	return points
}

// normalPart evaluates the mean of Implicit over the points for s = (−u, −ky), less its part along the axis, and its slope in k.
func normalPart(t *testing.T, points [][]float64) func(k float64) (value, slope float64) {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), func(x, k *Node) []*Node {
		loss := func(k *Node) *Node {
			s := func(x *Node) *Node {
				return Neg(Concatenate([]*Node{Slice(x, AxisRange(), AxisElem(0)), Mul(k, Slice(x, AxisRange(), AxisElem(1)))}, 1))
			}
			return ReduceAllMean(score.Implicit()(nil, s, x))
		}
		return []*Node{Sub(loss(k), loss(ZerosLike(k))), Gradient(loss(k), k)[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return func(k float64) (value, slope float64) {
		out, err := exec.Call(points, k)
		if err != nil {
			t.Fatal(err)
		}
		return check.Floats(out[0])[0], check.Floats(out[1])[0]
	}
}

// Data on a line in the plane have no score across it: implicit score matching falls without end.
func TestManifold(t *testing.T) {
	t.Run("E7.15 the objective across the line is −k", func(t *testing.T) {
		c, across := check.T(t), normalPart(t, onLine(0))
		for _, k := range []float64{-3, 0, 1, 10, 1e6} {
			value, slope := across(k)
			c.Near("E7.15 value", value, -k, a64)
			c.Near("E7.15 slope", slope, -1, a64)
		}
	})
	descend := func(across func(k float64) (value, slope float64), k, rate float64, steps int) float64 {
		for range steps {
			_, slope := across(k)
			k -= rate * slope
		}
		return k
	}
	t.Run("E7.15 training never ends", func(t *testing.T) {
		check.T(t).Near("E7.15 k = k₀ + lr·steps", descend(normalPart(t, onLine(0)), .7, .3, 40), .7+.3*40, a64)
	})
	t.Run("E7.15 with noise it does", func(t *testing.T) {
		c := check.T(t)
		for _, sigma := range []float64{.5, .8, 2} {
			across := normalPart(t, onLine(-sigma, sigma)) // E y² = σ², as after noise
			value, slope := across(1 / (sigma * sigma))
			c.Near("E7.15 the slope at k = 1/σ²", slope, 0, a64)
			c.Near("E7.15 the value there is −1/2σ²", value, -1/(2*sigma*sigma), a64)
			c.Near("E7.15 and training ends there", descend(across, .7, .4/(sigma*sigma), 60), 1/(sigma*sigma), a64)
		}
	})
	t.Run("E7.15 log-determinant", func(t *testing.T) {
		c := check.T(t)
		flat := mat.NewDense(2, 2, []float64{1.5, 0, 0, 0})
		logDet, _ := mat.LogDet(flat)
		c.Near("E7.15 of a covariance without full rank", logDet, math.Inf(-1), 0)
		// The density of points on the line grows without bound as the noise goes.
		for _, sigma := range []float64{1e-1, 1e-3} {
			logP := backendtest.Floats(t, func(x *Node) *Node {
				return oracle.Points{{-1, 0}, {1, 0}}.Marginal(edm, level(x, sigma)).LogProb(x)
			}, [][]float64{{1, 0}})
			c.Near("E7.15 log p_σ at a data point is −log 4πσ²", logP, -math.Log(4*math.Pi*sigma*sigma), a64)
		}
	})
	t.Run("E7.20 noise fills the plane", func(t *testing.T) {
		const n, sigma = 100_000, .3
		data := oracle.Mixture{Weights: []float64{1, 2}, Means: [][]float64{{-1, 0}, {2, 0}}, Vars: [][]float64{{.5, 0}, {.1, 0}}} // on y = 0
		out := backendtest.Floats(t, func(g *Graph) *Node {
			src := noise.FromSeed(g, 720)
			u := Where(LessThan(src.RandomUniform(g, vector(n)), Scalar(g, float64Type, 1./3)), OnesLike(src.RandomNormal(g, vector(n))), Zeros(g, vector(n)))
			x0 := Concatenate([]*Node{u, Zeros(g, vector(n))}, 1)
			return edm.Diffuse(x0, src.RandomNormal(g, x0.Shape()), level(x0, sigma))
		})
		across, both := make([]float64, n), make([]float64, n)
		for i := range n {
			across[i] = out[2*i+1] * out[2*i+1]
			both[i] = out[2*i] * out[2*i+1]
		}
		c := check.T(t)
		c.MC("E7.20 the variance across the line is σ²", across, sigma*sigma, 5e-4)
		c.MC("E7.20 without correlation", both, 0, 1e-3)
		for _, x := range [][]float64{{0, .5}, {-4, -2}, {1, 3}} { // far from the data too
			p := backendtest.Call(t, func(x *Node) []*Node {
				law := data.Marginal(edm, level(x, sigma))
				return []*Node{law.LogProb(x), law.Score(x)}
			}, [][]float64{x})
			c.True("E7.20 density above 0 everywhere", check.Floats(p[0])[0] > math.Inf(-1), fmt.Sprintf("log p_σ(%v) = %.4g", x, check.Floats(p[0])[0]))
			c.Near("E7.20 the score across is −y/σ², everywhere", check.Floats(p[1])[1], -x[1]/(sigma*sigma), a64)
		}
	})
}

// divergences evaluates the Fisher divergence E_p‖∇log p − ∇log q‖² and KL(p‖q) between p_σ of the weights .2/.8 at ±apart and of
// .8/.2. Points at equal distances integrate such a function to rounding: it is smooth, and falls to nothing at both ends.
func divergences(t *testing.T, apart float64) func(sigma float64) (fisher, kl float64) {
	t.Helper()
	p, q := modes(.8, apart), modes(.2, apart)
	e := evaluate(t, func(x, sigma *Node) []*Node {
		truth, other := func(x *Node) *Node { return p.Score(edm)(x, sigma) }, func(x *Node) *Node { return q.Score(edm)(x, sigma) }
		logP := p.Marginal(edm, sigma).LogProb(x)
		return []*Node{Exp(logP), score.Explicit(truth)(nil, other, x), Sub(logP, q.Marginal(edm, sigma).LogProb(x))}
	})
	return func(sigma float64) (fisher, kl float64) {
		const n = 4000
		end := apart + 10*math.Sqrt(1+sigma*sigma)
		out := e.at(sigma, span(-end, end, n))
		for i, density := range out[0] {
			fisher += density * 2 * out[1][i] * 2 * end / n // Explicit carries a ½
			kl += density * out[2][i] * 2 * end / n
		}
		return fisher, kl
	}
}

func TestLostWeights(t *testing.T) {
	c := check.T(t)
	const none = 1e-9 // no noise: without an exact 0, whose logarithm EDM takes
	fisher, kl := divergences(t, 5)(none)
	c.Near("E7.17 at ±5 the score does not see the weights: Fisher·1e5", fisher*1e5, 2.0755638, units(2.0755638, 7))
	c.Near("E7.17 the law does: KL", kl, .8317758, units(.8, 7))
	fisher, kl = divergences(t, 2)(none)
	c.Near("E7.17 at ±2 the modes overlap: Fisher", fisher, .2837657, units(.3, 7))
	c.Near("E7.17 KL", kl, .7709247, units(.8, 7))
	// On the support of one mode the score is that mode's, whatever the weights.
	for _, right := range []float64{.2, .8, .999} {
		s := blurred(t, modes(right, 5)).at(none, []float64{-7, -5, -3, 3, 5, 7})[1]
		c.Near("E7.17 near a mode the score is its own", s, []float64{2, 0, -2, 2, 0, -2}, 2e-3)
	}
}
