package family

import (
	"fmt"
	"math"
	"strings"

	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

// Judge says what samples are compared with, and where.
type Judge struct {
	Data  [][]float64                     // rows of the law that nobody was trained on
	Pair  func() [2][][]float64           // two exact and independent sets as large as Data, new at each call: what a perfect model would get
	Pairs int                             // how many of them make the floor
	Space metric.Space                    // where distances are taken
	K     int                             // the neighbour of precision and recall
	Modes [][]float64                     // centres of the modes that are counted, as rows of the data; see metric.CountModes
	Far   float64                         // how far from a centre a sample still belongs to it
	Share float64                         // of the samples that a mode needs
	Exact func(x [][]float64) []float64   // log p of the law itself, in nats, or nil where nobody knows it
	Clean func(x [][]float64) [][]float64 // what is done to samples and data before they are compared, as rounding to levels; or nil
}

// Row is what was measured of one model, or of the data.
type Row struct {
	Model                 // no Name's functions for the data
	Energy  metric.Judged // energy distance to the data
	MMD     metric.Judged // squared maximum mean discrepancy at the data's median distance
	Quality metric.Fidelity
	Modes   metric.Modes
	NLL, SE float64 // −log p of Data in nats, where there is evidence
	Samples [][]float64
}

// Measure draws a set as large as the data from each model and judges it, with LogProb on likelihoods, rows of the law as the models
// learned it. The first row is an exact set. All noise comes from seed. The error is a model's own, with its name.
func (j Judge) Measure(models []Model, likelihoods [][]float64, seed int64) ([]Row, error) {
	floor := j.floors()
	data := j.judge(Model{Name: "data"}, j.clean(j.Pair()[0]), floor)
	if j.Exact != nil {
		data.Evidence = Exact
		data.NLL, data.SE = LogProb{Values: j.Exact(likelihoods)}.NLL()
	}
	rows := []Row{data}
	for _, m := range models {
		x, err := m.Sample(len(j.Data), seed)
		if err != nil {
			return nil, fmt.Errorf("family.Judge.Measure: %s: %w", m.Name, err)
		}
		row := j.judge(m, j.clean(x), floor)
		if m.LogProb != nil {
			l, err := m.LogProb(likelihoods, seed)
			if err != nil {
				return nil, fmt.Errorf("family.Judge.Measure: %s: %w", m.Name, err)
			}
			row.NLL, row.SE = l.NLL()
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (j Judge) clean(x [][]float64) [][]float64 {
	if j.Clean == nil {
		return x
	}
	return j.Clean(x)
}

// floors are the spreads of both distances between two exact sets.
type floors struct {
	energy, mmd metric.Spread
	bandwidth   float64
}

func (j Judge) floors() floors {
	f := floors{bandwidth: metric.MedianBandwidth(j.Space.Features(j.clean(j.Data))[:min(500, len(j.Data))])}
	var pair [2][][]float64
	next := 0
	draw := func() [][]float64 { // the two of a pair, in turn
		if next%2 == 0 {
			pair = j.Pair()
		}
		next++
		return j.Space.Features(j.clean(pair[(next-1)%2]))
	}
	f.energy = metric.Floor(metric.EnergyDistance, draw, j.Pairs)
	f.mmd = metric.Floor(f.distance, draw, j.Pairs)
	return f
}

func (f floors) distance(x, y [][]float64) float64 { return metric.MMD2(x, y, f.bandwidth) }

func (j Judge) judge(m Model, x [][]float64, f floors) Row {
	data := j.clean(j.Data)
	a, b := j.Space.Features(x), j.Space.Features(data)
	return Row{Model: m, Samples: x,
		Energy:  metric.Judged{Value: metric.EnergyDistance(a, b), Floor: f.energy},
		MMD:     metric.Judged{Value: f.distance(a, b), Floor: f.mmd},
		Quality: metric.PrecisionRecall(x, data, j.K, j.Space),
		Modes:   metric.CountModes(x, j.Modes, j.Far, j.Share),
	}
}

// Table prints rows: both distances in units of the 97.5 per cent quantile of two exact sets, so that up to 1 nothing tells a model from
// the law; precision and recall; how many modes are covered; −log p in the unit that per makes of nats; calls of the network for a set of
// samples, and its weights.
func Table(rows []Row, unit string, per func(nats float64) float64) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-11s %9s %9s %10s %7s %6s  %-25s %6s %8s\n", "", "energy", "MMD²", "precision", "recall", "modes", "−log p, "+unit, "calls", "weights")
	for _, r := range rows {
		calls := fmt.Sprintf("%6d %8d", r.Calls, r.Weights)
		if r.Sample == nil {
			calls = ""
		}
		fmt.Fprintf(&out, "%-11s %9.1f %9.1f %10.2f %7.2f %3d/%-2d  %s %s\n", r.Name, r.Energy.Value/r.Energy.Floor.High, r.MMD.Value/r.MMD.Floor.High,
			r.Quality.Precision, r.Quality.Recall, r.Modes.Covered, len(r.Modes.Counts), pad(r.evidence(per), 25), calls)
	}
	return out.String()
}

// evidence is the likelihood as a reader should take it.
func (r Row) evidence(per func(float64) float64) string {
	if r.Evidence == None {
		return "–"
	}
	sign := map[Evidence]string{Bound: "≤ ", Exact: "", Estimate: "≈ "}[r.Evidence]
	return fmt.Sprintf("%s%.3f ± %.3f", sign, per(r.NLL), math.Abs(per(r.NLL+r.SE)-per(r.NLL)))
}

// pad fills s to a width in runes.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-len([]rune(s))))
}
