package score_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
)

const float64Type = dtypes.Float64

// mean returns the expectation of loss at the score s under N(0, v), by quadrature.
func mean(t *testing.T, loss score.Loss, s func(x *Node) *Node, v float64) float64 {
	t.Helper()
	edge := 12 * math.Sqrt(v)
	return check.Integral(backendtest.Open(t), func(x *Node) *Node {
		return Mul(normalPDF(column(x), v), loss(nil, s, column(x)))
	}, -edge, edge)
}

// TestLinear holds the losses of s = −kx under N(0, 1) against their closed forms.
func TestLinear(t *testing.T) {
	explicit, implicit := score.Explicit(linear(1)), score.Implicit()
	for _, k := range []float64{-.5, 0, .6, 1, 2.5} {
		c := check.T(t)
		c.Near(fmt.Sprintf("E7.6 the Fisher divergence of −%gx is (1−k)²", k), 2*mean(t, explicit, linear(k), 1), (1-k)*(1-k), 1e-8)
		value := mean(t, implicit, linear(k), 1)
		c.Near(fmt.Sprintf("E7.7 the implicit loss of −%gx is ½k² − k", k), value, k*k/2-k, 1e-9)
		c.Near(fmt.Sprintf("E7.7 and ½ more is the explicit one, k = %g", k), value+.5, (1-k)*(1-k)/2, 1e-9)
	}
}

// plane is a mixture of three normals in the plane.
var plane = oracle.Mixture{
	Weights: []float64{.2, .5, .3},
	Means:   [][]float64{{-1.5, 0}, {1, 1}, {.5, -2}},
	Vars:    [][]float64{{.4, .9}, {.7, .3}, {.5, .5}},
}

// TestConstant holds E Implicit + ½E‖∇log p‖² = E Explicit for a curved field under a mixture in the plane.
func TestConstant(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	truth := func(x *Node) *Node { return plane.Law(x.Graph(), float64Type).Score(x) }
	expect := func(f func(x *Node) *Node) float64 {
		return check.Integral2(b, func(x *Node) *Node {
			return Mul(Exp(plane.Law(x.Graph(), float64Type).LogProb(x)), f(x))
		}, [2]float64{-8, -9}, [2]float64{8, 9})
	}
	constant := expect(func(x *Node) *Node { return MulScalar(ReduceSum(Square(truth(x)), -1), .5) })
	explicit := expect(func(x *Node) *Node { return score.Explicit(truth)(nil, curved, x) })
	implicit := expect(func(x *Node) *Node { return score.Implicit()(nil, curved, x) })
	c.Near("E7.7 a curved field in the plane, by quadrature", implicit+constant, explicit, 1e-8)

	gaps := backendtest.Floats(t, func(g *Graph) *Node {
		x := plane.Law(g, float64Type).SampleN(noise.FromSeed(g, 3), 200_000)
		half := MulScalar(ReduceSum(Square(truth(x)), -1), .5)
		return Sub(Add(score.Implicit()(nil, curved, x), half), score.Explicit(truth)(nil, curved, x))
	})
	c.MC("E7.7 the same by samples", gaps, 0, .02*explicit)
}

// TestImplicitPointwise holds the trace against the Jacobian by hand.
func TestImplicitPointwise(t *testing.T) {
	points := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	got := backendtest.Floats(t, func(x *Node) *Node { return score.Implicit()(nil, curved, x) }, points)
	for i, p := range points {
		j, th, s := curvedJacobian(p[0], p[1]), math.Tanh(.8*p[0]-.5*p[1]), p[0]*math.Sin(p[1])
		check.T(t).Near("tr ∇s + ½‖s‖²", got[i], j[0][0]+j[1][1]+(th*th+s*s)/2, 1e-14)
	}
}

