package vdm_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// head is the denoiser as a network that predicts kind.
func head(m vdm.VDM, k param.Kind) vdm.Head {
	return vdm.Head{Kind: k, Net: param.Predict(m.Process, k, m.Denoise)}
}

// given is a time law that looks at the places u, each with weight 1.
func given(u ...float64) vdm.TimeLaw {
	return func(_ noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (*Node, *Node) {
		at := Reshape(ConstAsDType(g, dtype, u), dims...)
		return at, OnesLike(at)
	}
}

func TestEstimateIsUnbiased(t *testing.T) {
	m, c := exact(d4, gd), check.T(t)
	for _, k := range param.Kinds {
		each := make([]float64, 3)
		for i := range each { // the i-th third of [0, 1) is step t = i+2; the error is quadratic in ε
			law := moments(t, 1, func(eps []*Node) []*Node {
				u := make([]float64, eps[0].Shape().Dimensions[0])
				for j := range u {
					u[j] = (float64(i) + float64(j)/float64(len(u))) / 3
				}
				return []*Node{m.Matching(noise.Fixed(eps[0]), OnesLike(eps[0]), vdm.Objective{Head: head(m, k), Times: given(u...)})}
			})
			each[i] = law[0].mean
		}
		want := []float64{3 * .3955078125, 3 * .0868626498, 3 * .0213250427}
		c.Near("E5.34 T−1 times the term at t, by "+k.String(), each, want, 1e-9)
	}
	terms := backendtest.Call(t, func(g *Graph) []*Node {
		e := m.Estimate(noise.FromSeed(g, 3), Ones(g, vdmShape(100_000, 1)), vdm.Objective{Head: head(m, param.Eps)})
		loss := m.Loss(noise.FromSeed(g, 3), Ones(g, vdmShape(100_000, 1)), vdm.Objective{Head: head(m, param.Eps)})
		return []*Node{e.Recon, e.Prior, e.Matching, e.Bound(), Neg(loss)}
	})
	c.Near("E5.34 the loss is minus the bound", terms[4], terms[3], 1e-12)
	c.MC("E5.34 one random t: the matching term", check.Floats(terms[2]), .3955078125+.0868626498+.0213250427, .01)
	c.MC("E5.34 the whole bound", check.Floats(terms[3]), -.8128320140600969, .01)
	c.MC("E5.12 its reconstruction", check.Floats(terms[0]), -.1290818059, .01)
	c.Near("E5.19 its prior", terms[1], .1800547032, printed)
}

func TestWeights(t *testing.T) {
	m := exact(d4, gm)
	m.Denoise = func(xt, t *Node) *Node { return Sin(xt) }
	x0, eps := column(.4, -1, 2), column(.3, -.8, 1.1)
	u := given(0, .5, .9) // t = 2, 3, 4
	out := backendtest.Call(t, func(x0, eps *Node) (nodes []*Node) {
		for _, k := range param.Kinds {
			nodes = append(nodes, m.Matching(noise.Fixed(eps), x0, vdm.Objective{Head: head(m, k), Times: u}))
		}
		for _, k := range param.Kinds {
			nodes = append(nodes, m.Matching(noise.Fixed(eps), x0, vdm.Objective{Head: head(m, k), Times: u, Weight: vdm.Simple}))
		}
		return nodes
	}, x0, eps)
	var miss []float64
	for i := range 3 {
		xt := math.Sqrt(bar[i+2])*x0[i][0] + math.Sqrt(1-bar[i+2])*eps[i][0]
		miss = append(miss, math.Pow(math.Sin(xt)-x0[i][0], 2))
	}
	for i, k := range param.Kinds {
		var bound, simple []float64
		for j, w := range []float64{3.2142857143, .7776497696, .2913213969} {
			a, s := math.Sqrt(bar[j+2]), math.Sqrt(1-bar[j+2])
			slope := map[param.Kind]float64{param.X0: 1, param.Eps: s / a, param.Score: s * s / a, param.V: s}[k]
			bound = append(bound, 3*w*miss[j])
			simple = append(simple, 3*miss[j]/(slope*slope))
		}
		check.T(t).Near("E5.55 the bound's weight by "+k.String(), out[i], bound, 1e-9)
		check.T(t).Near("E5.56 no weight in the unit of "+k.String(), out[4+i], simple, 1e-9)
	}
}

// limit is ½ log[(1+v₀S_max)/(1+v₀S_min)] for λ from 10 to −10.
var limit = .5 * math.Log((1+.5*math.Exp(10))/(1+.5*math.Exp(-10)))

// linear and cubic are two ways from λ = 10 to −10.
var (
	linear = process.Process{Schedule: process.LogSNRLinear{Max: 10, Min: -10}, TMax: 1}
	cubic  = process.Process{TMax: 1, Schedule: process.Learned(func(t *Node) *Node {
		u := OneMinus(MulScalar(t, 2))
		return MulScalar(Mul(u, Square(u)), 10)
	})}
)

// matchingAt returns the expectation of the continuous estimate over ε and x₀ ~ gd, or of its square, at each place u
// between two times: nine Gauss–Hermite points integrate polynomials of two normals exactly up to degree 5 in each.
func matchingAt(p process.Process, from, to float64, second bool) func(u *Node) *Node {
	node, weight := []float64{-math.Sqrt(3), 0, math.Sqrt(3)}, []float64{1. / 6, 2. / 3, 1. / 6}
	m := bestModel(p, []float64{from, to}, gd)
	o := vdm.Objective{Head: head(m, param.Eps), Continuous: true}
	return func(u *Node) *Node {
		total := ZerosLike(u)
		column := ExpandAxes(u, -1)
		o.Times = func(_ noise.Source, _ *Graph, _ dtypes.DType, _ ...int) (*Node, *Node) {
			return column, OnesLike(column)
		}
		for i := range node {
			for j := range node {
				x0 := AddScalar(ZerosLike(column), 1+math.Sqrt(.5)*node[i])
				value := m.Matching(noise.Fixed(AddScalar(ZerosLike(column), node[j])), x0, o)
				if second {
					value = Square(value)
				}
				total = Add(total, MulScalar(value, weight[i]*weight[j]))
			}
		}
		return total
	}
}

func TestContinuousTime(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	c.Near("E5.48 the estimate's expectation", check.Integral(b, matchingAt(linear, 0, 1, false), 0, 1), limit, 1e-8)
	c.Near("E5.49 by another path", check.Integral(b, matchingAt(cubic, 0, 1, false), 0, 1), limit, 1e-8)
	inner := .5 * math.Log((1+.5*math.Exp(6))/(1+.5*math.Exp(-8))) // λ(.2) = 6, λ(.9) = −8
	c.Near("E5.48 between two latents inside the range", check.Integral(b, matchingAt(linear, .2, .9, false), 0, 1), inner, 1e-8)
	variance := func(p process.Process) float64 {
		return check.Integral(b, matchingAt(p, 0, 1, true), 0, 1) - limit*limit
	}
	flat, steep := variance(linear), variance(cubic)
	t.Logf("variance of one estimate: %g for λ linear in t, %g for the cubic", flat, steep)
	c.Less("E5.49 the estimate's variance is the path's", 1.5*flat, steep)
	m := bestModel(linear, []float64{0, 1}, gd)
	draws := backendtest.Call(t, func(g *Graph) (nodes []*Node) {
		x0 := AddScalar(MulScalar(noise.FromSeed(g, 1).RandomNormal(g, vdmShape(80_000, 1)), math.Sqrt(.5)), 1)
		for _, k := range []param.Kind{param.X0, param.Eps} {
			o := vdm.Objective{Head: head(m, k), Continuous: true}
			nodes = append(nodes, m.Matching(noise.FromSeed(g, 2), x0, o))
		}
		return nodes
	})
	c.Near("E5.48 in x̂₀ and in ε̂, draw by draw", draws[0], draws[1], 1e-8)
	c.MC("E5.48 drawn", check.Floats(draws[0]), limit, .05)
	z := (check.SE(check.Floats(draws[0]))*check.SE(check.Floats(draws[0]))*80_000 - flat) / flat
	c.True("E5.49 and its variance as by quadrature", math.Abs(z) < .2, fmt.Sprintf("relative difference %.3f", z))
}

// Every law of t is what it says: u has the density, and 1/r undoes it.
func TestTimeLaws(t *testing.T) {
	c := check.T(t)
	half := vdm.Mix(given(grid(2000)...), vdm.Flat, vdm.Cosine(13.3, -5))
	out := backendtest.Call(t, func(g *Graph) (*Node, *Node, *Node) {
		u, inverse := half(nil, g, dtypes.Float64, 2000, 1)
		return u, inverse, Mul(inverse, Square(u))
	})
	c.Near("E5.34 E 1/r = 1", check.Mean(check.Floats(out[1])), 1, 2e-5)
	c.Near("E5.34 E u²/r = ∫u²", check.Mean(check.Floats(out[2])), 1./3, 2e-5)
	u, inverse := check.Floats(out[0]), check.Floats(out[1])
	c.Near("the first half is flat", u[:1000], grid(1000), 1e-12)
	lambda := func(u float64) float64 { return 13.3 - 18.3*u }
	var angle, want []float64
	lo, hi := math.Atan(math.Exp(-13.3/2)), math.Atan(math.Exp(2.5))
	for i, v := range grid(1000) {
		angle = append(angle, math.Atan(math.Exp(-lambda(u[1000+i])/2)))
		want = append(want, lo+v*(hi-lo))
	}
	c.Near("the second spreads the cosine's angle evenly", angle, want, 1e-12)
	c.True("1/r is at most 2", slices.Max(inverse) <= 2, fmt.Sprint(slices.Max(inverse)))
	strata := backendtest.Floats(t, func(g *Graph) *Node {
		u, _ := vdm.Stratified(noise.FromSeed(g, 4), g, dtypes.Float64, 64, 1)
		return u
	})
	slices.Sort(strata)
	for i := range strata {
		strata[i] -= float64(i) / 64
	}
	c.Near("stratified: one u in each of 64 cells, at one place", strata, strata[0], 1e-12)
	c.True("inside the cell", strata[0] >= 0 && strata[0] < 1./64, fmt.Sprint(strata[0]))
	second := make([]float64, 200) // its law over seeds is U[0, 1)
	repeat(t, func(src noise.Source, g *Graph) *Node {
		u, _ := vdm.Stratified(src, g, dtypes.Float64, 2, 1)
		return Slice(u, AxisRange(1, 2))
	}, second)
	c.KS("each is uniform", second, func(x float64) float64 { return math.Min(1, math.Max(0, x)) }, 1e-7)
	m := bestModel(linear, []float64{0, 1}, gd)
	spread := func(law vdm.TimeLaw) float64 { // of the mean of 16 estimates
		means := make([]float64, 4000)
		repeat(t, func(src noise.Source, g *Graph) *Node {
			loss := m.Matching(src, Ones(g, vdmShape(16, 1)), vdm.Objective{Head: head(m, param.Eps), Continuous: true, Times: law})
			return ReduceAllMean(loss)
		}, means)
		return check.SE(means)
	}
	c.Less("E5.49 stratified times vary less", 1.05*spread(vdm.Stratified), spread(vdm.Uniform))
}

// repeat fills values with f's, each with fresh noise.
func repeat(t *testing.T, f func(src noise.Source, g *Graph) *Node, values []float64) {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), func(state *Node) (*Node, *Node) {
		src := noise.NewStream(state)
		value := f(src, state.Graph())
		return value, src.State()
	})
	if err != nil {
		t.Fatal(err)
	}
	state, err := RNGStateFromSeed(6)
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		out, err := exec.Call(state)
		if err != nil {
			t.Fatal(err)
		}
		values[i], state = check.Floats(out[0])[0], out[1]
	}
}

