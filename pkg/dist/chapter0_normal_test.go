package dist_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

var (
	meanX = []float64{1, -1, .5}
	covX  = mat.NewSymDense(3, []float64{2, .8, .3, .8, 1.5, .2, .3, .2, .7})
	meanY = []float64{0, .3, 0}
	covY  = mat.NewSymDense(3, []float64{1, -.2, 0, -.2, 1, .1, 0, .1, 3})
)

// draws returns n draws of N(meanX, covX), [n, 3].
func draws(g *Graph, n int) *Node {
	x := dist.NewNormal(g, meanX, covX)
	return dist.Normal{Mean: Add(x.Mean, Zeros(g, shapes.Make(dtypes.Float64, n, 3))), Chol: x.Chol}.Sample(noise.FromSeed(g, 6))
}

func TestGaussianAlgebra(t *testing.T) {
	b := backendtest.Open(t)
	at := []float64{-2, -.5, 0, .3, 1, 2.5}
	t.Run("E0.11 product", func(t *testing.T) {
		c := check.T(t)
		// N(x; m₁, v₁) N(x; m₂, v₂) = N(m₁; m₂, v₁+v₂) N(x; m, v), 1/v = 1/v₁ + 1/v₂, m = v(m₁/v₁ + m₂/v₂).
		const m1, v1, m2, v2 = .4, .3, -1.2, 2.
		v := 1 / (1/v1 + 1/v2)
		m := v * (m1/v1 + m2/v2)
		ratio := check.Eval(b, func(x *Node) *Node {
			product := Add(normal(m1, math.Sqrt(v1)).logPDF(x), normal(m2, math.Sqrt(v2)).logPDF(x))
			return Sub(product, normal(m, math.Sqrt(v)).logPDF(x))
		}, at)
		want := check.Eval(b, normal(m2, math.Sqrt(v1+v2)).logPDF, []float64{m1})
		c.Near("E0.11 the ratio to the product law is one constant", ratio, want[0], 1e-9)
	})
	t.Run("E0.11 sum of independents", func(t *testing.T) {
		c := check.T(t)
		for _, s := range at {
			convolution := check.Integral(b, normal(.4, .6).times(func(x *Node) *Node {
				return normal(-1.2, 1.4).pdf(Sub(Scalar(x.Graph(), x.DType(), s), x))
			}), -8, 9)
			want := check.Eval(b, normal(.4-1.2, math.Sqrt(.36+1.96)).pdf, []float64{s})[0]
			c.Near("E0.11 ∫ p(x) q(s−x) dx = N(s; m₁+m₂, v₁+v₂)", convolution, want, 1e-8)
		}
	})
	t.Run("E0.11 marginal and conditional", func(t *testing.T) {
		c := check.T(t)
		// With Σ in blocks, x₁ | x₂,x₃ ~ N(m₁ + Σ₁₂Σ₂₂⁻¹(x₂−m₂), Σ₁₁ − Σ₁₂Σ₂₂⁻¹Σ₂₁).
		block := covX.SliceSym(1, 3)
		var inverse mat.Dense
		if err := inverse.Inverse(block); err != nil {
			t.Fatal(err)
		}
		gain := [2]float64{.8*inverse.At(0, 0) + .3*inverse.At(1, 0), .8*inverse.At(0, 1) + .3*inverse.At(1, 1)}
		variance := 2 - .8*gain[0] - .3*gain[1]
		points := [][]float64{{0, 0, 0}, {1, 2, 3}, {-1, .5, .2}}
		got := backendtest.Floats(t, func(x *Node) *Node {
			rest := dist.NewNormal(x.Graph(), meanX[1:], block)
			joint := dist.NewNormal(x.Graph(), meanX, covX).LogProb(x)
			return Sub(joint, rest.LogProb(Slice(x, AxisRange(), AxisRange(1, 3))))
		}, points)
		for i, p := range points {
			m := meanX[0] + gain[0]*(p[1]-meanX[1]) + gain[1]*(p[2]-meanX[2])
			want := check.Eval(b, normal(m, math.Sqrt(variance)).logPDF, []float64{p[0]})
			c.Near("E0.11 log p(x₁,x₂,x₃) − log p(x₂,x₃) = log p(x₁|x₂,x₃)", got[i], want[0], 1e-9)
		}
	})
	t.Run("E0.11 affine push-forward", func(t *testing.T) {
		c := check.T(t)
		a := mat.NewDense(3, 3, []float64{2, .5, 0, -1, 1, .3, .2, 0, 1.5})
		shift := []float64{.1, -.4, 2}
		var cov mat.Dense
		cov.Product(a, covX, a.T())
		sym := mat.NewSymDense(3, nil)
		mean := make([]float64, 3)
		for i := range 3 {
			mean[i] = shift[i] + mat.Dot(a.RowView(i), mat.NewVecDense(3, meanX))
			for j := range 3 {
				sym.SetSym(i, j, cov.At(i, j))
			}
		}
		rows := func(g *Graph) *Node { return Const(g, [][]float64{{2, .5, 0}, {-1, 1, .3}, {.2, 0, 1.5}}) }
		push := func(x *Node) *Node {
			return Add(MatMul(x, Transpose(rows(x.Graph()), 0, 1)), Const(x.Graph(), [][]float64{shift}))
		}
		got := backendtest.Floats(t, func(x *Node) *Node {
			y := dist.NewNormal(x.Graph(), mean, sym)
			return Sub(dist.NewNormal(x.Graph(), meanX, covX).LogProb(x), y.LogProb(push(x)))
		}, [][]float64{{0, 0, 0}, {1, 2, 3}, {-1, .5, .2}})
		c.Near("E0.11 log p(x) − log p(Ax+b) = log |det A|", got, math.Log(math.Abs(mat.Det(a))), 1e-9)
		const n = 1_000_000
		y := backendtest.Floats(t, func(g *Graph) *Node { return push(draws(g, n)) })
		for i := range 3 {
			for j := range i + 1 {
				products := make([]float64, n)
				for k := range products {
					products[k] = (y[3*k+i] - mean[i]) * (y[3*k+j] - mean[j])
				}
				c.MC("E0.11 the covariance of Ax+b is AΣAᵀ", products, cov.At(i, j), .03)
			}
		}
	})
}

