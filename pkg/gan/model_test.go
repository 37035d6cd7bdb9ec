package gan_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// tiny is a model that trains in no time.
var tiny = gan.Config{Data: 2, Latent: 3, G: []int{5}, D: []int{6}}

// draws gives batches of n rows of N(mean, std² I), new ones at every step.
type draws struct {
	n, width  int
	mean, std float64
	look      func(step int)
}

func (d draws) Batch(step int) ([]*tensors.Tensor, error) {
	if d.look != nil {
		d.look(step)
	}
	x := sampler.Prior(shapes.Make(dtypes.Float32, d.n, d.width), d.std, int64(step))
	err := tensors.MutableFlatData(x, func(flat []float32) {
		for i := range flat {
			flat[i] += float32(d.mean)
		}
	})
	return []*tensors.Tensor{x}, err
}

func newModel(t *testing.T, c gan.Config) *gan.Model {
	t.Helper()
	m, err := gan.NewModel(backend.MustOpen(backend.PureGo), c, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSample(t *testing.T) {
	m := newModel(t, tiny)
	x, err := m.Sample(7, 4)
	if err != nil {
		t.Fatal(err)
	}
	z := sampler.Prior(shapes.Make(dtypes.Float32, 7, tiny.Latent), 1, 4)
	again, err := m.Generate(rowsOf(check.Floats(z), tiny.Latent))
	if err != nil {
		t.Fatal(err)
	}
	c := check.T(t)
	c.Near("a sample is G of normal noise", x, again, 1e-6)
	other, err := m.Sample(7, 5)
	if err != nil {
		t.Fatal(err)
	}
	c.Differ("another seed draws anew", x, other, 1e-3)
}

func rowsOf(flat []float64, width int) (rows [][]float64) {
	for ; len(flat) > 0; flat = flat[width:] {
		rows = append(rows, flat[:width])
	}
	return rows
}

// set gives every weight of the model one value.
func set(t *testing.T, m *gan.Model, value float32) {
	t.Helper()
	for v := range m.Store.IterVariables() {
		if !v.Trainable {
			continue
		}
		flat := make([]float32, v.Shape().Size())
		for i := range flat {
			flat[i] = value
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNetworks holds the networks with all weights at ½, by hand.
func TestNetworks(t *testing.T) {
	c := check.T(t)
	leaky := func(x float64) float64 { return math.Max(x, x/5) }
	m := newModel(t, gan.Config{Data: 1, Latent: 2, G: []int{2}, D: []int{3}})
	set(t, m, .5)
	x, err := m.Generate([][]float64{{1, 2}, {0, -1}})
	if err != nil {
		t.Fatal(err)
	}
	c.Near("G with a hidden layer", x, column(leaky(2)+.5, leaky(0)+.5), 1e-6)
	l, err := m.Logits(column(1, -2))
	if err != nil {
		t.Fatal(err)
	}
	c.Near("D with a hidden layer, which sees twice x", l, []float64{1.5*leaky(1.5) + .5, 1.5*leaky(-1.5) + .5}, 1e-6)
	m = newModel(t, gan.Config{Data: 1, Latent: 2, Bounded: true})
	set(t, m, .5)
	if x, err = m.Generate([][]float64{{1, 2}}); err != nil {
		t.Fatal(err)
	}
	c.Near("a bounded affine G", x, 1/(1+math.Exp(-2)), 1e-6)
	if l, err = m.Logits(column(1, -2)); err != nil {
		t.Fatal(err)
	}
	c.Near("a logistic D", l, []float64{1, -.5}, 1e-6)
	m = newModel(t, gan.Config{Data: 1, Latent: 2, Minibatch: true})
	set(t, m, .5)
	if l, err = m.Logits(column(1, -2)); err != nil {
		t.Fatal(err)
	}
	near := 8 * .5 * math.Exp(-2*1.5*1.5) // eight kernels of two numbers, which differ by 1.5 each
	c.Near("a logistic D that compares", l, []float64{1 + near, -.5 + near}, 1e-6)
}

// TestGame holds what the two players minimise: the rows that D sees, as many fakes, and G's moves.
func TestGame(t *testing.T) {
	rows := [][]float32{{1, 0}, {2, 1}, {3, -1}, {0, 0}, {1, 1}, {-2, 0}}
	for _, c := range []gan.Config{{Data: 2, Latent: 1, DSteps: 3, DRate: 4}, {Data: 2, Latent: 1, Loss: gan.Wasserstein, Penalty: 2, DSteps: 2}} {
		game := c.Game(fit.Config{LearningRate: .02, EMA: .9})
		check.T(t).Near("moves, and G's average", []float64{float64(game[0].Updates), float64(game[1].Updates), game[0].EMA, game[1].EMA}, []float64{float64(c.DSteps), 0, 0, .9}, 0)
		check.T(t).Near("D's rate, and G's, which is the run's", []float64{game[0].LearningRate, game[1].LearningRate}, []float64{.02 * max(1, c.DRate), 0}, 0)
		want := [2]float64{.5, .999}
		if c.Loss == gan.Wasserstein {
			want = [2]float64{0, .9}
		}
		check.T(t).True("Adam's memory", game[0].Betas == want && game[1].Betas == want, "by the loss")
		fakes := map[int]int{}
		for i, p := range game {
			_, err := model.CallOnce(backend.MustOpen(backend.PureGo), model.NewStore(), func(scope *model.Scope, x *Node) *Node {
				loss := p.Loss(scope, []*Node{x})
				for _, node := range x.Graph().Nodes() {
					if s := node.Shape(); s.Rank() == 2 && s.Dimensions[1] == 1 && s.DType == dtypes.Float32 && node.Type() == NodeTypeCos {
						fakes[i] = s.Dimensions[0]
					}
				}
				return loss
			}, rows)
			if err != nil {
				t.Fatal(err)
			}
		}
		check.T(t).Near("fakes of a move of D, which sees all rows it is given, and of G", []float64{float64(fakes[0]), float64(fakes[1])}, []float64{6, float64(6 / c.DSteps)}, 0)
	}
}

// TestE106Trained trains an affine G on N(3, 0.5²) against a small D: G's average has the data's moments, while its last weights circle.
func TestE106Trained(t *testing.T) {
	const mean, std = 3, .5
	c := gan.Config{Data: 1, Latent: 1, D: []int{32, 32}}
	m, report, err := gan.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, draws{n: 64, width: 1, mean: mean, std: std},
		fit.Config{Steps: 3000, LearningRate: 5e-3, EMA: .998, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := m.Generate(column(0, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("E10.6 an affine G learns a normal law", func(t *testing.T) {
		check.T(t).Near("E10.6 the mean", x[0][0], mean, .1/(1+mean))
		check.T(t).Near("E10.6 the standard deviation", math.Abs(x[1][0]-x[0][0]), std, .15/(1+std))
	})
	t.Run("E10.6 and the value ends at that of a blind D", func(t *testing.T) {
		last := report.Players[0][2000:]
		check.T(t).Near("E10.6 D's mean loss", check.Mean(last), math.Log(4), .03)
	})
}

// TestE103Trained trains a logistic D on two fixed laws by stochastic gradients.
func TestE103Trained(t *testing.T) {
	const d = 1.
	store := model.NewStore()
	discriminate := func(scope *model.Scope, x *Node) *Node { return gan.Config{Data: 1, Latent: 1}.Build(scope).D(x) }
	loss := func(scope *model.Scope, batch []*Node) *Node {
		return Neg(gan.Value(discriminate(scope, batch[0]), discriminate(scope, AddScalar(Neg(batch[0]), d))))
	}
	_, err := fit.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), store, loss, draws{n: 1000, width: 1, std: 1},
		fit.Config{Steps: 600, LearningRate: 2e-2, Schedule: fit.WarmupCosine{}, EMA: .98, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	xs := []float64{-3, -2, -1, 0, .5, 1, 2, 3, 4}
	out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, x *Node) *Node {
		return Sigmoid(discriminate(scope, ConvertDType(x, dtypes.Float32)))
	}, column(xs...))
	if err != nil {
		t.Fatal(err)
	}
	exact := check.Eval(backendtest.Open(t), between(d, func(p, q dist.LogProber, x *Node) *Node { return Sigmoid(gan.Optimal(p, q)(x)) }), xs)
	for i, got := range check.Floats(out) {
		check.T(t).Near("E10.3 a trained logistic D", got, exact[i], .02/(1+exact[i]))
	}
}

func TestConfigCheck(t *testing.T) {
	for text, change := range map[string]func(c *gan.Config){
		"Data = 0":               func(c *gan.Config) { c.Data = 0 },
		"Latent = 0":             func(c *gan.Config) { c.Latent = 0 },
		"G = [4 0]":              func(c *gan.Config) { c.G = []int{4, 0} },
		"D = [-1]":               func(c *gan.Config) { c.D = []int{-1} },
		"Loss = Loss(3)":         func(c *gan.Config) { c.Loss = 3 },
		"Penalty = NaN":          func(c *gan.Config) { c.Penalty = math.NaN() },
		"Penalty = 0, expected ": func(c *gan.Config) { c.Loss = gan.Wasserstein },
		"Minibatch = true":       func(c *gan.Config) { c.Minibatch, c.Penalty = true, 1 },
		"DSteps = -1":            func(c *gan.Config) { c.DSteps = -1 },
		"DRate = NaN":            func(c *gan.Config) { c.DRate = math.NaN() },
	} {
		c := tiny
		change(&c)
		wants(t, c.Check(), "gan.Config: "+text)
		_, err := gan.NewModel(backendtest.Open(t), c, 1)
		wants(t, err, "gan.NewModel: gan.Config: "+text)
		_, _, err = gan.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, draws{n: 4, width: 2, std: 1}, fit.Config{Steps: 1, LearningRate: 1})
		wants(t, err, "gan.LoadOrTrain: gan.Config: "+text)
	}
}

// TestConfigString holds that a checkpoint of another model or another game does not fit.
func TestConfigString(t *testing.T) {
	if one := (gan.Config{Data: 2, Latent: 3, G: []int{5}, D: []int{6}, DSteps: 1}); one.String() != tiny.String() {
		t.Errorf("%q is not %q: one move is the default", one, tiny)
	}
	seen := map[string]bool{tiny.String(): true}
	for i, change := range []func(c *gan.Config){
		func(c *gan.Config) { c.Data = 1 }, func(c *gan.Config) { c.Latent = 1 }, func(c *gan.Config) { c.G = nil }, func(c *gan.Config) { c.D = []int{5} },
		func(c *gan.Config) { c.Loss = gan.Minimax }, func(c *gan.Config) { c.Penalty = 1 }, func(c *gan.Config) { c.DSteps = 2 }, func(c *gan.Config) { c.DRate = 2 },
		func(c *gan.Config) { c.Minibatch = true }, func(c *gan.Config) { c.Bounded = true },
	} {
		c := tiny
		change(&c)
		if seen[c.String()] {
			t.Errorf("configuration %d is %q, as one before it", i, c)
		}
		seen[c.String()] = true
	}
}

func TestModelErrors(t *testing.T) {
	m := newModel(t, tiny)
	bare := &gan.Model{Config: tiny, Store: model.NewStore(), Backend: m.Backend}
	compare := newModel(t, gan.Config{Data: 1, Latent: 1, Minibatch: true})
	for text, call := range map[string]func() error{
		"gan.Model.Sample: 0 rows":                                        func() error { _, err := m.Sample(0, 1); return err },
		"gan.Model.Generate: no rows":                                     func() error { _, err := m.Generate(nil); return err },
		"gan.Model.Generate: row 1 has 2":                                 func() error { _, err := m.Generate([][]float64{{1, 2, 3}, {1, 2}}); return err },
		"gan.Model.Logits: row 0 has 3 numbers, expected 2":               func() error { _, err := m.Logits([][]float64{{1, 2, 3}}); return err },
		"gan.Model.Sample: the store lacks 4 weights":                     func() error { _, err := bare.Sample(2, 1); return err },
		"gan.Config: minibatch statistics of 1 rows, expected at least 2": func() error { _, err := compare.Logits(column(1)); return err },
	} {
		wants(t, call(), text)
	}
	_, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, x *Node) *Node { return tiny.Build(scope).D(x) }, [][]float32{{1}})
	wants(t, err, "gan.Config.Build: x has shape (Float32)[1, 1], expected [n, 2]")
	train := func(c gan.Config, data fit.Batches) error {
		_, _, err := gan.LoadOrTrain(context.Background(), m.Backend, t.TempDir(), c, data, fit.Config{Steps: 6, LearningRate: 1e-3})
		return err
	}
	c := tiny
	c.DSteps = 3
	wants(t, train(c, draws{n: 4, width: 2, std: 1}), "expected a multiple of 3 rows")
	wants(t, train(tiny, draws{n: 4, width: 3, std: 1}), "gan.GAN.DLoss: the data have shape (Float32)[4, 3] and G(z) (Float32)[4, 2]")
}

// TestDiverged holds that the error of a training that diverged names the step and the player.
func TestDiverged(t *testing.T) {
	nan := func() [][]float32 {
		rows := [][]float32{{1, 2}, {3, 4}}
		rows[1][0] = float32(math.NaN())
		return rows
	}
	_, _, err := gan.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), tiny, table{nan()}, fit.Config{Steps: 6, LearningRate: 1e-3})
	wants(t, err, "gan.LoadOrTrain: fit.LoadOrPlay: fit: step 1: the discriminator's loss is NaN")
	c := tiny
	c.Loss, c.Penalty = gan.Wasserstein, 1
	_, _, err = gan.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, draws{n: 4, width: 2, std: 1}, fit.Config{Steps: 60, LearningRate: 1e25})
	var diverged fit.Diverged
	if !errors.As(err, &diverged) || diverged.Player == "" {
		t.Errorf("error %v, expected a fit.Diverged that names the player", err)
	}
}

// TestResume holds that a run that is stopped and resumed is the same run, bit for bit.
func TestResume(t *testing.T) {
	c := tiny
	c.DSteps = 2
	train := func(dir string, look func(int), ctx context.Context) ([][]float64, error) {
		m, _, err := gan.LoadOrTrain(ctx, backendtest.Open(t), dir, c, draws{n: 8, width: 2, std: 1, look: look},
			fit.Config{Steps: 60, LearningRate: 1e-2, EMA: .9, Seed: 3, SaveEvery: 10})
		if err != nil {
			return nil, err
		}
		return m.Sample(5, 1)
	}
	whole, err := train(t.TempDir(), nil, context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	_, err = train(dir, func(step int) {
		if step == 25 {
			stop()
		}
	}, ctx)
	if left, _ := filepath.Glob(filepath.Join(dir, "step-*")); err == nil || len(left) == 0 {
		t.Fatalf("the run was not stopped half way: error %v, checkpoints %v", err, left)
	}
	for _, what := range []string{"resumed", "loaded"} {
		again, err := train(dir, nil, context.Background())
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near(what, again, whole, 0)
	}
}
