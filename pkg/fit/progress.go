package fit

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// showEvery is the least time between two calls of Config.Progress.
const showEvery = 100 * time.Millisecond

// throttle calls Config.Progress now and then.
type throttle struct {
	r           *run
	start, last time.Time
	first, seen int     // steps at the start of this session and at the last call
	warm        int     // steps done when the clock started, after the first call, which compiles
	computed    float64 // Report.Seconds at that time
}

func newThrottle(r *run) *throttle {
	return &throttle{r: r, first: r.report.Steps, seen: r.report.Steps, last: time.Now()}
}

// fitting returns how many steps fit into a call of length d by the speed of the calls so far, waiting for data apart; at least 1.
func (t *throttle) fitting(d time.Duration) int {
	if t.start.IsZero() || t.r.report.Steps == t.warm {
		return DefaultStepsPerCall
	}
	return max(1, int(d.Seconds()*float64(t.r.report.Steps-t.warm)/max(t.r.report.Seconds-t.computed, 1e-9)))
}

func (t *throttle) speed() float64 {
	return float64(t.r.report.Steps-t.warm) / max(time.Since(t.start).Seconds(), 1e-9)
}

func (t *throttle) update(last bool) {
	step := t.r.report.Steps
	if t.start.IsZero() {
		t.start, t.warm, t.computed = time.Now(), step, t.r.report.Seconds
	}
	if t.r.c.Progress == nil || step == 0 || (!last && (step == t.seen || step == t.r.c.Steps || time.Since(t.last) < showEvery)) {
		return
	}
	s := Status{Step: step, Steps: t.r.c.Steps, Loss: mean(t.r.report.Losses[min(t.seen, step-1):]), Done: last}
	if step > t.warm {
		s.StepsPerSecond = t.speed()
		s.ETA = time.Duration(float64(s.Steps-step) / s.StepsPerSecond * float64(time.Second))
	}
	t.last, t.seen = time.Now(), step
	t.r.c.Progress(s)
}

// Bar returns a Progress that draws a bar with loss, steps a second and time to go when w is a terminal, and
// otherwise prints a line for each tenth of the run, without times.
func Bar(w io.Writer) Progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return bar(w)
	}
	shown := -1
	return func(s Status) {
		if tenth := 10 * s.Step / s.Steps; tenth > shown {
			shown = tenth
			fmt.Fprintln(w, s)
		}
	}
}

func bar(w io.Writer) Progress {
	var b *progressbar.ProgressBar
	return func(s Status) {
		if b == nil {
			b = progressbar.NewOptions(s.Steps, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(),
				progressbar.OptionShowIts(), progressbar.OptionSetItsString("step"), progressbar.OptionFullWidth())
		}
		b.Describe(fmt.Sprintf("loss %.5g", s.Loss))
		_ = b.Set(s.Step) // a bar that cannot be drawn must not end the run
		if s.Done {
			fmt.Fprintln(w)
		}
	}
}
