package vdm_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// mixtureData serves fresh draws of gm.
type mixtureData struct{ size int }

func (d mixtureData) Batch(step int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(drawGM(d.size, uint64(step)), d.size, 1)}, nil
}

// drawGM draws n values of gm.
func drawGM(n int, seed uint64) []float32 {
	random, x := rand.New(rand.NewPCG(seed, 5)), make([]float32, n)
	for i := range x {
		k := 0
		if random.Float64() > gm.Weights[0] {
			k = 1
		}
		x[i] = float32(gm.Means[k][0] + math.Sqrt(gm.Vars[k][0])*random.NormFloat64())
	}
	return x
}

// network predicts the given kind from x_t and λ(t), which is of the same size for every schedule.
func network(scope *model.Scope, p process.Process, k param.Kind, hidden int) vdm.Head {
	return vdm.Head{Kind: k, Net: func(xt, t *Node) *Node {
		rows, width := xt.Shape().Dimensions[0], xt.Shape().Dimensions[1]
		logSNR := BroadcastToDims(MulScalar(p.LogSNR(t), .2), rows, 1)
		return nets.MLP(scope.At("net"), Concatenate([]*Node{xt, logSNR}, 1), nets.GlorotUniform, activation.Swish, hidden, hidden, width)
	}}
}

// trained is the model of a head with a learned spread of p(x_0|x_1).
func trained(scope *model.Scope, p process.Process, times []float64, h vdm.Head) vdm.VDM {
	denoise := h.Denoiser(p)
	return vdm.VDM{
		ReverseStep: sampler.ReverseStep{Process: p, Denoise: denoise},
		Times:       times,
		Decode: func(x1 *Node) dist.LogProber {
			logStd := scope.At("decode").VariableWithValue("log_std", [][]float32{{-1}}).NodeValue(x1.Graph())
			return dist.DiagNormal{Mean: denoise(x1, constant(x1, times[0])), LogStd: logStd}
		},
	}
}

// train minimises the mean loss of the model that build makes.
func train(t *testing.T, steps int, data fit.Batches, build func(scope *model.Scope) (vdm.VDM, vdm.Objective)) *model.Store {
	t.Helper()
	store := model.NewStore()
	loss := func(scope *model.Scope, batch []*Node) *Node {
		m, o := build(scope)
		return ReduceAllMean(m.Loss(noise.Finite(scope), batch[0], o))
	}
	c := fit.Config{Steps: steps, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 20}, Seed: 1}
	report, err := fit.Train(context.Background(), backendtest.Open(t), store, loss, data, c)
	if err != nil {
		t.Fatal(err)
	}
	first, last := check.Mean(report.Losses[:20]), check.Mean(report.Losses[len(report.Losses)-100:])
	check.T(t).Less("E5.59 the loss falls", last, first)
	return store
}

// bounds evaluates form 2 on one path for each x_0, with the trained weights.
func bounds(t *testing.T, store *model.Store, x0 []float32, build func(scope *model.Scope) (vdm.VDM, vdm.Objective)) (bound []float64, matching [][]float64) {
	t.Helper()
	out, err := model.CallOnceN(backendtest.Open(t), store, func(scope *model.Scope, x *Node) []*Node {
		m, _ := build(scope)
		path := m.Path(noise.FromSeed(x.Graph(), 9), x)
		return []*Node{m.Form2(path).Bound(), m.MatchingKL(path)}
	}, tensors.FromFlatDataAndDimensions(x0, len(x0), 1))
	if err != nil {
		t.Fatal(err)
	}
	all := check.Floats(out[1])
	for n := len(x0); len(all) > 0; all = all[n:] {
		matching = append(matching, all[:n])
	}
	return check.Floats(out[0]), matching
}

// entropy is E log p(x) of gm by quadrature.
func entropy(t *testing.T) float64 {
	return check.Integral(backendtest.Open(t), func(x *Node) *Node {
		logP := gm.Law(x.Graph(), dtypes.Float64).LogProb(ExpandAxes(x, -1))
		return Mul(Exp(logP), logP)
	}, -8, 8)
}

