package sampler_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// gm is the mixture of the figures.
var gm = oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}

// flowOf is the probability flow of data under p.
func flowOf(p process.Process, data oracle.Data) sde.SDE {
	return sde.Forward(p).ProbabilityFlow(data.Score(p))
}

// gmCDF returns P(x_t ≤ x) of gm at noise α, σ.
func gmCDF(x, alpha, sigma float64) float64 {
	sum := 0.0
	for k, w := range gm.Weights {
		law := distuv.Normal{Mu: alpha * gm.Means[k][0], Sigma: math.Sqrt(alpha*alpha*gm.Vars[k][0] + sigma*sigma)}
		sum += w * law.CDF(x)
	}
	return sum
}

// alphaSigma returns α and σ of p at a time.
func alphaSigma(t *testing.T, p process.Process, at float64) (alpha, sigma float64) {
	t.Helper()
	out, err := CallOnceN(onHost, func(u *Node) (*Node, *Node) { return p.Alpha(u), p.Sigma(u) }, [][]float64{{at}})
	if err != nil {
		t.Fatal(err)
	}
	return check.Floats(out[0])[0], check.Floats(out[1])[0]
}

// solve runs an RK45 from x and returns the rows in which it ends.
func solve(t *testing.T, b compute.Backend, s sampler.RK45, x [][]float64, n int) ([]float64, sampler.Solved) {
	t.Helper()
	run := sampler.Of(b, s)
	defer run.Finalize()
	last, err := run.SampleState(tensors.FromValue(x), sampler.Count(n), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Finalize()
	solved := s.Solved(last.Aux)
	check.T(t).Near("a step of the run is an evaluation", float64(last.Steps), float64(solved.Evaluations), 0)
	return check.Floats(last.X), solved
}

// fixedStep is RK45 with a step size of its own.
type fixedStep struct {
	sampler.RK45
	h float64
}

func (f fixedStep) Step(src noise.Source, st sampler.State, t, s *Node) sampler.State {
	left := Abs(Sub(Scalar(t.Graph(), t.DType(), f.To), st.Aux[0]))
	aux := slices.Clone(st.Aux)
	aux[1] = Where(LessThan(left, Scalar(t.Graph(), t.DType(), 1.5*f.h)), left, Scalar(t.Graph(), t.DType(), f.h))
	return f.RK45.Step(src, sampler.State{X: st.X, Aux: aux}, t, s)
}

// The flow of Gaussian data has an exact answer, α_s m + √(V_s/V_t)(x_t − α_t m). With equal steps the error of x is of order 5. It
// falls in proportion to the tolerance when the steps are adapted, or faster.
func TestRK45Order(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		t.Run(name, func(t *testing.T) {
			p.TMin = .1 // where VE's drift is smooth on the scale of these steps
			fromM, fromV := marginal(t, p, p.TMax)
			toM, toV := marginal(t, p, p.TMin)
			x := 1.5 * math.Sqrt(fromV)
			want := toM + math.Sqrt(toV/fromV)*(x-fromM)
			solver := sampler.RK45{SDE: flowOf(p, gd), From: p.TMax, To: p.TMin, Rel: 1e9, Abs: 1e9}
			var h, errs, tols, adapted []float64
			for _, n := range []int{40, 60, 90, 135} {
				h = append(h, .9/float64(n))
				out := sample(t, sampler.Of(onHost, fixedStep{solver, .9 / float64(n)}), tensors.FromValue([][]float64{{x}}), sampler.Count(6*n+1), 1)
				errs = append(errs, math.Abs(check.Floats(out)[0]-want))
			}
			check.T(t).Order("error of x by equal steps", h, errs, 5, .3)
			for _, tol := range []float64{1e-5, 1e-7, 1e-9} {
				solver.Rel, solver.Abs = tol, tol
				z, _ := solve(t, onHost, solver, [][]float64{{x}}, 5000)
				tols, adapted = append(tols, tol), append(adapted, math.Abs(z[0]-want))
			}
			check.T(t).Order("error of x by the tolerance", tols, adapted, 1, .3)
		})
	}
}

// In one dimension the flow keeps the order of points, so that it carries each quantile to the same quantile: an exact answer
// for the mixture, up and down.
func TestRK45Quantiles(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		x := [][]float64{{-2.6}, {-1.4}, {.2}, {.9}, {2}}
		a0, s0 := alphaSigma(t, p, p.TMin)
		a1, s1 := alphaSigma(t, p, p.TMax)
		z, _ := solve(t, onHost, sampler.RK45{SDE: flowOf(p, gm), From: p.TMin, To: p.TMax, Rel: 1e-9, Abs: 1e-9}, x, 5000)
		for i := range x {
			check.T(t).Near(name+": the quantile stays", gmCDF(z[i], a1, s1), gmCDF(x[i][0], a0, s0), 1e-8)
		}
	}
}

// A fixed number of steps on x' = x: the growth of one step is the polynomial of order 5 with the pair's own sixth-order term,
// and x' = 5t⁴ is integrated exactly, both up and down in time.
func TestRK45Exact(t *testing.T) {
	quartic := sde.SDE{Drift: func(x, u *Node) *Node { return Add(ZerosLike(x), MulScalar(PowScalar(u, 4), 5)) }}
	for name, b := range backends(t) {
		up, solved := solve(t, b, sampler.RK45{SDE: quartic, From: -1, To: 2, Rel: 1e-3, Abs: 1e-3}, [][]float64{{7}}, 500)
		check.T(t).Near(name+": 7 + 2⁵ + 1", up, 40, 1e-12)
		check.T(t).Near(name+": the end", []float64{solved.T, solved.Size, solved.LogDet[0]}, []float64{2, 0, 0}, 0)
		down, _ := solve(t, b, sampler.RK45{SDE: quartic, From: 2, To: -1, Rel: 1e-3, Abs: 1e-3}, [][]float64{{40}}, 500)
		check.T(t).Near(name+": and back", down, 7, 1e-12)
	}
}

