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

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

// draws serves fresh draws of mx, [size, 1].
type draws struct{ size int }

func (d draws) Batch(step int) ([]*tensors.Tensor, error) {
	random, x := rand.New(rand.NewPCG(uint64(step), 716)), make([]float32, d.size)
	for i := range x {
		mode := mx.Means[0][0]
		if random.Float64() < mx.Weights[1] {
			mode = mx.Means[1][0]
		}
		x[i] = float32(mode + random.NormFloat64())
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, d.size, 1)}, nil
}

// between and nearModes are where a score is looked at: |x| < 1, and within two standard deviations of ±5.
var between, nearModes = span(-1, 1), append(span(-7, -3), span(3, 7)...)

func span(from, to float64) (xs []float64) {
	for i := range 80 {
		xs = append(xs, from+(to-from)*(float64(i)+.5)/80)
	}
	return xs
}

// Networks trained on one noise level each know the score where data come, and guess it elsewhere. A network is an MLP of two
// hidden layers of 32 with tanh, trained by Adam on denoising score matching alone, weighted by σ², without a ridge or other
// decay of its weights; the error is the mean of (s − ∇log p_σ)² over the points of a region, without a weight.
func TestVoid(t *testing.T) {
	sigmas, copies := []float64{.1, 1, 2, 3, 5}, 3
	net := func(scope *model.Scope, level, copy int) func(x *Node) *Node {
		return func(x *Node) *Node {
			return nets.MLP(scope.At("level_%d_%d", level, copy), MulScalar(x, .2), nets.GlorotUniform, Tanh, 32, 32, 1)
		}
	}
	loss := func(scope *model.Scope, batch []*Node) *Node {
		total := Zeros(batch[0].Graph(), shapes.Make(dtypes.Float32))
		for i, sigma := range sigmas {
			for k := range copies { // Adam sees each network alone, so that all train at once
				one := score.Denoising(edm, level(batch[0], sigma))(noise.Finite(scope), net(scope, i, k), batch[0])
				total = Add(total, MulScalar(ReduceAllMean(one), sigma*sigma))
			}
		}
		return total
	}
	store, b := model.NewStore(), backendtest.Open(t)
	how := fit.Config{Steps: 1500, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: 1}
	if _, err := fit.Train(context.Background(), b, store, loss, draws{256}, how); err != nil {
		t.Fatal(err)
	}
	// errors returns the mean squared error of the networks of a level over a region, averaged over the copies.
	errors := func(i int, xs []float64) float64 {
		_, exact := blurred(t, mx, sigmas[i], xs)
		sum := 0.0
		for k := range copies {
			got, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node {
				return net(scope, i, k)(ConvertDType(x, dtypes.Float32))
			}, column(xs...))
			if err != nil {
				t.Fatal(err)
			}
			for j, s := range check.Floats(got) {
				sum += math.Pow(s-exact[j], 2) / float64(len(xs)*copies)
			}
		}
		return sum
	}
	c := check.T(t)
	ratio := make([]float64, len(sigmas))
	for i, sigma := range sigmas {
		void, known := errors(i, between), errors(i, nearModes)
		ratio[i] = void / known
		t.Logf("σ = %-4g mean squared error: |x|<1 %.4g, near the modes %.4g, ratio %.3g", sigma, void, known, ratio[i])
	}
	c.Less("E7.16 with σ = .1 the error between the modes is at least 10 times that near them", 10, ratio[0])
	c.Less("E7.16 the network does know the score near them: its error is below a tenth of E‖∇log p‖² = 1", errors(0, nearModes), .1)
	c.Less("E7.21 with σ = 5 the ratio is below 2", ratio[4], 2)
	c.Less("E7.21 with σ = 1 it is not", 2, ratio[1])
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
		m := train(t, ncsn.Config{Dim: 1, Levels: geometric(t, 20, .3, 20), DataStd: math.Sqrt(26), Hidden: []int{48, 48}}, draws{256}, 1500)
		c := check.T(t)
		for _, sigma := range []float64{.3, 1, 5, 20} { // normalised error of the score, over p_σ
			xs := span(-8-2*sigma, 8+2*sigma)
			density, exact := blurred(t, mx, sigma, xs)
			got, err := m.Score(column(xs...), sigma)
			if err != nil {
				t.Fatal(err)
			}
			miss, size := 0.0, 0.0
			for i := range xs {
				miss, size = miss+density[i]*math.Pow(got[i][0]-exact[i], 2), size+density[i]*exact[i]*exact[i]
			}
			c.Less(fmt.Sprintf("E7.25 relative error of the score at σ = %g", sigma), math.Sqrt(miss/size), .15)
		}
		const n = 2000
		x, err := m.Sample(n, ncsn.Sampling{Steps: 200, Eps: 2e-3}, 725)
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
		config.Hidden = []int{64, 64}
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
		c.Less("E7.25 and little lies outside", found.Outside, .05)
		counts, expected := make([]float64, 8), make([]float64, 8)
		for i, n := range found.Counts {
			counts[i], expected[i] = float64(n), 250
			c.True("E7.25 each has about its share", n > 125 && n < 375, fmt.Sprint(n))
		}
	})
}

func pairs(points [][2]float64) (out [][]float64) {
	for _, p := range points {
		out = append(out, []float64{p[0], p[1]})
	}
	return out
}