// TestSliced holds vᵀ∇s v against the trace in the mean, and its variance for a symmetric part A of the Jacobian against
// 2Σ A²ᵢⱼ for Gaussian v and 2Σ_{i≠j} A²ᵢⱼ for Rademacher v, each divided by the number of projections.
func TestSliced(t *testing.T) {
	const n, a, b = 100_000, .9, -1.1
	j := curvedJacobian(a, b)
	off := (j[0][1] + j[1][0]) / 2
	for _, c := range []struct {
		name     string
		probe    score.Probe
		k        int
		variance float64
	}{
		{"Gaussian v", score.Gaussian, 1, 2 * (j[0][0]*j[0][0] + j[1][1]*j[1][1] + 2*off*off)},
		{"three Gaussian v", score.Gaussian, 3, 2 * (j[0][0]*j[0][0] + j[1][1]*j[1][1] + 2*off*off) / 3},
		{"Rademacher v", score.Rademacher, 1, 4 * off * off},
		{"two Rademacher v, by default", nil, 2, 2 * off * off},
	} {
		gaps := backendtest.Floats(t, func(g *Graph) *Node {
			x := BroadcastToDims(Const(g, [][]float64{{a, b}}), n, 2)
			return Sub(score.Sliced(c.k, c.probe)(noise.FromSeed(g, 8), curved, x), score.Implicit()(nil, curved, x))
		})
		check.T(t).MC("E7.8 vᵀ∇s v has the trace as its mean: "+c.name, gaps, 0, 1.05*math.Sqrt(c.variance/n))
		squares := make([]float64, n)
		for i, gap := range gaps {
			squares[i] = gap * gap
		}
		check.T(t).MC("E7.8 its variance: "+c.name, squares, c.variance, .03*c.variance)
	}
}

// TestProbes holds mean, variance and, for Rademacher, the values.
func TestProbes(t *testing.T) {
	for name, probe := range map[string]score.Probe{"Gaussian": score.Gaussian, "Rademacher": score.Rademacher} {
		v := backendtest.Floats(t, func(g *Graph) *Node { return probe(noise.FromSeed(g, 2), Zeros(g, shape(50_000, 2))) })
		squares := make([]float64, len(v))
		for i := range v {
			squares[i] = v[i] * v[i]
			if name == "Rademacher" && squares[i] != 1 {
				t.Fatalf("Rademacher drew %g, expected 1 or −1", v[i])
			}
		}
		check.T(t).MC(name+" mean", v, 0, .005)
		check.T(t).MC(name+" variance", squares, 1, .01)
	}
}

// TestDenoising holds the constant between Denoising and Explicit for the noisy law, for data N(0, 1) and several k and σ: an
// integral over data and noise.
func TestDenoising(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	for _, sigma := range []float64{.5, 2} {
		for _, k := range []float64{.6, -1, 1 / (1 + sigma*sigma)} {
			v := 1 + sigma*sigma
			denoising := check.Integral2(b, func(z *Node) *Node {
				x, eps := Slice(z, AxisRange(), AxisElem(0)), Slice(z, AxisRange(), AxisElem(1))
				loss := score.Denoising(level(sigma), times(z, sigma))(noise.Fixed(eps), linear(k), x)
				return Mul(Mul(normalPDF(x, 1), normalPDF(eps, 1)), loss)
			}, [2]float64{-10, -10}, [2]float64{10, 10})
			explicit := mean(t, score.Explicit(linear(1/v)), linear(k), v)
			c.Near(fmt.Sprintf("E7.9 denoising less explicit, σ = %g, k = %.3g", sigma, k), denoising-explicit, (1/(sigma*sigma)-1/v)/2, 1e-9)
			if sigma == .5 && k == .6 {
				c.Near("E7.9 explicit, σ = 0.5, k = 0.6", explicit, .025, 1e-9)
				c.Near("E7.9 denoising, σ = 0.5, k = 0.6", denoising, 1.625, 1e-9)
			}
		}
	}
}

