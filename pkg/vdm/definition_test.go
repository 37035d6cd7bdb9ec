package vdm_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// paths returns x_1 … x_4 of n paths of d4 from x0.
func paths(t *testing.T, x0 float64, n int) (x [][]float64) {
	t.Helper()
	m := exact(d4, gd)
	for _, xt := range backendtest.Call(t, func(g *Graph) []*Node { return random(m, g, 6, x0, n)[1:] }) {
		x = append(x, check.Floats(xt))
	}
	return x
}

func TestDefinition(t *testing.T) {
	c := check.T(t)
	t.Run("E5.1 latents of the data's size, and an encoder without weights", func(t *testing.T) {
		store := model.NewStore()
		out, err := model.CallOnceN(backendtest.Open(t), store, func(scope *model.Scope, x *Node) []*Node {
			return exact(d4, gd).Path(noise.Finite(scope), x)
		}, column(1, 2, 3))
		if err != nil {
			t.Fatal(err)
		}
		for _, xt := range out {
			c.Near("shape of x_t", xt.Shape().Dimensions, []int{3, 1}, 0)
		}
		for v := range store.IterVariables() {
			c.True("no weights", !v.Trainable, v.Path())
		}
	})
	t.Run("E5.2 the encoder's steps multiply to the joint law", func(t *testing.T) {
		m := exact(d4, gd)
		mean, cov := make([]float64, 4), mat.NewSymDense(4, nil)
		for i := range 4 {
			mean[i] = .7 * math.Sqrt(bar[i+1])
			for j := range i + 1 { // Cov(x_t, x_s|x_0) = √(ᾱ_t/ᾱ_s)(1−ᾱ_s), s ≤ t
				cov.SetSym(i, j, math.Sqrt(bar[i+1]/bar[j+1])*(1-bar[j+1]))
			}
		}
		joint, ok := distmv.NewNormal(mean, cov, nil)
		c.True("the covariance is one", ok, "positive definite")
		out := backendtest.Call(t, func(g *Graph) []*Node {
			x := random(m, g, 7, .7, 50)
			return append(x, m.LogEncoder(x))
		})
		var want []float64
		for i := range 50 {
			x := make([]float64, 4)
			for j := range x {
				x[j] = check.Floats(out[j+1])[i]
			}
			want = append(want, joint.LogProb(x))
		}
		c.Near("Σ log q(x_t|x_{t−1})", out[5], want, a64)
	})
	t.Run("E5.3 a step is centred on √α times the latent before", func(t *testing.T) {
		const n = 50_000
		x := paths(t, 1.8, n)
		for u := 2; u <= 4; u++ {
			right, written, squares, standard := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
			for i := range n {
				right[i] = x[u-1][i] - math.Sqrt(alpha[u])*x[u-2][i]
				written[i] = x[u-1][i] - x[u-2][i]
				squares[i] = right[i] * right[i]
				standard[i] = right[i] / math.Sqrt(1-alpha[u])
			}
			c.MC("E5.3 mean about √α_t x_{t−1}", right, 0, .005)
			c.MC("E5.3 variance", squares, 1-alpha[u], .005)
			c.Differ("E5.3 not centred on x_{t−1} (X17)", check.Mean(written), 0, 10*check.SE(written))
			c.KS("E5.22 (x_t−√α_t x_{t−1})/√(1−α_t) is the noise", standard, distuv.UnitNormal.CDF, 1e-7)
		}
	})
}

