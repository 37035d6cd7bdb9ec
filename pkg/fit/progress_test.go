package fit

import (
	"strings"
	"testing"
	"time"
)

// TestProgress: the last step is always shown, steps only grow, and the shown losses are means over what passed.
func TestProgress(t *testing.T) {
	var shown []Status
	_, r := train(t, onHost, noisyLoss, line{8}, Config{Steps: 45, LearningRate: 0.01, Progress: func(s Status) { shown = append(shown, s) }})
	if len(shown) == 0 || shown[len(shown)-1].Step != 45 {
		t.Fatalf("shown: %v, want step 45 last", shown)
	}
	from := 0
	for i, s := range shown {
		if s.Done != (i == len(shown)-1) {
			t.Errorf("%+v, call %d of %d: only the last is done", s, i+1, len(shown))
		}
		if s.Step <= from || s.Steps != 45 {
			t.Errorf("%+v after step %d", s, from)
			continue
		}
		near(t, s.Loss, mean(r.Losses[from:s.Step]), 1e-12, "loss shown at step", s.Step)
		from = s.Step
	}
	if last := shown[len(shown)-1]; last.ETA != 0 {
		t.Errorf("time to go at the end: %v", last.ETA)
	}
}

// TestProgressOfAStoppedRun: the last call says that the run is done, wherever it stopped.
func TestProgressOfAStoppedRun(t *testing.T) {
	var shown []Status
	stop := func(losses []float64) bool { return len(losses) == 7 }
	train(t, onHost, noisyLoss, line{8}, Config{Steps: 45, LearningRate: 0.01, Stop: stop, Progress: func(s Status) { shown = append(shown, s) }})
	if last := shown[len(shown)-1]; last.Step != 7 || !last.Done {
		t.Errorf("last shown: %+v, want step 7, done", last)
	}
}

// TestBarInAFile: no terminal, so plain lines, eleven at most, without times.
func TestBarInAFile(t *testing.T) {
	var out strings.Builder
	show := Bar(&out)
	for step := 1; step <= 1000; step++ {
		show(Status{Step: step, Steps: 1000, Loss: 1 / float64(step), StepsPerSecond: 77, ETA: time.Minute})
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 11 || lines[0] != "step 1 of 1000  loss 1" || lines[10] != "step 1000 of 1000  loss 0.001" {
		t.Errorf("lines %q", lines)
	}
}

// TestThrottle: a call takes as many steps as fit into the time, by the speed so far.
func TestThrottle(t *testing.T) {
	r := &run{c: Config{Steps: 1000}}
	clock := newThrottle(r)
	if got := clock.fitting(time.Second); got != DefaultStepsPerCall {
		t.Errorf("before any speed is known: %d", got)
	}
	r.report.Steps = 20
	clock.update(false)
	r.report.Steps = 40
	r.report.Seconds = 10 // in which those 20 steps were computed
	if got := clock.fitting(2 * time.Second); got < 3 || got > 4 {
		t.Errorf("2 s at 2 steps a second: %d steps, want 4", got)
	}
	if got := clock.fitting(time.Millisecond); got != 1 {
		t.Errorf("1 ms at 2 steps a second: %d steps, want 1", got)
	}
}

func TestReportText(t *testing.T) {
	r := Report{Steps: 3, Losses: []float64{3, 2, 1}, Bytes: 1308091, Seconds: 7}
	if got, want := r.String(), "3 steps, mean loss of the last 3: 2, stored in 1.3 MB"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