// grid is the middles of n equal cells of [0, 1].
func grid(n int) []float64 {
	u := make([]float64, n)
	for i := range u {
		u[i] = (float64(i) + .5) / float64(n)
	}
	return u
}

func TestLossOfBadHeads(t *testing.T) {
	m := exact(d4, gd)
	wide := vdm.Objective{Head: vdm.Head{Kind: param.Eps, Net: func(xt, t *Node) *Node { return Concatenate([]*Node{xt, xt}, 1) }}}
	for want, o := range map[string]vdm.Objective{
		"vdm.Matching: the head made shape (Float64)[2, 2] from x_t of shape (Float64)[2, 1]": wide,
		"vdm.Matching: the objective has no Head":                                             {},
		"param.Slope: Kind(7) is no kind":                                                     {Head: vdm.Head{Kind: 7, Net: m.Denoise}},
		"process.LogSNRRate: a Discrete schedule has no derivative":                           {Head: head(m, param.X0), Continuous: true},
	} {
		err := backendtest.Err(t, func(x *Node) *Node { return m.Loss(noise.FromSeed(x.Graph(), 1), x, o) }, column(1, 2))
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// The data are reached from x_1 by p(x_0|x_1), so that the infinite SNR at t = 0 is never asked for.
func TestFirstStep(t *testing.T) {
	m := exact(process.Process{Schedule: process.DDPM(1000, 1e-4, .02), TMax: 1000}, gm)
	out := backendtest.Call(t, func(g *Graph) []*Node {
		theta := Const(g, 1.)
		net := func(xt, t *Node) *Node { return Mul(theta, param.Predict(m.Process, param.Eps, m.Denoise)(xt, t)) }
		loss := m.Loss(noise.FromSeed(g, 7), Ones(g, vdmShape(2000, 1)), vdm.Objective{Head: vdm.Head{Kind: param.Eps, Net: net}})
		return []*Node{loss, Gradient(ReduceAllMean(loss), theta)[0]}
	})
	for _, v := range append(check.Floats(out[0]), check.Floats(out[1])...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("E5.46 a loss or gradient of %g", v)
		}
	}
	infinite := backendtest.Floats(t, func(g *Graph) *Node { return m.Process.SNRDrop(Const(g, 0.), Const(g, 1.)) })
	check.T(t).Near("E5.46 the weight that form 3 would have at t = 1", infinite, math.Inf(1), 0)
}

// What each part of the bound is, for chains of several lengths.
func TestShares(t *testing.T) {
	for _, T := range []int{4, 10, 50} {
		m := exact(chainOf(T), gd)
		law := meansOverData(t, m, func(x []*Node) []*Node {
			one, two := m.Form1(x), m.Form2(x)
			return []*Node{one.Recon, one.Prior, ReduceSum(one.Between, 0), Neg(two.Prior), Neg(two.Matching), two.Bound()}
		})
		t.Logf("T = %d: recon %.4f; form 1 prior %.4f, consistency %.4f; form 2 prior %.4f, matching %.4f; bound %.4f",
			T, law[0], law[1], law[2], law[3], law[4], law[5])
		check.T(t).Near("E5.15 the three parts of form 1 make the bound", law[0]+law[1]+law[2], law[5], a64)
	}
}

func chainOf(T int) process.Process {
	if T == 4 {
		return d4
	}
	scale := 10 / float64(T)
	return process.Process{Schedule: process.DDPM(T, .02*scale, math.Min(.6*scale, .6)), TMax: float64(T)}
}

// meansOverData is overData's means alone, from points ±√n on each axis.
func meansOverData(t *testing.T, m vdm.VDM, f func(x []*Node) []*Node) (means []float64) {
	t.Helper()
	n := m.T() + 1
	var points [][]float64
	for i := range n {
		for _, sign := range []float64{-1, 1} {
			p := make([]float64, n)
			p[i] = sign * math.Sqrt(float64(n))
			points = append(points, p)
		}
	}
	cut := func(in *Node) (columns []*Node) {
		for i := range n {
			columns = append(columns, Slice(in, AxisRange(), AxisRange(i, i+1)))
		}
		return columns
	}
	out := backendtest.Call(t, func(in []*Node) []*Node {
		eps := cut(in[0])
		return f(m.Path(noise.Fixed(eps[1:]...), AddScalar(MulScalar(eps[0], math.Sqrt(gd.Var[0])), gd.Mean[0])))
	}, points)
	for _, o := range out {
		means = append(means, check.Mean(check.Floats(o)))
	}
	return means
}
