package classifier_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/classifier"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// vp has log-SNRs from −10.05 to 9.1.
var vp = process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}

// g2 is two classes, x|y ~ N(2y, 1), y = ±1.
var g2 = oracle.Labelled{Prior: []float64{1, 1}, Classes: []oracle.Mixture{
	{Weights: []float64{1}, Means: [][]float64{{-2}}, Vars: [][]float64{{1}}}, {Weights: []float64{1}, Means: [][]float64{{2}}, Vars: [][]float64{{1}}}}}

var (
	ofG2 = classifier.Config{Dim: 1, Classes: 2, MinLogSNR: -10.2, MaxLogSNR: 9.3, DataStd: math.Sqrt(5), Hidden: []int{32, 32}}
	tiny = classifier.Config{Dim: 2, Classes: 3, MinLogSNR: -2, MaxLogSNR: 4, DataStd: 1.5, Hidden: []int{8}}
)

// pairs serves fresh draws of g2.
type pairs struct{ size int }

func (p pairs) Batch(step int) ([]*tensors.Tensor, error) {
	random, x, y := rand.New(rand.NewPCG(uint64(step), 96)), make([]float32, p.size), make([]int32, p.size)
	for i := range x {
		y[i] = int32(random.IntN(2))
		x[i] = float32(2*float64(2*y[i]-1) + random.NormFloat64())
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, p.size, 1), tensors.FromFlatDataAndDimensions(y, p.size)}, nil
}

// zeros is a batch of zeros.
type zeros struct{ shapes []shapes.Shape }

func (z zeros) Batch(int) (out []*tensors.Tensor, err error) {
	for _, s := range z.shapes {
		out = append(out, tensors.FromShape(s))
	}
	return out, nil
}

// outside is a batch of which one label is no class of tiny.
type outside int32

func (y outside) Batch(int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{tensors.FromShape(shapes.Make(dtypes.Float32, 2, tiny.Dim)), tensors.MustFromAnyValue([]int32{0, int32(y)})}, nil
}

func how(steps int) fit.Config {
	return fit.Config{Steps: steps, LearningRate: 4e-3, Schedule: fit.WarmupCosine{Warmup: 50}, EMA: .99, Seed: 1}
}

// A classifier of noisy inputs learns the true p(y|x_t) at every noise level, and its gradient guides.
func TestTrained(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	m, _, err := classifier.LoadOrTrain(context.Background(), b, t.TempDir(), ofG2, pairs{512}, how(1500))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []float64{.005, .1, .3, .5, .9} {
		alpha := check.Floats(backendtest.Call(t, vp.Alpha, at)[0])[0]
		random, xs, miss := rand.New(rand.NewPCG(7, 0)), [][]float64{}, 0.0
		for range 2000 {
			sign := float64(2*random.IntN(2) - 1)
			xs = append(xs, []float64{alpha*2*sign + random.NormFloat64()}) // Var x_t given y is 1 at every t
		}
		p, err := m.Probabilities(vp, xs, at)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range xs {
			miss += math.Abs(p[i][1]-1/(1+math.Exp(-2*2*alpha*x[0]))) / float64(len(xs))
		}
		c.Less(fmt.Sprintf("E9.6 TR the mean error of p(y|x_t) at t = %g, against sigmoid(2ax)", at), miss, .02)
	}
	guided, err := m.Guide(vp, g2.All().Denoiser(vp), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	run := sampler.New(b, m.Store, func(scope *model.Scope) sampler.Stepper {
		return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: vp, Denoise: guided(scope), Std: sampler.TransitionStd}}
	})
	defer run.Finalize()
	x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float32, 8000, 1), 1, 96), vp.Grid(300), 96)
	if err != nil {
		t.Fatal(err)
	}
	xs := check.Floats(x)
	c.Near("E9.6 TR samples guided by it have the class's mean", check.Mean(xs), 2, .05)
}

