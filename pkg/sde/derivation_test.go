package sde_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// derivation is that of VP with the marginals of data.
func derivation(data oracle.Data) sde.Derivation {
	return sde.Derivation{SDE: sde.Forward(vpf), LogDensity: marginals(vpf, data)}
}

// line evaluates one line at rows x and y, from t to u.
func line(t *testing.T, fn func(x, y, t, u *Node) *Node, x, y []float64, at, u float64) []float64 {
	t.Helper()
	return floatsOf(t, func(in []*Node) *Node { return fn(in[0], in[1], in[2], in[3]) },
		column(x...), column(y...), column(at), column(u))
}

func TestBayes(t *testing.T) {
	d := derivation(gd)
	exact := func(x, y, t, u *Node) *Node { return d.Bayes(vpf.Transition, x, y, t, u) }
	euler := func(x, y, t, u *Node) *Node { return d.Bayes(d.SDE.Step, x, y, t, u) }
	var x, y []float64
	for _, v := range []float64{-2, -.5, .3, 1.4} {
		for _, w := range []float64{-1, 0, .7, 2.5} {
			x, y = append(x, v), append(y, w)
		}
	}
	t.Run("E8.5 Bayes' rule on Gaussian data", func(t *testing.T) {
		for _, at := range [][2]float64{{1e-3, .2}, {.3, .31}, {.2, .9}} {
			want := make([]float64, len(x))
			for i := range x {
				m, v := reverse(y[i], at[0], at[1])
				want[i] = -(x[i]-m)*(x[i]-m)/(2*v) - math.Log(2*math.Pi*v)/2
			}
			check.T(t).Near("log p(x_t|x_u)", line(t, exact, x, y, at[0], at[1]), want, a64)
			check.T(t).Differ("an Euler–Maruyama step is not the exact kernel", line(t, euler, x, y, at[0], at[1]), want, 1e-3)
		}
	})
	t.Run("E8.5 it is a law of x, for the mixture", func(t *testing.T) {
		d := derivation(gm)
		for _, y := range []float64{-1, .4, 2} {
			mass := check.Integral(pureGo(t), func(x *Node) *Node {
				at := func(t float64) *Node { return Const(x.Graph(), column(t)) }
				x = InsertAxes(x, -1)
				return Exp(d.Bayes(vpf.Transition, x, AddScalar(ZerosLike(x), y), at(.2), at(.3)))
			}, -8, 8)
			check.T(t).Near("∫ p(x|y) dx", mass, 1, 1e-8)
		}
	})
}

// The point of the figures: t = .2, x = .3, the mixture under VP.
const tX24, xX24 = .2, .3

func TestTaylor(t *testing.T) {
	d := derivation(gm)
	dt := []float64{1e-2, 1e-3, 1e-4, 1e-5}
	var remainder, less []float64
	for _, h := range dt {
		y := []float64{xX24 + math.Sqrt(h)}
		rest := line(t, func(x, y, t, u *Node) *Node { return Sub(d.LogDensity(y, u), d.Taylor(x, y, t, u)) }, []float64{xX24}, y, tX24, tX24+h)[0]
		curvature := line(t, func(x, y, t, _ *Node) *Node { return d.Curvature(x, y, t) }, []float64{xX24}, y, tX24, tX24+h)[0]
		remainder, less = append(remainder, -rest), append(less, math.Abs(rest-curvature))
	}
	t.Run("E8.6 Taylor's remainder after a step of √dt is O(dt)", func(t *testing.T) {
		for i, want := range []float64{2.02, 1.30, 1.06, .99} {
			check.T(t).Less("remainder over dt, one unit of the last digit", math.Abs(remainder[i]/dt[i]-want), .01)
		}
		check.T(t).Order("remainder", dt[1:], remainder[1:], 1, .15)
		check.T(t).Order("less the term of second order", dt, less, 1.5, .15)
	})
	t.Run("E8.6 the two derivatives, by differences", func(t *testing.T) {
		p := func(x, t float64) float64 { return math.Log(density(x, t)) }
		inX := check.Derivative(func(x float64) float64 { return p(x, tX24) }, xX24)
		inT := check.Derivative(func(u float64) float64 { return p(xX24, u) }, tX24)
		got := line(t, d.Taylor, []float64{xX24, xX24}, []float64{xX24 + .02, xX24}, tX24, tX24+.01)
		check.T(t).Near("expansion", got, []float64{p(xX24, tX24) + .02*inX + .01*inT, p(xX24, tX24) + .01*inT}, 1e-9)
	})
}

// moments returns mean and variance of the exact law of x_t given x_u = y, by quadrature of line 1.
func exactMoments(t *testing.T, y, at, u float64) (mean, variance float64) {
	t.Helper()
	d, sd := derivation(gm), math.Sqrt(beta(u)*(u-at))
	xs := floats.Span(make([]float64, 2001), y-12*sd, y+12*sd)
	ys := make([]float64, len(xs))
	floats.AddConst(y, ys)
	p := line(t, func(x, y, t, u *Node) *Node { return Exp(d.Bayes(vpf.Transition, x, y, t, u)) }, xs, ys, at, u)
	floats.Scale(1/floats.Sum(p), p) // the trapezoid rule: the tails are 0
	mean = floats.Dot(p, xs)
	for i, x := range xs {
		variance += p[i] * (x - mean) * (x - mean)
	}
	return mean, variance
}

