package fit

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// Why a run ended, in Report.Stopped.
const (
	StoppedBySteps = "all steps done"
	StoppedByRule  = "Config.Stop"
)

// Report is what a run leaves behind, besides the weights.
type Report struct {
	Steps   int         // steps done, over all sessions of the run
	Losses  []float64   // the loss of each step, before its update, in the loss's own unit; of a Game that of the first player
	Players [][]float64 // of a Game: the losses of every player, [player][step]; otherwise nil
	Seconds float64     // wall time of the steps, over all sessions, compiling included; without the time that batches took
	Stopped string      // StoppedBySteps or StoppedByRule; empty when the run did not finish

	Loaded   bool    // LoadOrTrain found the run finished and trained nothing
	Resumed  int     // the step at which LoadOrTrain took the run up again; 0 for a fresh run
	Bytes    int64   // size of the finished run's files
	Skipped  []error // broken checkpoints that LoadOrTrain passed over for an older one
	Compiles int     // programs compiled for the steps
}

// String says it in one line, without times: the same for a run that was trained and one that was loaded.
func (r Report) String() string {
	tail := r.Losses[max(0, len(r.Losses)-reportWindow):]
	text := fmt.Sprintf("%d steps, mean loss of the last %d: %.5g", r.Steps, len(tail), mean(tail))
	if r.Bytes > 0 {
		text += ", stored in " + humanize.Bytes(uint64(r.Bytes))
	}
	return text
}

// reportWindow is the number of last losses that Report.String averages.
const reportWindow = 100

// Status is the state of a run, for people.
type Status struct {
	Step, Steps    int
	Loss           float64 // mean over the steps since the last Status
	StepsPerSecond float64 // of this session
	ETA            time.Duration
	Done           bool // the run ends here: all steps, Config.Stop, an interrupt or an error
}

// Progress shows the state of a run: see Bar, and package show for notebooks.
type Progress func(Status)

// String says it in one line, without times.
func (s Status) String() string {
	return fmt.Sprintf("step %d of %d  loss %.6g", s.Step, s.Steps, s.Loss)
}

// Diverged is the error of a run whose loss or weights became infinite or not a number.
// The store holds the last good state, that after step Step−1.
type Diverged struct {
	Step  int     // the first bad step, counted from 1
	Loss  float64 // its loss; finite when it was the update that was not
	Where string  // where the good state is

	Player string // of a Game: whose loss it is, or whose update; otherwise empty
}

// Error implements error.
func (d Diverged) Error() string {
	whose := "the"
	if d.Player != "" {
		whose = "the " + d.Player + "'s"
	}
	what := fmt.Sprintf("%s loss is %g", whose, d.Loss)
	if finite(d.Loss) {
		what = fmt.Sprintf("%s update is not finite (loss %g)", whose, d.Loss)
	}
	return fmt.Sprintf("fit: step %d: %s; %s holds the state after step %d; try a lower LearningRate or a ClipNorm, and look for log(0) or 0/0 in the loss",
		d.Step, what, d.Where, d.Step-1)
}

// Plateau returns a rule for Config.Stop: stop when the mean loss of the last window steps is not below that of the window
// before by at least gain, in the loss's unit.
func Plateau(window int, gain float64) func(losses []float64) bool {
	return func(losses []float64) bool {
		n := len(losses)
		if window < 1 || n < 2*window || n%window != 0 {
			return false
		}
		return mean(losses[n-window:]) > mean(losses[n-2*window:n-window])-gain
	}
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
