package dist_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// encoded is the encoder's law for raw outputs m and ρ = log σ², both [n], as [n, 1].
func encoded(m, rho *Node) dist.DiagNormal {
	return dist.DiagNormal{Mean: InsertAxes(m, -1), LogStd: InsertAxes(MulScalar(rho, .5), -1)}
}

// klToPrior returns KL(N(m, e^ρ) ‖ N(0,1)), [n].
func klToPrior(m, rho *Node) *Node {
	q := encoded(m, rho)
	return dist.KL(q, dist.StandardNormal(q.Mean))
}

const mean, rho = .7, -.4 // of E3.11 and E3.19

func TestChapter3ClosedFormKL(t *testing.T) {
	c, b := check.T(t), backendtest.Open(t)
	kl := func(m, rho float64) float64 { return backendtest.Floats(t, klToPrior, []float64{m}, []float64{rho})[0] }
	t.Run("E3.11 closed-form KL", func(t *testing.T) {
		c.Near("E3.11 KL at m=.7, ρ=−.4", kl(mean, rho), .2801600230, 1e-10)
		q := normal(mean, math.Exp(rho/2))
		byQuadrature := check.Integral(b, q.times(func(z *Node) *Node {
			return Sub(q.logPDF(z), normal(0, 1).logPDF(z))
		}), mean-12, mean+12)
		c.Near("E3.11 KL by quadrature", byQuadrature, kl(mean, rho), 1e-8)
		halves := .5 * (math.Exp(rho) + mean*mean - 1 - rho)
		c.Near("E3.11 ½(σ²+μ²−1−log σ²)", kl(mean, rho), halves, 1e-9)
	})
	t.Run("E3.11 the study notes' expression is twice that (X13)", func(t *testing.T) {
		asWritten := math.Exp(rho) - (1 + rho) + mean*mean
		c.Near("E3.11 as written", asWritten, .5603200460, 1e-10)
		c.Differ("E3.11 as written", asWritten, kl(mean, rho), .28)
		// The brackets matter too: the sum over two coordinates must take in each coordinate's own m².
		both := backendtest.Floats(t, func(g *Graph) *Node {
			q := dist.DiagNormal{Mean: Const(g, [][]float64{{mean, -1}}), LogStd: Const(g, [][]float64{{rho / 2, .1}})}
			return dist.KL(q, dist.StandardNormal(q.Mean))
		})
		c.Near("E3.11 two coordinates add", both[0], kl(mean, rho)+kl(-1, .2), 1e-12)
	})
	t.Run("E3.11 gradients", func(t *testing.T) {
		grads := backendtest.Call(t, func(m, rho *Node) []*Node {
			return Gradient(ReduceAllSum(klToPrior(m, rho)), m, rho)
		}, []float64{mean, -2, 0}, []float64{rho, 3, 0})
		for i, p := range [][2]float64{{mean, rho}, {-2, 3}, {0, 0}} {
			slopes := check.Grad(func(x []float64) float64 { return kl(x[0], x[1]) }, p[:])
			c.Near("E3.11 ∂KL/∂m = m, by differences", check.Floats(grads[0])[i], slopes[0], 1e-8)
			c.Near("E3.11 ∂KL/∂ρ = (e^ρ−1)/2, by differences", check.Floats(grads[1])[i], slopes[1], 1e-8)
			c.Near("E3.11 gradients in closed form", []float64{check.Floats(grads[0])[i], check.Floats(grads[1])[i]},
				[]float64{p[0], math.Expm1(p[1]) / 2}, 1e-9)
		}
	})
}

func TestChapter3PenaltyShape(t *testing.T) {
	c := check.T(t)
	h := func(rho *Node) *Node { return MulScalar(klToPrior(ZerosLike(rho), rho), 2) }
	grid := make([]float64, 801)
	floats.Span(grid, -8, 8)
	t.Run("E3.21 penalty h(ρ) = e^ρ−(1+ρ)", func(t *testing.T) {
		values := backendtest.Floats(t, h, grid)
		want := make([]float64, len(grid))
		for i, r := range grid {
			want[i] = math.Exp(r) - (1 + r)
		}
		c.Near("E3.21 twice the KL at m = 0", values, want, 1e-9)
		least := floats.MinIdx(values)
		c.Near("E3.21 the least value", values[least], 0, 1e-12)
		c.Near("E3.21 it is at ρ = 0", grid[least], 0, 1e-12)
		for i := 1; i < len(values)-1; i++ {
			if !(values[i-1]+values[i+1] > 2*values[i]) {
				t.Fatalf("h is not convex at ρ = %g", grid[i])
			}
		}
	})
	t.Run("E3.21 slope 0 and curvature 1 at ρ = 0", func(t *testing.T) {
		out := backendtest.Call(t, func(rho *Node) []*Node {
			slope := Gradient(ReduceAllSum(h(rho)), rho)[0]
			return []*Node{slope, Gradient(ReduceAllSum(slope), rho)[0]}
		}, []float64{0, 1})
		c.Near("E3.21 h'", out[0], []float64{0, math.E - 1}, 1e-9)
		c.Near("E3.21 h''", out[1], []float64{1, math.E}, 1e-9)
	})
	t.Run("E3.21 m² pulls the code to 0", func(t *testing.T) {
		pull := backendtest.Floats(t, func(m *Node) *Node {
			return Sub(klToPrior(m, ZerosLike(m)), klToPrior(ZerosLike(m), ZerosLike(m)))
		}, []float64{-3, .5, 2})
		c.Near("E3.21 ½m²", pull, []float64{4.5, .125, 2}, 1e-9)
	})
}

