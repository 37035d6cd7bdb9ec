package sampler_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

func heun(p process.Process, data oracle.Data) sampler.Heun {
	return sampler.Heun{SDE: flowOf(p, data), Process: p}
}

func dpm(p process.Process, data oracle.Data) sampler.DPMSolver {
	return sampler.DPMSolver{Process: p, Denoise: data.Denoiser(p)}
}

func edm(p process.Process, data oracle.Data, churn float64) sampler.EDM {
	return sampler.EDM{Process: p, Denoise: data.Denoiser(p), Churn: churn}
}

// logSNRGrid and karras are the grids; they must succeed.
func logSNRGrid(t *testing.T, p process.Process, n int) []float64 {
	t.Helper()
	times, err := sampler.LogSNRGrid(onHost, p, n)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

func karras(t *testing.T, p process.Process, n int) []float64 {
	t.Helper()
	times, err := sampler.KarrasGrid(onHost, p, n, 7)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// The flow of Gaussian data carries x_t to α_s m + √(V_s/V_t)(x_t − α_t m). Each solver tends to it at its order.
func TestSolverOrder(t *testing.T) {
	uniform := func(_ *testing.T, p process.Process, n int) []float64 { return p.Grid(n) }
	for name, c := range map[string]struct {
		step func(p process.Process) sampler.Stepper
		grid func(t *testing.T, p process.Process, n int) []float64
	}{
		"Heun":    {func(p process.Process) sampler.Stepper { return heun(p, gd) }, uniform},
		"DPM++2M": {func(p process.Process) sampler.Stepper { return dpm(p, gd) }, logSNRGrid},
		"EDM":     {func(p process.Process) sampler.Stepper { return edm(p, gd, 0) }, karras},
	} {
		for schedule, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
			p.TMin = .03 // at .1 under VP the leading term of DPM++'s error happens to be near 0
			fromM, fromV := marginal(t, p, p.TMax)
			toM, toV := marginal(t, p, p.TMin)
			x := fromM + 1.5*math.Sqrt(fromV)
			want := toM + 1.5*math.Sqrt(toV)
			run := sampler.Of(onHost, c.step(p))
			var h, errs []float64
			for _, n := range []int{60, 120, 240, 480} {
				out := sample(t, run, tensors.FromValue([][]float64{{x}}), c.grid(t, p, n), 1)
				h, errs = append(h, 1/float64(n)), append(errs, math.Abs(check.Floats(out)[0]-want))
			}
			check.T(t).Order(name+" under "+schedule, h, errs, 2, .2)
		}
	}
}

// Churn adds noise exactly, so that the law still converges at order 2 when Churn falls as 1/N.
func TestChurnOrder(t *testing.T) {
	for schedule, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub} {
		m1, v1 := marginal(t, p, p.TMax)
		m0, v0 := marginal(t, p, p.TMin)
		var h, means, variances []float64
		for _, n := range []int{80, 120, 180} {
			mean, variance := moments(t, onHost, edm(p, gd, 20/float64(n)), karras(t, p, n), m1, v1)
			h, means, variances = append(h, 1/float64(n)), append(means, math.Abs(mean-m0)), append(variances, math.Abs(variance-v0))
		}
		check.T(t).Order("variance under "+schedule, h, variances, 2, .3)
		check.T(t).Less("mean under "+schedule, means[2], 1e-3)
	}
}

