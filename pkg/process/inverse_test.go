package process_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// TestTime holds Time(λ(t)) = t to the digits that λ keeps of t: an error of one unit of λ in its last place moves t by
// that over |dλ/dt|.
func TestTime(t *testing.T) {
	unit, sigmas := []float64{1e-3, .01, .1, .25, .5, .75, .99, 1}, []float64{1e-3, .002, .3, 1, 7, 80}
	for name, c := range map[string]struct {
		schedule process.Schedule
		times    []float64
	}{
		"VP": {process.VP{BetaMin: .1, BetaMax: 20}, unit}, "sub-VP": {process.SubVP{BetaMin: .1, BetaMax: 20}, unit},
		"VE": {process.VE{SigmaMin: .01, SigmaMax: 50}, unit}, "log-SNR linear": {process.LogSNRLinear{Max: 13.3, Min: -5}, unit},
		"EDM": {process.EDM{}, sigmas},
	} {
		p := process.Process{Schedule: c.schedule, TMin: c.times[0], TMax: c.times[len(c.times)-1]}
		got := backendtest.Floats(t, func(x *Node) *Node { return p.Time(p.LogSNR(x)) }, c.times)
		rate := backendtest.Floats(t, p.LogSNRRate, c.times)
		for i, want := range c.times {
			if tol := 1e-14 * (20/rate[i] + want); math.Abs(got[i]-want) > tol {
				t.Errorf("%s: Time(λ(%g)) = %.17g, off by more than %.3g", name, want, got[i], tol)
			}
		}
	}
}

// TestEDM holds the process against its definition: α = 1, σ = t = σ/α, f = 0, g² = 2t.
func TestEDM(t *testing.T) {
	p := process.Process{Schedule: process.EDM{}, TMin: .002, TMax: 80}
	for _, sigma := range []float64{.002, 1, 80} {
		got := backendtest.Floats(t, func(x *Node) *Node {
			return Concatenate([]*Node{p.Alpha(x), p.Sigma(x), p.NoiseLevel(x), p.Drift(x), p.Diffusion2(x)}, 0)
		}, []float64{sigma})
		for i, want := range []float64{1, sigma, sigma, 0, 2 * sigma} {
			if math.Abs(got[i]-want) > 1e-14*sigma {
				t.Errorf("σ = %g, value %d of α, σ, σ/α, f, g²: %.17g, want %.17g", sigma, i, got[i], want)
			}
		}
	}
}

// TestTimeHasNoInverse holds the error of a schedule without an inverse.
func TestTimeHasNoInverse(t *testing.T) {
	p := process.Process{Schedule: process.Cosine{Offset: .008}, TMin: 1e-3, TMax: .999}
	err := backendtest.Err(t, p.Time, []float64{1})
	if err == nil {
		t.Fatal("Time of a Cosine schedule: no error, expected one that names the schedules that have an inverse")
	}
	for _, part := range []string{"process.Time", "Cosine", "LogSNRGrid"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not name %q", err, part)
		}
	}
}
