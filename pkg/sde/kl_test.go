package sde_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// Three points and weights of Gauss and Hermite: exact for polynomials of a standard normal up to degree 5.
var (
	hermite = []float64{-math.Sqrt(3), 0, math.Sqrt(3)}
	weights = []float64{1. / 6, 2. / 3, 1. / 6}
)

// early is VP from a time at which the conditional score is still tame.
var early = process.Process{Schedule: vpf.Schedule, TMin: .01, TMax: 1}

// pathKL is ½∫g²E‖model − truth‖²dt under the marginals of N(1, .5), by quadrature in t.
func pathKL(t *testing.T, model param.ScoreFn) float64 {
	t.Helper()
	forward := sde.Forward(early)
	return check.Integral(pureGo(t), func(at *Node) *Node {
		at = InsertAxes(at, -1)
		a, s2 := early.Alpha(at), Square(early.Sigma(at))
		sum := ZerosLike(Squeeze(at, -1))
		for i, z := range hermite {
			x := Add(a, MulScalar(Sqrt(Add(MulScalar(Square(a), .5), s2)), z))
			sum = Add(sum, MulScalar(forward.KLRate(model, gd.Score(early), x, at), weights[i]))
		}
		return sum
	}, early.TMin, early.TMax)
}

// affine is a score −(kx − c) that no data have.
func affine(k, c float64) param.ScoreFn {
	return func(x, _ *Node) *Node { return AddScalar(MulScalar(x, -k), c) }
}

// ends solves the moments of dx = [f − g²s]dt + g dw̄ for s = −(kx − c) from N(0,1) at t = 1 down to TMin, by Runge and Kutta.
func ends(k, c float64) (m, v float64) {
	const n = 20000
	h := (early.TMin - 1) / n
	slope := func(t, m, v float64) (dm, dv float64) {
		a := beta(t) * (k - .5) // x's coefficient in the drift
		return a*m - beta(t)*c, 2*a*v - beta(t)
	}
	v = 1
	for i := range n {
		t := 1 + h*float64(i)
		m1, v1 := slope(t, m, v)
		m2, v2 := slope(t+h/2, m+h/2*m1, v+h/2*v1)
		m3, v3 := slope(t+h/2, m+h/2*m2, v+h/2*v2)
		m4, v4 := slope(t+h, m+h*m3, v+h*v3)
		m, v = m+h/6*(m1+2*m2+2*m3+m4), v+h/6*(v1+2*v2+2*v3+v4)
	}
	return m, v
}

// kl is KL(N(m1, v1)‖N(m2, v2)).
func kl(m1, v1, m2, v2 float64) float64 {
	return (v1/v2 - 1 - math.Log(v1/v2) + (m1-m2)*(m1-m2)/v2) / 2
}

// at is mean and variance of N(m, v) diffused to t.
func at(t, m, v float64) (mean, variance float64) {
	return alpha(t) * m, alpha(t)*alpha(t)*v + sigma2(t)
}

func TestKLBound(t *testing.T) {
	m0, v0 := at(early.TMin, 1, .5)
	mT, vT := at(1, 1, .5)
	t.Run("E8.11 KL(p₀‖p_θ) is at most ½∫g²E‖s_θ−s‖²dt + KL(p_T‖π)", func(t *testing.T) {
		for _, kc := range [][2]float64{{1.1, 0}, {1.3, .4}, {.8, -.5}, {1.6, .2}} {
			m, v := ends(kc[0], kc[1])
			cost, bound := kl(m0, v0, m, v), pathKL(t, affine(kc[0], kc[1]))+kl(mT, vT, 0, 1)
			check.T(t).Less("KL below the bound", cost, bound)
			check.T(t).Less("which is not idle", bound/30, cost)
		}
	})
	t.Run("E8.11 equal for the score of other data", func(t *testing.T) {
		other := oracle.Gaussian{Mean: []float64{.3}, Var: []float64{1.4}}
		m, v := at(early.TMin, .3, 1.4)
		mEnd, vEnd := at(1, .3, 1.4)
		check.T(t).Near("KL", pathKL(t, other.Score(early))+kl(mT, vT, mEnd, vEnd), kl(m0, v0, m, v), 1e-8)
	})
	t.Run("E8.11 denoising score matching differs by a constant", func(t *testing.T) {
		var gaps []float64
		for _, s := range []param.ScoreFn{affine(1, 0), affine(1.3, .4), affine(.2, -3)} {
			gaps = append(gaps, denoising(t, s)/2-pathKL(t, s))
		}
		check.T(t).Near("for three scores", gaps[1:], gaps[0], 1e-8)
		check.T(t).Less("which is not 0", 1, gaps[0])
	})
}

// denoising is ∫g²E‖s − ∇log q(x_t|x₀)‖²dt, by score.Objective on a rule for t, x₀ and ε in place of draws.
func denoising(t *testing.T, s param.ScoreFn) float64 {
	t.Helper()
	objective := score.Objective{Process: early, Weight: score.LikelihoodWeight}
	return check.Integral(pureGo(t), func(u *Node) *Node {
		sum := ZerosLike(u)
		u = InsertAxes(u, -1)
		for i, z := range hermite {
			for j, e := range hermite {
				x0 := AddScalar(MulScalar(OnesLike(u), math.Sqrt(.5)*z), 1)
				src := noise.Fixed(u, MulScalar(OnesLike(u), e))
				sum = Add(sum, MulScalar(objective.Loss(src, s, x0), weights[i]*weights[j]))
			}
		}
		return sum
	}, 0, 1) * (early.TMax - early.TMin)
}
