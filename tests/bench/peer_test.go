package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
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

// turns is a fit.Batches that hands over to the peers after perRound steps or a few more, off the clock.
//
// fit asks for the batches of a call one right after the other, and then runs them: a pause between two requests is a
// call of all steps asked for since the last pause.
type turns struct {
	batches      [][]*tensors.Tensor
	perRound     int
	turn         func()
	asked        time.Time // the last request was answered
	before, done int       // steps before the call to come, and steps of this round
	took         time.Duration
	times        []float64 // milliseconds a step, by round
}

// endless is more steps than the turns take.
const endless = 1 << 20

// train trains until there are n turns after the first, which compiles, and returns their milliseconds a step.
func train(b *testing.B, t *turns, n int, loss fit.Loss, c fit.Config) []float64 {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	turn := t.turn
	t.turn = func() {
		if turn(); len(t.times) > n {
			cancel()
		}
	}
	c.Steps = endless
	if _, err := fit.Train(ctx, backendtest.Open(b), model.NewStore(), loss, t, c); !errors.Is(err, context.Canceled) {
		b.Fatal(err)
	}
	return t.times[1:]
}

// pause is longer than fit takes between two requests, and shorter than any call here.
const pause = 5 * time.Millisecond

func (t *turns) Batch(step int) ([]*tensors.Tensor, error) {
	if gap := time.Since(t.asked); step > 0 && gap > pause {
		t.done, t.took, t.before = t.done+step-t.before, t.took+gap, step
		if t.done >= t.perRound {
			t.times = append(t.times, float64(t.took.Microseconds())/1e3/float64(t.done))
			t.turn()
			t.done, t.took = 0, 0
		}
	}
	t.asked = time.Now()
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
