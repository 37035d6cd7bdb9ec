package bench

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

const (
	flowDigits    = 256
	flowTolerance = 1e-5
	flowMost      = 5000 // evaluations
)

// solution is what jax_flow.py apply prints.
type solution struct {
	LogDet      []float64 `json:"log_det"`
	Z           []float64 `json:"z"`
	Evaluations int       `json:"evaluations"`
}

// flowCase is what jax_flow.py reads.
type flowCase struct {
	Weights   map[string]weights `json:"weights"`
	X         []float32          `json:"x"`
	V         []float32          `json:"v"`
	Tolerance float64            `json:"tolerance"`
}

// BenchmarkFlow finds the likelihood of 256 digits by the probability flow of the shipped denoiser, at tolerance 1e-5 with one
// Rademacher direction for each, in turns with JAX: the same weights, images, directions, tableau and controller, all in one
// while_loop. First both must find the same. It reports the least and the median seconds of b.N turns, and the ratios.
func BenchmarkFlow(b *testing.B) {
	run, solver, x, weights := digitsFlow(b)
	defer run.Finalize()
	began := time.Now()
	last, err := run.SampleState(x, sampler.Count(flowMost), 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("compiled and solved in %.1f s", time.Since(began).Seconds())
	drawn := last.Aux[len(last.Aux)-1] // by Hutchinson
	in := flowCase{weights, tensors.MustCopyFlatData[float32](x), tensors.MustCopyFlatData[float32](drawn), flowTolerance}
	text, err := json.Marshal(in)
	file := filepath.Join(b.TempDir(), "flow.json")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	solved := solver.Solved(last.Aux)
	sameSolution(b, file, solution{solved.LogDet, check.Floats(last.X), solved.Evaluations})
	last.Finalize()

	jax := startPeer(b, "jax_flow.py", "time", file)
	var ours []float64
	for range b.N {
		began := time.Now()
		last, err := run.SampleState(x, sampler.Count(flowMost), 1)
		if err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(began).Seconds())
		last.Finalize()
		jax.turn(b)
	}
	loop := jax.times["loop"]
	b.ReportMetric(0, "ns/op")
	report(b, "flow-s", ours)
	report(b, "loop-s", loop)
	b.ReportMetric(float64(solved.Evaluations), "evaluations")
	b.ReportMetric(slices.Min(ours)/slices.Min(loop), "flow/loop")
	b.ReportMetric(median(ours)/median(loop), "flow/loop-median")
}

// digitsFlow returns a Run of the solver, the digits at the model's first time, with its noise, and the weights by jax_flow.py's names.
func digitsFlow(b *testing.B) (*sampler.Run, sampler.RK45, *tensors.Tensor, map[string]weights) {
	backend := backendtest.Open(b)
	m, _, err := vdm.Load(backend, filepath.Join("..", "..", "notebooks", "checkpoints", "vdm-digits"), vdm.DigitsConfig)
	if err != nil {
		b.Fatal(err)
	}
	batch, err := datasets.MustLoader(digits.Test().Spatial(), flowDigits, 1, datasets.Options{Sequential: true}).Batch(0)
	if err != nil {
		b.Fatal(err)
	}
	p := m.Config.Process()
	x, err := graph.CallOnce(backend, func(u *graph.Node) *graph.Node {
		t := graph.Reshape(graph.ScalarZero(u.Graph(), u.DType()), 1, 1, 1, 1)
		return p.Diffuse(m.Config.Levels.FromIntensity(u), noise.FromSeed(u.Graph(), 5).RandomNormal(u.Graph(), u.Shape()), t)
	}, batch[0])
	if err != nil {
		b.Fatal(err)
	}
	solver := func(score param.ScoreFn) sampler.RK45 {
		return sampler.RK45{SDE: sde.Forward(p).ProbabilityFlow(score), From: p.TMin, To: p.TMax, Rel: flowTolerance, Abs: flowTolerance,
			Divergence: sampler.Hutchinson{Probes: 1}}
	}
	run := sampler.New(backend, m.Store, func(scope *model.Scope) sampler.Stepper {
		return solver(param.ScoreOf(p, m.Config.Build(scope, nil).Denoise))
	})
	named := map[string]weights{}
	for v := range m.Store.IterVariables() {
		if _, name, ok := strings.Cut(v.Path(), "/denoiser/"); ok && v.Trainable {
			named[name] = weights{v.Shape().Dimensions, tensors.MustCopyFlatData[float32](v.MustValue())}
		}
	}
	return run, solver(nil), x, named
}

// sameSolution fails unless JAX finds our solution, to within what the tolerance leaves open.
func sameSolution(b *testing.B, file string, want solution) {
	text, err := command(b, "jax_flow.py", "apply", file).Output()
	var got solution
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil || len(got.LogDet) != len(want.LogDet) || len(got.Z) != len(want.Z) {
		b.Fatal("jax_flow.py", err, len(got.LogDet), len(got.Z))
	}
	const nats, units = 0.3, 0.01 // of log-determinants near 200, in float32: 0.007 bits per dimension
	l, z := apart(got.LogDet, want.LogDet), apart(got.Z, want.Z)
	b.Logf("evaluations: ours %d, JAX's %d; root mean square differences: %.1e nats of log-determinant, %.1e of z", want.Evaluations, got.Evaluations, l, z)
	if !(l < nats && z < units) || math.Abs(float64(got.Evaluations-want.Evaluations)) > 0.1*float64(want.Evaluations) {
		b.Fatalf("JAX's solution differs from ours by more than %g nats, %g of z or a tenth of the evaluations", nats, units)
	}
}

// apart is the root mean square of x − y.
func apart(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum / float64(len(x)))
}
