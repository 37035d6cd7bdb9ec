package vae_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/datasets"
	drawn "github.com/lowerbound-ml/lowerbound/datasets/shapes"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// curve is points of the plane with their position u along a curve.
type curve struct {
	x [][]float64
	u []float64
}

// curveOf returns the points of p with the given label, or all of them where p has no labels.
func curveOf(p *toys.Points, label int32) curve {
	var c curve
	for i, x := range p.X {
		if p.Label == nil || p.Label[i] == label {
			c.x, c.u = append(c.x, []float64{x[0], x[1]}), append(c.u, p.U[i])
		}
	}
	return c
}

// explained trains a VAE with one latent on the curve and returns the share of u's variance that a monotone function
// of the code μ(x) explains.
func explained(t *testing.T, name string, c curve, seed int64, hidden ...int) float64 {
	m := train(t, vae.Config{Data: 2, Latent: 1, Hidden: hidden, Observation: vae.GaussianLearned}, 1, datasets.MustTable(name, c.x), 128,
		fit.Config{Steps: 800, LearningRate: .01, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: seed})
	return metric.MonotoneR2(column(must(m.Encode(c.x)), 0), c.u)
}

// The swiss roll has no threshold, and so no test: the code of a plainly trained VAE does not unroll it.
func TestChapter3CompactCode(t *testing.T) {
	const n, seed = 2000, 1
	c := check.T(t)
	t.Run("E3.25 a line in the plane, k = 1", func(t *testing.T) {
		c.Less("E3.25 .95 against R² of the position from the code", .95, explained(t, "line", curveOf(toys.Line().Sample(n, seed), 0), seed))
	})
	t.Run("E3.25 half a turn, k = 1", func(t *testing.T) {
		c.Less("E3.25 .95 against R² of the position from the code", .95, explained(t, "arc", curveOf(toys.TwoMoons().Sample(2*n, seed), 0), seed, 32, 32))
	})
}

// discs draws filled circles whose horizontal position and size vary.
func discs() drawn.Law {
	return drawn.Law{Kinds: []drawn.Kind{drawn.Circle}, X: drawn.Range{Lo: 3, Hi: 5}, Y: drawn.Range{Lo: 4, Hi: 4},
		Size: drawn.Range{Lo: 1.5, Hi: 3}, Thickness: drawn.Range{Lo: 3, Hi: 3}, Antialias: true}
}

// factor is one of the two factors of discs: its value, and its trace in a picture.
type factor struct {
	of       func(f drawn.Factors) float64
	measured func(m drawn.Measured) float64
}

var factors = map[string]factor{
	"position": {func(f drawn.Factors) float64 { return f.X }, func(m drawn.Measured) float64 { return m.X }},
	"size":     {func(f drawn.Factors) float64 { return f.Size }, func(m drawn.Measured) float64 { return m.Radius }},
}

// edit trains a VAE with two latents on discs.
func edit(t *testing.T, seed int64) (*vae.Model, *drawn.Pictures) {
	p := discs().Sample(2000, seed)
	return train(t, vae.Config{Data: 64, Latent: 2, Hidden: []int{64, 32}, Observation: vae.Gaussian, Std: .3}, 1, p, 64,
		fit.Config{Steps: 1000, LearningRate: 3e-3, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: seed}), p
}

// walk returns the factor as measured in pictures along the coordinate that follows it most closely over the data, from
// −2 to 2, and its rank correlation with that coordinate.
func walk(t *testing.T, m *vae.Model, p *drawn.Pictures, f factor) (measured []float64, correlation float64) {
	const steps = 9
	codes := must(m.Encode(pictures(p)))
	matched, best := 0, 0.0
	for k := range 2 {
		if r := math.Abs(metric.Spearman(column(codes, k), truth(p, f.of))); r > best {
			matched, best = k, r
		}
	}
	for _, image := range must(m.Traverse([]float64{0, 0}, matched, -2, 2, steps)) {
		measured = append(measured, f.measured(drawn.Measure(image)))
	}
	correlation = math.Abs(metric.Spearman(floats.Span(make([]float64, steps), -2, 2), measured))
	t.Logf("coordinate %d: rank correlation with the factor over the data %.3f, along the walk %.3f, from %.2f to %.2f", matched, best, correlation, measured[0], measured[steps-1])
	return measured, correlation
}

func TestChapter3LatentEditingTrained(t *testing.T) {
	c := check.T(t)
	m, p := edit(t, 1)
	for name, f := range factors {
		t.Run("E3.26 latent editing: "+name, func(t *testing.T) {
			measured, correlation := walk(t, m, p, f)
			c.Less("E3.26 .9 against the rank correlation of the coordinate and the drawn "+name, .9, correlation)
			c.Less("E3.26 the "+name+" moves by half a pixel and more", .5, floats.Max(measured)-floats.Min(measured))
		})
	}
	t.Run("E3.26 both coordinates are in use", func(t *testing.T) {
		kl := on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node {
			return []*Node{v.KLByLatent(in[0]), v.Terms(noise.Fixed(in[1]), in[0], 1).Prior}
		}, float32s(pictures(p)), make32(p.Len(), 2))
		c.Less("E3.26 the least KL of a coordinate", .5, floats.Min(kl[0]))
		c.Near("E3.26 they sum to the bound's KL", floats.Sum(kl[0]), check.Mean(kl[1]), 1e-4)
	})
}

func column(rows [][]float64, k int) []float64 {
	out := make([]float64, len(rows))
	for i, row := range rows {
		out[i] = row[k]
	}
	return out
}

func truth(p *drawn.Pictures, of func(f drawn.Factors) float64) []float64 {
	out := make([]float64, p.Len())
	for i, f := range p.Factors {
		out[i] = of(f)
	}
	return out
}
