package family

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Evidence says what a family can tell about log p(x).
type Evidence int

// The kinds of evidence.
const (
	None     Evidence = iota // nothing: the law is known by its samples only, or by its score
	Bound                    // a lower bound of log p(x), by an estimate whose mean is the bound
	Exact                    // log p(x) itself, to rounding or to a solver's tolerance
	Estimate                 // −f(x) − log Z with an estimate of log Z, whose mean is at most log Z: log p may come out too high
)

// String returns "none", "bound", "exact" or "estimate".
func (e Evidence) String() string {
	if e < None || e > Estimate {
		return fmt.Sprintf("Evidence(%d)", int(e))
	}
	return [...]string{"none", "bound", "exact", "estimate"}[e]
}

// Model is a trained model as the comparison sees it.
type Model struct {
	Name     string
	Calls    int // of a network, one after another, that a set of samples takes, whatever its size; a gradient of it counts as one
	Weights  int // trained numbers
	Evidence Evidence
	Sample   func(n int, seed int64) ([][]float64, error)     // n rows
	LogProb  func(x [][]float64, seed int64) (LogProb, error) // nil without Evidence
	finalize func()                                           // nil where nothing is kept
}

// LogProb is what a model says of log p(x) for rows x, in nats: a number for each row, and the standard error that all of them share,
// as that of log Z; 0 where there is none.
type LogProb struct {
	Values []float64
	Shared float64
}

// NLL returns the mean of −log p(x) and its standard error, in nats: over the rows, and of what they share.
func (l LogProb) NLL() (mean, se float64) {
	m, sd := stat.MeanStdDev(l.Values, nil)
	return -m, math.Hypot(stat.StdErr(sd, float64(len(l.Values))), l.Shared)
}

// Finalize frees the programs that Sample and LogProb keep.
func (m Model) Finalize() {
	if m.finalize != nil {
		m.finalize()
	}
}
