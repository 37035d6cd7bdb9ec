package ncsn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
)

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, expected one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, expected one with %q", err, part)
		}
	}
}

// geometric is Geometric without an error.
func geometric(t *testing.T, largest, smallest float64, n int) []float64 {
	t.Helper()
	levels, err := ncsn.Geometric(largest, smallest, n)
	if err != nil {
		t.Fatal(err)
	}
	return levels
}

func TestGeometric(t *testing.T) {
	c := check.T(t)
	c.Near("powers of two", geometric(t, 16, .5, 6), []float64{16, 8, 4, 2, 1, .5}, 1e-15)
	levels := geometric(t, 50, .01, 232)
	c.True("the ends are exact", levels[0] == 50 && levels[231] == .01, "50 and 0.01")
	for i := range levels[1:] {
		c.Near("one ratio", levels[i]/levels[i+1], math.Pow(5000, 1./231), 1e-12)
	}
	if err := ncsn.CheckLevels(levels); err != nil {
		t.Error(err)
	}
	for _, bad := range []struct {
		largest, smallest float64
		n                 int
	}{{1, .1, 1}, {.1, 1, 5}, {1, 1, 5}, {1, 0, 5}, {math.Inf(1), 1, 5}, {math.NaN(), 1, 5}} {
		_, err := ncsn.Geometric(bad.largest, bad.smallest, bad.n)
		wantError(t, err, "ncsn.Geometric", "at least 2", "above 0")
	}
}

func TestCheckLevels(t *testing.T) {
	for _, bad := range []struct {
		levels []float64
		want   string
	}{
		{nil, "0 levels"},
		{[]float64{1}, "at least 2"},
		{[]float64{2, 0}, "σ_2 = 0"},
		{[]float64{2, -1}, "σ_2 = -1"},
		{[]float64{math.Inf(1), 1}, "σ_1 = +Inf"},
		{[]float64{2, math.NaN()}, "σ_2 = NaN"},
		{[]float64{2, 1, 1}, "σ_3 = 1 after σ_2 = 1"},
		{[]float64{.1, 1, 10}, "turn the list around"},
	} {
		wantError(t, ncsn.CheckLevels(bad.levels), "ncsn.CheckLevels", bad.want)
	}
	defer func() {
		err, ok := recover().(error)
		check.T(t).True("Process panics with an error", ok && strings.Contains(err.Error(), "ncsn.Process") && strings.Contains(err.Error(), "at least 2"), "")
	}()
	ncsn.Process([]float64{1})
}