// With few steps a schedule that is trained with the network beats one that is fixed.
func TestLearnedScheduleTrained(t *testing.T) {
	c, x0 := check.T(t), drawGM(20_000, 1<<40)
	fixed := func(scope *model.Scope) (vdm.VDM, vdm.Objective) {
		p := process.Process{Schedule: process.DDPM(10, .02, .6), TMax: 10}
		h := network(scope, p, param.V, 32)
		return trained(scope, p, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, h), vdm.Objective{Head: h, Times: vdm.Stratified}
	}
	learned := func(scope *model.Scope) (vdm.VDM, vdm.Objective) {
		snr := vdm.LearnedSNR{Omega: nets.Monotone{Start: -3.9, End: 4, Hidden: 8}}
		p := process.Process{Schedule: snr.Schedule(scope.At("omega")), TMax: 1}
		h := network(scope, p, param.V, 32)
		times := make([]float64, 10)
		for i := range times {
			times[i] = float64(i) / 9
		}
		return trained(scope, p, times, h), vdm.Objective{Head: h, Times: vdm.Stratified}
	}
	fixedStore := train(t, 800, mixtureData{256}, fixed)
	before, _ := bounds(t, fixedStore, x0, fixed)
	store := train(t, 800, mixtureData{256}, learned)
	after, _ := bounds(t, store, x0, learned)
	gain := make([]float64, len(before))
	for i := range gain {
		gain[i] = after[i] - before[i]
	}
	t.Logf("bound %.4f fixed, %.4f learned, of %.4f; gain %.4f ± %.4f", check.Mean(before), check.Mean(after), entropy(t), check.Mean(gain), check.SE(gain))
	c.Less("E5.50 the learned schedule's bound is higher, by 5 SE", 5*check.SE(gain), check.Mean(gain))
	c.Less("E5.50 and still a bound", check.Mean(after)-5*check.SE(after), entropy(t))
	count := func(store *model.Store, scope string) (n int) {
		for v := range store.RootScope().At("%s", scope).IterVariables() {
			if v.Trainable {
				n++
			}
		}
		return n
	}
	c.Near("E5.5 a fixed encoder has no weights, a learned one its schedule's", []int{count(fixedStore, "omega"), count(store, "omega")}, []int{0, 6}, 0)
	at := process.Process{TMax: 1}.Grid(9)
	err := vdm.CheckSchedule(backendtest.Open(t), store, at, func(scope *model.Scope) process.Schedule {
		m, _ := learned(scope)
		return m.Process.Schedule
	})
	c.True("E5.38 its SNR falls", err == nil, fmt.Sprint(err))
}

// A whole model of gm: its loss, its bound, what each step costs and its samples.
func TestFullRunTrained(t *testing.T) {
	c, x0 := check.T(t), drawGM(10_000, 1<<41)
	p := process.Process{Schedule: process.LogSNRLinear{Max: 6, Min: -6}, TMax: 1}
	times := make([]float64, 40)
	for i := range times {
		times[i] = float64(i) / 39
	}
	build := func(scope *model.Scope) (vdm.VDM, vdm.Objective) {
		h := network(scope, p, param.V, 64)
		return trained(scope, p, times, h), vdm.Objective{Head: h, Continuous: true, Times: vdm.Stratified}
	}
	store := train(t, 2000, mixtureData{512}, build)
	bound, matching := bounds(t, store, x0, build)
	c.Less("E5.59 the bound is below E log p(x)", check.Mean(bound)-5*check.SE(bound), entropy(t))
	best := bestModel(p, times, gm)
	ideal := backendtest.Floats(t, func(x *Node) *Node { return best.Form2(best.Path(noise.FromSeed(x.Graph(), 9), x)).Bound() }, upright(x0))
	c.Less("E5.59 and close to the best denoiser's with as many steps", check.Mean(ideal)-.1, check.Mean(bound))
	t.Logf("bound %.4f ± %.4f, best denoiser's %.4f, E log p(x) %.4f", check.Mean(bound), check.SE(bound), check.Mean(ideal), entropy(t))
	for i := 0; i < len(matching); i += 13 { // no denoiser is below the oracle's error
		floor := backendtest.Floats(t, func(x *Node) *Node {
			s, u := constant(x, times[i]), constant(x, times[i+1])
			xt := p.Marginal(x, u).Sample(noise.FromSeed(x.Graph(), 3))
			return Squeeze(MulScalar(Mul(p.SNRDrop(s, u), gm.PosteriorVar(p)(xt, u)), .5), -1)
		}, upright(x0))
		c.Less("E5.59 the loss at t is the best denoiser's or more", check.Mean(floor)-5*check.SE(floor)-5*check.SE(matching[i]), check.Mean(matching[i]))
		c.Less("E5.59 and at most a quarter more", check.Mean(matching[i]), 1.25*check.Mean(floor)+5*check.SE(matching[i]))
	}
	run := sampler.New(backendtest.Open(t), store, func(scope *model.Scope) sampler.Stepper {
		m, _ := build(scope)
		return sampler.Ancestral{ReverseStep: m.ReverseStep}
	})
	defer run.Finalize()
	const n = 10_000
	draws, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float32, n, 1), 1, 4), p.Grid(100), 5)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func(seed uint64) (x []float64) { return check.Floats(drawGM(n, seed)) }
	floor := metric.Wasserstein1(fresh(1<<42), fresh(1<<43))
	t.Logf("W₁ %.4f; of two exact sets %.4f", metric.Wasserstein1(check.Floats(draws), fresh(1<<42)), floor)
	c.Less("E5.59 W₁ of the samples", metric.Wasserstein1(check.Floats(draws), fresh(1<<42)), .1)
}

