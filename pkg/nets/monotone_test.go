package nets_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

var monotone = nets.Monotone{Start: -13.3, End: 5, Hidden: 16}

// span returns n points from 0 to 1.
func span[F float32 | float64](n int) []F {
	t := make([]F, n)
	for i := range t {
		t[i] = F(i) / F(n-1)
	}
	return t
}

// rising returns ω and ω′ at t.
func rising(s *model.Scope, t *graph.Node) []*graph.Node {
	omega := monotone.Omega(s, t)
	return []*graph.Node{omega, graph.Gradient(graph.ReduceAllSum(omega), t)[0]}
}

func TestMonotone(t *testing.T) {
	b := backendtest.Open(t)
	t.Run("E5.44 the derivative is positive and the function rises", func(t *testing.T) {
		double, single := seeded(t, 21), seeded(t, 22)
		of64, of32 := model.MustNewExec(b, double, rising), model.MustNewExec(b, single, rising)
		of64.MustCall(span[float64](1000))
		of32.MustCall(span[float32](1000))
		for seed := range uint64(100) {
			wild[float64](double, seed)
			wild[float32](single, seed)
			out := of64.MustCall(span[float64](1000))
			least, slope := smallest(check.Floats(out[0]), check.Floats(out[1]))
			if !(least > 0 && slope > 0) {
				t.Errorf("float64: the smallest difference is %g and the smallest slope %g, want both above 0", least, slope)
			}
			out = of32.MustCall(span[float32](1000))
			least, slope = smallest(check.Floats(out[0]), check.Floats(out[1]))
			if !(least >= 0 && slope > 0) {
				t.Errorf("float32: the smallest difference is %g and the smallest slope %g, want 0 or more and above 0", least, slope)
			}
		}
	})
	t.Run("E5.43 the ends and the part between", func(t *testing.T) { monotoneEnds(t) })
	t.Run("E5.43 twice differentiable", func(t *testing.T) {
		twice(t, timesOf(.1, .4, .9), func(s *model.Scope, x, time *graph.Node) *graph.Node {
			return graph.Add(monotone.Omega(s.At("omega"), x), monotone.Omega(s.At("omega"), time))
		})
	})
}

// wild draws every weight of the shape from N(0, 3²), a law wilder than the one they start from.
func wild[F float32 | float64](store *model.Store, seed uint64) {
	source := rand.New(rand.NewPCG(seed, 8))
	for _, name := range []string{"/slope", "/height", "/steepness", "/centre"} {
		v := store.GetVariable(name)
		flat := make([]F, v.Shape().Size())
		for i := range flat {
			flat[i] = F(3 * source.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			panic(err)
		}
	}
}

// smallest returns the least difference of neighbours in f and the least of slope.
func smallest(f, slope []float64) (difference, derivative float64) {
	difference, derivative = math.Inf(1), math.Inf(1)
	for i := range f {
		derivative = math.Min(derivative, slope[i])
		if i > 0 {
			difference = math.Min(difference, f[i]-f[i-1])
		}
	}
	return difference, derivative
}

// monotoneEnds: ω starts at its ends, ω̃ goes from 0 to 1 and does not depend on the ends, and the schedule's SNR is e^−ω.
func monotoneEnds(t *testing.T) {
	store := seeded(t, 5)
	out := model.MustCallOnceN(backendtest.Open(t), store, func(s *model.Scope, t *graph.Node) []*graph.Node {
		start, end := monotone.Ends(s, t)
		interior := monotone.Interior(s, t)
		sum := graph.ReduceAllSum(interior)
		byEnds := graph.Gradient(sum, s.GetVariable("start").NodeValue(t.Graph()), s.GetVariable("gap").NodeValue(t.Graph()))
		schedule := process.Learned(func(t *graph.Node) *graph.Node { return graph.Neg(monotone.Omega(s, t)) })
		p := process.Process{Schedule: schedule, TMin: 0, TMax: 1}
		return []*graph.Node{monotone.Omega(s, t), start, end, interior, p.LogSNR(t), byEnds[0], byEnds[1]}
	}, [][]float64{{0, .25}, {.5, 1}})
	omega, interior := check.Floats(out[0]), check.Floats(out[3])
	c := check.T(t)
	c.Near("E5.43 ω at the ends", []float64{omega[0], omega[3]}, []float64{-13.3, 5}, 1e-13)
	c.Near("E5.43 the ends", []float64{check.Floats(out[1])[0], check.Floats(out[2])[0]}, []float64{-13.3, 5}, 1e-13)
	c.Near("E5.43 ω̃ at the ends", []float64{interior[0], interior[3]}, []float64{0, 1}, 1e-15)
	for i, v := range interior {
		c.Near("E5.43 ω = ω₀ + (ω₁−ω₀)ω̃", omega[i], -13.3+18.3*v, 1e-13)
		c.Near("E5.45 log SNR = −ω", check.Floats(out[4])[i], -omega[i], 1e-9)
	}
	if check.Floats(out[5])[0] != 0 || check.Floats(out[6])[0] != 0 {
		t.Error("ω̃ depends on the ends")
	}
	if got := size(store); got != monotone.Parameters() {
		t.Errorf("the store holds %d weights, Parameters says %d", got, monotone.Parameters())
	}
}

func TestMonotonePanics(t *testing.T) {
	for want, m := range map[string]nets.Monotone{"Start < End": {Start: 1, End: 1, Hidden: 4}, "1 or more": {Start: 0, End: 1}} {
		_, err := model.CallOnce(backendtest.Open(t), model.NewStore(), m.Omega, []float64{.5})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nets.Monotone") {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
