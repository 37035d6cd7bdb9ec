package ncsn_test

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
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// draws serves fresh draws of mx, [size, 1].
type draws struct{ size int }

func (d draws) Batch(step int) ([]*tensors.Tensor, error) {
	random, x := rand.New(rand.NewPCG(uint64(step), 716)), make([]float32, d.size)
	for i := range x {
		x[i] = float32(drawMX(random))
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, d.size, 1)}, nil
}

// drawMX draws one value of mx.
func drawMX(random *rand.Rand) float64 {
	mode := 0
	if random.Float64() < mx.Weights[1] {
		mode = 1
	}
	return mx.Means[mode][0] + random.NormFloat64()
}

// between and nearModes are where a score is looked at: |x| < 1, and within two standard deviations of ±5.
var between, nearModes = span(-1, 1, 80), append(span(-7, -3, 80), span(3, 7, 80)...)

// regionErrors are E[(s − ∇log p_σ)²] of scores s for x ~ p_σ with |x| < 1, and for x within 2 of a mode, averaged over the scores.
func regionErrors(p evaluator, sigma float64, scores ...func(xs []float64) []float64) (void, known float64) {
	in := func(xs []float64) float64 {
		out := p.at(sigma, xs)
		density, exact, sum := out[0], out[1], 0.0
		for _, s := range scores {
			for j, v := range s(xs) {
				sum += density[j] * math.Pow(v-exact[j], 2) / (floats.Sum(density) * float64(len(scores)))
			}
		}
		return sum
	}
	return in(between), in(nearModes)
}

// A network knows the score where data come, and guesses it elsewhere. It is an MLP of two hidden layers of 32 with tanh,
// trained by Adam on denoising score matching with σ = .1, without a ridge or other decay of its weights.
func TestVoid(t *testing.T) {
	const sigma, copies = .1, 2
	net := func(scope *model.Scope, copy int) func(x *Node) *Node {
		return func(x *Node) *Node {
			return nets.MLP(scope.At("copy_%d", copy), MulScalar(x, .2), nets.GlorotUniform, Tanh, 32, 32, 1)
		}
	}
	loss := func(scope *model.Scope, batch []*Node) *Node {
		total := Zeros(batch[0].Graph(), shapes.Make(dtypes.Float32))
		for k := range copies { // Adam sees each network alone, so that all train at once
			one := score.Denoising(edm, level(batch[0], sigma))(noise.Finite(scope), net(scope, k), batch[0])
			total = Add(total, MulScalar(ReduceAllMean(one), sigma*sigma))
		}
		return total
	}
	store, b := model.NewStore(), backendtest.Open(t)
	how := fit.Config{Steps: 1000, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: 1}
	if _, err := fit.Train(context.Background(), b, store, loss, draws{512}, how); err != nil {
		t.Fatal(err)
	}
	var scores []func(xs []float64) []float64
	for k := range copies {
		scores = append(scores, func(xs []float64) []float64 {
			got, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node { return net(scope, k)(ConvertDType(x, dtypes.Float32)) }, column(xs...))
			if err != nil {
				t.Fatal(err)
			}
			return check.Floats(got)
		})
	}
	void, known := regionErrors(blurred(t, mx), sigma, scores...)
	c := check.T(t)
	c.Less("E7.16 with σ = .1 ten times the mean squared error near the modes is less than that between them", 10*known, void)
	c.Less("E7.16 the network does know the score near them: its error is below a third of E‖∇log p‖² = 1", known, 1./3)
}

