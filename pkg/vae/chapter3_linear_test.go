package vae_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// linear trains the linear VAE with one latent and a learned s on n draws of pp.
func linear(t *testing.T, seed int64) (m *vae.Model, x [][]float64) {
	t.Helper()
	x = drawPP(t, 20_000, 100+seed)
	return train(t, vae.Config{Data: 3, Latent: 1, Observation: vae.GaussianLearned}, 1, datasets.MustTable("PP", x), 256,
		fit.Config{Steps: 5000, LearningRate: .02, Schedule: fit.WarmupCosine{Warmup: 20}, Seed: seed}), x
}

func TestChapter3LinearVAETrained(t *testing.T) {
	m, x := linear(t, 1)
	t.Run("E3.23 the full objective reaches the optimum", func(t *testing.T) { reachesOptimum(t, m, x) })
	t.Run("E3.6 the encoder is dropped after training", func(t *testing.T) {
		z := make32(10, 1)
		out := on(t, m, func(v vae.VAE, src noise.Source, in []*Node) []*Node {
			whole := v.Generate(in[0])
			v.Encode = nil
			return []*Node{whole, v.Generate(in[0]), Sub(v.Sample(src, in[0]), whole)}
		}, z)
		c := check.T(t)
		c.Near("E3.6 the decoder alone gives E[x|z]", out[1], out[0], 0)
		c.Less("E3.6 and draws", 0, floats.Norm(out[2], 2))
	})
	t.Run("E3.24 z ~ N(0, I), then x ~ p(x|z)", func(t *testing.T) { generates(t, m) })
	t.Run("E3.2 two-sample test of data and samples", func(t *testing.T) {
		c := check.T(t)
		c.Less("E3.2 .01 against the largest of three p-values", .01, floats.Max(pValues(t, m.Sample, x)))
		c.Less("E3.2 without the decoder's noise every p-value is small", floats.Max(pValues(t, m.SampleMeans, x)), .01)
	})
	t.Run("E3.34 decoder samples are not copies", func(t *testing.T) { novel(t, m, x) })
	t.Run("E3.1 data not present in the training set", func(t *testing.T) {
		ratio := metric.NeighbourRatio(must(m.Sample(1000, 31)), x, drawPP(t, 1000, 31))
		check.T(t).Near("E3.1 neighbour ratio of samples and held-out data", ratio, 1, .1) // ±.2; 1000 distances on each side give it an SE near .03
	})
}

func reachesOptimum(t *testing.T, m *vae.Model, x [][]float64) {
	c := check.T(t)
	mean, cov := moments(x)
	best := oracle.FitPPCA(mean, cov, 1)
	out := on(t, m, func(v vae.VAE, src noise.Source, in []*Node) []*Node {
		p := v.Decode(Slice(in[0], AxisRange(0, 1), AxisRange(0, 1))).(dist.DiagNormal)
		return []*Node{v.Terms(src, in[0], 20).Bound(), p.Variance(), v.Encode(in[0]).Variance()}
	}, float32s(x))
	gap := best.AverageLogProb(cov) - check.Mean(out[0])
	c.True("E3.23 mean bound within .02 nats of max log p", math.Abs(gap) < .02, fmt.Sprintf("gap %.4f ± %.4f nats", gap, check.SE(out[0])/math.Sqrt(20)))
	relative := func(id string, got, want, tol float64) {
		c.True(id, math.Abs(got/want-1) < tol, fmt.Sprintf("%.4f, exact %.4f, allowed %g%%", got, want, 100*tol))
	}
	relative("E3.23 s²", out[1][0], best.Var, .03)
	variance := check.Mean(out[2])
	relative("E3.23 posterior variance s²/M, mean over x", variance, best.PosteriorCov().At(0, 0), .05)
	c.Less("E3.23 it is nearly the same for every x: relative spread", stat.StdDev(out[2], nil)/variance, .05)
}

