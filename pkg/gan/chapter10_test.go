package gan_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

var log4 = math.Log(4)

func TestE102(t *testing.T) {
	// D says ½ and ¾ of two data points, ⅓ and ⅘ of two fakes.
	data, fakes := []float64{0, math.Log(3)}, []float64{-math.Log(2), math.Log(4)}
	on := func(f func(data, fakes *Node) *Node) float64 { return backendtest.Floats(t, f, data, fakes)[0] }
	value := (math.Log(.5) + math.Log(.75) + math.Log(1-1./3) + math.Log(1-.8)) / 2
	t.Run("E10.2 the value on four points, by hand", func(t *testing.T) {
		c := check.T(t)
		c.Near("E10.2 V", on(gan.Value), value, a64)
		for _, loss := range []gan.Loss{gan.Minimax, gan.NonSaturating} {
			c.Near("E10.2 D minimises −V", on(loss.Discriminator), -value, a64)
		}
		second := (math.Log(1-1./3) + math.Log(1-.8)) / 2
		c.Near("E10.2 G minimises V's second term", on(func(_, fakes *Node) *Node { return gan.Minimax.Generator(fakes) }), second, a64)
		c.Near("E10.2 the accuracy: ½ and 1 of the data, 1 and 0 of the fakes", on(gan.Accuracy), (.75+.5)/2, a64)
		c.Near("E10.2 and with two of three fakes found", backendtest.Floats(t, gan.Accuracy, []float64{1}, []float64{-1, -2, 3}), (1+2./3)/2, a64)
	})
	t.Run("E10.5 and Wasserstein's losses on them", func(t *testing.T) {
		c := check.T(t)
		c.Near("E10.5 G minimises −log D", on(func(_, fakes *Node) *Node { return gan.NonSaturating.Generator(fakes) }), -(math.Log(1./3)+math.Log(.8))/2, a64)
		c.Near("the critic", on(gan.Wasserstein.Discriminator), (math.Log(4)-math.Log(2)-math.Log(3))/2, a64)
		c.Near("its generator", on(func(_, fakes *Node) *Node { return gan.Wasserstein.Generator(fakes) }), -math.Log(2)/2, a64)
	})
	t.Run("E10.2 logits of any size stay finite", func(t *testing.T) {
		check.T(t).Near("E10.2 V", on(func(data, fakes *Node) *Node { return gan.Value(MulScalar(data, -1e4), MulScalar(fakes, 1e4)) }),
			-1e4*(math.Log(3)+math.Log(4))/2-math.Log(2)/2, a64)
	})
}

func TestE103(t *testing.T) {
	xs := []float64{-3, -.5, 0, 1, 2.25, 6}
	for _, d := range distances {
		t.Run(fmt.Sprintf("E10.3 the best D for N(0, 1) and N(%g, 1)", d), func(t *testing.T) {
			got := check.Eval(backendtest.Open(t), between(d, func(p, q dist.LogProber, x *Node) *Node { return Sigmoid(gan.Optimal(p, q)(x)) }), xs)
			for i, x := range xs {
				check.T(t).Near("E10.3 D* = p/(p+q) = σ(d(d/2 − x))", got[i], 1/(1+math.Exp(-d*(d/2-x))), a64)
				p, q := distuv.UnitNormal.Prob(x), distuv.Normal{Mu: d, Sigma: 1}.Prob(x)
				best := -p*math.Log1p(math.Exp(-d*(d/2-x))) - q*math.Log1p(math.Exp(d*(d/2-x)))
				for _, other := range []float64{.9 * got[i], .9*got[i] + .1} {
					check.T(t).True("E10.3 and no other value does better at x", p*math.Log(other)+q*math.Log1p(-other) <= best, fmt.Sprint(x))
				}
			}
		})
	}
	t.Run("E10.3 logistic regression finds it", func(t *testing.T) {
		for _, d := range []float64{.5, 1, 2} {
			r, err := gan.Best(gan.Linear, normalPoints(0, 1), normalPoints(d, 1))
			if err != nil {
				t.Fatal(err)
			}
			check.T(t).Near("E10.3 its weights are d²/2 and −d", r.Weights, []float64{d * d / 2, -d}, 1e-8)
			check.T(t).Near("E10.3 its logit", r.Logit([]float64{3}), d*(d/2-3), 1e-8)
		}
	})
}

