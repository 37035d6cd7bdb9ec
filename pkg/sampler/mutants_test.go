package sampler_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// Where Abs is next to nothing, Rel alone sets the steps: those of dx = −x² at x·10⁶, with its drift in the same units, are as many as
// at x. Where Rel is 0, Abs in units of 10⁶ asks for as many again.
func TestRK45Tolerances(t *testing.T) {
	solve := func(scale, rel, abs float64) (taken int, end float64) {
		s := sampler.RK45{SDE: sde.SDE{Drift: func(x, _ *Node) *Node { return MulScalar(Neg(Square(x)), 1/scale) }},
			From: 0, To: 30, Rel: rel, Abs: abs}
		last, err := sampler.Of(onHost, s).SampleState(column([]float64{scale}), sampler.Count(5000), 1)
		if err != nil {
			t.Fatal(err)
		}
		defer last.Finalize()
		return s.Solved(last.Aux).Taken, check.Floats(last.X)[0] / scale
	}
	c, counts := check.T(t), map[string]int{}
	for name, tol := range map[string][2]float64{"Rel": {1e-6, 1e-300}, "Abs": {0, 1e-6}} {
		at1, end := solve(1, tol[0], tol[1])
		c.Near(name+": x = 1/(1+t)", end, 1./31, 1e-5)
		scaled := tol[1]
		if name == "Abs" {
			scaled *= 1e6
		}
		atMillion, end := solve(1e6, tol[0], scaled)
		c.Near(name+": the same in other units", end, 1./31, 1e-5)
		c.Near(name+": as many steps", float64(atMillion), float64(at1), 0)
		counts[name] = at1
	}
	c.True("Rel asks for more where x is small", counts["Rel"] > counts["Abs"], fmt.Sprint(counts))
}

// The error of ℓ counts as that of x does: at x = 0 of dx = 20 cos(20t) x nothing moves, and ℓ = sin 20t.
func TestRK45ErrorOfLogDet(t *testing.T) {
	s := sampler.RK45{SDE: sde.SDE{Drift: func(x, u *Node) *Node { return MulScalar(Mul(x, Cos(MulScalar(u, 20))), 20) }},
		From: 0, To: 2, Rel: 1e-9, Abs: 1e-9, Divergence: sampler.ExactDivergence{}}
	last, err := sampler.Of(onHost, s).SampleState(column([]float64{0}), sampler.Count(20_000), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Finalize()
	check.T(t).Near("ℓ", s.Solved(last.Aux).LogDet, []float64{math.Sin(40)}, 1e-7)
}

// In one dimension a probe of ±1 is exact, and the probes of a row belong to that row: for dx = −x² dt, ℓ = −2 log(1+x₀t).
func TestHutchinsonRows(t *testing.T) {
	s := sampler.RK45{SDE: sde.SDE{Drift: func(x, _ *Node) *Node { return Neg(Square(x)) }}, From: 0, To: 1, Rel: 1e-9, Abs: 1e-9,
		Divergence: sampler.Hutchinson{Probes: 4}}
	last, err := sampler.Of(onHost, s).SampleState(column([]float64{.5, 1, 2}), sampler.Count(5000), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Finalize()
	check.T(t).Near("ℓ", s.Solved(last.Aux).LogDet, []float64{-2 * math.Log(1.5), -2 * math.Log(2), -2 * math.Log(3)}, 1e-7)
}
