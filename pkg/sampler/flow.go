package sampler

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// FlowConfig says which flow, and how it is solved.
type FlowConfig struct {
	Process process.Process
	// Score makes ∇log q(x_t) of the networks of a store.
	Score func(scope *model.Scope) param.ScoreFn
	// Terminal is the law of z at TMax that LogProb assumes; Noise makes the usual one. Encode and Decode do not need it.
	Terminal func(z *Node) dist.LogProber
	// Tolerance is Rel and Abs of RK45; 0 stands for 1e-5 (Song et al. 2021, section 4.3).
	Tolerance float64
	// Divergence is LogProb's; nil stands for ExactDivergence.
	Divergence Divergence
	// MaxEvaluations bounds the evaluations of the score in one solution; 0 stands for 20,000.
	MaxEvaluations int
}

// Flow is the probability flow dx = [f − ½g²∇log q(x_t)] dt of a process as an invertible map from x at TMin to z at TMax,
// solved by RK45 (Song et al. 2021, section 4.3). Its tensors are [batch, event...] of float32 or float64, and each
// method is compiled once for each shape. It is not for concurrent use.
type Flow struct {
	b                      compute.Backend
	c                      FlowConfig
	encode, decode, likely *Run
	terminal               *Exec // of log p(z), nil before the first use
}

// Noise returns N(0, std² I) as a Terminal: std is 1 for a process that keeps the variance, and σ(TMax) for VE.
func Noise(std float64) func(z *Node) dist.LogProber {
	return func(z *Node) dist.LogProber {
		law := dist.StandardNormal(z)
		law.LogStd = AddScalar(law.LogStd, math.Log(std))
		return law
	}
}

// NewFlow returns the flow of c on b with the weights of store, which may be nil for a score without networks.
// It returns an error when c lacks its score or names a tolerance or a number below 0.
func NewFlow(b compute.Backend, store *model.Store, c FlowConfig) (*Flow, error) {
	if c.Score == nil || !(c.Tolerance >= 0) || c.MaxEvaluations < 0 {
		return nil, fmt.Errorf("sampler.NewFlow: a score: %t, tolerance %g, %d evaluations, expected a score and no number below 0",
			c.Score != nil, c.Tolerance, c.MaxEvaluations)
	}
	if store == nil {
		store = model.NewStore()
	}
	if c.Tolerance == 0 {
		c.Tolerance = 1e-5
	}
	if c.MaxEvaluations == 0 {
		c.MaxEvaluations = 20_000
	}
	if c.Divergence == nil {
		c.Divergence = ExactDivergence{}
	}
	run := func(from, to float64, d Divergence) *Run {
		return New(b, store, func(scope *model.Scope) Stepper {
			return RK45{SDE: sde.Forward(c.Process).ProbabilityFlow(c.Score(scope)), From: from, To: to, Rel: c.Tolerance, Abs: c.Tolerance, Divergence: d}
		})
	}
	f := &Flow{b: b, c: c, encode: run(c.Process.TMin, c.Process.TMax, nil), decode: run(c.Process.TMax, c.Process.TMin, nil),
		likely: run(c.Process.TMin, c.Process.TMax, c.Divergence)}
	return f, nil
}

// Finalize frees what the flow compiled. It can be used again, and compiles anew.
func (f *Flow) Finalize() {
	for _, run := range []*Run{f.encode, f.decode, f.likely} {
		run.Finalize()
	}
	if f.terminal != nil {
		f.terminal.Finalize()
		f.terminal = nil
	}
}

// Encode returns the z at TMax to which the flow carries x.
func (f *Flow) Encode(x *tensors.Tensor) (*tensors.Tensor, error) {
	return f.carry("Encode", f.encode, x)
}

// Decode returns the x at TMin to which the flow carries z, the inverse of Encode to within the tolerance.
func (f *Flow) Decode(z *tensors.Tensor) (*tensors.Tensor, error) {
	return f.carry("Decode", f.decode, z)
}

func (f *Flow) carry(method string, run *Run, x *tensors.Tensor) (*tensors.Tensor, error) {
	out, err := run.Sample(x, Count(f.c.MaxEvaluations), 0)
	if err != nil {
		return nil, fmt.Errorf("sampler.Flow.%s: %w", method, err)
	}
	return out, nil
}

// Likelihood is what LogProb found.
type Likelihood struct {
	LogProb []float64 // of each row, in nats
	Z       [][]float64
	Solved  // LogDet is LogProb − log p(z)
}

// LogProb returns log p(x) = log p(z) + ∫ ∇·drift dt for each row of x at TMin, in nats, where p(z) is Terminal and z = Encode(x)
// (the instantaneous change of variables: Chen et al. 2018, theorem 1; Song et al. 2021, equation 39). The
// directions of Hutchinson are drawn from seed. With Hutchinson LogProb is unbiased up to the tolerance, but exp LogProb is not.
// It returns an error when there is no Terminal, and where Run.Sample does.
func (f *Flow) LogProb(x *tensors.Tensor, seed int64) (Likelihood, error) {
	if f.c.Terminal == nil {
		return Likelihood{}, fmt.Errorf("sampler.Flow.LogProb: no Terminal in the FlowConfig, expected the law of z, as Noise(1)")
	}
	last, err := f.likely.SampleState(x, Count(f.c.MaxEvaluations), seed)
	if err != nil {
		return Likelihood{}, fmt.Errorf("sampler.Flow.LogProb: %w", err)
	}
	defer last.Finalize()
	out := Likelihood{Solved: RK45{}.Solved(last.Aux)}
	_, out.Z = Point{X: last.X}.Frame()
	if out.LogProb, err = f.prior(last.X); err != nil {
		return Likelihood{}, fmt.Errorf("sampler.Flow.LogProb: %w", err)
	}
	for i, l := range out.LogDet {
		out.LogProb[i] += l
	}
	return out, nil
}

// prior returns log p(z) of each row.
func (f *Flow) prior(z *tensors.Tensor) ([]float64, error) {
	if f.terminal == nil {
		exec, err := NewExec(f.b, func(z *Node) *Node { return f.c.Terminal(z).LogProb(z) })
		if err != nil {
			return nil, err
		}
		f.terminal = exec.SetMaxCache(-1)
	}
	out, err := f.terminal.Call(z)
	if err != nil {
		return nil, err
	}
	defer out[0].MustFinalizeAll()
	if n := z.Shape().Dimensions[0]; out[0].Size() != n {
		return nil, fmt.Errorf("the log-densities by Terminal have shape %s, expected one for each of %d rows", out[0].Shape(), n)
	}
	return mathx.Floats(out[0]), nil
}
