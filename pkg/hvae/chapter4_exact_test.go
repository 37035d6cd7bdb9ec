package hvae_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// The fixture CH of the study notes, seen at x = 1: its log p(1), and the bound of the encoder of rough.
const (
	logP  = -1.473719848592447
	bound = -1.932053052534338
)

var ch = oracle.Chain{A2: 1.2, V1: .5, A1: .9, V0: .09}

// linear is the law N(a·y, v).
func linear(a, v float64) func(y *Node) dist.DiagNormal {
	return func(y *Node) dist.DiagNormal {
		return dist.DiagNormal{Mean: MulScalar(y, a), LogStd: ConstAs(y, [][]float64{{math.Log(v) / 2}})}
	}
}

// chain is CH with the encoder q(z₁|x), q(z₂|z₁).
func chain(q1, q2 func(y *Node) dist.DiagNormal) hvae.HVAE {
	return hvae.HVAE{
		Encode:  []func(*Node) dist.DiagNormal{q1, q2},
		Decode:  []func([]*Node) dist.DiagNormal{hvae.Markov(ch.Middle)},
		Observe: hvae.Markov(func(z *Node) dist.Likelihood { return ch.Given(z) }),
	}
}

// rough is CH with q(z₁|x) = N(.8x, .2) and q(z₂|z₁) = N(.5z₁, .3), exact with the posterior.
func rough() hvae.HVAE { return chain(linear(.8, .2), linear(.5, .3)) }
func exact() hvae.HVAE { return chain(ch.PosteriorMiddle, ch.PosteriorTop) }

// levels takes z [n, T] apart into z₁ … z_T, each [n, 1], and gives x = 1 as many rows.
func levels(z *Node) (x *Node, parts []*Node) {
	parts = Split(z, -1, z.Shape().Dimensions[1])
	return OnesLike(parts[0]), parts
}

// over integrates f of the two latents at x = 1.
func over(t *testing.T, f func(x *Node, z []*Node) *Node) float64 {
	t.Helper()
	return check.Integral2(backendtest.Open(t), func(z *Node) *Node { return f(levels(z)) }, [2]float64{-9, -9}, [2]float64{11, 9})
}

func TestChapter4Joint(t *testing.T) {
	c := check.T(t)
	c.Near("E4.3 the joint integrates over z₁ and z₂ to log p(1)", math.Log(over(t, func(x *Node, z []*Node) *Node {
		return Exp(rough().LogJoint(x, z))
	})), logP, 1e-8)
	c.Near("E4.3 which CH has in closed form", distuv.Normal{Sigma: math.Sqrt(.81*(1.44+.5) + .09)}.LogProb(1), logP, 1e-12)
	z1, z2 := .3, -.7
	by := distuv.UnitNormal.LogProb(z2) + distuv.Normal{Mu: 1.2 * z2, Sigma: math.Sqrt(.5)}.LogProb(z1) + distuv.Normal{Mu: .9 * z1, Sigma: .3}.LogProb(1)
	c.Near("E4.3 its factors at one point", backendtest.Floats(t, func(z *Node) *Node { return rough().LogJoint(levels(z)) }, [][]float64{{z1, z2}}), by, 1e-9)
}

func TestChapter4Posterior(t *testing.T) {
	c := check.T(t)
	// z₁ = .8 + √.2 ε₁ and z₂ = .5z₁ + √.3 ε₂ at x = 1.
	cov := mat.NewSymDense(2, []float64{.2, .1, .1, .05 + .3})
	at := [][]float64{{.3, -.7}, {1, 2}, {-4, 0}}
	got := backendtest.Call(t, func(z *Node) (*Node, *Node) {
		return rough().LogPosterior(levels(z)), dist.NewNormal(z.Graph(), []float64{.8, .4}, cov).LogProb(z)
	}, at)
	c.Near("E4.4 the product of two conditionals is a joint normal law", got[0], got[1], 1e-9)

	three := hvae.HVAE{
		Encode:  []func(*Node) dist.DiagNormal{linear(.8, .2), linear(.5, .3), linear(-2, .1)},
		Decode:  []func([]*Node) dist.DiagNormal{hvae.Markov(linear(1, 1)), hvae.Markov(linear(1, 1))},
		Observe: hvae.Markov(func(z *Node) dist.Likelihood { return linear(1, 1)(z) }),
	}
	cov3 := mat.NewSymDense(3, []float64{.2, .1, -.2, .1, .35, -.7, -.2, -.7, 4*.35 + .1})
	got = backendtest.Call(t, func(z *Node) (*Node, *Node) {
		return three.LogPosterior(levels(z)), dist.NewNormal(z.Graph(), []float64{.8, .4, -.8}, cov3).LogProb(z)
	}, [][]float64{{.3, -.7, 1}, {1, 2, -3}})
	c.Near("E4.4 and so is that of three", got[0], got[1], 1e-9)
	c.Differ("E4.4 z₃ does depend on z₁, through z₂", cov3.At(0, 2), 0, .1)
}

