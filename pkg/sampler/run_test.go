package sampler_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// network is a small denoiser whose output also holds a gradient with respect to its input, as guidance does.
func network(scope *model.Scope) func(x, t *Node) *Node {
	return func(x, t *Node) *Node {
		in := Concatenate([]*Node{x, BroadcastToDims(t, x.Shape().Dimensions[0], 1)}, -1)
		y := nets.MLP(scope.At("net"), in, nets.GlorotUniform, Tanh, 16, 2)
		return Add(y, MulScalar(Gradient(ReduceAllSum(Square(y)), x)[0], .1))
	}
}

// trained returns a store with the network's weights.
func trained(t *testing.T, b compute.Backend, seed int64) *model.Store {
	t.Helper()
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		t.Fatal(err)
	}
	_, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node {
		return network(scope)(x, OnesLike(Slice(x, AxisRange(0, 1), AxisElem(0))))
	}, [][]float32{{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func ofNetwork(scope *model.Scope) sampler.Stepper {
	return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp, Denoise: network(scope)}}
}

// One call or a call for each step: the same x, from two graphs, for any number of steps and any seed; and the network's
// weights are those of the store at the time.
func TestSampleAndPath(t *testing.T) {
	for name, b := range backends(t) {
		t.Run(name, func(t *testing.T) {
			x := sampler.Prior(shapes.Make(dtypes.Float32, 5, 2), 1, 3)
			start := check.Floats(x)
			store := trained(t, b, 1)
			run := sampler.New(b, store, ofNetwork)
			results := map[string]bool{}
			for _, n := range []int{1, 20, 300} {
				for _, seed := range []int64{1, 2} {
					points := path(t, run, x, vp.Grid(n), seed)
					if len(points) != n+1 {
						t.Errorf("%d points of %d steps", len(points), n)
					}
					check.T(t).Near("Path starts at x", points[0], start, 0)
					last := sample(t, run, x, vp.Grid(n), seed)
					check.T(t).Near("Sample", last, points[n], 1e-4)
					check.T(t).Near("again", sample(t, run, x, vp.Grid(n), seed), last, 0)
					results[last.String()] = true
				}
			}
			if len(results) != 5 { // one step to TMin draws no noise
				t.Errorf("%d different results of 3 grids and 2 seeds, want 5", len(results))
			}
			if run.Compiles() > 2 {
				t.Errorf("%d compilations, want one of the step and one of the loop", run.Compiles())
			}
			before := sample(t, run, x, vp.Grid(20), 1)
			for v := range trained(t, b, 2).IterVariables() {
				value, err := v.MustValue().LocalClone()
				if err == nil {
					err = store.GetVariable(v.Path()).SetValue(value)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			check.T(t).Differ("other weights, other x", sample(t, run, x, vp.Grid(20), 1), before, 1e-3)
			check.T(t).Near("x is left alone", x, start, 0)
		})
	}
}

// convolving is a denoiser with a convolution, which Sample does not put into a loop.
func TestConvolution(t *testing.T) {
	denoise := func(x, t *Node) *Node {
		kernel := MulScalar(Ones(x.Graph(), shapes.Make(x.DType(), 3, 3, 1, 1)), .1)
		return Convolve(x, kernel).PadSame().Done()
	}
	step := sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp, Denoise: denoise}}
	run := sampler.Of(backendtest.Open(t), step)
	x := sampler.Prior(shapes.Make(dtypes.Float32, 2, 4, 4, 1), 1, 3)
	points := path(t, run, x, vp.Grid(5), 1)
	check.T(t).Near("Sample", sample(t, run, x, vp.Grid(5), 1), points[5], 0)
	if run.Compiles() != 1 {
		t.Errorf("%d compilations, want one, of the step", run.Compiles())
	}
}

// float32 follows float64 down a whole chain.
func TestFloat32(t *testing.T) {
	x := []float64{-1.5, 0, .4, 2}
	run := sampler.Of(onHost, ddim(sch, 0, sampler.LastMean))
	large := sample(t, run, tensors.FromFlatDataAndDimensions(x, 4, 1), sch.Grid(200), 1)
	small := sample(t, run, tensors.FromFlatDataAndDimensions([]float32{-1.5, 0, .4, 2}, 4, 1), sch.Grid(200), 1)
	check.T(t).Near("x₀", small, large, 1e-4)
}

// badAt is a step that gives row 1 a NaN or an infinity once t is below 2.
type badAt struct {
	sampler.Stepper
	value float64
}

func (s badAt) Step(src noise.Source, st sampler.State, t, u *Node) sampler.State {
	next := s.Stepper.Step(src, st, t, u)
	rows := Iota(t.Graph(), next.X.Shape(), 0)
	bad := And(Equal(rows, OnesLike(rows)), LessThan(BroadcastToDims(t, rows.Shape().Dimensions...), MulScalar(OnesLike(rows), 2)))
	next.X = Where(bad, Scalar(t.Graph(), t.DType(), s.value), next.X)
	return next
}

// A chain that leaves the numbers is an error that names the step, its times and the row; Path yields the steps before.
func TestDiverged(t *testing.T) {
	for name, b := range backends(t) {
		for value, text := range map[float64]string{math.Inf(1): "+Inf", math.Inf(-1): "-Inf"} {
			run := sampler.Of(b, badAt{exact(d4, nil, sampler.LastMean), value})
			want := "step 4 of 4, from t = 1 to 0: row 1 of x is " + text
			if _, err := run.Sample(prior(3), d4.Grid(4), 1); err == nil || !strings.Contains(err.Error(), "sampler.Run.Sample: "+want) {
				t.Errorf("%s: Sample: %v, want %s", name, err, want)
			}
			good := 0
			for p, err := range run.Path(prior(3), d4.Grid(4), 1) {
				if err == nil {
					good++
				} else if p.X != nil || !strings.Contains(err.Error(), "sampler.Run.Path: "+want) {
					t.Errorf("%s: Path: %v, want %s", name, err, want)
				}
			}
			if good != 4 {
				t.Errorf("%s: Path yields %d points before the error, want 4", name, good)
			}
		}
	}
	nan := sampler.ReverseStep{Process: d4, Denoise: func(x, t *Node) *Node { return Log(MulScalar(OnesLike(x), -1)) }}
	run := sampler.Of(onHost, sampler.Ancestral{ReverseStep: nan})
	if _, err := run.Sample(prior(3), d4.Grid(4), 1); err == nil || !strings.Contains(err.Error(), "step 1 of 4, from t = 4 to 3: row 0 of x is NaN") {
		t.Errorf("NaN: %v", err)
	}
}
