package bench

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

const (
	batchSize = 128
	pixels    = 784
	perRound  = 100 // steps of one turn; jax_vae.py has the same
)

// BenchmarkVAEStep trains the 784-400-20 VAE of tests/peers/jax_vae.py, batch 128, through fit.Train, in turns with JAX:
// perRound steps here, perRound steps there, b.N times. It reports the least and the median milliseconds a step
// of each, and the ratios of the least to JAX's jitted, donated step (jit) and to its scan over all steps.
func BenchmarkVAEStep(b *testing.B) {
	jax := startPeer(b, "jax_vae.py", "step")
	turns := &turns{batches: batches(20), perRound: perRound, turn: func() { jax.turn(b) }}
	ours := train(b, turns, b.N, loss, fit.Config{LearningRate: 1e-3, Seed: 1})
	jit, scan := jax.times["jit"], jax.times["scan"]
	b.ReportMetric(0, "ns/op")
	report(b, "fit-ms", ours)
	report(b, "jit-ms", jit)
	report(b, "scan-ms", scan)
	b.ReportMetric(slices.Min(ours)/slices.Min(jit), "fit/jit")
	b.ReportMetric(median(ours)/median(jit), "fit/jit-median")
	b.ReportMetric(slices.Min(ours)/slices.Min(scan), "fit/scan")
}

// loss is what vae.LoadOrTrain trains on.
var loss = fit.Loss(vae.Config{Data: pixels, Latent: 20, Hidden: []int{400}}.Loss(1, 1))

// batches returns n batches of uniform intensities.
func batches(n int) (out [][]*tensors.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		x := make([]float32, batchSize*pixels)
		for i := range x {
			x[i] = r.Float32()
		}
		out = append(out, []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, batchSize, pixels)})
	}
	return out
}