func TestE104(t *testing.T) {
	golden := map[float64][3]float64{0: {0, -1.3862943611, 0}, 1: {.1114214822, -1.1634513968, .5}, 2: {.3368308203, -.7126327204, 2},
		4: {.6327201937, -.1208539736, 8}, 8: {.6930536455, -.0001870702, 32}}
	for _, d := range distances {
		t.Run(fmt.Sprintf("E10.4 the value of the best D, means %g apart", d), func(t *testing.T) {
			c, want := check.T(t), golden[d]
			value := integral(t, d, func(p, q dist.LogProber, x *Node) *Node { return gan.Integrand(p, q, gan.Optimal(p, q))(x) })
			jsd := integral(t, d, func(p, q dist.LogProber, x *Node) *Node { return gan.JensenShannon(p, q)(x) })
			c.Near("E10.4 JSD", jsd, want[0], units(want[0], 10))
			c.Near("E10.4 V(D*)", value, want[1], units(want[1], 10))
			c.Near("E10.4 V(D*) = −log 4 + 2 JSD", value, -log4+2*jsd, 1e-8)
			kl := integral(t, d, func(p, q dist.LogProber, x *Node) *Node { return Mul(Exp(p.LogProb(x)), gan.Optimal(p, q)(x)) })
			c.Near("E10.4 KL = E_p of the best logit", kl, want[2], 1e-8)
		})
	}
	t.Run("E10.4 the same by plain Go", func(t *testing.T) {
		p, q := distuv.UnitNormal, distuv.Normal{Mu: 2, Sigma: 1}
		jsd := check.IntegralFn(func(x float64) float64 {
			m := (p.Prob(x) + q.Prob(x)) / 2
			return (p.Prob(x)*math.Log(p.Prob(x)/m) + q.Prob(x)*math.Log(q.Prob(x)/m)) / 2
		}, -12, 14)
		check.T(t).Near("E10.4 JSD", jsd, .3368308203, units(.3, 10))
	})
	t.Run("E10.9 disjoint supports: the JSD is flat, the KL is not", func(t *testing.T) {
		c := check.T(t)
		jsd := func(d float64) float64 {
			return integral(t, d, func(p, q dist.LogProber, x *Node) *Node { return gan.JensenShannon(p, q)(x) })
		}
		c.Near("E10.9 JSD at 20", jsd(20), .6931471806, units(.7, 10))
		c.Less("E10.9 from 8 on it has less than 1e-4 to gain", math.Ln2-jsd(8), 1e-4)
		c.Less("E10.9 its slope at 12", math.Abs(check.Derivative(jsd, 12)), 1e-7)
		kl := func(d float64) float64 {
			return integral(t, d, func(p, q dist.LogProber, x *Node) *Node { return Mul(Exp(p.LogProb(x)), gan.Optimal(p, q)(x)) })
		}
		c.Near("E10.9 while that of the KL is d", check.Derivative(kl, 12), 12, 1e-7)
	})
}

