package fit

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// TestStepsPerCall: the state after 50 steps is bit for bit the same for each K, compiled once: 50 calls of one step (no
// loop), and 20 + 20 + 10 in the loop.
func TestStepsPerCall(t *testing.T) {
	c := Config{Steps: 50, LearningRate: 0.01, Seed: 3, EMA: 0.99, ClipNorm: 1, Schedule: WarmupCosine{Warmup: 5}}
	for _, m := range modes(t) {
		c.StepsPerCall = 1
		one, _ := train(t, m.b, noisyLoss, line{8}, c)
		c.StepsPerCall = m.k
		many, r := train(t, m.b, noisyLoss, line{8}, c)
		if r.Compiles != 1 {
			t.Errorf("K = %d: %d programs compiled, want 1", m.k, r.Compiles)
		}
		sameBits(t, "K", bits(t, one), bits(t, many))
	}
}

func TestSeed(t *testing.T) {
	const path = "/net/layer_1/dense/weights"
	three, _ := train(t, onHost, noisyLoss, line{8}, Config{Steps: 2, LearningRate: 0.01, Seed: 3})
	four, _ := train(t, onHost, noisyLoss, line{8}, Config{Steps: 2, LearningRate: 0.01, Seed: 4})
	if bits(t, three)[path] == bits(t, four)[path] {
		t.Error("seeds 3 and 4 end in the same weights")
	}
}

// TestBackendsAgree: without noise, from given weights, XLA and pure Go train alike up to rounding.
func TestBackendsAgree(t *testing.T) {
	a, _ := train(t, backendtest.Open(t), quadratic, nothing, Config{Steps: 40, LearningRate: 0.05, EMA: 0.9, ClipNorm: 1})
	b := model.NewStore()
	if _, err := Train(context.Background(), onHost, b, quadratic, nothing, Config{Steps: 40, LearningRate: 0.05, EMA: 0.9, ClipNorm: 1}); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"", averageScope} {
		for i, want := range uAndW(t, a, prefix, "") {
			near(t, uAndW(t, b, prefix, "")[i], want, 1e-12, "pure Go", prefix, i)
		}
	}
}

// TestStopIsExact: a rule that ends the run inside a call leaves the state of exactly that step.
func TestStopIsExact(t *testing.T) {
	for _, m := range modes(t) {
		want, _ := train(t, m.b, noisyLoss, line{8}, Config{Steps: 33, LearningRate: 0.01, StepsPerCall: m.k})
		store, r := train(t, m.b, noisyLoss, line{8}, Config{Steps: 90, LearningRate: 0.01, StepsPerCall: m.k,
			Stop: func(losses []float64) bool { return len(losses) == 33 }})
		if r.Steps != 33 || len(r.Losses) != 33 || r.Stopped != StoppedByRule {
			t.Errorf("K = %d: %d steps, %d losses, stopped %q", m.k, r.Steps, len(r.Losses), r.Stopped)
		}
		sameBits(t, "stopped", bits(t, want), bits(t, store))
	}
}

func TestPlateau(t *testing.T) {
	rule := Plateau(3, 0.5)
	for _, c := range []struct {
		losses []float64
		stop   bool
	}{
		{[]float64{9, 9, 9}, false},               // no window before
		{[]float64{9, 9, 9, 8, 8}, false},         // window not full
		{[]float64{9, 9, 9, 8, 8, 8}, false},      // gained 1
		{[]float64{9, 9, 9, 8.6, 8.7, 8.8}, true}, // gained 0.3
		{[]float64{1, 9, 9, 9, 8, 8, 8}, false},   // only whole windows count
	} {
		if got := rule(c.losses); got != c.stop {
			t.Errorf("Plateau(3, 0.5)(%v) = %v", c.losses, got)
		}
	}
}

// TestDiverged: the first bad step is named and undone, wherever in a call it falls.
func TestDiverged(t *testing.T) {
	badData := func(bad int) Batches {
		return function(func(step int) ([]*tensors.Tensor, error) {
			batch, err := line{8}.Batch(step)
			if step == bad {
				tensors.MustMutableFlatData(batch[0], func(x []float64) { x[3] = math.NaN() })
			}
			return batch, err
		})
	}
	for _, m := range modes(t) {
		for _, bad := range []int{0, 19, 29} {
			store := model.NewStore()
			c := Config{Steps: 60, LearningRate: 0.01, StepsPerCall: m.k}
			r, err := Train(context.Background(), m.b, store, noisyLoss, badData(bad), c)
			var diverged Diverged
			if !errors.As(err, &diverged) || diverged.Step != bad+1 || !math.IsNaN(diverged.Loss) || r.Steps != bad {
				t.Errorf("K = %d, NaN in batch %d: error %v, %d steps", m.k, bad, err, r.Steps)
				continue
			}
			if bad > 0 {
				want, _ := train(t, m.b, noisyLoss, line{8}, Config{Steps: bad, LearningRate: 0.01, StepsPerCall: 1})
				sameBits(t, "after NaN", bits(t, want), bits(t, store))
			}
		}
	}
}