func TestKLNormalMonteCarlo(t *testing.T) {
	x := func(g *Graph) dist.Normal { return dist.NewNormal(g, meanX, covX) }
	y := func(g *Graph) dist.Normal { return dist.NewNormal(g, meanY, covY) }
	want := backendtest.Floats(t, func(g *Graph) *Node { return dist.KLNormal(x(g), y(g)) })[0]
	ratios := backendtest.Floats(t, func(g *Graph) *Node {
		s := draws(g, 1_000_000)
		return Sub(x(g).LogProb(s), y(g).LogProb(s))
	})
	check.T(t).MC("E0.15 the mean of log q/p over draws of q, d = 3", ratios, want, 5e-3)
}

// TestKLNormalDerivatives differentiates the KL in q's and p's mean and in a factor of q's and p's scale, once and
// twice, at w = (mean shift of q, of p, log scale of q, of p).
func TestKLNormalDerivatives(t *testing.T) {
	kl := func(w *Node) *Node {
		g := w.Graph()
		part := func(i int) *Node { return Reshape(Slice(w, AxisElem(i))) }
		q, p := dist.NewNormal(g, meanX, covX), dist.NewNormal(g, meanY, covY)
		q = dist.Normal{Mean: Add(q.Mean, part(0)), Chol: Mul(q.Chol, Exp(part(2)))}
		p = dist.Normal{Mean: Add(p.Mean, Square(part(1))), Chol: Mul(p.Chol, Exp(part(3)))}
		return ReduceAllSum(dist.KLNormal(q, p))
	}
	gradient := func(w *Node) *Node { return Gradient(kl(w), w)[0] }
	at := []float64{.3, -.6, .2, -.1}
	value, err := NewExec(backendtest.Open(t), func(w *Node) (*Node, *Node) { return kl(w), gradient(w) })
	if err != nil {
		t.Fatal(err)
	}
	first := func(w []float64) []float64 { return check.Floats(value.MustCall(w)[1]) }
	c := check.T(t)
	c.Near("E0.15 the gradient of the KL", first(at),
		check.Grad(func(w []float64) float64 { return check.Floats(value.MustCall(w)[0])[0] }, at), 1e-8)
	hessian := backendtest.Call(t, func(w *Node) (rows []*Node) {
		for i := range at {
			rows = append(rows, Gradient(Reshape(Slice(gradient(w), AxisElem(i))), w)[0])
		}
		return rows
	}, at)
	for i, second := range hessian {
		c.Near("E0.15 the second derivatives of the KL", second,
			check.Grad(func(w []float64) float64 { return first(w)[i] }, at), 1e-8)
	}
}

func TestScoreByDifferences(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	xs := []float64{-3, -2, -1.1, -.4, .2, 1, 2.4}
	closed := check.Eval(b, func(x *Node) *Node { return Squeeze(mixtureGM(x.Graph()).Score(InsertAxes(x, -1)), -1) }, xs)
	c.Near("E0.18 the score is the slope of log p", check.Derivatives(b, law(gm).logPDF, xs), closed, 1e-8)
	scaled := check.Eval(b, func(x *Node) *Node {
		logP := AddScalar(law(gm).logPDF(x), math.Log(7)) // 7p(x)
		return Gradient(ReduceAllSum(logP), x)[0]
	}, xs)
	c.Near("E0.18 7p has the score of p", scaled, closed, 1e-9)
}