// The loss of a network whose last layer is 0 is log Classes, and LogProb the log-softmax of Logits.
func TestLogProb(t *testing.T) {
	m, err := classifier.NewModel(backend.MustOpen(backend.PureGo), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	x, at := [][]float32{{1, 2}, {-.5, 3}, {4, 0}}, float32(.4)
	out, err := model.CallOnceN(m.Backend, m.Store, func(scope *model.Scope, x, u *Node) []*Node {
		u = Reshape(u, 1, 1)
		y := func(x *Node) *Node { return Const(x.Graph(), []int32{2, 0, 1}) }
		one := func(x *Node) *Node { return Const(x.Graph(), []int32{1}) }
		image := Reshape(x, 3, 1, 2, 1)
		edm := process.Process{Schedule: process.EDM{}}
		return []*Node{tiny.LogProb(scope, vp, y)(x, u), tiny.Logits(scope, vp)(x, u), tiny.LogProb(scope, vp, one)(x, u),
			tiny.Logits(scope, vp)(image, Reshape(u, 1, 1, 1, 1)),
			tiny.Logits(scope, edm)(Div(x, vp.Alpha(u)), vp.NoiseLevel(u)), tiny.Logits(scope, vp)(x, MulScalar(u, 1.5))}
	}, x, at)
	if err != nil {
		t.Fatal(err)
	}
	logits, c := check.Floats(out[1]), check.T(t)
	var want, first []float64
	for i, y := range []int{2, 0, 1} {
		row := logits[3*i : 3*i+3]
		total := math.Log(math.Exp(row[0]) + math.Exp(row[1]) + math.Exp(row[2]))
		want, first = append(want, row[y]-total), append(first, row[1]-total)
	}
	c.Near("log p(y|x_t)", out[0], want, 1e-5)
	c.Near("one label for all", out[2], first, 1e-5)
	c.Near("the axes of an example do not matter", out[3], logits, 1e-6)
	c.Near("nor does the process: x_t/α at the same noise", out[4], logits, 1e-4)
	c.Differ("it sees the noise", out[5], logits, 1e-3)
	p, err := m.Probabilities(vp, [][]float64{{1, 2}, {-.5, 3}, {4, 0}}, float64(at))
	if err != nil {
		t.Fatal(err)
	}
	c.Near("Probabilities", []float64{p[0][2], p[1][0], p[2][1]}, []float64{math.Exp(want[0]), math.Exp(want[1]), math.Exp(want[2])}, 1e-5)
}

// The loss draws the log-SNR uniformly over the range, and x_t = x₀ + e^(−λ/2) ε.
func TestLossCovers(t *testing.T) {
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(5); err != nil {
		t.Fatal(err)
	}
	b, batch := backend.MustOpen(backend.PureGo), zeros{[]shapes.Shape{shapes.Make(dtypes.Float32, 5000, 2), shapes.Make(dtypes.Int32, 5000)}}
	in, err := batch.Batch(0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := model.CallOnce(b, store, func(scope *model.Scope, x, y *Node) *Node { return tiny.Loss()(scope, []*Node{x, y}) }, in[0], in[1])
	if err != nil {
		t.Fatal(err)
	}
	got := check.Floats(out)[0]
	// The same mean of −log p(0|x_t) by 400 log-SNRs on a grid.
	m := classifier.Model{Config: tiny, Store: store, Backend: b}
	edm, want := process.Process{Schedule: process.EDM{}}, 0.0
	random := rand.New(rand.NewPCG(1, 2))
	const levels = 400
	for i := range levels {
		level := math.Exp(-(tiny.MinLogSNR + (tiny.MaxLogSNR-tiny.MinLogSNR)*(float64(i)+.5)/levels) / 2)
		var xs [][]float64
		for range 20 {
			xs = append(xs, []float64{level * random.NormFloat64(), level * random.NormFloat64()})
		}
		p, err := m.Probabilities(edm, xs, level)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range p {
			want -= math.Log(row[0]) / levels / 20
		}
	}
	check.T(t).Near("the mean of −log p(y|x_t)", got, want, .01)
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want %q in it", err, part)
		}
	}
}

