package oracle_test

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
)

// tilted is three numbers that know of each other.
var tilted = oracle.Correlated{Mean: []float64{1, -.5, .2}, Cov: mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7})}

// Every formula against the normal law of (x_t, x₀) as gonum has it.
func TestCorrelated(t *testing.T) {
	xs := [][]float64{{-1, .4, 0}, {.3, -.2, 2}, {2, 1, -1}}
	for name, p := range anyProcess {
		moments := check.Floats(backendtest.Call(t, func(u *Node) *Node { return Concatenate([]*Node{p.Alpha(u), p.Sigma(u)}, 0) }, []float64{2})[0])
		alpha, sigma := moments[0], moments[1]
		var cov, gain, left mat.Dense // of x_t; ΣαC⁻¹; Σ − αΣC⁻¹αΣ
		cov.Scale(alpha*alpha, tilted.Cov)
		for i := range 3 {
			cov.Set(i, i, cov.At(i, i)+sigma*sigma)
		}
		var inverse mat.Dense
		if err := inverse.Inverse(&cov); err != nil {
			t.Fatal(err)
		}
		gain.Mul(tilted.Cov, &inverse)
		gain.Scale(alpha, &gain)
		left.Mul(&gain, tilted.Cov)
		left.Scale(-alpha, &left)
		left.Add(tilted.Cov, &left)
		symmetric := mat.NewSymDense(3, nil)
		for i := range 3 {
			for j := i; j < 3; j++ {
				symmetric.SetSym(i, j, cov.At(i, j))
			}
		}
		law, ok := distmv.NewNormal([]float64{alpha * 1, alpha * -.5, alpha * .2}, symmetric, nil)
		if !ok {
			t.Fatal("the covariance is not positive definite")
		}
		var logProb, mean, score, variance []float64
		for _, x := range xs {
			away := mat.NewVecDense(3, []float64{x[0] - alpha, x[1] + .5*alpha, x[2] - .2*alpha})
			var up, pull mat.VecDense
			up.MulVec(&gain, away)
			pull.MulVec(&inverse, away)
			logProb = append(logProb, law.LogProb(x))
			for i, m := range tilted.Mean {
				mean, score, variance = append(mean, m+up.AtVec(i)), append(score, -pull.AtVec(i)), append(variance, left.At(i, i))
			}
		}
		a := []float64{1, -2, .5}
		along := mat.Inner(mat.NewVecDense(3, a), &left, mat.NewVecDense(3, a))
		out := backendtest.Call(t, func(x, u *Node) []*Node {
			return append(diffused(tilted, p)(x, u), tilted.MeasuredVar(p, a)(u), param.Bind(p, param.Score, tilted.Score(p))(x, u))
		}, xs, [][]float64{{2}, {2}, {2}})
		c := check.T(t)
		for i, want := range [][]float64{logProb, mean, variance, score, {along, along, along}, mean} {
			c.Near(name+": "+[]string{"log q(x_t)", "E[x_0|x_t]", "Var(x_0|x_t)", "the score", "Var(ax_0|x_t)", "Tweedie"}[i], out[i], want, exactly)
		}
	}
}

// What is left given A x₀ = y: densities divided, and the draws of the two numbers that are not known.
func TestGiven(t *testing.T) {
	c := check.T(t)
	given := tilted.Given(mat.NewDense(1, 3, []float64{1, 0, 0}), []float64{2})
	c.Near("given the first number: the means", given.Mean, []float64{2, -.5 + .8/2, .2 + .3/2}, 1e-12)
	c.Near("and what is left of the covariance", []float64{given.Cov.At(0, 0), given.Cov.At(0, 1), given.Cov.At(1, 1), given.Cov.At(1, 2), given.Cov.At(2, 2)},
		[]float64{0, 0, 1.5 - .64/2, .2 - .24/2, .7 - .09/2}, 1e-12)
	a := mat.NewDense(2, 3, []float64{1, 1, 0, 0, 1, -1})
	two := tilted.Given(a, []float64{1.5, .3})
	var seen mat.VecDense
	seen.MulVec(a, mat.NewVecDense(3, two.Mean))
	c.Near("given two sums: the mean has them", seen.RawVector().Data, []float64{1.5, .3}, 1e-12)
	var rest mat.Dense
	rest.Mul(a, two.Cov)
	c.Near("and they do not vary", rest.RawMatrix().Data, 0, 1e-12)
	again := tilted.Given(a.Slice(0, 1, 0, 3), []float64{1.5}).Given(a.Slice(1, 2, 0, 3), []float64{.3})
	c.Near("one after the other is the same", again.Mean, two.Mean, 1e-12)
	out := backendtest.Call(t, func(x *Node) *Node { return two.Denoiser(d4)(x, Const(x.Graph(), [][]float64{{2}})) }, [][]float64{{0, 1, 2}})
	x0 := check.Floats(out[0])
	c.Near("a law without width in two directions diffuses", []float64{x0[0] + x0[1], x0[1] - x0[2]}, []float64{1.5, .3}, exactly)
	for want, call := range map[string]func(){
		"oracle.Correlated: 2 means and the covariance": func() { oracle.Correlated{Mean: []float64{1, 2}, Cov: tilted.Cov}.Denoiser(d4) },
		"oracle.Correlated: the covariance has the eigenvalue -": func() {
			oracle.Correlated{Mean: []float64{1, 2}, Cov: mat.NewSymDense(2, []float64{1, 2, 2, 1})}.Score(d4)(nil, nil)
		},
		"oracle.Correlated.Given": func() { two.Given(a, []float64{1, 1}) },
	} {
		if got := panicOf(call); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
}
