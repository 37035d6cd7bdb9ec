package bench

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
)

// report gives the least of the times under a name as "fit-ms", and the median under "fit-median-ms".
func report(b *testing.B, name string, times []float64) {
	what, unit, _ := strings.Cut(name, "-")
	b.ReportMetric(slices.Min(times), name)
	b.ReportMetric(median(times), what+"-median-"+unit)
}

func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[len(sorted)/2]
}

// turns is a fit.Batches that hands over to the peers after each perRound steps, off the clock.
type turns struct {
	batches  [][]*tensors.Tensor
	perRound int // a multiple of the steps in one call
	turn     func()
	began    time.Time
	times    []float64 // milliseconds a step
}

func (t *turns) Batch(step int) ([]*tensors.Tensor, error) {
	if step > 0 && step%t.perRound == 0 {
		t.times = append(t.times, float64(time.Since(t.began).Microseconds())/1e3/float64(t.perRound))
		t.turn()
		t.began = time.Now()
	} else if step == 0 {
		t.began = time.Now()
	}
	return t.batches[step%len(t.batches)], nil
}

// peer is a script of tests/peers that waits for its turns: a line in, a line of JSON with times by name out.
type peer struct {
	name  string
	in    io.Writer
	out   *bufio.Scanner
	times map[string][]float64
}

// startPeer returns when the peer has compiled what it compiles.
func startPeer(b *testing.B, script string, args ...string) *peer {
	cmd := command(b, script, args...)
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
	p := &peer{name: script, in: in, out: bufio.NewScanner(out)}
	p.turn(b)
	p.times = nil
	return p
}

func (p *peer) turn(b *testing.B) {
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		b.Fatal(p.name, err)
	}
	if !p.out.Scan() {
		b.Fatal(p.name, "ended early", p.out.Err())
	}
	var times map[string]float64
	if err := json.Unmarshal(p.out.Bytes(), &times); err != nil {
		b.Fatal(p.name, err)
	}
	if p.times == nil {
		p.times = map[string][]float64{}
	}
	for name, t := range times {
		p.times[name] = append(p.times[name], t)
	}
}

// command runs a script of tests/peers in the peers' environment.
func command(b *testing.B, script string, args ...string) *exec.Cmd {
	dir := filepath.Join("..", "peers")
	python := filepath.Join(dir, ".venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		b.Fatalf("%v: the peers' environment is missing; make it with %q", err, "make peers peers-torch")
	}
	cmd := exec.Command(python, append([]string{filepath.Join(dir, script)}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}