func TestDefinitionOfMarginals(t *testing.T) {
	c := check.T(t)
	t.Run("E5.3 without the shrinking the variance grows", func(t *testing.T) {
		ve := process.Process{Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-3, TMax: 1}
		variance := func(p process.Process) []float64 { // of x_t for data of variance 1
			return backendtest.Floats(t, func(u *Node) *Node { return Add(Square(p.Alpha(u)), Square(p.Sigma(u))) }, column(1e-3, .5, 1))
		}
		v := variance(ve)
		c.Near("E5.3 VE ends at 1 + σ²", v[2], 1+2500-1e-4, 1e-9)
		c.Less("E5.3 and rises", v[0], v[1])
		c.Near("E5.4 VP keeps it", variance(process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}}), 1, 1e-14)
	})
	t.Run("E5.11 an expectation needs only the marginal of what it holds", func(t *testing.T) {
		const x0 = 1.8
		want := bar[1]*x0*x0 + 1 - bar[1]
		law := overPaths(t, exact(d4, gd), x0, func(x []*Node) []*Node {
			return []*Node{Square(x[1]), Square(d4.Marginal(x[0], constant(x[0], 1)).Sample(noise.Fixed(Sub(x[2], x[2]))))}
		})
		c.Near("E5.11 E over the whole path of x_1²", law[0].mean, want, a64)
		chain := paths(t, x0, 50_000)[0]
		alone := backendtest.Floats(t, func(g *Graph) *Node {
			return d4.Marginal(MulScalar(Ones(g, vdmShape(50_000, 1)), x0), constant(Ones(g, vdmShape(1, 1)), 1)).Sample(noise.FromSeed(g, 8))
		})
		for i := range chain {
			chain[i], alone[i] = chain[i]*chain[i], alone[i]*alone[i]
		}
		c.MC("E5.11 by drawn paths", chain, want, .01)
		c.MC("E5.11 by draws of q(x_1|x_0)", alone, want, .01)
	})
}

func TestBadInput(t *testing.T) {
	good := exact(d4, gd)
	with := func(times ...float64) func(x *Node) *Node {
		m := good
		m.Times = times
		return func(x *Node) *Node { return m.Path(noise.FromSeed(x.Graph(), 1), x)[0] }
	}
	short := func(x *Node) *Node { return good.Form2([]*Node{x, x}).Bound() }
	uneven := func(x *Node) *Node { return good.Form1([]*Node{x, x, Slice(x, AxisRange(0, 1)), x, x}).Sum() }
	narrow := good
	narrow.Denoise = func(xt, t *Node) *Node { return Slice(xt, AxisRange(), AxisRange(0, 1)) }
	narrow.Decode = nil
	wide := func(x *Node) *Node {
		y := Concatenate([]*Node{x, x}, 1)
		return ReduceSum(narrow.MatchingKL([]*Node{y, y, y, y, y}), 0)
	}
	fixed := exact(d4, gd)
	fixed.Std = func(p process.Process, xt, s, t *Node) *Node { return p.Transition(xt, s, t).LogStd }
	for _, bad := range []struct {
		build func(x *Node) *Node
		want  []string
	}{
		{with(), []string{"vdm.Path: no times", "T ≥ 1"}},
		{with(1, 3, 2), []string{"vdm.Path: time 3 is 2 after 3", "rise"}},
		{with(1, 5), []string{"vdm.Path: time 2 is 5", "TMin = 0", "TMax = 4"}},
		{with(-1, 2), []string{"vdm.Path: time 1 is -1", "TMin = 0"}},
		{with(math.NaN()), []string{"vdm.Path: time 1 is NaN"}},
		{short, []string{"vdm.Form2: a path of 2 values for 4 latents", "Path draws"}},
		{uneven, []string{"vdm.Form1: x_2 has shape (Float64)[1, 1] and x_0 (Float64)[2, 1]"}},
		{wide, []string{"vdm.MatchingKL: the denoiser made x̂₀ of shape (Float64)[6, 1] from x_t of shape (Float64)[6, 2]", "as many outputs"}},
		{func(x *Node) *Node { return fixed.Form3([]*Node{x, x, x, x, x}).Bound() }, []string{"vdm.Form3: Std is set", "Form2"}},
		{func(x *Node) *Node { return good.Path(noise.FromSeed(x.Graph(), 1), Squeeze(x, -1))[0] }, []string{"vdm.Path: x_0 has shape (Float64)[2]", "[batch, event...]"}},
	} {
		err := backendtest.Err(t, bad.build, column(1, 2))
		for _, part := range bad.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
	}
}