// TestDivergedUpdate: a finite loss with an infinite gradient (√x at 0) is found as well, at its own step.
func TestDivergedUpdate(t *testing.T) {
	data := function(func(step int) ([]*tensors.Tensor, error) {
		x := 1.0
		if step == 7 {
			x = 0
		}
		return []*tensors.Tensor{tensors.FromScalar(x)}, nil
	})
	root := func(scope *model.Scope, batch []*graph.Node) *graph.Node {
		u := scope.WithInitializer(fixed(3)).VariableWithShape("u", batch[0].Shape()).NodeValue(batch[0].Graph())
		return graph.Sqrt(graph.Mul(u, batch[0]))
	}
	for _, m := range modes(t) {
		store := model.NewStore()
		_, err := Train(context.Background(), m.b, store, root, data, Config{Steps: 30, LearningRate: 0.01, StepsPerCall: m.k})
		var diverged Diverged
		if !errors.As(err, &diverged) || diverged.Step != 8 || diverged.Loss != 0 {
			t.Errorf("K = %d: error %v, want Diverged at step 8 with loss 0", m.k, err)
		}
		if u := values(t, store, "/u")[0]; !finite(u) || u >= 3 {
			t.Errorf("K = %d: weight %g, want the finite one after step 7", m.k, u)
		}
		early := Config{Steps: 30, LearningRate: 0.01, StepsPerCall: m.k, Stop: func(losses []float64) bool { return losses[len(losses)-1] == 0 }}
		r, err := Train(context.Background(), m.b, model.NewStore(), root, data, early)
		if !errors.As(err, &diverged) || diverged.Step != 8 || r.Steps != 7 || r.Stopped != "" {
			t.Errorf("K = %d: a stop at the step that spoils the weights: error %v, %d steps, stopped by %q", m.k, err, r.Steps, r.Stopped)
		}
	}
}

// TestCancel: a cancelled context keeps the steps done and says how to go on.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	data := function(func(step int) ([]*tensors.Tensor, error) {
		if step == 10 {
			cancel()
		}
		return line{8}.Batch(step)
	})
	store := model.NewStore()
	r, err := Train(ctx, backendtest.Open(t), store, noisyLoss, data, Config{Steps: 1000, LearningRate: 0.01})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "of 1000") {
		t.Errorf("error %v, want one that wraps context.Canceled and names the step", err)
	}
	if r.Steps <= 10 || r.Steps > 30 {
		t.Errorf("%d steps, want the call that was running to end", r.Steps)
	}
	want, _ := train(t, backendtest.Open(t), noisyLoss, line{8}, Config{Steps: r.Steps, LearningRate: 0.01})
	sameBits(t, "cancelled", bits(t, want), bits(t, store))
}

// TestTrainFurther: a second Train goes on from the weights with a fresh optimiser.
func TestTrainFurther(t *testing.T) {
	store, _ := train(t, onHost, quadratic, nothing, Config{Steps: 5, LearningRate: 0.05})
	before := uAndW(t, store, "", "")
	if _, err := Train(context.Background(), onHost, store, quadratic, nothing, Config{Steps: 1, LearningRate: 0.05}); err != nil {
		t.Fatal(err)
	}
	for i, got := range uAndW(t, store, "", "") {
		// Adam's first step is η·g/(|g|+ε), whatever the gradient's size.
		near(t, got, before[i]-0.05*math.Copysign(1, before[i]-centre[i]), 1e-8, "first step of a new optimiser", i)
	}
}

// TestFrozen: a variable that is not trainable keeps its value, and takes part.
func TestFrozen(t *testing.T) {
	for _, m := range modes(t) {
		store := model.NewStore()
		store.VariableWithValue("/net/layer_1/dense/weights", [][]float64{{1}, {1}}).SetTrainable(false)
		if _, err := Train(context.Background(), m.b, store, lineLoss, line{8}, Config{Steps: 30, LearningRate: 0.05, StepsPerCall: m.k}); err != nil {
			t.Fatal(err)
		}
		if w := values(t, store, "/net/layer_1/dense/weights"); w[0] != 1 || w[1] != 1 {
			t.Errorf("frozen weights moved to %v", w)
		}
		if b := values(t, store, "/net/layer_1/dense/biases")[0]; b == 0 {
			t.Error("the bias did not move")
		}
	}
}

