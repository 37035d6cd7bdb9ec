package metric

import (
	"fmt"

	"gonum.org/v1/gonum/stat"
)

// Spread is the spread of a distance over repeated draws.
type Spread struct{ Median, Low, High, Max float64 } // Low and High: the 2.5 and 97.5 per cent quantiles

// String prints the spread with three digits.
func (s Spread) String() string {
	return fmt.Sprintf("median %.3g, 95%% in %.3g to %.3g, max %.3g", s.Median, s.Low, s.High, s.Max)
}

// Floor returns the spread of distance between two exact sets of samples, over repeats pairs of draws: what a perfect
// model would get. draw returns a set of the size that is judged, and is independent from call to call. S is []float64
// for the distances of one dimension, [][]float64 for the others. It panics when repeats < 1.
func Floor[S any](distance func(x, y S) float64, draw func() S, repeats int) Spread {
	if repeats < 1 {
		panic(fmt.Errorf("metric.Floor: %d repeats, expected at least 1", repeats))
	}
	d := make([]float64, repeats)
	for i := range d {
		d[i] = distance(draw(), draw())
	}
	d = sorted(d)
	at := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, d, nil) }
	return Spread{Median: at(.5), Low: at(.025), High: at(.975), Max: d[repeats-1]}
}

// Judged is a distance beside its floor.
type Judged struct {
	Value float64
	Floor Spread // of two exact sets of the same size
}

// String prints the value and, beside it, what two exact sets get.
func (j Judged) String() string {
	return fmt.Sprintf("%.3g (two exact sets: %s)", j.Value, j.Floor)
}

// WithFloor returns distance(model, data) beside Floor of the same distance: draw returns an exact set of the size of
// model and data, which must be equally large for the floor to mean anything. It panics as Floor does.
func WithFloor[S any](distance func(x, y S) float64, model, data S, draw func() S, repeats int) Judged {
	return Judged{distance(model, data), Floor(distance, draw, repeats)}
}
