package dist_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// law builds a one-dimensional law in a graph.
type law func(g *Graph) dist.LogProber

func normal(mean, std float64) law {
	return func(g *Graph) dist.LogProber {
		return dist.DiagNormal{Mean: Const(g, [][]float64{{mean}}), LogStd: Const(g, [][]float64{{math.Log(std)}})}
	}
}

var gm = func(g *Graph) dist.LogProber { return mixtureGM(g) }

// mixtureGM is the fixture GM, 0.3 N(−2, 0.25) + 0.7 N(1, 0.16).
func mixtureGM(g *Graph) dist.Mixture {
	return dist.NewMixture(g, []float64{.3, .7}, [][]float64{{-2}, {1}}, [][]float64{{.25}, {.16}})
}

// cdfGM is GM's distribution function from gonum's erf.
func cdfGM(x float64) float64 {
	return .3*distuv.Normal{Mu: -2, Sigma: .5}.CDF(x) + .7*distuv.Normal{Mu: 1, Sigma: .4}.CDF(x)
}

// pdf returns the density of l as a function of x [n].
func (l law) pdf(x *Node) *Node { return Exp(l.logPDF(x)) }

func (l law) logPDF(x *Node) *Node { return l(x.Graph()).LogProb(InsertAxes(x, -1)) }

// times returns the integrand p(x) f(x).
func (l law) times(f func(x *Node) *Node) func(x *Node) *Node {
	return func(x *Node) *Node { return Mul(l.pdf(x), f(x)) }
}

// coins draws n tosses with P(1) = p in each of d columns.
func coins(t *testing.T, n, d int, p float64) []float64 {
	return backendtest.Floats(t, func(g *Graph) *Node {
		logits := BroadcastToDims(Scalar(g, dtypes.Float64, math.Log(p/(1-p))), n, d)
		return dist.Bernoulli{Logits: logits}.Sample(noise.FromSeed(g, 1))
	})
}

func TestDiscreteLaws(t *testing.T) {
	t.Run("E0.1 relative frequency tends to the probability", func(t *testing.T) {
		check.T(t).MC("E0.1 a million tosses with P = 0.3", coins(t, 1_000_000, 1, .3), .3, 4.7e-4)
	})
	t.Run("E0.2 a discrete law lists probabilities that sum to 1", func(t *testing.T) {
		const d, p = 10, .3
		outcomes := make([][]float64, 1<<d)
		heads := make([]int, len(outcomes))
		for n := range outcomes {
			for i := range d {
				outcomes[n] = append(outcomes[n], float64(n>>i&1))
				heads[n] += n >> i & 1
			}
		}
		logP := backendtest.Floats(t, func(x *Node) *Node {
			return dist.Bernoulli{Logits: AddScalar(ZerosLike(x), math.Log(p/(1-p)))}.LogProb(x)
		}, outcomes)
		binomial, want := make([]float64, d+1), make([]float64, d+1)
		for n, l := range logP {
			binomial[heads[n]] += math.Exp(l)
		}
		for k := range want {
			want[k] = float64(combin.Binomial(d, k)) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(d-k))
		}
		c := check.T(t)
		c.Near("E0.2 sum of Binomial(10, 0.3)", floats.Sum(binomial), 1, 1e-9)
		c.Near("E0.2 each entry is a binomial probability", binomial, want, 1e-9)
		const n = 1_000_000
		counts, tosses := make([]float64, d+1), coins(t, n, d, p)
		for i := range n {
			counts[int(floats.Sum(tosses[i*d:(i+1)*d]))]++
		}
		floats.Scale(n, want)
		c.ChiSquare("E0.2 a histogram of draws", counts, want, 1e-6)
	})
}