func TestSecondOrderTerm(t *testing.T) {
	t.Run("X24 E8.6 the dropped term moves the reverse law at O(dt²) alone", func(t *testing.T) {
		d := derivation(gm)
		var dt, inMean, inVariance, meanOff, varOff, varOffWith []float64
		for _, h := range []float64{1e-3, 3e-4, 1e-4, 3e-5} {
			u := tX24 + h
			law := func(y, u, t *Node) dist.DiagNormal { return d.Law(y, t, u) }
			m, v := laws(t, law, []float64{xX24}, []float64{u}, []float64{tX24})
			// Line 2 with its second order has −s(x)d − ½Hd² in the exponent. With s(x) = s(y) − Hd that is −s(y)d + ½Hd²: the
			// precision 1/v becomes 1/v − H, and the shift of the mean scales as the variance does.
			curvature := 2 * line(t, func(x, y, t, _ *Node) *Node { return d.Curvature(x, y, t) }, []float64{xX24}, []float64{xX24 + 1}, u, u)[0]
			withV := v[0] / (1 - v[0]*curvature)
			withM := xX24 + (m[0]-xX24)*withV/v[0]
			mean, variance := exactMoments(t, xX24, tX24, u)
			dt = append(dt, h)
			inMean, inVariance = append(inMean, math.Abs(withM-m[0])), append(inVariance, math.Abs(withV-v[0]))
			meanOff, varOff = append(meanOff, math.Abs(mean-m[0])), append(varOff, math.Abs(variance-v[0]))
			varOffWith = append(varOffWith, math.Abs(variance-withV))
		}
		check.T(t).Order("what it does to the mean", dt, inMean, 2, .15)
		check.T(t).Order("what it does to the variance", dt, inVariance, 2, .15)
		check.T(t).Order("the mean without it, against the exact one", dt, meanOff, 2, .15)
		check.T(t).Order("the variance without it", dt, varOff, 2, .15)
		check.T(t).Less("with it the variance is ten times closer", varOffWith[0], varOff[0]/10)
	})
}

func TestCompletedSquare(t *testing.T) {
	t.Run("E8.7 the two exponents differ by a constant", func(t *testing.T) {
		d := derivation(gm)
		x, y := make([]float64, 81), floats.Span(make([]float64, 81), -1.7, 2.3)
		floats.AddConst(xX24, x)
		gap := func(x, y, t, u *Node) *Node { return Sub(d.Expanded(x, y, t, u), d.Square(x, y, t, u)) }
		dt := []float64{1e-1, 1e-2, 1e-3}
		var constant []float64
		for _, h := range dt {
			differ := line(t, gap, x, y, tX24, tX24+h)
			check.T(t).Near("for 81 y", differ, differ[0], a64)
			constant = append(constant, math.Abs(differ[0]))
		}
		check.T(t).Order("the constant", dt, constant, 1, 1e-6)
		// By hand: dt (½g²s² − fs − ∂log p/∂t).
		p := func(x, t float64) float64 { return math.Log(density(x, t)) }
		s := check.Derivative(func(x float64) float64 { return p(x, tX24) }, xX24)
		rate := check.Derivative(func(u float64) float64 { return p(xX24, u) }, tX24)
		want := beta(tX24)*s*s/2 + beta(tX24)*xX24*s/2 - rate
		check.T(t).Near("over dt", line(t, gap, x[:1], y[:1], tX24, tX24+.1)[0]/.1, want, 1e-8)
	})
	t.Run("E8.7 in the plane", func(t *testing.T) {
		d := derivation(humps)
		var x, y [][]float64
		for i := range 20 {
			x, y = append(x, []float64{.4, -.7}), append(y, []float64{.4 + math.Sin(float64(3*i)), -.7 + math.Cos(float64(5*i))})
		}
		differ := floatsOf(t, func(in []*Node) *Node {
			return Sub(d.Expanded(in[0], in[1], in[2], in[3]), d.Square(in[0], in[1], in[2], in[3]))
		}, x, y, column(.2), column(.21))
		check.T(t).Near("for 20 y", differ, differ[0], a64)
	})
}

func TestReverseLaw(t *testing.T) {
	t.Run("E8.8 the coefficients at t+dt, to t = .3 from x = .7", func(t *testing.T) {
		d := derivation(gd)
		dt := []float64{1e-2, 1e-3, 1e-4}
		law := func(y, u, t *Node) dist.DiagNormal { return d.Law(y, t, u) }
		var mean, variance []float64
		for i, h := range dt {
			m, v := laws(t, law, []float64{.7}, []float64{.3 + h}, []float64{.3})
			wantM, wantV := reverse(.7, .3, .3+h)
			mean, variance = append(mean, wantM-m[0]), append(variance, v[0]-wantV)
			golden, last := [][2]float64{{9.67e-5, 3.73e-3}, {6.51e-7, 3.75e-5}, {6.19e-9, 3.75e-7}}[i], []float64{1e-7, 1e-9, 1e-11}[i]
			check.T(t).Less("mean error, one unit of the last digit", math.Abs(mean[i]-golden[0]), last)
			check.T(t).Less("variance error", math.Abs(variance[i]-golden[1]), []float64{1e-5, 1e-7, 1e-9}[i])
		}
		check.T(t).Order("mean", dt, mean, 2, .15)
		check.T(t).Order("variance", dt, variance, 2, .15)
	})
}