func TestE105(t *testing.T) {
	const d = 8.
	slopes := func(term gan.Loss, xs []float64) []float64 {
		return check.Derivatives(backendtest.Open(t), func(x *Node) *Node {
			// The term of one fake each: a row of its own.
			l := between(d, func(p, q dist.LogProber, x *Node) *Node { return gan.Optimal(p, q)(x) })(x)
			rows := make([]*Node, x.Shape().Dimensions[0])
			for i := range rows {
				rows[i] = term.Generator(Slice(l, AxisElem(i)))
			}
			return Stack(rows, 0)
		}, xs)
	}
	t.Run("E10.5 slopes at the best D, means 8 apart", func(t *testing.T) {
		c := check.T(t)
		D := 1 / (1 + math.Exp(32))
		exact := func(loss gan.Loss) float64 {
			return backendtest.Floats(t, func(x *Node) *Node {
				p, q := normal(x, 0), normal(x, d)
				return Gradient(loss.Generator(gan.Optimal(p, q)(x)), x)[0]
			}, column(8))[0]
		}
		c.Near("E10.5 minimax, 1e13 times d·D", exact(gan.Minimax)*1e13, 1.013, units(1, 3))
		c.Near("E10.5 minimax: d·D", exact(gan.Minimax)/(d*D), 1, a64)
		c.Near("E10.5 non-saturating: d(1 − D)", exact(gan.NonSaturating), 8, a64)
		c.Near("E10.5 their ratio is D/(1 − D)", exact(gan.Minimax)/exact(gan.NonSaturating)/(D/(1-D)), 1, a64)
	})
	t.Run("E10.5 by differences, where both are large enough", func(t *testing.T) {
		xs := []float64{3, 4, 5}
		minimax, other := slopes(gan.Minimax, xs), slopes(gan.NonSaturating, xs)
		for i, x := range xs {
			D := 1 / (1 + math.Exp(-d*(d/2-x)))
			check.T(t).Near("E10.5 minimax: d·D", minimax[i], d*D, 1e-7)
			check.T(t).Near("E10.5 non-saturating: d(1 − D)", other[i], d*(1-D), 1e-7)
		}
	})
}

// The generators of E10.7, with the data N(0, 1): perfect, shifted, too narrow, and two humps with the data's mean and variance.
func generators(shift float64) map[string]gan.Points {
	const apart = .95
	s := math.Sqrt(1 - apart*apart)
	left, right := distuv.Normal{Mu: -apart, Sigma: s}, distuv.Normal{Mu: apart, Sigma: s}
	return map[string]gan.Points{"perfect": normalPoints(0, 1), "shifted": normalPoints(shift, 1), "narrow": normalPoints(0, .5),
		"two humps": quadrature(func(x float64) float64 { return (left.Prob(x) + right.Prob(x)) / 2 }, -5, 5)}
}

