package sampler_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

const (
	a64     = 1e-9  // formula against formula, in float64
	printed = 1e-10 // against a figure printed with ten digits
)

// onHost is pure Go, which compiles in no time.
var onHost = backend.MustOpen(backend.PureGo)

// backends are pure Go and the tests' own.
func backends(t *testing.T) map[string]compute.Backend {
	return map[string]compute.Backend{"pure Go": onHost, "default": backendtest.Open(t)}
}

// The data N(1, .5) and the processes of the figures.
var (
	gd  = oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	d4  = process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	sch = process.Process{Schedule: process.DDPM(1000, 1e-4, .02), TMax: 1000}
	vp  = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
	ve  = process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-3, TMax: 1}
	sub = process.Process{Schedule: process.SubVP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
)

// exact is the ancestral step of gd under p.
func exact(p process.Process, std sampler.ReverseStd, last sampler.Last) sampler.Ancestral {
	return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: gd.Denoiser(p), Std: std}, Last: last}
}

// exactStd is the variance of gd.
func exactStd(p process.Process) sampler.ReverseStd { return sampler.ExactStd(gd.PosteriorVar(p)) }

// impulses runs a Stepper on T+2 rows: row k = 1 … T gets noise 1 at step k and 0 at all others, the rest no noise.
type impulses struct{ sampler.Stepper }

func (i impulses) Init(x *Node) sampler.State {
	st := i.Stepper.Init(x)
	st.Aux = append(st.Aux, ZerosLike(x)) // steps done
	return st
}

func (i impulses) Step(_ noise.Source, st sampler.State, t, s *Node) sampler.State {
	own := len(st.Aux) - 1
	step := OnePlus(st.Aux[own])
	rows := Iota(t.Graph(), st.X.Shape(), 0)
	z := ConvertDType(Equal(rows, step), st.X.DType())
	next := i.Stepper.Step(noise.Fixed(z), sampler.State{X: st.X, Aux: st.Aux[:own]}, t, s)
	next.Aux = append(next.Aux, step)
	return next
}

// moments returns the exact mean and variance of the chain's last x when its steps are affine and it starts at N(m, v).
func moments(t *testing.T, b compute.Backend, s sampler.Stepper, times []float64, m, v float64) (mean, variance float64) {
	t.Helper()
	x := make([]float64, len(times)+1)
	x[len(times)] = 1 // the last row starts at 1, all others at 0
	run := sampler.Of(b, impulses{s})
	defer run.Finalize()
	out := check.Floats(sample(t, run, tensors.FromFlatDataAndDimensions(x, len(x), 1), times, 1))
	slope := out[len(times)] - out[0]
	variance = slope * slope * v
	for _, y := range out[1:len(times)] {
		variance += (y - out[0]) * (y - out[0])
	}
	return out[0] + slope*m, variance
}

// sample is Sample; it must succeed.
func sample(t *testing.T, run *sampler.Run, x *tensors.Tensor, times []float64, seed int64) *tensors.Tensor {
	t.Helper()
	out, err := run.Sample(x, times, seed)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// path returns copies of all points; it must succeed.
func path(t *testing.T, run *sampler.Run, x *tensors.Tensor, times []float64, seed int64) (all []*tensors.Tensor) {
	t.Helper()
	for p, err := range run.Path(x, times, seed) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Step != len(all) || p.T != times[p.Step] {
			t.Errorf("point %d is step %d at t = %g, want t = %g", len(all), p.Step, p.T, times[len(all)])
		}
		x, err := p.Copy()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

// marginal returns the mean and variance of x_t for gd.
func marginal(t *testing.T, p process.Process, at float64) (mean, variance float64) {
	t.Helper()
	out, err := CallOnceN(onHost, func(u *Node) (*Node, *Node) { return p.Alpha(u), p.Sigma(u) }, [][]float64{{at}})
	if err != nil {
		t.Fatal(err)
	}
	alpha, sigma := check.Floats(out[0])[0], check.Floats(out[1])[0]
	return alpha, alpha*alpha*.5 + sigma*sigma
}

// prior is x_T of n rows of one float64.
func prior(n int) *tensors.Tensor { return sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 1, 1) }

// chain is a discrete chain in plain Go, its indices kept: ᾱ at each.
type chain []float64

// ddpm is the chain of β linear from first to last.
func ddpm(T int, first, last float64) chain {
	bar := chain{1}
	for i := range T {
		bar = append(bar, bar[i]*(1-first-(last-first)*float64(i)/float64(T-1)))
	}
	return bar
}

// recursion returns mean and variance of x₀ when x_T ~ N(0, 1) steps down the chain's indices by DDPM's formulas for data
// N(1, .5), with each step's variance from the kind: "posterior", "transition" or "exact". The last step adds noise or not.
func (bar chain) recursion(indices []int, kind string, noise bool) (mean, variance float64) {
	variance = 1
	for i, t := range indices[:len(indices)-1] {
		s := indices[i+1]
		a := bar[t] / bar[s]                // α_t of the step, ᾱ_t/ᾱ_s
		total := bar[t]*.5 + 1 - bar[t]     // Var x_t
		g := math.Sqrt(bar[t]) * .5 / total // x̂₀ = g x_t + h
		h := 1 - g*math.Sqrt(bar[t])        //
		ofX0 := math.Sqrt(bar[s]) * (1 - a) / (1 - bar[t])
		ofXt := math.Sqrt(a) * (1 - bar[s]) / (1 - bar[t])
		add := (1 - a) * (1 - bar[s]) / (1 - bar[t])
		switch kind {
		case "transition":
			add = 1 - a
		case "exact":
			add += ofX0 * ofX0 * .5 * (1 - bar[t]) / total
		}
		if i == len(indices)-2 && !noise {
			add = 0
		}
		slope := ofXt + ofX0*g
		mean, variance = slope*mean+ofX0*h, slope*slope*variance+add
	}
	return mean, variance
}

// down returns T, T−1, …, 0.
func down(T int) []int {
	all := make([]int, T+1)
	for i := range all {
		all[i] = T - i
	}
	return all
}

func floatsOf(indices []int) []float64 {
	all := make([]float64, len(indices))
	for i, v := range indices {
		all[i] = float64(v)
	}
	return all
}