// ℓ is the log of the volume change: for x' = Ax it is tr A times the time, whatever the path, by both divergences.
func TestRK45LogDet(t *testing.T) {
	linear := sde.SDE{Drift: func(x, u *Node) *Node {
		return MatMul(x, Const(x.Graph(), [][]float64{{.3, -1}, {2, .4}}))
	}}
	x := [][]float64{{1, 0}, {-.5, 2}, {0, 0}}
	for _, d := range []sampler.Divergence{sampler.ExactDivergence{}, sampler.Hutchinson{Probes: 2}} {
		s := sampler.RK45{SDE: linear, From: 3, To: 1, Rel: 1e-8, Abs: 1e-8, Divergence: d}
		_, solved := solve(t, onHost, s, x, 2000)
		want := []float64{-1.4, -1.4, -1.4}
		if _, exact := d.(sampler.ExactDivergence); exact {
			check.T(t).Near("ℓ = −2 tr A", solved.LogDet, want, 1e-12)
			continue
		}
		for _, got := range solved.LogDet { // vᵀAv is .7 ± 1 for v = (1, ±1): the mean of two is .7 + {−1, 0, 1}
			off := (got + 1.4) / -2
			check.T(t).Near("a mean of two directions", off, math.Round(off), 1e-9)
		}
	}
}

// A tolerance that cannot be met says how far the path came, and a slope that is not finite names its row.
func TestRK45Errors(t *testing.T) {
	rough := sde.SDE{Drift: func(x, u *Node) *Node { return Div(x, AddScalar(Neg(u), 1)) }} // x = 1/(1−t) explodes at t = 1
	nan := sde.SDE{Drift: func(x, u *Node) *Node { return Log(x) }}
	noisy := sde.Forward(vp)
	x := tensors.FromValue([][]float64{{1}, {-1}})
	good := sampler.RK45{SDE: rough, To: .5, Rel: 1e-6, Abs: 1e-6}
	with := func(change func(*sampler.RK45)) sampler.RK45 { s := good; change(&s); return s }
	for want, c := range map[string]struct {
		s sampler.RK45
		n int
	}{
		"not done after 300 steps: t = 0.99": {with(func(s *sampler.RK45) { s.To = 2 }), 300},
		"after 300 evaluations: ":            {with(func(s *sampler.RK45) { s.To = 2 }), 300},
		"row 1 of x is NaN, expected finite numbers: the drift there is not finite at t = 0": {with(func(s *sampler.RK45) { s.SDE = nan }), 50},
		"an equation with noise: true, expected an ODE":                                      {with(func(s *sampler.RK45) { s.SDE = noisy }), 50},
		"from t = 0.5 to 0.5, expected two times":                                            {with(func(s *sampler.RK45) { s.From = .5 }), 50},
		"Rel = 1e-06 and Abs = 0, expected":                                                  {with(func(s *sampler.RK45) { s.Abs = 0 }), 50},
		"Rel = -1 and Abs = 1e-06, expected":                                                 {with(func(s *sampler.RK45) { s.Rel = -1 }), 50},
		"0 probes, expected at least 1":                                                      {with(func(s *sampler.RK45) { s.Divergence = sampler.Hutchinson{} }), 50},
	} {
		_, err := sampler.Of(onHost, c.s).Sample(x, sampler.Count(c.n), 1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := sampler.Of(onHost, good).Sample(x, []float64{1}, 1); err == nil || !strings.Contains(err.Error(), "1 times, expected Count(n)") {
		t.Errorf("one time: %v", err)
	}
}

// The whole batch is one program, whatever the tolerance has it do: 2 graphs, Start and the loop.
func TestRK45CompilesOnce(t *testing.T) {
	run := sampler.Of(backendtest.Open(t), sampler.RK45{SDE: flowOf(vp, gm), From: 1, To: vp.TMin, Rel: 1e-4, Abs: 1e-4})
	defer run.Finalize()
	for i, x := range [][][]float64{{{0}, {1}}, {{-3}, {2}}} {
		for _, n := range []int{400, 700} {
			last, err := run.SampleState(tensors.FromValue(x), sampler.Count(n), int64(i))
			if err != nil {
				t.Fatal(err)
			}
			last.Finalize()
		}
	}
	check.T(t).Near("graphs", float64(run.Compiles()), 2., 0)
}

// The probability flow from N(0, 1), which is not quite the law at TMax.
func TestTerminalBias(t *testing.T) {
	p := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-10, TMax: 1}
	s := sampler.RK45{SDE: flowOf(p, gd), From: 1, To: p.TMin, Rel: 1e-12, Abs: 1e-12}
	ends, _ := solve(t, backendtest.Open(t), s, [][]float64{{0}, {1}}, 20_000)
	slope := ends[1] - ends[0] // the flow of Gaussian data is affine
	m1, v1 := marginal(t, p, 1)
	check.T(t).Near("E8.20 mean from N(0, 1)", ends[0], .9953531365, printed)
	check.T(t).Near("E8.20 variance from N(0, 1)", slope*slope, .5/v1, a64)
	check.T(t).Near("E8.20 the bias is e^(−B/2) m₀ √(v₀/V₁)", 1-ends[0], m1*math.Sqrt(.5/v1), a64)
	check.T(t).Near("E8.20 no bias from the law at TMax", ends[0]+slope*m1, 1, a64)
	check.T(t).Near("E8.20 and the data's variance", slope*slope*v1, .5, a64)
}