func TestDensities(t *testing.T) {
	b := backendtest.Open(t)
	laplace := distuv.Laplace{Mu: 0, Scale: 1}
	n := distuv.Normal{Mu: .7, Sigma: 1.3}
	t.Run("E0.3 a density is a limit of probabilities", func(t *testing.T) {
		h, err := []float64{.2, .1, .05}, make([]float64, 3)
		density := check.Eval(b, law(gm).pdf, []float64{.3})[0]
		for i := range h {
			err[i] = math.Abs((cdfGM(.3+h[i])-cdfGM(.3-h[i]))/(2*h[i]) - density)
		}
		check.T(t).Order("E0.3 P(x−h<X<x+h)/2h − f(x)", h, err, 2, .15)
		check.T(t).Less("E0.3 the probability of a point vanishes", cdfGM(.3+1e-12)-cdfGM(.3-1e-12), 1e-11)
	})
	t.Run("E0.4 a density is not negative and integrates to 1", func(t *testing.T) {
		c := check.T(t)
		for name, integral := range map[string]float64{
			"Gaussian": check.Integral(b, normal(.7, 1.3).pdf, -15, 15),
			"GM":       check.Integral(b, law(gm).pdf, -8, 6),
			"Laplace":  2 * check.IntegralFn(laplace.Prob, 0, 45),
		} {
			c.Near("E0.4 the integral of "+name, integral, 1, 1e-8)
		}
		// From +8 to −8: put x = −u, dx = −du.
		reversed := check.Integral(b, func(u *Node) *Node { return Neg(law(gm).pdf(Neg(u))) }, -8, 8)
		c.Near("E0.4 limits reversed", reversed, -1, 1e-8)
		c.Differ("E0.4 X1: integrated from +∞ to −∞", reversed, 1, 1.99)
		grid := floats.Span(make([]float64, 1001), -8, 6)
		c.True("E0.4 f ≥ 0", floats.Min(check.Eval(b, law(gm).pdf, grid)) >= 0, "at 1001 points")
	})
	t.Run("E0.5 the probability of an interval", func(t *testing.T) {
		c := check.T(t)
		c.Near("E0.5 P(−1<X<2)", check.Integral(b, normal(.7, 1.3).pdf, -1, 2), n.CDF(2)-n.CDF(-1), 1e-8)
		c.Near("E0.5 P(−1<X<2) under GM", check.Integral(b, law(gm).pdf, -1, 2), cdfGM(2)-cdfGM(-1), 1e-8)
		inside := drawsGM(t, 1_000_000)
		for i, x := range inside {
			inside[i] = 0
			if -1 < x && x < 1 {
				inside[i] = 1
			}
		}
		c.MC("E0.5 the share of draws inside", inside, cdfGM(1)-cdfGM(-1), 1e-3)
	})
	t.Run("E0.6 the distribution function", func(t *testing.T) { testCDF(t) })
	t.Run("E0.7 F' = f", func(t *testing.T) {
		xs := floats.Span(make([]float64, 41), -4, 3)
		slopes := make([]float64, len(xs))
		for i, x := range xs {
			slopes[i] = check.Derivative(cdfGM, x)
		}
		check.T(t).Near("E0.7 the slope of erf's F against the density", slopes, check.Eval(b, law(gm).pdf, xs), 1e-8)
	})
}

func drawsGM(t *testing.T, n int) []float64 {
	return backendtest.Floats(t, func(g *Graph) *Node { return mixtureGM(g).SampleN(noise.FromSeed(g, 4), n) })
}

// testCDF sums the density to F, inverts F between the points of a grid and draws through it.
func testCDF(t *testing.T) {
	b := backendtest.Open(t)
	const cells = 2000
	points := floats.Span(make([]float64, 2*cells+1), -6, 5) // the ends of the cells, and their midpoints
	f := check.Eval(b, law(gm).pdf, points)
	grid, cdf, want := []float64{-6}, []float64{0}, []float64{cdfGM(-6)}
	for i := 0; i < 2*cells; i += 2 { // Simpson's rule
		grid = append(grid, points[i+2])
		cdf = append(cdf, cdf[i/2]+(points[i+2]-points[i])/6*(f[i]+4*f[i+1]+f[i+2]))
		want = append(want, cdfGM(points[i+2]))
	}
	c := check.T(t)
	c.Near("E0.6 F by summing the density, at 2001 points", cdf, want, 1e-8)
	c.Near("E0.6 F(0.4) by quadrature", check.Integral(b, law(gm).pdf, -8, .4), cdfGM(.4), 1e-8)
	c.True("E0.6 F never falls", slices.IsSorted(cdf), "at 2001 points")
	u := backendtest.Floats(t, func(g *Graph) *Node {
		return noise.FromSeed(g, 9).RandomUniform(g, shapes.Make(dtypes.Float64, 1_000_000))
	})
	for i, v := range u {
		k := min(max(sort.SearchFloat64s(cdf, v), 1), len(cdf)-1)
		u[i] = grid[k-1] + (v-cdf[k-1])/(cdf[k]-cdf[k-1])*(grid[k]-grid[k-1])
	}
	c.KS("E0.6 X = F⁻¹(U) has the law of F", u, cdfGM, 1e-6)
	c.KS("E0.6 and so have the mixture's own draws", drawsGM(t, 1_000_000), cdfGM, 1e-6)
}

