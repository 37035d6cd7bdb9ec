package sampler_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// The same noise takes Luo's step of size α/2 and Song's of size α along one trajectory.
func TestLangevinStep(t *testing.T) {
	const alpha = .3
	eps := []float64{.4, -1.3, 2.1, .05, -.7}
	x, want := .2, []float64{}
	for _, z := range eps {
		x += alpha/2*plainScore(twoModes, x) + math.Sqrt(alpha)*z
		want = append(want, x)
	}
	t.Run("E7.11 Luo's step of c = α/2 is Song's of α", func(t *testing.T) {
		chain := sampler.Langevin{Score: scoreOf(twoModes), Size: sampler.LangevinSize(alpha)}
		got := backendtest.Floats(t, func(x *Node) *Node {
			var all []*Node
			st := chain.Init(x)
			for _, z := range eps {
				st = chain.Step(noise.Fixed(Const(x.Graph(), [][]float64{{z}})), st, nil, nil)
				all = append(all, st.X)
			}
			return Concatenate(all, 0)
		}, [][]float64{{.2}})
		check.T(t).Near("trajectory", got, want, a64)
	})
}

// Without noise every chain climbs to the mode on its side, with noise none stays there.
func TestLangevinNoise(t *testing.T) {
	score := func(x float64) float64 { return plainScore(twoModes, x) }
	left, saddle, right := root(score, -2.5, -1.5), root(score, -1.5, 0), root(score, .5, 1.5)
	t.Run("E7.12 without noise all chains end on a mode, with noise they keep the variance of E7.13", func(t *testing.T) {
		b := backendtest.Open(t)
		start := uniforms(10_000, -4, 3, 1)
		want := check.Floats(start)
		for i, x := range want {
			if want[i] = left; x > saddle {
				want[i] = right
			}
		}
		climb := sampler.Langevin{Score: scoreOf(twoModes), Size: .05, Noiseless: true}
		check.T(t).Near("ends", sample(t, sampler.Of(b, climb), start, sampler.Count(500), 1), want, 1e-7)
		walk := sampler.Langevin{Score: scoreOf(centredNormal(1)), Size: .1}
		x := check.Floats(sample(t, sampler.Of(b, walk), prior(20_000), sampler.Count(60), 1))
		for i := range x {
			x[i] *= x[i]
		}
		check.T(t).MC("variance with noise", x, 2/1.9, .011)
	})
}

// The law that Langevin settles in for N(0, v) has the variance 2v²/(2v−c), and there is none from c = 2v on.
func TestLangevinBias(t *testing.T) {
	settled := func(v, c float64, steps int) float64 {
		return carried(t, onHost, sampler.Langevin{Score: scoreOf(centredNormal(v)), Size: c}, sampler.Count(steps), 3, .01)[1]
	}
	t.Run("E7.13 the stationary variance is 2v²/(2v−c)", func(t *testing.T) {
		check.T(t).Near("v = 1, c = .1", settled(1, .1, 300), 1.0526315789, printed)
		check.T(t).Near("v = .25, c = .1", settled(.25, .1, 300), .3125, 1e-12)
		for name, b := range backends(t) {
			m, got := moments(t, b, sampler.Langevin{Score: scoreOf(centredNormal(1)), Size: .1}, sampler.Count(300), 3, .01)
			check.T(t).Near(name+", impulse by impulse", []float64{m, got}, []float64{0, 2 / 1.9}, 1e-12)
		}
	})
	t.Run("E7.13 the bias is of order 1 in c", func(t *testing.T) {
		var sizes, errs []float64
		for _, c := range []float64{.1, .05, .025, .0125} {
			sizes, errs = append(sizes, c), append(errs, settled(1, c, 1500)-1)
		}
		check.T(t).Order("variance", sizes, errs, 1, .05)
	})
	t.Run("E7.13 at c = 2v the variance grows by 2c a step", func(t *testing.T) {
		check.T(t).Near("variance after 50 steps", settled(.25, .5, 50), .01+50*2*.5, 1e-12)
	})
}