// More noise fills the void. The estimate is least squares on 101 Gaussian bumps, half a unit wide and apart, with a ridge of 1e-3, on
// 2000 draws: its error in a place is ruled by how many data come there. Ten of them are averaged.
func TestVoidFills(t *testing.T) {
	p, ratios := blurred(t, mx), map[float64]float64{}
	pair, err := NewExec(backendtest.Open(t), func(x0, eps, s *Node) []*Node { // a draw and what its score regresses on
		return []*Node{edm.Diffuse(x0, eps, s), param.Target(param.Score, x0, eps, edm.Alpha(s), edm.Sigma(s))}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Finalize()
	for _, sigma := range []float64{.1, 1, 2, 3, 5} {
		var scores []func(xs []float64) []float64
		for seed := range 10 {
			scores = append(scores, bumpScore(t, pair, sigma, seed))
		}
		void, known := regionErrors(p, sigma, scores...)
		ratios[sigma] = void / known
		t.Logf("E7.21 σ = %-3g mean squared error: |x|<1 %.4g, near the modes %.4g, ratio %.3g", sigma, void, known, void/known)
	}
	c := check.T(t)
	c.Less("E7.16 with σ = .1 least squares misses by 10 times as much between the modes", 10, ratios[.1])
	c.Less("E7.21 with σ = 2 still by twice", 2, ratios[2])
	c.Less("E7.21 with σ = 5 no more", ratios[5], 2)
}

// bumpScore fits the score by denoising score matching on 2000 draws.
func bumpScore(t *testing.T, pair *Exec, sigma float64, seed int) func(xs []float64) []float64 {
	t.Helper()
	const n, bumps, width, ridge = 2000, 101, .5, 1e-3
	features := func(xs []float64) *mat.Dense {
		phi := mat.NewDense(len(xs), bumps, nil)
		for i, x := range xs {
			for j := range bumps {
				phi.Set(i, j, math.Exp(-math.Pow((x-width*float64(j-bumps/2))/width, 2)/2))
			}
		}
		return phi
	}
	random := rand.New(rand.NewPCG(uint64(seed), 721))
	x0, eps := make([]float64, n), make([]float64, n)
	for i := range x0 {
		x0[i], eps[i] = drawMX(random), random.NormFloat64()
	}
	out, err := pair.Call(column(x0...), column(eps...), [][]float64{{sigma}})
	if err != nil {
		t.Fatal(err)
	}
	phi, target := features(check.Floats(out[0])), check.Floats(out[1])
	var gram, weights mat.Dense
	gram.Mul(phi.T(), phi)
	for j := range bumps {
		gram.Set(j, j, gram.At(j, j)+ridge)
	}
	var right mat.VecDense
	right.MulVec(phi.T(), mat.NewVecDense(n, target))
	if err := weights.Solve(&gram, &right); err != nil {
		t.Fatal(err)
	}
	return func(xs []float64) []float64 {
		var s mat.Dense
		s.Mul(features(xs), &weights)
		return s.RawMatrix().Data
	}
}

// train returns a model of config c, trained on data.
func train(t *testing.T, c ncsn.Config, data fit.Batches, steps int) *ncsn.Model {
	t.Helper()
	m, report, err := ncsn.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, data,
		fit.Config{Steps: steps, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Less("E7.25 the loss is below that of the score 0", check.Mean(report.Losses[len(report.Losses)-200:]), .95)
	t.Cleanup(m.Finalize)
	return m
}

func TestTrained(t *testing.T) {
	t.Run("E7.25 the weights of two modes", func(t *testing.T) {
		m := train(t, ncsn.Config{Dim: 1, Levels: geometric(t, 20, .3, 20), DataStd: math.Sqrt(26)}, draws{256}, 1200)
		c, p := check.T(t), blurred(t, mx)
		for _, sigma := range []float64{.3, 1, 5, 20} { // normalised error of the score, over p_σ
			xs := span(-8-2*sigma, 8+2*sigma, 200)
			density, exact := p.at(sigma, xs)[0], p.at(sigma, xs)[1]
			got, err := m.Score(column(xs...), sigma)
			if err != nil {
				t.Fatal(err)
			}
			miss, size := 0.0, 0.0
			for i := range xs {
				miss, size = miss+density[i]*math.Pow(got[i][0]-exact[i], 2), size+density[i]*exact[i]*exact[i]
			}
			c.Less(fmt.Sprintf("E7.25 relative error of the score at σ = %g", sigma), math.Sqrt(miss/size), .2)
		}
		const n = 2000
		x, err := m.Sample(n, ncsn.Sampling{Steps: 40}, 725)
		if err != nil {
			t.Fatal(err)
		}
		right := 0.0
		for _, row := range x {
			if row[0] > 0 {
				right += 1. / n
			}
		}
		c.Near("E7.25 the share of the right mode", right/.78, 1, .06/.78/2) // Near's bound is tol·(1+|want|)
	})
	t.Run("E7.25 eight modes", func(t *testing.T) {
		law := toys.EightGaussians()
		points := law.Sample(10_000, 1)
		config, err := ncsn.ConfigFor(pairs(points.X[:2000]), .05)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(config)
		m := train(t, config, datasets.MustLoader(points, 256, 1, datasets.Options{}), 2000)
		x, err := m.Sample(2000, ncsn.Sampling{Steps: 60}, 725)
		if err != nil {
			t.Fatal(err)
		}
		found := metric.CountModes(x, pairs(law.Means), .75, .1/8)
		t.Log(found)
		c := check.T(t)
		c.Near("E7.25 all of eight modes are hit", found.Covered, 8, 0)
		c.Less("E7.25 and little lies outside", found.Outside, .04)
		blob := check.Floats(sampler.Prior(shapes.Make(dtypes.Float64, 2000, 2), config.DataStd, 1))
		c.Less("E7.25 where of a normal law of the data's size much does", .3, metric.CountModes(cut(blob), pairs(law.Means), .75, .1/8).Outside)
		for _, n := range found.Counts {
			c.True("E7.25 each has about its share", n > 125 && n < 375, fmt.Sprint(n))
		}
	})
}

// cut cuts values into points.
func cut(values []float64) (out [][]float64) {
	for ; len(values) > 0; values = values[2:] {
		out = append(out, values[:2])
	}
	return out
}

func pairs(points [][2]float64) (out [][]float64) {
	for _, p := range points {
		out = append(out, []float64{p[0], p[1]})
	}
	return out
}
