package process_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// a64 is the tolerance class A64 of formula against formula.
const a64 = 1e-9

// testCase is one schedule and its paper's α² and σ², in plain Go.
type testCase struct {
	name           string
	p              process.Process
	alpha2, sigma2 func(t float64) float64
	g2             func(t float64) float64 // where the paper states it
}

func integralBeta(t float64) float64 { return .1*t + .5*19.9*t*t }

func beta(t float64) float64 { return .1 + 19.9*t }

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// continuous are the schedules in continuous time.
func continuous() []testCase {
	curve := func(t float64) float64 { return 6 - 9*t - 3*t*t*t }
	cosBar := func(t float64) float64 {
		f := func(t float64) float64 { return math.Pow(math.Cos((t+.008)/1.008*math.Pi/2), 2) }
		return f(t) / f(0)
	}
	bar := func(t float64) float64 { return math.Exp(-integralBeta(t)) }
	return []testCase{
		{"VP", process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-5, TMax: 1},
			bar, func(t float64) float64 { return 1 - bar(t) }, beta},
		{"SubVP", process.Process{Schedule: process.SubVP{BetaMin: .1, BetaMax: 20}, TMin: 1e-5, TMax: 1},
			bar, func(t float64) float64 { return math.Pow(1-bar(t), 2) },
			func(t float64) float64 { return beta(t) * (1 - math.Exp(-2*integralBeta(t))) }},
		{"VE", process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-5, TMax: 1},
			func(float64) float64 { return 1 }, func(t float64) float64 { return 1e-4 * (math.Pow(5000, 2*t) - 1) },
			func(t float64) float64 { return 1e-4 * math.Pow(5000, 2*t) * 2 * math.Log(5000) }},
		{"Cosine", process.Process{Schedule: process.Cosine{Offset: .008}, TMin: 1e-5, TMax: .999},
			cosBar, func(t float64) float64 { return 1 - cosBar(t) },
			func(t float64) float64 { return math.Pi / 1.008 * math.Tan((t+.008)/1.008*math.Pi/2) }},
		{"LogSNRLinear", process.Process{Schedule: process.LogSNRLinear{Max: 13.3, Min: -5}, TMin: 0, TMax: 1},
			func(t float64) float64 { return logistic(13.3 - 18.3*t) }, func(t float64) float64 { return logistic(18.3*t - 13.3) },
			func(t float64) float64 { return 18.3 * logistic(18.3*t-13.3) }},
		{"Learned", process.Process{Schedule: process.Learned(func(t *Node) *Node {
			return AddScalar(Neg(Add(MulScalar(t, 9), MulScalar(Mul(t, Square(t)), 3))), 6)
		}), TMin: 0, TMax: 1},
			func(t float64) float64 { return logistic(curve(t)) }, func(t float64) float64 { return logistic(-curve(t)) },
			func(t float64) float64 { return (9 + 9*t*t) * logistic(-curve(t)) }},
	}
}

// all adds the discrete one.
func all() []testCase {
	bar := func(t float64) float64 {
		product := 1.0
		for i := 1; i <= int(t); i++ {
			product *= 1 - float64(i)/10
		}
		return product
	}
	return append(continuous(), testCase{name: "Discrete", p: d4,
		alpha2: bar, sigma2: func(t float64) float64 { return 1 - bar(t) }})
}

// times returns n times of p inside its range, rising, as indices for a discrete schedule.
func times(p process.Process, n int) []float64 {
	if d, ok := p.Schedule.(process.Discrete); ok {
		return floats.Span(make([]float64, d.T()), 1, float64(d.T()))
	}
	return floats.Span(make([]float64, n), .05, .95)
}