func generates(t *testing.T, m *vae.Model) {
	const n = 50_000
	c := check.T(t)
	out := on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node {
		p := v.Decode(in[0]).(dist.DiagNormal)
		return []*Node{p.Mean, p.Variance()}
	}, [][]float32{{0}, {1}})
	mu, s2, w := out[0][:3], out[1][0], make([]float64, 3)
	floats.SubTo(w, out[0][3:], mu) // the decoder is affine: Wz + μ
	samples, products := must(m.Sample(n, 24)), make([]float64, n)
	for i := range 3 {
		for j := range i + 1 {
			want := w[i] * w[j]
			if i == j {
				want += s2
			}
			for k, x := range samples {
				products[k] = (x[i] - mu[i]) * (x[j] - mu[j])
			}
			c.MC(fmt.Sprintf("E3.24 (WWᵀ+s²I)[%d,%d]", i, j), products, want, .02)
		}
	}
}

// pValues returns the p-values of three permutation tests, each on 300 samples and 300 other rows of the data. At
// least one of three p-values of equal laws is above .01 but for a chance of 1e-6.
func pValues(t *testing.T, sample func(n int, seed int64) ([][]float64, error), x [][]float64) []float64 {
	rng, samples, p := rand.New(rand.NewPCG(32, 1)), must(sample(900, 32)), make([]float64, 3)
	for i := range p {
		_, p[i] = metric.EnergyTest(samples[300*i:300*(i+1)], x[300*i:300*(i+1)], 199, rng)
	}
	t.Logf("p-values %.3f", p)
	return p
}

// novel holds the samples' distances to their nearest training rows against those of held-out data.
func novel(t *testing.T, m *vae.Model, x [][]float64) {
	const n, falseAlarm = 1000, 1e-6
	c := check.T(t)
	bound := math.Sqrt(math.Log(2/falseAlarm) / n) // of two sets of n: √(½ ln(2/α)·2n/n²)
	heldOut := metric.NeighbourDistances(drawPP(t, n, 34), x)
	samples := metric.NeighbourDistances(must(m.Sample(n, 24)), x)
	c.Less("E3.34 the nearest training row is not the sample itself", 1e-6, floats.Min(samples))
	c.Less("E3.34 Kolmogorov–Smirnov distance to held-out data", metric.KolmogorovSmirnov(samples, heldOut), bound)
	noise, copies := rand.New(rand.NewPCG(34, 2)), [][]float64{}
	for _, row := range x[:n] { // copies, each coordinate moved by a little
		copies = append(copies, []float64{row[0] + .02*noise.NormFloat64(), row[1] + .02*noise.NormFloat64(), row[2] + .02*noise.NormFloat64()})
	}
	c.Less("E3.34 shaken copies fail the test", bound, metric.KolmogorovSmirnov(metric.NeighbourDistances(copies, x), heldOut))
}

func TestChapter3VarianceCollapseTrained(t *testing.T) {
	c, x := check.T(t), drawPP(t, 20_000, 101)
	// spread returns the mean of σ(x) and the standard deviation of μ(x) over the data, for a weight on the KL.
	spread := func(beta float64) (sigma, sd float64) {
		m := train(t, vae.Config{Data: 3, Latent: 1, Observation: vae.Gaussian, Std: math.Sqrt(pp.Var)}, beta, datasets.MustTable("PP", x), 256,
			fit.Config{Steps: 5000, LearningRate: .01, Seed: 1})
		return check.Mean(column(must(m.EncodeStd(x)), 0)), stat.StdDev(column(must(m.Encode(x)), 0), nil)
	}
	t.Run("E3.20 reconstruction alone drives the variance to 0", func(t *testing.T) {
		sigma, sd := spread(0)
		c.Less("E3.20 σ over the spread of μ, no KL", sigma/sd, .05)
	})
	t.Run("E3.20 with the KL it is the posterior's", func(t *testing.T) {
		sigma, sd := spread(1)
		want := math.Sqrt(pp.PosteriorCov().At(0, 0))
		c.Near("E3.20 √(s²/λ₁)", want, .5395, 5e-5)
		c.True("E3.20 σ within 10%", math.Abs(sigma/want-1) < .1, fmt.Sprintf("σ = %.4f, exact %.4f", sigma, want))
		c.Less("E3.20 and σ over the spread of μ stays up", .5, sigma/sd)
	})
}
