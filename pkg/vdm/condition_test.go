package vdm_test

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// places are the words of a vocabulary of four.
var places = nets.Vocabulary{Words: []string{"top", "bottom", "left", "right"}, Length: 2}

// onLabels, onCaptions and onCoarse are conditional models of images of 2 × 2 pixels, whose network has one token.
var (
	onLabels   = vdm.Config{Height: 2, Width: 2, Channels: 1, Levels: 17, Net: "patch", Slabs: 2, Classes: 4, Drop: .2}
	onCaptions = vdm.Config{Height: 2, Width: 2, Channels: 1, Levels: 17, Net: "patch", Slabs: 2, Caption: places, Drop: .2}
	onCoarse   = vdm.Config{Height: 2, Width: 2, Channels: 1, Levels: 17, Net: "patch", Slabs: 2, Coarse: 2, Drop: .2}
)

// moved is an untrained model whose weights all take part: each is moved by N(0, scale²), by its path alone.
func moved(t *testing.T, b compute.Backend, c vdm.Config, scale float64) *vdm.Model {
	t.Helper()
	m, err := vdm.NewModel(b, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	for v := range m.Store.IterVariables() {
		if v.DType() != dtypes.Float32 {
			continue
		}
		random, flat := rand.New(rand.NewPCG(3, uint64(crc32.ChecksumIEEE([]byte(v.Path()))))), tensors.MustCopyFlatData[float32](v.MustValue())
		for i := range flat {
			flat[i] += float32(scale * random.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// drawn draws from the model's own functions on nodes, with the denoiser that build makes.
func drawn(t *testing.T, m *vdm.Model, n, steps int, seed int64, build func(scope *model.Scope) param.Denoiser) [][]float64 {
	t.Helper()
	p := m.Config.Process()
	run := sampler.New(m.Backend, m.Store, func(scope *model.Scope) sampler.Stepper {
		return sampler.DDIM{Process: p, Denoise: build(scope), Last: sampler.LastX0}
	})
	shape := shapes.Make(dtypes.Float32, n, m.Config.Height, m.Config.Width, m.Config.Channels)
	return check.Must(m.Intensities(check.Must(run.Sample(sampler.Prior(shape, 1, seed), p.Grid(steps), seed))))
}

// The scale 0 is the model without condition, 1 the model under it, and another the combination of both, for each kind of condition.
func TestSampleGivenIsClassifierFree(t *testing.T) {
	b := backend.MustOpen("go")
	for name, c := range map[string]struct {
		config vdm.Config
		y      vdm.Condition
		node   any // y as Build takes it
	}{
		"labels":   {onLabels, vdm.Condition{Labels: []int{0, 3, 4}}, []int32{0, 3, 4}},
		"captions": {onCaptions, vdm.Condition{Captions: []string{"top", "Bottom, left", ""}}, [][]int32{{0, 4}, {1, 2}, {4, 4}}},
		"coarse": {onCoarse, vdm.Condition{Coarse: [][]float64{{0}, {.5}, {1}}},
			[][][][]float32{{{{-16. / 17}}}, {{{0}}}, {{{16. / 17}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			k, m, s := check.T(t), moved(t, b, c.config, .3), vdm.Sampling{Steps: 4}
			given := func(scope *model.Scope) param.Denoiser {
				return func(xt, t *Node) *Node { return c.config.Build(scope, Const(xt.Graph(), c.node)).Denoise(xt, t) }
			}
			none := func(scope *model.Scope) param.Denoiser { return c.config.Build(scope, nil).Denoise }
			at := func(scale guide.Scale) [][]float64 { return check.Must(m.SampleGiven(c.y, scale, s, 5)) }
			alone := check.Must(m.Sample(3, s, 5))
			k.Near("E9.1 γ = 0 is Sample", at(0), alone, 0)
			k.Near("Sample is the model without condition", alone, drawn(t, m, 3, 4, 5, none), 0)
			k.Near("E9.1 γ = 1 is the model given y", at(1), drawn(t, m, 3, 4, 5, given), 0)
			k.Differ("which is another", at(1), alone, .05)
			both := drawn(t, m, 3, 4, 5, func(scope *model.Scope) param.Denoiser { return guide.ClassifierFree(given(scope), none(scope), 2.5) })
			k.Near("γ = 2.5 is classifier-free guidance", at(2.5), both, 1./16) // a rounded level may turn to the next
			k.Near("and most levels are the same", same(at(2.5), both), 12, 1./12)
			k.Differ("which is another again", at(2.5), at(1), .05)
		})
	}
}

// same counts the entries that are equal.
func same(a, b [][]float64) (n float64) {
	for i := range a {
		for j := range a[i] {
			if a[i][j] == b[i][j] {
				n++
			}
		}
	}
	return n
}

// lossOf is Config.Loss of a batch with the noise of one seed.
func lossOf(t *testing.T, m *vdm.Model, batch ...any) float64 {
	t.Helper()
	if err := m.Store.SetRNGStateFromSeed(7); err != nil {
		t.Fatal(err)
	}
	out, err := model.CallOnce(m.Backend, m.Store, func(scope *model.Scope, in []*Node) *Node { return m.Config.Loss()(scope, in) }, batch...)
	if err != nil {
		t.Fatal(err)
	}
	return float64(tensors.ToScalar[float32](out))
}

// Training hides a share of the conditions: nearly all of them, and the loss is that of no condition; hardly any, and it is not.
func TestDropHidesTheCondition(t *testing.T) {
	b, k := backend.MustOpen("go"), check.T(t)
	x, other := [][][][]float32{{{{0}, {1}}, {{.5}, {0}}}, {{{1}, {1}}, {{0}, {0}}}}, [][][][]float32{{{{1}, {1}}, {{1}, {0}}}, {{{1}, {1}}, {{0}, {1}}}}
	for name, c := range map[string]struct {
		config  vdm.Config
		y, none any
	}{"labels": {onLabels, []int32{2, 0}, []int32{4, 4}}, "captions": {onCaptions, [][]int32{{0, 2}, {1, 4}}, [][]int32{{4, 4}, {4, 4}}}} {
		c.config.Drop = 1 - 1e-12
		all := moved(t, b, c.config, .1)
		k.Near(name+": all hidden", lossOf(t, all, x, c.y), lossOf(t, all, x, c.none), 1e-6)
		c.config.Drop = 1e-12
		few := moved(t, b, c.config, .1)
		k.Differ(name+": none hidden", lossOf(t, few, x, c.y), lossOf(t, few, x, c.none), 1e-3)
		k.Near(name+": no condition either way", lossOf(t, few, x, c.none), lossOf(t, all, x, c.none), 1e-6)
	}
	c := onCoarse
	c.Drop = 1 - 1e-12
	hidden := moved(t, b, c, .1)
	c.Drop = 1e-12
	k.Differ("coarse: the network sees the means of the image", lossOf(t, moved(t, b, c, .1), other), lossOf(t, hidden, other), 1e-3)
}

// The bound given y looks at each image's own condition at all its times.
func TestEvaluateGiven(t *testing.T) {
	b, k := backend.MustOpen("go"), check.T(t)
	m := moved(t, b, onLabels, .3)
	x := tensors.MustFromAnyValue([][][][]float32{{{{0}, {1}}, {{.5}, {0}}}, {{{1}, {.25}}, {{0}, {.75}}}})
	labels := func(y ...int32) [][]*tensors.Tensor { return [][]*tensors.Tensor{{x, tensors.MustFromAnyValue(y)}} }
	alone := check.Must(m.Evaluate([]*tensors.Tensor{x}, 3, 2))
	k.Near("no class", check.Must(m.EvaluateGiven(labels(4, 4), 3, 2)).Bound.Mean, alone.Bound.Mean, 1e-6)
	given := check.Must(m.EvaluateGiven(labels(2, 0), 3, 2))
	k.Differ("a class", given.Bound.Mean, alone.Bound.Mean, 1e-3)
	out, err := model.CallOnce(b, m.Store, func(scope *model.Scope, x *Node) *Node {
		v := onLabels.Build(scope, Const(x.Graph(), []int32{2, 2, 2, 0, 0, 0}))
		return v.Terms(noise.FromSeed(x.Graph(), 2), onLabels.Levels.FromIntensity(x), 3).Matching
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	k.Near("each image with its label", given.Diffusion.Mean, check.Mean(check.Floats(out))/(4*math.Ln2), 1e-5)
}

func TestBetween(t *testing.T) {
	for _, n := range []vdm.Levels{5, 17, 256} {
		for k := range int(n) {
			check.T(t).Near("a level's intensity", n.Between(float64(k)/float64(n-1)), n.Value(k), 1e-15)
		}
		check.T(t).Near("the mean of two", n.Between(.5), (n.Value(0)+n.Value(int(n)-1))/2, 1e-15)
	}
}

func TestConditionErrors(t *testing.T) {
	b := backend.MustOpen("go")
	labels, captions, coarse := moved(t, b, onLabels, .1), moved(t, b, onCaptions, .1), moved(t, b, onCoarse, .1)
	always, plain := onLabels, tiny
	always.Drop = 0
	never := moved(t, b, always, .1)
	unconditional := moved(t, b, plain, .1)
	three := vdm.Condition{Labels: []int{0, 1, 2}}
	for _, c := range []struct {
		m     *vdm.Model
		y     vdm.Condition
		scale guide.Scale
		steps int
		want  []string
	}{
		{labels, vdm.Condition{Labels: []int{0, 5}}, 1, 2, []string{"label 1 is 5", "from 0 to 3", "4 for none"}},
		{labels, vdm.Condition{Labels: []int{-1}}, 1, 2, []string{"label 0 is -1"}},
		{labels, vdm.Condition{Captions: []string{"top"}}, 1, 2, []string{"0 Labels, 1 Captions", "expected Labels"}},
		{labels, vdm.Condition{}, 1, 2, []string{"0 Labels", "expected Labels"}},
		{labels, three, guide.Scale(math.NaN()), 2, []string{"γ = NaN", "finite"}},
		{labels, three, guide.Scale(math.Inf(1)), 2, []string{"γ = +Inf"}},
		{labels, three, 1, 0, []string{"3 images in T = 0"}},
		{never, three, 2, 2, []string{"γ = 2", "expected 1", "Drop"}},
		{captions, vdm.Condition{Captions: []string{"top", "top middle"}}, 1, 2, []string{"caption 1", `unknown word "middle"`, "top, bottom, left, right"}},
		{captions, vdm.Condition{Captions: []string{"top left"}, Labels: []int{1}}, 1, 2, []string{"1 Labels, 1 Captions"}},
		{coarse, vdm.Condition{Coarse: [][]float64{{.5}, {.5, .5}}}, 1, 2, []string{"coarse picture 1 has 2 numbers, expected 1"}},
		{coarse, vdm.Condition{Coarse: [][]float64{{1.5}}}, 1, 2, []string{"coarse picture 0 holds 1.5", "from 0 to 1"}},
		{coarse, vdm.Condition{Coarse: [][]float64{{math.NaN()}}}, 1, 2, []string{"NaN"}},
		{unconditional, three, 1, 2, []string{"expected none"}},
		{unconditional, vdm.Condition{}, 1, 2, []string{"no condition", "Sample"}},
	} {
		_, err := c.m.SampleGiven(c.y, c.scale, vdm.Sampling{Steps: c.steps}, 1)
		wantError(t, err, append(c.want, "vdm.Model.SampleGiven")...)
	}
	_, err := never.Sample(2, vdm.Sampling{Steps: 2}, 1)
	wantError(t, err, "vdm.Model.Sample", "give it Labels", "Drop")
	_, err = unconditional.EvaluateGiven(nil, 1, 1)
	wantError(t, err, "vdm.EvaluateGiven", "use Evaluate")
	_, err = labels.EvaluateGiven([][]*tensors.Tensor{{}}, 1, 1)
	wantError(t, err, "vdm.EvaluateGiven", "batch 0 holds no tensor")
	x, _ := images{[]int{2, 2, 2, 1}}.Batch(0)
	_, err = labels.EvaluateGiven([][]*tensors.Tensor{x}, 1, 1)
	wantError(t, err, "vdm.EvaluateGiven", "without labels")
	_, err = captions.EvaluateGiven([][]*tensors.Tensor{x}, 1, 1)
	wantError(t, err, "without captions")
	_, err = labels.EvaluateGiven([][]*tensors.Tensor{{x[0], tensors.MustFromAnyValue([]int32{1, 1, 1})}}, 1, 1)
	wantError(t, err, "label is (Int32)[3]")
	_, err = model.CallOnce(b, coarse.Store, func(scope *model.Scope, x *Node) *Node {
		at := constant(x, 1)
		return onCoarse.Build(scope, Ones(x.Graph(), shapes.Make(x.DType(), 3, 1, 1, 1))).Denoise(x, at)
	}, x[0])
	wantError(t, err, "coarse pictures are (Float32)[3, 1, 1, 1]", "[2 1 1 1]")
}

func TestConditionalConfig(t *testing.T) {
	b := backend.MustOpen("go")
	for _, c := range []struct {
		change func(*vdm.Config)
		want   string
	}{
		{func(c *vdm.Config) { c.Classes, c.Coarse = 2, 2 }, "one kind of condition"},
		{func(c *vdm.Config) { c.Classes, c.Caption = 2, places }, "one kind of condition"},
		{func(c *vdm.Config) { c.Coarse = 3 }, "Coarse = 3"},
		{func(c *vdm.Config) { c.Coarse = -2 }, "Coarse = -2"},
		{func(c *vdm.Config) { c.Coarse = 1 }, "Coarse = 1"},
		{func(c *vdm.Config) { c.Drop = .1 }, "without a condition"},
		{func(c *vdm.Config) { c.Classes, c.Drop = 2, 1 }, "Drop = 1"},
		{func(c *vdm.Config) { c.Classes, c.Drop = 2, math.NaN() }, "Drop = NaN"},
		{func(c *vdm.Config) { c.Caption.Length = 3 }, "nets.Vocabulary"},
	} {
		bad := tiny
		c.change(&bad)
		_, err := vdm.NewModel(b, bad, 1)
		wantError(t, err, "vdm.NewModel", c.want)
	}
	names := map[string]bool{}
	other := onLabels
	other.Drop = .1
	for _, c := range []vdm.Config{tiny, onLabels, onCaptions, onCoarse, other} {
		names[c.String()] = true
	}
	if len(names) != 5 {
		t.Errorf("%d names of five configurations: %v", len(names), names)
	}
	if got, want := vdm.FashionConfig.String(), "28×28×1, 256 levels, patch, spike and 3 slabs, log-SNR 13.3 to -5, 0 classes"; got != want {
		t.Errorf("a model without condition is called %q, want %q, as shipped checkpoints are", got, want)
	}
	if y := (vdm.Condition{Coarse: make([][]float64, 3)}); y.Len() != 3 || !reflect.DeepEqual(vdm.Condition{Captions: []string{""}}.Len(), 1) {
		t.Errorf("%d entries, want 3", y.Len())
	}
}