func TestChapter4Bound(t *testing.T) {
	c, h := check.T(t), rough()
	ratio := func(x *Node, z []*Node) *Node { return Sub(h.LogJoint(x, z), h.LogPosterior(x, z)) }
	underQ := func(f func(x *Node, z []*Node) *Node) func(x *Node, z []*Node) *Node {
		return func(x *Node, z []*Node) *Node { return Mul(Exp(h.LogPosterior(x, z)), f(x, z)) }
	}
	inserted := over(t, func(x *Node, z []*Node) *Node {
		q := Exp(h.LogPosterior(x, z))
		return Where(GreaterThan(q, ScalarZero(q.Graph(), q.DType())), Div(Mul(Exp(h.LogJoint(x, z)), q), q), ZerosLike(q))
	})
	outside := over(t, underQ(func(x *Node, z []*Node) *Node { return Exp(ratio(x, z)) }))
	c.Near("E4.5 line 1: log ∫p(x,z)dz", math.Log(over(t, func(x *Node, z []*Node) *Node { return Exp(h.LogJoint(x, z)) })), logP, 1e-8)
	c.Near("E4.5 line 2: with q/q inserted", math.Log(inserted), logP, 1e-8)
	c.Near("E4.5 line 3: log E_q[p/q]", math.Log(outside), logP, 1e-8)
	inside := over(t, underQ(ratio))
	c.Near("E4.5 the bound, E_q[log p/q]", inside, bound, 1e-8)
	// The gap is the KL of q's joint to the exact posterior's: two normal laws in the plane.
	m := ch.A1 / ch.V0 / (1/(ch.A2*ch.A2+ch.V1) + ch.A1*ch.A1/ch.V0)
	v, b2, v2 := m*ch.V0/ch.A1, .6185567010309279, .25773195876288657
	gap := backendtest.Floats(t, func(g *Graph) *Node {
		q := dist.NewNormal(g, []float64{.8, .4}, mat.NewSymDense(2, []float64{.2, .1, .1, .35}))
		p := dist.NewNormal(g, []float64{m, b2 * m}, mat.NewSymDense(2, []float64{v, b2 * v, b2 * v, b2*b2*v + v2}))
		return dist.KLNormal(q, p)
	})[0]
	c.Near("E4.5 log p(x) − bound = KL(q(z₁,z₂|x) ‖ p(z₁,z₂|x))", logP-inside, gap, 1e-8)
}

// draws returns n independent values of fn of the model at x = 1.
func draws(t *testing.T, n int, seed int64, fn func(src noise.Source, x *Node) []*Node) [][]float64 {
	t.Helper()
	out := backendtest.Call(t, func(g *Graph) []*Node {
		return fn(noise.FromSeed(g, seed), dist.Repeat(Const(g, [][]float64{{1}}), n))
	})
	values := make([][]float64, len(out))
	for i, o := range out {
		values[i] = check.Floats(o)
	}
	return values
}