// One step of the three by their formulas, in plain Go.
func TestSolverSteps(t *testing.T) {
	p, x := vp, .7
	denoise := func(x, at float64) float64 { // of N(1, .5)
		a, s := alphaSigma(t, p, at)
		return 1 + a*.5/(a*a*.5+s*s)*(x-a)
	}
	one := func(s sampler.Stepper, times ...float64) float64 {
		return check.Floats(sample(t, sampler.Of(onHost, s), tensors.FromValue([][]float64{{x}}), times, 1))[0]
	}
	level := func(at float64) float64 { a, s := alphaSigma(t, p, at); return s / a }
	t.Run("Heun", func(t *testing.T) {
		drift := func(x, at float64) float64 {
			a, s := alphaSigma(t, p, at)
			return -.5 * (.1 + 19.9*at) * (x - (x-a)/(a*a*.5+s*s))
		}
		f := drift(x, .5)
		check.T(t).Near("a step", one(heun(p, gd), .5, .4), x-.1*(f+drift(x-.1*f, .4))/2, 1e-12)
	})
	t.Run("DPM++2M", func(t *testing.T) {
		a, s := [3]float64{}, [3]float64{}
		lambda := [3]float64{}
		for i, at := range []float64{.5, .4, .2} {
			a[i], s[i] = alphaSigma(t, p, at)
			lambda[i] = math.Log(a[i] / s[i])
		}
		d0 := denoise(x, .5)
		x1 := s[1]/s[0]*x - a[1]*math.Expm1(lambda[0]-lambda[1])*d0
		check.T(t).Near("the first step", one(dpm(p, gd), .5, .4), x1, 1e-12)
		r := (lambda[1] - lambda[0]) / (lambda[2] - lambda[1])
		d1 := denoise(x1, .4)
		d := (1+1/(2*r))*d1 - d0/(2*r)
		check.T(t).Near("the second step", one(dpm(p, gd), .5, .4, .2), s[2]/s[1]*x1-a[2]*math.Expm1(lambda[1]-lambda[2])*d, 1e-12)
	})
	t.Run("EDM", func(t *testing.T) {
		a, _ := alphaSigma(t, p, .5)
		b, _ := alphaSigma(t, p, .4)
		y, from, to := x/a, level(.5), level(.4)
		d := (y - denoise(x, .5)) / from
		guess := y + (to-from)*d
		want := y + (to-from)*(d+(guess-denoise(b*guess, .4))/to)/2
		check.T(t).Near("a step", one(edm(p, gd, 0), .5, .4), b*want, 1e-12)
	})
}

// Where σ = 0 at the end, DPM++ and EDM arrive at x̂₀ and by Euler's rule; a Discrete schedule serves both.
func TestSolversArrive(t *testing.T) {
	for _, s := range []sampler.Stepper{dpm(d4, gd), edm(d4, gd, 0)} {
		points := path(t, sampler.Of(onHost, s), prior(3), d4.Grid(4), 1)
		x0 := backendtest.Call(t, func(x, u *Node) *Node { return gd.Denoiser(d4)(x, u) }, points[3], [][]float64{{1}})
		check.T(t).Near("the last step ends at x̂₀", points[4], x0[0], 1e-12)
	}
}

// γ: at most √2 − 1, only between ChurnMin and ChurnMax, and never above the noise at TMax. A step of no length shows the noise alone.
func TestChurn(t *testing.T) {
	p := process.Process{Schedule: process.EDM{}, TMin: .1, TMax: 10}
	flat := oracle.Points{{0}}                           // x̂₀ = 0, so that d = y/ς and the flow scales y by ς_s/ς̂
	added := func(from float64, c sampler.EDM) float64 { // standard deviation at ς̂ of a start at 0
		c.Process, c.Denoise = p, flat.Denoiser(p)
		_, v := moments(t, onHost, c, []float64{from, .2}, 0, 0)
		return math.Sqrt(v) / .2 // times ς̂
	}
	// ς̂² − ς² = ς²((1+γ)² − 1), so that the ratio is √(1 − 1/(1+γ)²).
	ratio := func(gamma float64) float64 { return math.Sqrt(1 - 1/((1+gamma)*(1+gamma))) }
	for name, c := range map[string]struct {
		from, want float64
		e          sampler.EDM
	}{
		"γ":                {2, ratio(.1), sampler.EDM{Churn: .1}},
		"at most √2 − 1":   {2, ratio(math.Sqrt2 - 1), sampler.EDM{Churn: 7}},
		"below ChurnMin":   {2, 0, sampler.EDM{Churn: .1, ChurnMin: 3}},
		"above ChurnMax":   {2, 0, sampler.EDM{Churn: .1, ChurnMax: 1}},
		"inside":           {2, ratio(.1), sampler.EDM{Churn: .1, ChurnMin: 1, ChurnMax: 3}},
		"NoiseScale":       {2, 1.5 * ratio(.1), sampler.EDM{Churn: .1, NoiseScale: 1.5}},
		"at TMax":          {10, 0, sampler.EDM{Churn: .1}},
		"no churn":         {2, 0, sampler.EDM{}},
		"half way to TMax": {8, math.Sqrt(1 - .64), sampler.EDM{Churn: .4}},
	} {
		check.T(t).Near(name, added(c.from, c.e), c.want, 1e-9)
	}
}