// Inputs that are cleaner or noisier than those of the training.
func TestRange(t *testing.T) {
	m, err := classifier.NewModel(backend.MustOpen(backend.PureGo), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	logSNR := process.Process{Schedule: process.LogSNRLinear{Max: 10, Min: -10}, TMin: .35, TMax: .55} // 3 to −1
	t.Run("E9.12 a classifier refuses noise that it does not know", func(t *testing.T) {
		check.T(t).True("E9.12 within the range", m.Covers(logSNR, logSNR.TMin, logSNR.TMax) == nil, "no error")
		check.T(t).True("E9.12 at its ends", m.Covers(logSNR, .3, .6) == nil, "no error")
		wantError(t, m.Covers(logSNR, .2, .6), "from -2 to 6", "trained on log-SNRs from -2 to 4", "cleaner inputs")
		wantError(t, m.Covers(logSNR, .3, .7), "from -4 to 4", "noisier inputs")
		wantError(t, m.Covers(vp, vp.TMin, vp.TMax), "cleaner and noisier inputs")
		clean := logSNR
		clean.TMin = 0
		uncond := func(xt, _ *Node) *Node { return xt }
		_, err := m.Guide(clean, uncond, 1, 2)
		wantError(t, err, "classifier.Model.Guide", "from -1 to 10", "from -2 to 4", "cleaner inputs")
		_, err = m.Probabilities(vp, [][]float64{{1, 2}}, 1e-3)
		wantError(t, err, "classifier.Model.Probabilities", "cleaner inputs")
		_, err = m.Probabilities(process.Process{Schedule: process.EDM{}}, [][]float64{{1, 2}}, 0)
		wantError(t, err, "+Inf", "cleaner inputs")
	})
	uncond := func(xt, _ *Node) *Node { return xt }
	for _, class := range []int{-1, 3} {
		_, err := m.Guide(logSNR, uncond, class, 2)
		wantError(t, err, fmt.Sprintf("class %d, expected one from 0 to 2", class))
	}
}

// Guide is guide.Classifier with the network.
func TestGuide(t *testing.T) {
	m, err := classifier.NewModel(backend.MustOpen(backend.PureGo), tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := process.Process{Schedule: process.LogSNRLinear{Max: 10, Min: -10}, TMin: .35, TMax: .55}
	uncond := func(xt, _ *Node) *Node { return Sin(xt) }
	guided, err := m.Guide(p, uncond, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	out, err := model.CallOnceN(m.Backend, m.Store, func(scope *model.Scope, x, u *Node) []*Node {
		last := func(x *Node) *Node { return Const(x.Graph(), []int32{2}) }
		gradient := guide.ClassifierScore(tiny.LogProb(scope, p, last))(x, u)
		score := Add(param.ScoreOf(p, uncond)(x, u), MulScalar(gradient, 3))
		return []*Node{guided(scope)(x, u), param.ToX0(param.Score, score, x, p.Alpha(u), p.Sigma(u))}
	}, [][]float32{{1, 2}, {-.5, 3}}, [][]float32{{.4}})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("x̂₀", out[0], out[1], 1e-5)
}

func TestErrors(t *testing.T) {
	b, ctx := backend.MustOpen(backend.PureGo), context.Background()
	batch := zeros{[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 2), shapes.Make(dtypes.Int32, 4)}}
	for _, bad := range []struct {
		change func(*classifier.Config)
		want   string
	}{
		{func(c *classifier.Config) { c.Dim = 0 }, "Dim = 0"},
		{func(c *classifier.Config) { c.Classes = 1 }, "Classes = 1"},
		{func(c *classifier.Config) { c.MinLogSNR = 4 }, "MinLogSNR, MaxLogSNR = [4 4]"},
		{func(c *classifier.Config) { c.MaxLogSNR = math.Inf(1) }, "MinLogSNR, MaxLogSNR = [-2 +Inf]"},
		{func(c *classifier.Config) { c.MinLogSNR = math.NaN() }, "MinLogSNR, MaxLogSNR = [NaN 4]"},
		{func(c *classifier.Config) { c.DataStd = 0 }, "DataStd = 0"},
		{func(c *classifier.Config) { c.Hidden = []int{4, 0} }, "Hidden = [4 0]"},
	} {
		c := tiny
		bad.change(&c)
		_, err := classifier.NewModel(b, c, 1)
		wantError(t, err, "classifier.NewModel", bad.want, "expected")
		_, _, err = classifier.LoadOrTrain(ctx, b, t.TempDir(), c, batch, how(1))
		wantError(t, err, "classifier.LoadOrTrain", bad.want)
		_, err = classifier.Load(b, t.TempDir(), c)
		wantError(t, err, "classifier.Load", bad.want)
	}
	for want, data := range map[string]zeros{
		"a batch of 1 tensors":                             {[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 2)}},
		"labels of shape (Int32)[3] for data of shape":     {[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 2), shapes.Make(dtypes.Int32, 3)}},
		"labels of shape (Float32)[4]":                     {[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 2), shapes.Make(dtypes.Float32, 4)}},
		"x has shape (Float32)[4, 3], expected [n, ...] w": {[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 3), shapes.Make(dtypes.Int32, 4)}},
	} {
		_, _, err := classifier.LoadOrTrain(ctx, b, t.TempDir(), tiny, data, how(1))
		wantError(t, err, "classifier.Config", want, "expected")
	}
	for _, label := range []int{-1, tiny.Classes} {
		_, _, err := classifier.LoadOrTrain(ctx, b, t.TempDir(), tiny, outside(label), how(1))
		wantError(t, err, "classifier.LoadOrTrain", "step 1: the loss is NaN")
	}
	m, err := classifier.NewModel(b, tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Probabilities(vp, nil, .5)
	wantError(t, err, "no rows")
	_, err = m.Probabilities(vp, [][]float64{{1, 2}, {3}}, .5)
	wantError(t, err, "row 1 has 1 numbers, expected 2")
	empty := classifier.Model{Config: tiny, Store: model.NewStore(), Backend: b}
	_, err = empty.Probabilities(process.Process{Schedule: process.EDM{}}, [][]float64{{1, 2}}, 1)
	wantError(t, err, "classifier.Model.Probabilities", "lacks")
}