func TestChapter3EncoderLaw(t *testing.T) {
	c := check.T(t)
	t.Run("E3.10 exp keeps the variance positive for any output", func(t *testing.T) {
		grid := make([]float64, 161)
		floats.Span(grid, -80, 80)
		for name, out := range map[string]any{"float64": grid, "float32": toFloat32(grid)} {
			variance := check.Floats(backendtest.Call(t, func(rho *Node) *Node { return encoded(rho, rho).Variance() }, out)[0])
			c.True("E3.10 "+name, floats.Min(variance) > 0 && !math.IsInf(floats.Max(variance), 1), "variance in (0, ∞) for ρ in [−80, 80]")
		}
	})
	t.Run("E3.10 one normal for each x, not a mixture (X33)", func(t *testing.T) {
		// The score of one normal is affine in z; that of a mixture of two with the same moments is not.
		z := [][]float64{{-2, 1}, {0, 1}, {2, 1}}
		bend := func(law func(g *Graph) dist.LogProber) float64 {
			s := backendtest.Floats(t, func(z *Node) *Node { return dist.ScoreOf(law(z.Graph()), z) }, z)
			return s[0] - 2*s[2] + s[4]
		}
		one := bend(func(g *Graph) dist.LogProber {
			return dist.DiagNormal{Mean: Const(g, [][]float64{{.3, -1}}), LogStd: Const(g, [][]float64{{.2, -.4}})}
		})
		two := bend(func(g *Graph) dist.LogProber {
			return dist.NewMixture(g, []float64{1, 3}, [][]float64{{-1, 0}, {1, 0}}, [][]float64{{.5, 1}, {.5, 1}})
		})
		c.Near("E3.10 second difference of the encoder's score", one, 0, 1e-12)
		c.Differ("E3.10 that of a mixture", two, 0, .1)
	})
}

func toFloat32(xs []float64) []float32 {
	out := make([]float32, len(xs))
	for i, x := range xs {
		out[i] = float32(x)
	}
	return out
}

// columnsDrawn returns n draws of N(means, stds²), one slice for each coordinate.
func columnsDrawn(t *testing.T, n int, means, stds []float64) [][]float64 {
	t.Helper()
	flat := backendtest.Floats(t, func(m, s *Node) *Node {
		q := dist.DiagNormal{Mean: dist.Repeat(m, n), LogStd: Log(s)}
		return q.Sample(noise.FromSeed(m.Graph(), 317))
	}, [][]float64{means}, [][]float64{stds})
	out := make([][]float64, len(means))
	for i, v := range flat {
		out[i%len(means)] = append(out[i%len(means)], v)
	}
	return out
}

// squares returns (x−m)² for each draw.
func squares(xs []float64, m float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = (x - m) * (x - m)
	}
	return out
}

func TestChapter3Reparameterisation(t *testing.T) {
	c := check.T(t)
	means, stds := []float64{.5, -3, 2}, []float64{1, 10, .1}
	t.Run("E3.17 z = μ + σ⊙ε", func(t *testing.T) {
		const n = 100_000
		got := columnsDrawn(t, n, means, stds)
		for i := range means {
			c.MC("E3.17 E[z]", got[i], means[i], 4e-3*stds[i])
			c.MC("E3.17 Var[z]", squares(got[i], means[i]), stds[i]*stds[i], 6e-3*stds[i]*stds[i])
		}
		bound := 5 / math.Sqrt(n)
		c.Near("E3.17 the coordinates are independent", []float64{stat.Correlation(got[0], got[1], nil), stat.Correlation(got[1], got[2], nil)}, 0, bound)
	})
	t.Run("E3.17 the product is elementwise", func(t *testing.T) {
		eps := [][]float64{{1, 1, 1}, {-1, 2, .5}}
		got := backendtest.Floats(t, func(m, s, e *Node) *Node {
			return dist.DiagNormal{Mean: dist.Repeat(m, 2), LogStd: Log(s)}.Sample(noise.Fixed(e))
		}, [][]float64{means}, [][]float64{stds}, eps)
		c.Near("E3.17 first scaled, then shifted", got, []float64{1.5, 7, 2.1, -.5, 17, 2.05}, 1e-12)
		inner := floats.Dot(stds, eps[1]) // a scalar product would add one number to every coordinate
		c.Differ("E3.17 a scalar product", []float64{means[0] + inner, means[1] + inner, means[2] + inner}, got[3:], 1)
	})
}