// TestConvolutionsLoopOnTheHost: inside an XLA loop they are far slower.
func TestConvolutionsLoopOnTheHost(t *testing.T) {
	image := function(func(int) ([]*tensors.Tensor, error) {
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(make([]float32, 2*25), 2, 5, 5, 1)}, nil
	})
	conv := func(scope *model.Scope, batch []*graph.Node) *graph.Node {
		return graph.ReduceAllMean(layers.Convolution(scope, batch[0]).Channels(2).KernelSize(3).PadSame().Done())
	}
	for want, loss := range map[int]Loss{1: conv, DefaultStepsPerCall: func(scope *model.Scope, batch []*graph.Node) *graph.Node {
		return graph.ReduceAllMean(nets.MLP(scope, batch[0], nets.HeUniform, nil, 1))
	}} {
		b := backendtest.Open(t)
		r, err := newRun(b, model.NewStore(), loss, image, Config{Steps: 100, LearningRate: 0.1})
		if err == nil {
			err = r.prepare()
		}
		if err != nil {
			t.Fatal(err)
		}
		if !backend.IsXLA(b) {
			want = 1
		}
		if r.steps.k != want {
			t.Errorf("K = %d, want %d", r.steps.k, want)
		}
	}
}

func TestErrors(t *testing.T) {
	b := onHost
	good := Config{Steps: 5, LearningRate: 0.1}
	with := func(change func(*Config)) Config { c := good; change(&c); return c }
	ragged := function(func(step int) ([]*tensors.Tensor, error) { return line{8 - step/3}.Batch(step) })
	broken := function(func(step int) ([]*tensors.Tensor, error) {
		if step == 3 {
			return nil, errors.New("the disk is gone")
		}
		return line{8}.Batch(step)
	})
	for want, c := range map[string]struct {
		loss Loss
		data Batches
		c    Config
	}{
		"Config.Steps = 0":          {lineLoss, line{8}, with(func(c *Config) { c.Steps = 0 })},
		"Config.LearningRate = NaN": {lineLoss, line{8}, with(func(c *Config) { c.LearningRate = math.NaN() })},
		"Config.EMA = 1":            {lineLoss, line{8}, with(func(c *Config) { c.EMA = 1 })},
		"Config.ClipNorm = -1":      {lineLoss, line{8}, with(func(c *Config) { c.ClipNorm = -1 })},
		"Config.ClipNorm = +Inf":    {lineLoss, line{8}, with(func(c *Config) { c.ClipNorm = math.Inf(1) })},
		"Config.StepsPerCall = -1":  {lineLoss, line{8}, with(func(c *Config) { c.StepsPerCall = -1 })},
		"Config.SaveEvery = -1":     {lineLoss, line{8}, with(func(c *Config) { c.SaveEvery = -1 })},
		"Config.KeepN = -1":         {lineLoss, line{8}, with(func(c *Config) { c.KeepN = -1 })},
		"tensor 0 is (Float64)[7, 2], expected (Float64)[8, 2]": {lineLoss, ragged, good},
		"batch 3: the disk is gone":                             {lineLoss, broken, good},
		"expected a scalar":                                     {func(_ *model.Scope, batch []*graph.Node) *graph.Node { return batch[0] }, line{8}, good},
		"no trainable variable":                                 {func(_ *model.Scope, batch []*graph.Node) *graph.Node { return graph.ReduceAllSum(batch[0]) }, line{8}, good},
		"my own panic":                                          {func(*model.Scope, []*graph.Node) *graph.Node { panic("my own panic") }, line{8}, good},
	} {
		_, err := Train(context.Background(), b, model.NewStore(), c.loss, c.data, c.c)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "fit.Train: ") {
			t.Errorf("error %v, want fit.Train: … %s …", err, want)
		}
	}
	_, err := Train(context.Background(), onHost, model.NewStore(), lineLoss, line{8}, with(func(c *Config) { c.StepsPerCall = 20 }))
	if err == nil || !strings.Contains(err.Error(), "pure Go") {
		t.Errorf("20 steps a call on pure Go: error %v", err)
	}
}