// The noise is part of a checkpoint's identity.
func TestCheckpoint(t *testing.T) {
	b, ctx, dir := backend.MustOpen(backend.PureGo), context.Background(), t.TempDir()
	batch := zeros{[]shapes.Shape{shapes.Make(dtypes.Float32, 4, 2), shapes.Make(dtypes.Int32, 4)}}
	m, _, err := classifier.LoadOrTrain(ctx, b, dir, tiny, batch, how(2))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := classifier.Load(b, dir, tiny)
	if err != nil {
		t.Fatal(err)
	}
	x, edm := [][]float64{{1, 2}, {-.5, 3}}, process.Process{Schedule: process.EDM{}}
	want, err := m.Probabilities(edm, x, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := loaded.Probabilities(edm, x, 1)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("the loaded classifier", got, want, 0)
	for _, change := range []func(*classifier.Config){
		func(c *classifier.Config) { c.MinLogSNR = -3 }, func(c *classifier.Config) { c.MaxLogSNR = 5 },
		func(c *classifier.Config) { c.DataStd = 1 }, func(c *classifier.Config) { c.Hidden = []int{9} }, func(c *classifier.Config) { c.Classes = 4 },
	} {
		other := tiny
		change(&other)
		_, err := classifier.Load(b, dir, other)
		wantError(t, err, "classifier.Load", tiny.String(), other.String())
		_, _, err = classifier.LoadOrTrain(ctx, b, dir, other, batch, how(2))
		wantError(t, err, "another run")
	}
	if err := os.RemoveAll(filepath.Join(dir, "final")); err != nil {
		t.Fatal(err)
	}
	_, err = classifier.Load(b, dir, tiny)
	wantError(t, err, "classifier.Load", dir)
}