// column makes [n, 1] of values.
func column(values []float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// eval returns fn at each of ts.
func eval(t *testing.T, fn func(t *Node) *Node, ts ...float64) []float64 {
	t.Helper()
	return evalAll(t, ts, fn)[0]
}

// evalAll returns each of fns at each of ts, in one call.
func evalAll(t *testing.T, ts []float64, fns ...func(t *Node) *Node) (values [][]float64) {
	t.Helper()
	out := backendtest.Call(t, func(in []*Node) (nodes []*Node) {
		for _, fn := range fns {
			nodes = append(nodes, fn(in[0]))
		}
		return nodes
	}, column(ts))
	for _, v := range out {
		values = append(values, check.Floats(v))
	}
	return values
}

// apply maps f over ts.
func apply(f func(float64) float64, ts []float64) []float64 {
	out := make([]float64, len(ts))
	for i, t := range ts {
		out[i] = f(t)
	}
	return out
}

// Every schedule computes its paper's α and σ, and the SNR is their ratio, which falls.
func TestSchedules(t *testing.T) {
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			ts := times(c.p, 19)
			got := evalAll(t, ts, c.p.Alpha, c.p.Sigma, c.p.SNR, c.p.LogSNR)
			check.T(t).Near("α²", square(got[0]), apply(c.alpha2, ts), a64)
			check.T(t).Near("σ²", square(got[1]), apply(c.sigma2, ts), a64)
			snr := floats.DivTo(make([]float64, len(ts)), apply(c.alpha2, ts), apply(c.sigma2, ts))
			check.T(t).Near("E5.36 SNR = α²/σ²", got[2], snr, a64)
			check.T(t).Near("λ", got[3], apply(math.Log, snr), a64)
			if err := c.p.Validate(backendtest.Open(t)); err != nil {
				t.Errorf("E5.38 the SNR falls strictly: %v", err)
			}
		})
	}
}

// f and g² by automatic differentiation against finite differences of log α and σ², and against the papers.
func TestDriftAndDiffusion(t *testing.T) {
	for _, c := range continuous() {
		t.Run(c.name, func(t *testing.T) {
			b, ts := backendtest.Open(t), times(c.p, 13)
			variance := func(t *Node) *Node { return Square(c.p.Sigma(t)) }
			f := check.Derivatives(b, c.p.LogAlpha, ts)
			g2 := check.Derivatives(b, variance, ts)
			got := evalAll(t, ts, c.p.Drift, c.p.Diffusion2, c.p.Sigma)
			for i, sigma := range got[2] {
				g2[i] -= 2 * f[i] * sigma * sigma
			}
			check.T(t).Near("f = d log α/dt", got[0], f, 1e-6)
			check.T(t).Near("g² = dσ²/dt − 2fσ²", got[1], g2, 1e-6)
			check.T(t).Near("g² as the paper has it", got[1], apply(c.g2, ts), a64)
		})
	}
}

// affine holds, for each pair of times, a law of x whose mean is slope·y + at0 and whose variance is variance.
type affine struct{ slope, at0, variance []float64 }

// read takes law(y, s, t) apart by its values at y = 0 and y = 1, for all pairs s < t at once.
func read(t *testing.T, s, u []float64, law func(y, s, t *Node) dist.DiagNormal) affine {
	t.Helper()
	return readAll(t, s, u, law)[0]
}

// readAll reads several laws in one call.
func readAll(t *testing.T, s, u []float64, laws ...func(y, s, t *Node) dist.DiagNormal) (parts []affine) {
	t.Helper()
	out := backendtest.Call(t, func(in []*Node) (nodes []*Node) {
		s, u := in[0], in[1]
		for _, law := range laws {
			zero := law(ZerosLike(s), s, u)
			nodes = append(nodes, Sub(law(OnesLike(s), s, u).Mean, zero.Mean), zero.Mean, zero.Variance())
		}
		return nodes
	}, column(s), column(u))
	for i := 0; i < len(out); i += 3 {
		parts = append(parts, affine{check.Floats(out[i]), check.Floats(out[i+1]), check.Floats(out[i+2])})
	}
	return parts
}

