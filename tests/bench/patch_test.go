package bench

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

const (
	patchBatch = 64
	patchRound = fit.DefaultStepsPerCall // steps of one turn, the peers' default too
)

// patchHeads are the denoisers compared: the network that returns the noise, and the one that docs/examples/diffusion trains.
func patchHeads() map[string]vdm.Config {
	noise := vdm.FashionConfig
	noise.Slabs, noise.Kind = 0, param.Eps
	return map[string]vdm.Config{"noise": noise, "law": vdm.FashionConfig}
}

// BenchmarkPatchStep trains the patch denoiser of 28×28 images at batch 64 through fit.Train, in turns with the same
// denoiser in JAX (scan over the turn's steps) and in PyTorch (eager), after it has seen that all three return the same
// for the same weights. It reports the least and the median milliseconds a step of each, and ratios of the least.
func BenchmarkPatchStep(b *testing.B) {
	for name, c := range patchHeads() {
		b.Run(name, func(b *testing.B) {
			slabs := "--slabs=" + strconv.Itoa(c.Slabs)
			sameOutput(b, c, slabs)
			jax := startPeer(b, "jax_diffusion.py", "step", "--calls=scan", slabs)
			torch := startPeer(b, "torch_diffusion.py", "step", "--nets=patch", slabs)
			turns := &turns{batches: images(patchRound), perRound: patchRound, turn: func() { jax.turn(b); torch.turn(b) }}
			ours := train(b, turns, b.N, c.Loss(), fit.Config{LearningRate: 2e-3, EMA: 0.999, ClipNorm: 1, Seed: 1})
			scan, eager := jax.times["scan"], torch.times["patch"]
			b.ReportMetric(0, "ns/op")
			report(b, "fit-ms", ours)
			report(b, "scan-ms", scan)
			report(b, "torch-ms", eager)
			b.ReportMetric(slices.Min(ours)/slices.Min(scan), "fit/scan")
			b.ReportMetric(slices.Min(ours)/slices.Min(eager), "fit/torch")
		})
	}
}

// images returns n batches of uniform intensities.
func images(n int) (out [][]*tensors.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		x := make([]float32, patchBatch*28*28)
		for i := range x {
			x[i] = r.Float32()
		}
		out = append(out, []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, patchBatch, 28, 28, 1)})
	}
	return out
}

// exported is what the peers' apply reads.
type exported struct {
	Weights map[string]weights `json:"weights"`
	X       []float32          `json:"x"`
	T       []float32          `json:"t"`
}

type weights struct {
	Shape  []int     `json:"shape"`
	Values []float32 `json:"values"`
}

// sameOutput fails unless both peers' denoisers return what c's does, for weights that are no longer at their start.
func sameOutput(b *testing.B, c vdm.Config, args ...string) {
	r := rand.New(rand.NewPCG(3, 4))
	in := exported{Weights: map[string]weights{}, T: []float32{0.5, 0.7, 0.9}, X: make([]float32, 3*28*28)}
	for i := range in.X {
		in.X[i] = float32(r.NormFloat64())
	}
	x := tensors.FromFlatDataAndDimensions(in.X, len(in.T), 28, 28, 1)
	t := tensors.FromFlatDataAndDimensions(in.T, len(in.T), 1, 1, 1)
	store := model.NewStore()
	find := func() []float32 {
		out, err := model.CallOnce(backendtest.Open(b), store, func(s *model.Scope, x, t *graph.Node) *graph.Node {
			return c.Build(s, nil).Denoise(x, t)
		}, x, t)
		if err != nil {
			b.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out)
	}
	find() // makes the weights
	for v := range store.IterVariables() {
		if !v.Trainable {
			continue
		}
		values := tensors.MustCopyFlatData[float32](v.MustValue())
		for i := range values {
			values[i] += float32(0.1 * r.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(values, v.Shape().Dimensions...)); err != nil {
			b.Fatal(err)
		}
		_, name, _ := strings.Cut(v.Path(), "/denoiser/")
		in.Weights[name] = weights{v.Shape().Dimensions, values}
	}
	file, want := filepath.Join(b.TempDir(), "case.json"), find()
	text, err := json.Marshal(in)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, script := range []string{"jax_diffusion.py", "torch_diffusion.py"} {
		near(b, script, file, want, args)
	}
}

func near(b *testing.B, script, file string, want []float32, args []string) {
	text, err := command(b, script, append([]string{"apply", file}, args...)...).Output()
	var got []float32
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil || len(got) != len(want) {
		b.Fatal(script, err, len(got), len(want))
	}
	const tolerance = 1e-4 // float32; of the outputs' standard deviation
	var square, worst float64
	for i, w := range want {
		square += float64(w) * float64(w)
		worst = max(worst, math.Abs(float64(got[i]-w)))
	}
	scale := math.Sqrt(square / float64(len(want)))
	if !(worst <= tolerance*scale) || scale == 0 {
		b.Fatalf("%s: the output is off by %g of %g, expected at most %g of it", script, worst, scale, tolerance)
	}
	b.Logf("%s: the same output, to %.1e of its size", script, worst/scale)
}