func TestMoments(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	identity := func(x *Node) *Node { return x }
	for name, l := range map[string]struct {
		law            law
		mean, variance float64
	}{
		"Gaussian": {normal(.7, 1.3), .7, 1.69},
		"GM":       {gm, .3*-2 + .7, .3*(.25+4) + .7*(.16+1) - .01},
	} {
		mean := check.Integral(b, l.law.times(identity), -15, 15)
		square := check.Integral(b, l.law.times(Square), -15, 15)
		c.Near("E0.8 the mean of "+name, mean, l.mean, 1e-8)
		c.Near("E0.8 the variance of "+name+", E X² − (E X)²", square-mean*mean, l.variance, 1e-8)
		c.Near("E0.8 the variance of "+name+", E (X − E X)²", check.Integral(b, l.law.times(func(x *Node) *Node {
			return Square(AddScalar(x, -l.mean))
		}), -15, 15), l.variance, 1e-8)
	}
	// A law without a mean (X3). For R means the quartiles ±1 of Cauchy's law, whose density there is 1/2π, give their
	// distance a standard error of √(1/4)·2π/√R = π/√R.
	const replicates, n = 4000, 10_000
	rng := rand.New(rand.NewPCG(1, 2))
	means := make([]float64, replicates)
	for r := range means {
		for range n {
			means[r] += math.Tan(math.Pi*(rng.Float64()-.5)) / n
		}
	}
	sort.Float64s(means)
	iqr := means[replicates*3/4] - means[replicates/4]
	c.Near("E0.8 X3: means of 10⁴ Cauchy draws spread as one draw does", iqr, 2, 5*math.Pi/math.Sqrt(replicates)/3)
	c.Differ("E0.8 X3: as a law with a variance would have it, 2/√n", 2/math.Sqrt(n), iqr, 1)
}

func TestJensen(t *testing.T) {
	b := backendtest.Open(t)
	for _, s := range []float64{.1, .5, 1.5} {
		y := normal(.3, s) // u = eʸ is lognormal
		logE := math.Log(check.Integral(b, y.times(Exp), .3-14*s, .3+14*s+s*s))
		eLog := check.Integral(b, y.times(func(y *Node) *Node { return y }), .3-14*s, .3+14*s)
		check.T(t).Near("E0.13 log E[u] − E[log u] = s²/2", logE-eLog, s*s/2, 1e-9)
		check.T(t).Less("E0.13 E[log u] < log E[u]", eLog, logE)
	}
}

func TestKLIntegral(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	diag := func(g *Graph, mean, std float64) dist.DiagNormal { return normal(mean, std)(g).(dist.DiagNormal) }
	closed := func(m1, s1, m2, s2 float64) float64 {
		return backendtest.Floats(t, func(g *Graph) *Node { return dist.KL(diag(g, m1, s1), diag(g, m2, s2)) })[0]
	}
	byQuadrature := func(m1, s1, m2, s2 float64) float64 {
		q, p := normal(m1, s1), normal(m2, s2)
		return check.Integral(b, q.times(func(x *Node) *Node { return Sub(q.logPDF(x), p.logPDF(x)) }), m1-12*s1, m1+12*s1)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		m1, s1, m2, s2 := rng.NormFloat64(), .2+rng.Float64(), rng.NormFloat64(), .2+rng.Float64()
		kl := closed(m1, s1, m2, s2)
		c.Near("E0.14 E_q log q/p by quadrature", byQuadrature(m1, s1, m2, s2), kl, 1e-8)
		c.Less("E0.14 KL > 0 when q ≠ p", 0, kl)
		c.Near("E0.15 the full-covariance formula at d = 1", backendtest.Floats(t, func(g *Graph) *Node {
			one := func(v float64) mat.Symmetric { return mat.NewSymDense(1, []float64{v}) }
			return dist.KLNormal(dist.NewNormal(g, []float64{m1}, one(s1*s1)), dist.NewNormal(g, []float64{m2}, one(s2*s2)))
		}), byQuadrature(m1, s1, m2, s2), 1e-8)
	}
	c.Near("E0.14 KL = 0 when q = p", closed(.4, .7, .4, .7), 0, 0)
	c.Less("E0.14 not symmetric: arguments swapped", 2*closed(1, .5, 0, 1), closed(0, 1, 1, .5))
}