// pairs are the s < t that the laws are tested at: neighbours and far ones.
func pairs(p process.Process) (s, t []float64) {
	if _, ok := p.Schedule.(process.Discrete); ok {
		return []float64{1, 2, 1}, []float64{2, 3, 4}
	}
	return []float64{.3, .1, .05}, []float64{.301, .4, .95}
}

// q(x_t|x_s) applied to q(x_s|x₀) is q(x_t|x₀), and q(x_s|x_t,x₀) applied to q(x_t|x₀) is q(x_s|x₀).
func TestComposition(t *testing.T) {
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			s, u := pairs(c.p)
			laws := readAll(t, s, u,
				func(x0, s, _ *Node) dist.DiagNormal { return c.p.Marginal(x0, s) },
				func(x0, _, u *Node) dist.DiagNormal { return c.p.Marginal(x0, u) },
				c.p.Transition,
				func(xt, s, u *Node) dist.DiagNormal { return c.p.Posterior(xt, OnesLike(xt), s, u) }) // x₀ = 1
			early, late, step, back := laws[0], laws[1], laws[2], laws[3]
			for i := range s {
				square := step.slope[i] * step.slope[i]
				check.T(t).Near("mean through x_s", step.slope[i]*early.slope[i], late.slope[i], a64)
				check.T(t).Near("variance through x_s", square*early.variance[i]+step.variance[i], late.variance[i], a64)
				square = back.slope[i] * back.slope[i]
				check.T(t).Near("E5.28 mean through x_t", back.slope[i]*late.slope[i]+back.at0[i], early.slope[i], a64)
				check.T(t).Near("E5.28 variance through x_t", square*late.variance[i]+back.variance[i], early.variance[i], a64)
			}
		})
	}
}

// log q(x_s|x_t,x₀) = log q(x_t|x_s) + log q(x_s|x₀) − log q(x_t|x₀), at points in three dimensions.
func TestPosteriorIsBayes(t *testing.T) {
	x0 := [][]float64{{.4, -1, 2}, {1.8, 0, -.3}, {0, .7, 1}}
	xs := [][]float64{{.5, -.8, 1}, {1.1, .2, .1}, {-1, 2, .6}}
	xt := [][]float64{{.3, -.2, .9}, {-1, .4, 0}, {.6, -.7, 2}}
	for _, c := range all() {
		t.Run("E5.17 "+c.name, func(t *testing.T) {
			s, u := pairs(c.p)
			out := backendtest.Call(t, func(in []*Node) []*Node {
				x0, xs, xt, s, u := in[0], in[1], in[2], in[3], in[4]
				bayes := Sub(Add(c.p.Transition(xs, s, u).LogProb(xt), c.p.Marginal(x0, s).LogProb(xs)), c.p.Marginal(x0, u).LogProb(xt))
				return []*Node{c.p.Posterior(xt, x0, s, u).LogProb(xs), bayes}
			}, x0, xs, xt, column(s), column(u))
			check.T(t).Near("log q(x_s|x_t,x₀)", out[0], out[1], a64)
		})
	}
}

