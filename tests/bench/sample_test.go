package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// planeNet returns the noise in points [batch, 2] at time t: jax_diffusion.py has the same.
func planeNet(scope *model.Scope) func(x, t *graph.Node) *graph.Node {
	return func(x, t *graph.Node) *graph.Node {
		const features = 32
		batch := x.Shape().Dimensions[0]
		time := graph.BroadcastToDims(nets.TimeEmbedding(t, features, 1, 1000), batch, features)
		h := graph.Concatenate([]*graph.Node{x, time}, -1)
		return nets.MLP(scope.At("net"), h, nets.GlorotUniform, activation.Swish, 128, 128, 128, 2)
	}
}

// newRun returns a Run whose store has the weights that a call of the denoiser at x makes.
func newRun(b *testing.B, x shapes.Shape, p process.Process, denoise func(*model.Scope) param.Denoiser) *sampler.Run {
	ones := slices.Repeat([]int{1}, x.Rank())
	store := model.NewStore()
	_, err := model.CallOnce(backendtest.Open(b), store, func(s *model.Scope, x, t *graph.Node) *graph.Node { return denoise(s)(x, t) },
		sampler.Prior(x, 1, 1), tensors.FromFlatDataAndDimensions([]float32{0.5}, ones...))
	if err != nil {
		b.Fatal(err)
	}
	return sampler.New(backendtest.Open(b), store, func(s *model.Scope) sampler.Stepper {
		return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: denoise(s)}, Last: sampler.LastDraw}
	})
}

// seconds is the time of a whole run from x.
func seconds(b *testing.B, run *sampler.Run, x *tensors.Tensor, times []float64) float64 {
	began := time.Now()
	out, err := run.Sample(x, times, 1)
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(began).Seconds()
	out.MustFinalizeAll()
	return took
}

// BenchmarkSample2D draws 4,096 points of the plane by 500 ancestral steps, all in one call, in turns with JAX's fori_loop of
// the same network. It reports the least and the median seconds of b.N runs, and the ratio of the least.
func BenchmarkSample2D(b *testing.B) {
	p := process.Process{Schedule: process.LogSNRLinear{Max: 13.3, Min: -5}, TMin: 0, TMax: 1}
	shape := shapes.Make(dtypes.Float32, 4096, 2)
	run := newRun(b, shape, p, func(s *model.Scope) param.Denoiser { return param.Bind(p, param.Eps, planeNet(s)) })
	defer run.Finalize()
	x, times := sampler.Prior(shape, 1, 2), p.Grid(500)
	seconds(b, run, x, times) // compiles
	jax := startPeer(b, "jax_diffusion.py", "sample")
	var ours []float64
	for range b.N {
		ours = append(ours, seconds(b, run, x, times))
		jax.turn(b)
	}
	loop := jax.times["loop"]
	b.ReportMetric(0, "ns/op")
	report(b, "sampler-s", ours)
	report(b, "loop-s", loop)
	b.ReportMetric(slices.Min(ours)/slices.Min(loop), "sampler/loop")
	b.ReportMetric(median(ours)/median(loop), "sampler/loop-median")
}

// BenchmarkAncestral64 draws 64 images of 28×28 by 1000 ancestral steps of the patch denoiser, and reports the seconds
// and, on Linux, the most memory that the process held during 100 and during 1000 steps, in megabytes.
func BenchmarkAncestral64(b *testing.B) {
	c, shape := vdm.FashionConfig, shapes.Make(dtypes.Float32, 64, 28, 28, 1)
	run := newRun(b, shape, c.Process(), func(s *model.Scope) param.Denoiser { return c.Build(s, nil).Denoise })
	defer run.Finalize()
	x := sampler.Prior(shape, 1, 2)
	seconds(b, run, x, c.Process().Grid(10)) // compiles
	var took []float64
	for range b.N {
		for _, steps := range []int{100, 1000} {
			resetPeak()
			s := seconds(b, run, x, c.Process().Grid(steps))
			if peak := peakMB(); peak > 0 {
				b.ReportMetric(peak, fmt.Sprintf("peak-MB-%d", steps))
			}
			if steps == 1000 {
				took = append(took, s)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(slices.Min(took), "sampler-s")
}

// resetPeak makes the kernel count the process's peak memory from now on (proc(5), clear_refs).
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMB is the peak resident memory since then, or 0 where there is no /proc.
func peakMB() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB float64
	_, _ = fmt.Sscan(after, &kB)
	return kB / 1024
}