// The times have equal steps in ς^(1/7), from TMax to TMin.
func TestKarrasGrid(t *testing.T) {
	for name, p := range map[string]process.Process{"VP": vp, "VE": ve, "SubVP": sub,
		"EDM": {Schedule: process.EDM{}, TMin: .002, TMax: 80}, "linear": {Schedule: process.LogSNRLinear{Max: 13.3, Min: -5}, TMax: 1}} {
		times := karras(t, p, 10)
		if err := sampler.CheckTimes(p, times); err != nil {
			t.Error(name, err)
		}
		var roots []float64
		for _, at := range times {
			a, s := alphaSigma(t, p, at)
			roots = append(roots, math.Pow(s/a, 1./7))
		}
		for i := range roots {
			check.T(t).Near(name, roots[i], roots[0]+(roots[10]-roots[0])*float64(i)/10, 1e-9)
		}
		check.T(t).Near(name+": the ends", []float64{times[0], times[10]}, []float64{p.TMax, p.TMin}, 0)
	}
	for want, c := range map[string]struct {
		p   process.Process
		n   int
		rho float64
	}{
		"0 steps, ρ = 7, the schedule process.VP, expected at least 1": {vp, 0, 7},
		"5 steps, ρ = +Inf":                                      {vp, 5, math.Inf(1)},
		"5 steps, ρ = 0":                                         {vp, 5, 0},
		"the schedule process.Discrete, expected":                {d4, 2, 7},
		" at t = 1 and 0 at 0, expected both above 0 and finite": {process.Process{Schedule: vp.Schedule, TMax: 1}, 5, 7},
	} {
		if _, err := sampler.KarrasGrid(onHost, c.p, c.n, c.rho); err == nil || !strings.HasPrefix(err.Error(), "sampler.KarrasGrid: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The times have equal steps in t^(1/ρ), from TMax to TMin.
func TestPowerGrid(t *testing.T) {
	p := process.Process{Schedule: vp.Schedule, TMin: .001, TMax: 1}
	check.T(t).Near("cubes of equal steps", sampler.PowerGrid(p, 3, 3), []float64{1, .343, .064, .001}, 1e-14)
	check.T(t).Near("ρ = 1 is Grid", sampler.PowerGrid(p, 7, 1), p.Grid(7), 1e-14)
	for _, bad := range []func(){
		func() { sampler.PowerGrid(p, 0, 2) }, func() { sampler.PowerGrid(p, 2, 0) }, func() { sampler.PowerGrid(d4, 2, 2) },
		func() { sampler.PowerGrid(process.Process{Schedule: vp.Schedule, TMin: -1, TMax: 1}, 2, 2) },
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "sampler.PowerGrid: ") {
					t.Errorf("%v", err)
				}
			}()
			bad()
		}()
	}
}

func TestSolverErrors(t *testing.T) {
	narrow := func(x, _ *Node) *Node { return ReduceAndKeep(x, ReduceSum, 1) }
	wide := tensors.FromValue([][]float64{{1, 2}})
	two := oracle.Gaussian{Mean: []float64{0, 0}, Var: []float64{1, 1}}
	bad := heun(vp, two)
	bad.SDE.Diffusion = func(u *Node) *Node { return u }
	lost := heun(vp, two)
	lost.SDE.Drift = narrow
	solver := sampler.RK45{SDE: lost.SDE, To: 1, Rel: 1, Abs: 1}
	churned := process.Process{Schedule: process.Cosine{Offset: .008}, TMin: .1, TMax: .9}
	for want, s := range map[string]sampler.Stepper{
		"sampler.Heun: an equation with noise, expected an ODE": bad,
		"sampler.Heun: the drift has shape":                     lost,
		"sampler.RK45: the drift has shape":                     solver,
		"the denoiser made x̂₀ of shape (Float64)[1, 1]":        sampler.DPMSolver{Process: vp, Denoise: narrow},
		"the denoiser made x̂₀ of shape (Float64)[1, 1] ":       sampler.EDM{Process: vp, Denoise: narrow},
		"sampler.EDM: Churn = -1, ChurnMin = 0":                 sampler.EDM{Process: vp, Denoise: func(x, _ *Node) *Node { return x }, Churn: -1},
		"has no inverse":                                        sampler.EDM{Process: churned, Denoise: func(x, _ *Node) *Node { return x }, Churn: 1},
	} {
		if _, err := sampler.Of(onHost, s).Sample(wide, []float64{.5, .4}, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, s := range []sampler.Stepper{heun(vp, gd), dpm(vp, gd), edm(vp, gd, 0)} {
		if _, err := sampler.Of(onHost, s).Sample(prior(2), []float64{.5, .6}, 1); err == nil || !strings.Contains(err.Error(), "expected falling times") {
			t.Errorf("%T: %v", s, err)
		}
	}
}