// From c = 2/L on a chain diverges: the run stops at the step where the drift is a million times the noise, and says which
// size is stable. A far start, or a size just below, is no divergence.
func TestLangevinDiverges(t *testing.T) {
	anisotropic, one := centredNormal(1, .1), [][]float64{{.5}, {1}}
	for name, c := range map[string]struct {
		chain sampler.Langevin
		x     [][]float64
		want  string
	}{
		// |x_n| = 1.1ⁿ, and 2.1·1.1ⁿ > 1e6 √4.2 from n = 145 on
		"E7.13 c ≥ 2v": {sampler.Langevin{Score: scoreOf(centredNormal(1)), Size: 2.1, Noiseless: true}, one,
			"step 146 of 1000, from t = 855 to 854: row 1 of x is +Inf, expected finite numbers: sampler.Langevin: the chain diverged with Size = 2.1, expected less than 2, "},
		"with noise": {sampler.Langevin{Score: scoreOf(centredNormal(1)), Size: 2.5}, one, "diverged with Size = 2.5, expected less than 2, "},
		"the narrowest direction counts": {sampler.Langevin{Score: scoreOf(anisotropic), Size: .25}, [][]float64{{1, 1}},
			"diverged with Size = 0.25, expected less than 0.2, which is stable for the curvature that it met: take 0.05"},
		// x ← x − ½x³ from 3 goes to −10.5 and 568.3125: their quotient is a²+ab+b²; row 0 stays where −log p is flat
		"the row's own curvature": {sampler.Langevin{Score: func(x *Node) *Node { return Neg(Mul(x, Square(x))) }, Size: .5, Noiseless: true}, [][]float64{{.1}, {3}},
			"row 1 of x is +Inf, expected finite numbers: sampler.Langevin: the chain diverged with Size = 0.5, expected less than 6.307e-06, "},
		"two modes, from beyond where they turn it back": {sampler.Langevin{Score: scoreOf(farApart), Size: 2.5}, [][]float64{{40}}, "diverged with Size = 2.5, expected less than 2, "},
	} {
		t.Run(name, func(t *testing.T) {
			for name, b := range backends(t) {
				run := sampler.Of(b, c.chain)
				if _, err := run.Sample(tensors.FromValue(c.x), sampler.Count(1000), 1); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %s", name, err, c.want)
				}
				run.Finalize()
			}
		})
	}
	t.Run("a far start", func(t *testing.T) {
		chain := sampler.Langevin{Score: scoreOf(centredNormal(1)), Size: 1.9}
		far := column([]float64{1e12, -3e9})
		x := check.Floats(sample(t, sampler.Of(onHost, chain), far, sampler.Count(1000), 1))
		check.T(t).Less("comes home", math.Max(math.Abs(x[0]), math.Abs(x[1])), 40) // the variance is 20
	})
}

// A score that is NaN in one chain is an error that names its row, and no other chain is touched before.
func TestLangevinNaN(t *testing.T) {
	broken := func(x *Node) *Node {
		return Where(GreaterThan(x, Scalar(x.Graph(), x.DType(), 2.5)), Scalar(x.Graph(), x.DType(), math.NaN()), OnesLike(x))
	}
	chain := sampler.Langevin{Score: broken, Size: 1, Noiseless: true}
	want := "step 3 of 9, from t = 7 to 6: row 2 of x is NaN, expected finite numbers: sampler.Langevin: Size = 1 is below"
	for name, b := range backends(t) {
		_, err := sampler.Of(b, chain).Sample(column([]float64{-9, -8, 1}), sampler.Count(9), 1)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "look at the score there") {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// Aux[0] is the largest curvature −Δs·Δx/‖Δx‖² of a chain's path, row by row: 1/v for a normal law, whatever the size.
func TestLangevinCurvature(t *testing.T) {
	for _, noiseless := range []bool{false, true} {
		chain := sampler.Langevin{Score: scoreOf(centredNormal(.25)), Size: .01, Noiseless: noiseless}
		last, err := sampler.Of(onHost, chain).SampleState(column([]float64{3, -1}), sampler.Count(400), 1)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near(fmt.Sprintf("1/v, noiseless: %t", noiseless), last.Aux[0], []float64{4, 4}, 1e-9)
		last.Finalize()
	}
	// x ↦ −x³ from 2 by steps of c = .01: the difference quotients −(s₁−s₀)/(x₁−x₀) fall, and the first is x₀²+x₀x₁+x₁².
	chain := sampler.Langevin{Score: func(x *Node) *Node { return Neg(Mul(x, Square(x))) }, Size: .01, Noiseless: true}
	last, err := sampler.Of(onHost, chain).SampleState(column([]float64{2}), sampler.Count(5), 1)
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("the first quotient", last.Aux[0], 2*2+2*1.92+1.92*1.92, 1e-9)
	last.Finalize()
}

// The weights of modes far apart are lost: a chain ends in the mode in whose basin it starts.
func TestLangevinLosesWeights(t *testing.T) {
	chain := sampler.Langevin{Score: scoreOf(farApart), Size: .05}
	t.Run("E7.18 the basins' border", func(t *testing.T) {
		border := root(func(x float64) float64 { return plainScore(farApart, x) }, -2, 2)
		check.T(t).Near("the unstable point", border, -.1444, 5e-5)
		near := backendtest.Floats(t, scoreOf(farApart), [][]float64{{border - 1e-3}, {border + 1e-3}})
		check.T(t).True("the score leads away", near[0] < 0 && near[1] > 0, fmt.Sprint(near))
	})
	t.Run("E7.18 the fraction on the right is that of the start's basins", func(t *testing.T) {
		run := sampler.Of(backendtest.Open(t), chain)
		x := check.Floats(sample(t, run, uniforms(20_000, -8, 8, 7), sampler.Count(1000), 1))
		check.T(t).MC("from U(−8, 8): .51, not .8", above(x, 0), .510, .004)
	})
	t.Run("E7.18 from −7 next to none arrives on the right", func(t *testing.T) {
		start := make([]float64, 5000)
		for i := range start {
			start[i] = -7
		}
		x := check.Floats(sample(t, sampler.Of(backendtest.Open(t), chain), column(start), sampler.Count(1000), 2))
		check.T(t).Less("fraction", check.Mean(above(x, 0)), .002)
	})
}