func TestChapter3PlainSampling(t *testing.T) {
	c := check.T(t)
	t.Run("E3.16 plain sampling blocks gradients", func(t *testing.T) {
		out := backendtest.Call(t, func(m, s *Node) []*Node {
			q := dist.DiagNormal{Mean: m, LogStd: Log(s)}
			eps := Const(m.Graph(), [][]float64{{.4}})
			drawn := StopGradient(q.Sample(noise.Fixed(eps)))
			plain := Gradient(ReduceAllSum(Square(drawn)), m, s)
			through := Gradient(ReduceAllSum(Square(q.Sample(noise.Fixed(eps)))), m, s)
			return append(plain, through...)
		}, [][]float64{{1}}, [][]float64{{2}})
		grads := []float64{}
		for _, o := range out {
			grads = append(grads, check.Floats(o)...)
		}
		c.Near("E3.16 through a draw held constant", grads[:2], 0, 0)
		c.Near("E3.16 through μ + σε: 2z and 2zε at z = 1.8, ε = .4", grads[2:], []float64{3.6, 1.44}, 1e-9)
	})
}

func TestChapter3NoisyCode(t *testing.T) {
	c := check.T(t)
	const n = 100_000
	t.Run("E3.19 code = m + e^{ρ/2}·e (X14)", func(t *testing.T) {
		v := math.Exp(rho)
		right := columnsDrawn(t, n, []float64{mean}, []float64{math.Exp(rho / 2)})[0]
		c.MC("E3.19 Var(code) = e^ρ", squares(right, mean), v, 6e-3*v)
		written := columnsDrawn(t, n, []float64{mean}, []float64{math.Exp(rho)})[0]
		c.MC("E3.19 multiplier e^ρ gives e^{2ρ}", squares(written, mean), v*v, 6e-3*v*v)
		c.Differ("E3.19 as written, the code's variance is e^ρ", check.Mean(squares(written, mean)), v, .2)
		c.Near("E3.19 KL of the wrong multiplier", backendtest.Floats(t, klToPrior, []float64{mean}, []float64{2 * rho}), .3696644821, 1e-10)
	})
}

// Maximum likelihood raises the density at the data. Raising the distribution function there is another thing.
func TestChapter3MaximumLikelihood(t *testing.T) {
	c, data := check.T(t), []float64{.2, 1.1, 1.7, 2.4, 3.1}
	logLik := func(m, logStd *Node) *Node {
		x := Const(m.Graph(), [][]float64{{data[0]}, {data[1]}, {data[2]}, {data[3]}, {data[4]}})
		return ReduceAllSum(dist.DiagNormal{Mean: m, LogStd: logStd}.LogProb(x))
	}
	t.Run("E3.7 gradient ascent on Σ log p(x) reaches the sample moments", func(t *testing.T) {
		step := MustNewExec(backendtest.Open(t), func(m, logStd *Node) []*Node {
			grads := Gradient(logLik(m, logStd), m, logStd)
			return []*Node{Add(m, MulScalar(grads[0], .05)), Add(logStd, MulScalar(grads[1], .05))}
		})
		defer step.Finalize()
		m, logStd := any([][]float64{{-1}}), any([][]float64{{.5}})
		for range 400 {
			out := step.MustCall(m, logStd)
			m, logStd = out[0], out[1]
		}
		got := []float64{check.Floats(m)[0], math.Exp(2 * check.Floats(logStd)[0])}
		c.Near("E3.7 mean and variance", got, []float64{stat.Mean(data, nil), stat.PopVariance(data, nil)}, 1e-9)
	})
	t.Run("E3.7 a larger F at the data is no larger likelihood (X11)", func(t *testing.T) {
		best := stat.Mean(data, nil)
		sum := func(mu float64) (cdf, logDensity float64) {
			for _, x := range data {
				cdf += distuv.Normal{Mu: mu, Sigma: 1}.CDF(x)
			}
			return cdf, backendtest.Floats(t, logLik, [][]float64{{mu}}, [][]float64{{0}})[0]
		}
		cdf, logDensity := sum(best)
		for _, shift := range []float64{.5, 1, 4} {
			shifted, lower := sum(best - shift)
			c.Less("E3.7 shifted left, F rises", cdf, shifted)
			c.Near("E3.7 and Σ log f falls by n·shift²/2", logDensity-lower, 5*shift*shift/2, 1e-9)
		}
	})
}