// Gradients of a scalar of the laws with respect to x_t, x₀, s and t against finite differences.
func TestGradients(t *testing.T) {
	at := []float64{.3, 1.8, .35, .6} // x_t, x₀, s, t
	for _, c := range continuous() {
		t.Run(c.name, func(t *testing.T) {
			scalar := func(v []*Node) *Node {
				back, forth, start := c.p.Posterior(v[0], v[1], v[2], v[3]), c.p.Transition(v[0], v[2], v[3]), c.p.Marginal(v[1], v[3])
				sum := Add(Add(back.Mean, back.LogStd), Add(forth.Mean, forth.LogStd))
				sum = Add(sum, Add(Mul(start.Mean, start.Mean), start.LogStd))
				return ReduceAllSum(Add(sum, Mul(c.p.Drift(v[3]), c.p.Diffusion2(v[3]))))
			}
			exec, err := NewExec(backendtest.Open(t), scalar)
			if err != nil {
				t.Fatal(err)
			}
			value := func(x []float64) float64 {
				out, err := exec.Call([][]float64{{x[0]}}, [][]float64{{x[1]}}, [][]float64{{x[2]}}, [][]float64{{x[3]}})
				if err != nil {
					t.Fatal(err)
				}
				return tensors.ToScalar[float64](out[0])
			}
			out := backendtest.Call(t, func(v []*Node) []*Node { return Gradient(scalar(v), v...) },
				[][]float64{{at[0]}}, [][]float64{{at[1]}}, [][]float64{{at[2]}}, [][]float64{{at[3]}})
			for i, want := range check.Grad(value, at) {
				check.T(t).Near([]string{"∂/∂x_t", "∂/∂x₀", "∂/∂s", "∂/∂t"}[i], out[i], want, 1e-6)
			}
		})
	}
}

// A time is a tensor: a hundred steps compile once.
func TestOneCompilation(t *testing.T) {
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			builds := 0
			exec, err := graph.NewExec(backendtest.Open(t), func(x, s, u *Node) (*Node, *Node) {
				builds++
				law := c.p.Posterior(x, x, s, u)
				return law.Mean, law.LogStd
			})
			if err != nil {
				t.Fatal(err)
			}
			steps := 100
			if d, ok := c.p.Schedule.(process.Discrete); ok {
				steps = d.T()
			}
			grid := c.p.Grid(steps)
			for i := range len(grid) - 1 {
				out, err := exec.Call([][]float64{{.3, -1}}, [][]float64{{grid[i+1]}}, [][]float64{{grid[i]}})
				if err != nil {
					t.Fatal(err)
				}
				if mean := check.Floats(out[0])[0]; math.IsNaN(mean) {
					t.Errorf("the step from %g to %g gives NaN", grid[i], grid[i+1])
				}
			}
			if builds != 1 {
				t.Errorf("%d steps built the graph %d times, want once", len(grid)-1, builds)
			}
		})
	}
}

// Diffuse is the draw of Marginal, with the noise that is given.
func TestDiffuse(t *testing.T) {
	x0, eps := [][]float64{{.4, -1}, {1.8, 0}}, [][]float64{{-1, .2}, {.5, 3}}
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			out := backendtest.Call(t, func(x0, eps, u *Node) (*Node, *Node) {
				return c.p.Diffuse(x0, eps, u), c.p.Marginal(x0, u).Sample(noise.Fixed(eps))
			}, x0, eps, column(times(c.p, 2)[:2]))
			check.T(t).Near("x_t", out[0], out[1], a64)
			first := times(c.p, 2)[0]
			check.T(t).Near("x_t by hand", check.Floats(out[0])[0], math.Sqrt(c.alpha2(first))*.4-math.Sqrt(c.sigma2(first)), a64)
		})
	}
}

// float32 follows float64 to 1e-4 (class A32) in the logs that everything is made of.
func TestFloat32(t *testing.T) {
	for _, c := range all() {
		t.Run(c.name, func(t *testing.T) {
			ts := times(c.p, 19)
			var ts32 []float32
			for _, v := range ts {
				ts32 = append(ts32, float32(v))
			}
			out := backendtest.Call(t, func(t *Node) (*Node, *Node) { return c.p.LogSNR(t), c.p.LogAlpha(t) }, ts32)
			want := evalAll(t, ts, c.p.LogSNR, c.p.LogAlpha)
			check.T(t).Near("λ", out[0], want[0], 1e-4)
			check.T(t).Near("log α", out[1], want[1], 1e-4)
		})
	}
}

// constant returns [1, 1] of v.
func constant(like *Node, v float64) *Node { return Const(like.Graph(), [][]float64{{v}}) }