// TestDenoisingTarget holds one value by hand, for a process that shrinks: t = 0.5 of α = 0.6, σ = 0.8.
func TestDenoisingTarget(t *testing.T) {
	got := backendtest.Floats(t, func(x, eps *Node) *Node {
		return score.Denoising(shrinking, times(x, .5))(noise.Fixed(eps), linear(2), x)
	}, [][]float64{{1.5, -1}}, [][]float64{{.3, -.7}})
	want := 0.
	for i, x := range []float64{1.5, -1} {
		eps := []float64{.3, -.7}[i]
		s, target := -2*(.6*x+.8*eps), -eps/.8
		want += (s - target) * (s - target) / 2
	}
	check.T(t).Near("½‖s(x_t) + ε/σ‖²", got, []float64{want}, 1e-14)
}

// TestExplicitPerExample holds the loss of each row, and events of two axes.
func TestExplicitPerExample(t *testing.T) {
	got := backendtest.Floats(t, func(x *Node) *Node { return score.Explicit(linear(1))(nil, linear(3), x) },
		[][][]float64{{{1, 2}, {0, 1}}, {{3, 0}, {0, 0}}})
	check.T(t).Near("½·4‖x‖²", got, []float64{12, 18}, 1e-15)
	got = backendtest.Floats(t, func(x *Node) *Node { return score.Implicit()(nil, linear(3), x) },
		[][][]float64{{{1, 2}, {0, 1}}, {{3, 0}, {0, 0}}})
	check.T(t).Near("−4·3 + ½·9‖x‖²", got, []float64{15, 28.5}, 1e-14)
}

func TestErrors(t *testing.T) {
	wide := func(x *Node) *Node { return Concatenate([]*Node{x, x}, -1) }
	law := func(x *Node) *Node { return dist.StandardNormal(x).Score(x) }
	src, chain := noise.Fixed(), process.Process{Schedule: process.NewDiscrete(.1, .2), TMin: 1, TMax: 2}
	for want, f := range map[string]func(x *Node) *Node{
		"score.Explicit: the score of x (Float64)[2, 1] has shape (Float64)[2, 2]": func(x *Node) *Node { return score.Explicit(law)(src, wide, x) },
		"score.Explicit's truth: the score of x":                                   func(x *Node) *Node { return score.Explicit(wide)(src, law, x) },
		"score.Implicit: the score of x":                                           func(x *Node) *Node { return score.Implicit()(src, wide, x) },
		"score.Sliced: 0 projections":                                              func(x *Node) *Node { return score.Sliced(0, nil)(src, law, x) },
		"score.Sliced: the score of x":                                             func(x *Node) *Node { return score.Sliced(1, constant)(src, wide, x) },
		"score.Denoising: the score of x":                                          func(x *Node) *Node { return score.Denoising(level(1), times(x, 1))(noise.Fixed(x), wide, x) },
		"score.Objective.Loss: the score of x": func(x *Node) *Node {
			return objective(nil).Loss(noise.Fixed(x, x), func(x, _ *Node) *Node { return wide(x) }, x)
		},
		"score.Objective: no Times with a Discrete schedule": func(x *Node) *Node {
			return score.Objective{Process: chain}.Loss(noise.Fixed(x, x), zero, x)
		},
		"score.Objective: Times[1] = 1.5 of a Discrete schedule": func(x *Node) *Node {
			return score.Objective{Process: chain, Times: []float64{1, 1.5}}.Loss(noise.Fixed(x, x), zero, x)
		},
		"score.Objective: Times[1] = 9, expected a time between TMin = 0.5 and 2": func(x *Node) *Node { return objective([]float64{1, 9}).Loss(noise.Fixed(x, x), zero, x) },
	} {
		err := backendtest.Err(t, f, [][]float64{{.1}, {.2}})
		for _, part := range strings.Split(want, " and ") {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q, expected %q in it", err, part)
			}
		}
	}
}

func constant(_ noise.Source, like *Node) *Node { return OnesLike(like) }