func TestChapter4Expanded(t *testing.T) {
	const n = 200_000
	c, h := check.T(t), rough()
	t.Run("E4.6 one path: the sum of the factors' logarithms", func(t *testing.T) {
		eps1, eps2 := .3, -1.2
		z1 := .8 + math.Sqrt(.2)*eps1
		z2 := .5*z1 + math.Sqrt(.3)*eps2
		want := distuv.UnitNormal.LogProb(z2) + distuv.Normal{Mu: .9 * z1, Sigma: .3}.LogProb(1) +
			distuv.Normal{Mu: 1.2 * z2, Sigma: math.Sqrt(.5)}.LogProb(z1) -
			distuv.Normal{Mu: .8, Sigma: math.Sqrt(.2)}.LogProb(z1) - distuv.Normal{Mu: .5 * z1, Sigma: math.Sqrt(.3)}.LogProb(z2)
		got := backendtest.Call(t, func(e1, e2 *Node) []*Node {
			x := OnesLike(e1)
			z := h.Path(noise.Fixed(e1, e2), x)
			return []*Node{h.LogWeights(noise.Fixed(e1, e2), x, 1), Sub(h.LogJoint(x, z), h.LogPosterior(x, z))}
		}, [][]float64{{eps1}}, [][]float64{{eps2}})
		c.Near("E4.6 log-weight of a path", got[0], [][]float64{{want}}, 1e-9)
		c.Near("E4.6 log p(x,z) − log q(z|x) of the same path", got[1], want, 1e-9)
	})
	t.Run("E4.6 its mean is the bound", func(t *testing.T) {
		values := draws(t, n, 46, func(src noise.Source, x *Node) []*Node {
			levels := h.Levels(src, x, 1)
			return []*Node{Reshape(h.LogWeights(src, x, 1), -1), levels.Terms().Bound(), levels.Recon, levels.KL[0], levels.KL[1]}
		})
		c.MC("E4.6 single paths", values[0], bound, 5e-3)
		c.MC("E4.6 levels, with the top KL in closed form", values[1], bound, 5e-3)
		// Under q z₁ ~ N(.8, .2), and z₁ − 1.2z₂ ~ N(.32, .16·.2 + 1.44·.3).
		recon := -.5*math.Log(2*math.Pi*.09) - (math.Pow(1-.72, 2)+.81*.2)/.18
		middle := -.5*(1+math.Log(2*math.Pi*.2)) + .5*math.Log(2*math.Pi*.5) + (.32*.32 + .16*.2 + 1.44*.3)
		top := .5 * (.3 + .25*(.64+.2) - 1 - math.Log(.3))
		c.Near("E4.6 the three terms in closed form sum to the bound", recon-middle-top, bound, 1e-9)
		c.MC("E4.6 E_q log p(x|z₁)", values[2], recon, 5e-3)
		c.MC("E4.6 level 1", values[3], middle, 5e-3)
		c.MC("E4.6 level 2, a KL", values[4], top, 5e-3)
	})
	t.Run("E4.6 more paths, a higher bound", func(t *testing.T) {
		many := draws(t, 20_000, 47, func(src noise.Source, x *Node) []*Node {
			return []*Node{elbo.ImportanceWeighted(h.LogWeights(src, x, 100))}
		})[0]
		c.Less("E4.6 the bound of 100 paths is higher by far", bound+.4, check.Mean(many))
		c.Less("E4.6 and below log p(x)", check.Mean(many)-5*check.SE(many), logP)
	})
}

func TestChapter4ExactEncoder(t *testing.T) {
	c := check.T(t)
	stated := chain(linear(1.0509209101, .1050920910), linear(.6185567010, .2577319588))
	for name, h := range map[string]hvae.HVAE{"conjugate updates": exact(), "the printed numbers": stated} {
		tol := map[string]float64{"conjugate updates": 1e-12, "the printed numbers": 1e-8}[name]
		logW := draws(t, 1000, 47, func(src noise.Source, x *Node) []*Node { return []*Node{h.LogWeights(src, x, 1)} })[0]
		c.Near("E4.7 every path has the weight p(x): "+name, logW, logP, tol)
	}
	laws := backendtest.Floats(t, func(x *Node) *Node {
		q1, q2 := exact().Encode[0](x), exact().Encode[1](x)
		return Concatenate([]*Node{q1.Mean, q1.Variance(), q2.Mean, q2.Variance()}, -1)
	}, [][]float64{{1}})
	c.Near("E4.7 slopes and variances of the exact encoder", laws, []float64{1.0509209101, .1050920910, .6185567010, .2577319588}, 1e-10)
	c.Near("E4.7 a path's log-ratio, integrated: the bound is log p(1)", over(t, func(x *Node, z []*Node) *Node {
		return Mul(Exp(exact().LogPosterior(x, z)), Sub(exact().LogJoint(x, z), exact().LogPosterior(x, z)))
	}), logP, 1e-9)
}

func TestChapter4Sampling(t *testing.T) {
	const n = 200_000
	c := check.T(t)
	x := backendtest.Floats(t, func(g *Graph) *Node {
		return rough().Sample(noise.FromSeed(g, 48), dist.Repeat(Const(g, [][]float64{{0}}), n))
	})
	squares := make([]float64, n)
	for i, v := range x {
		squares[i] = v * v
	}
	c.MC("E4.8 Var x = .81(1.44 + .5) + .09", squares, 1.6614, .01)
	c.KS("E4.8 x ~ N(0, 1.6614)", x, distuv.Normal{Sigma: math.Sqrt(1.6614)}.CDF, 1e-6)
	c.Differ("E4.8 without z₂, from z₁ ~ N(0, .5)", stat.Variance(x, nil), .81*.5+.09, 1)
	given := backendtest.Call(t, func(g *Graph) []*Node {
		return rough().Descend(noise.FromSeed(g, 49), dist.Repeat(Const(g, [][]float64{{2}}), n))
	})
	c.Near("E4.8 a fixed level stays", given[1], 2, 0)
	c.KS("E4.8 the level below it is N(1.2·2, .5)", check.Floats(given[0]), distuv.Normal{Mu: 2.4, Sigma: math.Sqrt(.5)}.CDF, 1e-6)
}