func upright(x []float32) [][]float64 {
	out := make([][]float64, len(x))
	for i, v := range x {
		out[i] = []float64{float64(v)}
	}
	return out
}

// The best denoiser is the posterior mean: least squares on draws finds it.
func TestLeastSquares(t *testing.T) {
	const n = 50_000
	out := backendtest.Call(t, func(g *Graph) []*Node {
		src := noise.FromSeed(g, 35)
		x0 := gm.Law(g, dtypes.Float64).SampleN(src, n)
		u := constant(x0, 2)
		xt := d4.Marginal(x0, u).Sample(src)
		return []*Node{x0, xt, gm.Denoiser(d4)(xt, u)}
	})
	x0, xt, want := check.Floats(out[0]), check.Floats(out[1]), check.Floats(out[2])
	const bumps = 14
	features := mat.NewDense(n, bumps+2, nil)
	for i, x := range xt {
		features.Set(i, 0, 1)
		features.Set(i, 1, x)
		for j := range bumps {
			features.Set(i, j+2, math.Exp(-.5*math.Pow((x+3.5-.5*float64(j))/.5, 2)))
		}
	}
	var weights, got mat.VecDense
	if err := weights.SolveVec(features, mat.NewVecDense(n, x0)); err != nil {
		t.Fatal(err)
	}
	got.MulVec(features, &weights)
	miss, affine := 0.0, 0.0
	for i := range want {
		miss += math.Pow(got.AtVec(i)-want[i], 2) / n
		affine += math.Pow(xt[i]-want[i], 2) / n
	}
	check.T(t).Less("E5.35 RMS of least squares from E[x₀|x_t], under q(x_t)", math.Sqrt(miss), .05)
	check.T(t).Less("E5.35 where x_t itself is far", .05, math.Sqrt(affine))
}

// Heads and weights, all trained on one swiss roll: each reaches the bar.
func TestHeadsTrained(t *testing.T) {
	p := process.Process{Schedule: process.LogSNRLinear{Max: 5, Min: -5}, TMax: 1}
	type variant struct {
		kind   param.Kind
		weight vdm.Weighting
		name   string
	}
	var variants []variant
	for _, k := range []param.Kind{param.X0, param.Eps, param.Score} {
		variants = append(variants, variant{k, vdm.Bound, k.String() + "_bound"}, variant{k, vdm.Simple, k.String() + "_simple"})
	}
	loss := func(scope *model.Scope, batch []*Node) *Node { // Adam sees each network alone, so that all six train at once
		total := Zeros(batch[0].Graph(), shapes.Make(dtypes.Float32))
		for _, v := range variants {
			m := vdm.VDM{ReverseStep: sampler.ReverseStep{Process: p}, Times: []float64{0, 1}}
			o := vdm.Objective{Head: network(scope.At("%s", v.name), p, v.kind, 64), Weight: v.weight, Continuous: true, Times: vdm.Stratified}
			total = Add(total, ReduceAllMean(m.Matching(noise.Finite(scope), batch[0], o)))
		}
		return total
	}
	store, b := model.NewStore(), backendtest.Open(t)
	c := fit.Config{Steps: 1000, LearningRate: 4e-3, Schedule: fit.WarmupCosine{Warmup: 20}, Seed: 1}
	if _, err := fit.Train(context.Background(), b, store, loss, datasets.MustLoader(toys.SwissRoll().Sample(20_000, 1), 256, 1, datasets.Options{}), c); err != nil {
		t.Fatal(err)
	}
	data := toys.SwissRoll().Sample(2000, 77)
	exact, bandwidth := pairs(data.X), metric.MedianBandwidth(pairs(data.X)[:500])
	floor := metric.MMD2(pairs(toys.SwissRoll().Sample(2000, 78).X), exact, bandwidth)
	const bar = .01
	blob := pairs(sampler.Prior(shapes.Make(dtypes.Float32, 2000, 2), 1.2, 6)) // of about the data's spread, without its shape
	check.T(t).Less("E5.56 the bar keeps a shapeless model out", bar, metric.MMD2(blob, exact, bandwidth))
	for _, v := range variants {
		run := sampler.New(b, store, func(scope *model.Scope) sampler.Stepper {
			return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: network(scope.At("%s", v.name), p, v.kind, 64).Denoiser(p)}}
		})
		draws, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float32, 2000, 2), 1, 4), p.Grid(60), 5)
		if err != nil {
			t.Fatal(err)
		}
		mmd := metric.MMD2(pairs(check.Floats(draws)), exact, bandwidth)
		t.Logf("%-12s MMD² %.5f (two exact sets %.5f)", v.name, mmd, floor)
		check.T(t).Less("E5.56 MMD² of "+v.name, mmd, bar)
		run.Finalize()
	}
}

func pairs(x any) (out [][]float64) {
	flat := check.Floats(x)
	for ; len(flat) > 0; flat = flat[2:] {
		out = append(out, flat[:2])
	}
	return out
}
