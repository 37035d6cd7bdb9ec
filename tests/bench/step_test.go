package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
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
	peer := startPeer(b)
	turns := &turns{batches: batches(20), turn: func() { peer.turn(b) }}
	_, err := fit.Train(context.Background(), backendtest.Open(b), model.NewStore(), loss, turns,
		fit.Config{Steps: (b.N + 2) * perRound, LearningRate: 1e-3, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	ours := turns.times[1:] // the first turn compiles
	b.ReportMetric(0, "ns/op")
	report(b, "fit", ours)
	report(b, "jit", peer.jit)
	report(b, "scan", peer.scan)
	b.ReportMetric(slices.Min(ours)/slices.Min(peer.jit), "fit/jit")
	b.ReportMetric(median(ours)/median(peer.jit), "fit/jit-median")
	b.ReportMetric(slices.Min(ours)/slices.Min(peer.scan), "fit/scan")
}

// loss is what vae.LoadOrTrain trains on.
var loss = fit.Loss(vae.Config{Data: pixels, Latent: 20, Hidden: []int{400}}.Loss(1, 1))

func report(b *testing.B, name string, times []float64) {
	b.ReportMetric(slices.Min(times), name+"-ms")
	b.ReportMetric(median(times), name+"-median-ms")
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[len(sorted)/2]
}

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

// turns is a fit.Batches that hands over to the peer after each perRound steps, off the clock.
type turns struct {
	batches [][]*tensors.Tensor
	turn    func()
	began   time.Time
	times   []float64 // milliseconds a step
}

func (t *turns) Batch(step int) ([]*tensors.Tensor, error) {
	if step > 0 && step%perRound == 0 {
		t.times = append(t.times, float64(time.Since(t.began).Microseconds())/1e3/perRound)
		t.turn()
		t.began = time.Now()
	} else if step == 0 {
		t.began = time.Now()
	}
	return t.batches[step%len(t.batches)], nil
}

// peer is jax_vae.py, waiting for its turns.
type peer struct {
	in        io.Writer
	out       *bufio.Scanner
	jit, scan []float64
}

func startPeer(b *testing.B) *peer {
	dir := filepath.Join("..", "peers")
	python := filepath.Join(dir, ".venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		b.Fatalf("%v: the peers' environment is missing; make it with %q", err, "make peers")
	}
	cmd := exec.Command(python, filepath.Join(dir, "jax_vae.py"), "step")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close() // ends it
		_ = cmd.Wait()
	})
	p := &peer{in: in, out: bufio.NewScanner(out)}
	p.turn(b) // waits until it has compiled
	p.jit, p.scan = nil, nil
	return p
}

func (p *peer) turn(b *testing.B) {
	var ms struct{ Jit, Scan float64 }
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		b.Fatal(err)
	}
	if !p.out.Scan() {
		b.Fatal("jax_vae.py ended early", p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), &ms); err != nil {
		b.Fatal(err)
	}
	p.jit, p.scan = append(p.jit, ms.Jit), append(p.scan, ms.Scan)
}
