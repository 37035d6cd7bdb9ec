package vdm_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// shifted returns m with offsets[t] added to the mean of p_θ(x_{t−1}|x_t), t = 1 … T; the offsets are [batch, 1].
func shifted(m vdm.VDM, offsets []*Node) vdm.VDM {
	denoise, decode := m.Denoise, m.Decode
	m.Denoise = func(xt, t *Node) *Node {
		s := AddScalar(t, -1)
		ofX0 := d4.Posterior(ZerosLike(t), OnesLike(t), s, t).Mean
		return Add(denoise(xt, t), Div(Concatenate(offsets[2:], 0), ofX0)) // the forms ask for t = 2 … T at once
	}
	m.Decode = func(x1 *Node) dist.LogProber {
		p := decode(x1).(dist.DiagNormal)
		p.Mean = Add(p.Mean, offsets[1])
		return p
	}
	return m
}

// gradients returns the law of ∂form/∂offset_t over paths from x₀ = 1.8: for t = 1 … 4 each, and last for one offset
// that all t share.
func gradients(t *testing.T, form func(m vdm.VDM, x []*Node) *Node) []quadratic {
	t.Helper()
	return moments(t, 4, func(eps []*Node) []*Node {
		x := exact(d4, gd).Path(noise.Fixed(eps...), AddScalar(ZerosLike(eps[0]), 1.8))
		offsets := make([]*Node, 5)
		for i := range offsets {
			offsets[i] = MulScalar(eps[0], 0)
		}
		each := Gradient(ReduceAllSum(form(shifted(exact(d4, gd), offsets), x)), offsets[1:]...)
		return append(each, Add(Add(each[0], each[1]), Add(each[2], each[3])))
	})
}

func TestVarianceOfForms(t *testing.T) {
	c := check.T(t)
	one := gradients(t, func(m vdm.VDM, x []*Node) *Node { return m.Form1(x).Sum() })
	two := gradients(t, func(m vdm.VDM, x []*Node) *Node { return m.Form2(x).Bound() })
	wantOne, wantTwo := []float64{25.07421875, 6.9305684354, 3.6660922357}, []float64{11.07421875, 1.0258065307, .1499632035}
	var random1, random2 float64 // E[g_t²] of the estimator with one random t, less the squared mean that both share
	for i := range 3 {
		u := i + 2
		_, _, sigma2 := line(u)
		c.Near("E5.16 form 1's gradient at t: variance", one[u-1].variance, wantOne[i], printed)
		c.Near("E5.16 form 2's gradient at t: variance", two[u-1].variance, wantTwo[i], printed)
		c.Near("E5.16 they differ by 1/σ_q²", one[u-1].variance-two[u-1].variance, 1/sigma2, a64)
		c.Near("E5.16 and have one mean", one[u-1].mean, two[u-1].mean, a64)
		random1 += 3 * (one[u-1].variance + math.Pow(one[u-1].mean, 2))
		random2 += 3 * (two[u-1].variance + math.Pow(two[u-1].mean, 2))
	}
	c.Less("E5.16 with one random t form 2 varies less", random2, random1)
	c.Near("E5.16 summed over a path it need not (X19): form 1", one[4].variance, 14.411520, 1e-6)
	c.Near("E5.16 and form 2", two[4].variance, 40.282566, 1e-6)
	c.Less("E5.16 as written, two variables vary more (X19)", one[4].variance, two[4].variance)
	m := exact(d4, gd)
	value := overPaths(t, m, 1.8, func(x []*Node) []*Node {
		terms := m.Form2(x)
		return []*Node{m.Form0(x), terms.Bound(), ReduceSum(m.ConsistencyKL(x), 0), terms.Matching}
	})
	for i, want := range []float64{1.0203403, 1.6359987, 2.8786482, 1.2164834} {
		c.Near("E5.16 sd of form 0, form 2, the divergences of form 1, those of form 2", value[i].sd(), want, 1e-7)
	}
	c.Less("E5.16 form 0's value varies less than form 2's (X19)", value[0].sd(), value[1].sd())
}