func best(t *testing.T, see gan.Features, q gan.Points) gan.Response {
	t.Helper()
	r, err := gan.Best(see, normalPoints(0, 1), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestE107(t *testing.T) {
	t.Run("E10.7 a blind D gives every G the value of a perfect game", func(t *testing.T) {
		for name, q := range generators(1) {
			check.T(t).Near("E10.7 V of a blind D, G "+name, best(t, gan.Blind, q).Value, -log4, a64)
		}
		for _, d := range distances {
			value := integral(t, d, func(p, q dist.LogProber, x *Node) *Node {
				return gan.Integrand(p, q, func(x *Node) *Node { return ZerosLike(p.LogProb(x)) })(x)
			})
			check.T(t).Near("E10.7 V of D = ½", value, -log4, 1e-8)
		}
	})
	golden := []float64{.5, .6914624613, .8413447461, .9772498681, .9999683288}
	for i, d := range distances {
		t.Run(fmt.Sprintf("E10.7 the accuracy of a perfect D, means %g apart, is Φ(d/2)", d), func(t *testing.T) {
			c := check.T(t)
			c.Near("E10.7 Φ(d/2)", distuv.UnitNormal.CDF(d/2), golden[i], units(.5, 10))
			// The quantiles of both laws: a share of n of them is right to 1/n.
			const n = 20_000
			data, fakes := make([]float64, n), make([]float64, n)
			for k := range data {
				data[k] = distuv.UnitNormal.Quantile((float64(k) + .5) / n)
				fakes[k] = d + data[k]
			}
			accuracy := backendtest.Floats(t, func(data, fakes *Node) *Node {
				logit := between(d, func(p, q dist.LogProber, x *Node) *Node { return gan.Optimal(p, q)(x) })
				return gan.Accuracy(logit(data), logit(fakes))
			}, data, fakes)[0]
			c.Near("E10.7 of gan.Accuracy", accuracy, golden[i], 1./n)
		})
	}
	t.Run("E10.7 the same loss, another generator", func(t *testing.T) {
		c := check.T(t)
		narrow := best(t, gan.Quadratic, generators(1)["narrow"])
		lo, hi := 0., 4.
		for range 60 { // the shift that a linear D sees as well as a quadratic one sees the narrow law
			if middle := (lo + hi) / 2; best(t, gan.Linear, normalPoints(middle, 1)).Value < narrow.Value {
				lo = middle
			} else {
				hi = middle
			}
		}
		laws := generators(lo)
		c.Near("E10.7 a linear D and a shift, a quadratic D and a narrow law", best(t, gan.Linear, laws["shifted"]).Value, narrow.Value, 1e-9)
		c.Near("E10.7 a linear D sees no narrow law", best(t, gan.Linear, laws["narrow"]).Value, -log4, 1e-9)
		c.Near("E10.7 a quadratic one sees no humps", best(t, gan.Quadratic, laws["two humps"]).Value, -log4, 1e-6)
		c.Less("E10.7 it does see the narrow law", -log4+.1, narrow.Value)
		draw := func(mean, std float64, seed uint64) (x [][]float64) {
			rng := rand.New(rand.NewPCG(107, seed))
			for range 2000 {
				x = append(x, []float64{mean + std*rng.NormFloat64()})
			}
			return x
		}
		data := draw(0, 1, 1)
		c.Less("E10.7 the MMD tells the two apart", 1.3*metric.MMD2(data, draw(0, .5, 2), 1), metric.MMD2(data, draw(lo, 1, 3), 1))
		c.Less("E10.7 and finds the perfect one", metric.MMD2(data, draw(0, 1, 4), 1), .1*metric.MMD2(data, draw(0, .5, 2), 1))
	})
}

func TestE108(t *testing.T) {
	rng := rand.New(rand.NewPCG(108, 0))
	var data gan.Points
	mean := []float64{0, 0}
	const n = 500
	for range n { // a lopsided law in the plane
		x := []float64{rng.ExpFloat64(), rng.NormFloat64()}
		x[1] += x[0] * x[0]
		data.X = append(data.X, x)
		mean[0], mean[1] = mean[0]+x[0]/n, mean[1]+x[1]/n
	}
	point := gan.Points{X: [][]float64{mean}}
	linear, err := gan.Best(gan.Linear, data, point)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("E10.8 no linear D sees a point at the mean", func(t *testing.T) {
		c := check.T(t)
		c.Near("E10.8 the best V", linear.Value, -log4, a64)
		c.Near("E10.8 its gradient is ½(E_p x − E_q x) = 0", linear.Gradient, 0, a64)
		for range 50 { // V(w) ≤ log σ(w·x̄) + log σ(−w·x̄) ≤ −log 4 by Jensen
			w := []float64{rng.NormFloat64(), 3 * rng.NormFloat64(), rng.NormFloat64()}
			logit := func(x []float64) float64 { return w[0] + w[1]*x[0] + w[2]*x[1] }
			value := math.Log(1 - 1/(1+math.Exp(-logit(mean))))
			for _, x := range data.X {
				value -= math.Log1p(math.Exp(-logit(x))) / n
			}
			c.True("E10.8 any other D has a lower V", value <= -log4+1e-12, fmt.Sprint(value))
		}
	})
	t.Run("E10.8 means that differ are seen", func(t *testing.T) {
		r, err := gan.Best(gan.Linear, data, gan.Points{X: [][]float64{{mean[0] + .3, mean[1]}}})
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Less("E10.8 the best V is above −log 4", -log4+1e-3, r.Value)
	})
	t.Run("E10.8 a D that sees squares finds the point", func(t *testing.T) {
		r, err := gan.Best(gan.Quadratic, data, point)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Less("E10.8 the best V", -.5, r.Value)
	})
}
