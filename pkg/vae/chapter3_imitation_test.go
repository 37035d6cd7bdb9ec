package vae_test

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/datasets"
	drawn "github.com/lowerbound-ml/lowerbound/datasets/shapes"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// The pixel loss sees how much differs, not whether it makes sense.
func TestChapter3PixelLoss(t *testing.T) {
	c, target := check.T(t), []float64{}
	for _, v := range drawn.Draw(drawn.Square, drawn.Factors{X: 4, Y: 4, Size: 2, Thickness: 1}, false) {
		target = append(target, float64(v))
	}
	lit := func(row, col int) []float64 {
		image := append([]float64{}, target...)
		image[row*drawn.Side+col] = 1
		return image
	}
	plausible, broken := lit(2, 6), lit(7, 0) // one beside the square's edge, one alone in the corner
	t.Run("E3.27 pixel loss blindness", func(t *testing.T) {
		for name, law := range map[string]func(image *Node) dist.LogProber{
			"normal":    func(x *Node) dist.LogProber { return dist.DiagNormal{Mean: x, LogStd: ConstAs(x, [][]float64{{-1}})} },
			"Bernoulli": func(x *Node) dist.LogProber { return dist.Bernoulli{Logits: MulScalar(AddScalar(x, -.5), 6)} },
		} {
			loss := backendtest.Floats(t, func(x, a *Node) *Node { return Neg(law(x).LogProb(Add(a, ZerosLike(x)))) },
				[][]float64{plausible, broken, target}, [][]float64{target})
			c.Near("E3.27 same loss, "+name, loss[0], loss[1], 1e-9)
			c.Less("E3.27 more than that of the target, "+name, loss[2], loss[0])
		}
		c.Near("E3.27 the plausible pixel has lit neighbours, the broken one none",
			[]float64{litNeighbours(target, 2, 6), litNeighbours(target, 7, 0)}, []float64{2, 0}, 0)
	})
}

// litNeighbours counts the lit pixels among the eight around (row, col).
func litNeighbours(image []float64, row, col int) float64 {
	count := 0.0
	for r := max(row-1, 0); r <= min(row+1, drawn.Side-1); r++ {
		for k := max(col-1, 0); k <= min(col+1, drawn.Side-1); k++ {
			if (r != row || k != col) && image[r*drawn.Side+k] > .5 {
				count++
			}
		}
	}
	return count
}

// imitation is what a VAE trained on n circles draws, its training set, and circles that it did not see.
type imitation struct{ samples, train, heldOut [][]float64 }

// imitate trains with few latents on n circles of every position, size and thickness.
func imitate(t *testing.T, n, steps int, seed int64) imitation {
	law := drawn.Standard()
	law.Kinds = []drawn.Kind{drawn.Circle}
	x := pictures(law.Sample(n, seed))
	m := train(t, vae.Config{Data: 64, Latent: 2, Hidden: []int{64, 64}, Observation: vae.Gaussian, Std: .2}, 1, datasets.MustTable("circles", x), min(n, 100),
		fit.Config{Steps: steps, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: seed})
	return imitation{must(m.SampleMeans(500, seed)), x, pictures(law.Sample(500, 1000+seed))}
}

func (i imitation) ratio() float64 { return metric.NeighbourRatio(i.samples, i.train, i.heldOut) }

// sharpness is the samples' power above a quarter cycle a pixel, over the data's.
func (i imitation) sharpness() float64 {
	power := func(images [][]float64) float64 {
		return metric.HighFrequencyPower(images, drawn.Side, drawn.Side, .25)
	}
	return power(i.samples) / power(i.heldOut)
}

func TestChapter3ImitationTrained(t *testing.T) {
	c := check.T(t)
	few, many := imitate(t, 16, 4000, 1), imitate(t, 500, 1000, 1)
	t.Logf("neighbour ratio %.3f and %.3f, sharpness %.3f and %.3f", few.ratio(), many.ratio(), few.sharpness(), many.sharpness())
	t.Run("E3.27 16 images, over-trained: copies", func(t *testing.T) { c.Less("E3.27 neighbour ratio", few.ratio(), .6) })
	t.Run("E3.27 500 images: new ones", func(t *testing.T) {
		c.Less("E3.27 .8 against the neighbour ratio", .8, many.ratio())
		c.Less("E3.27 neighbour ratio", many.ratio(), 1.5)
	})
	t.Run("E3.27 samples are blurred", func(t *testing.T) {
		c.Less("E3.27 power at high frequencies, over the data's", many.sharpness(), .9)
	})
	t.Run("E3.28 imitation or new data: both, by the data's size (X15)", func(t *testing.T) {
		c.Less("E3.28 neighbour ratio of 16 images against 500", 1.5*few.ratio(), many.ratio())
		c.Less("E3.28 0 against the samples' least distance to the 500 images", 0, floats.Min(metric.NeighbourDistances(many.samples, many.train)))
	})
}
