package oracle

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Correlated is the law x₀ ~ N(m, Σ) with Mean m of length d and the full covariance Σ = Cov, d×d. Σ may be singular. It is a Gaussian in
// the axes of Σ = UΛUᵀ, and all of its formulas are that one's, there.
// Its functions panic when the sizes differ or Σ has a negative eigenvalue.
type Correlated struct {
	Mean []float64
	Cov  mat.Symmetric
}

var _ Data = Correlated{}

// Marginal returns q(x_t) = N(αm, α²Σ + σ²I).
func (d Correlated) Marginal(p process.Process, t *Node) Law {
	own, u := d.axes()
	return turned{own.marginal(p, t), u, len(d.Mean)}
}

// Denoiser returns E[x₀|x_t] = m + αΣ(α²Σ+σ²I)⁻¹(x_t − αm) (Bishop 2006, equation 2.116).
func (d Correlated) Denoiser(p process.Process) param.Denoiser {
	own, u := d.axes()
	return func(xt, t *Node) *Node {
		checkX("Correlated", xt, len(d.Mean))
		return back(own.Denoiser(p)(turn(xt, u), t), u)
	}
}

// Score returns −(α²Σ+σ²I)⁻¹(x_t − αm).
func (d Correlated) Score(p process.Process) param.ScoreFn {
	return func(xt, t *Node) *Node { return d.Marginal(p, t).Score(xt) }
}

// PosteriorVar returns the diagonal of Cov(x₀|x_t) = σ²Σ(α²Σ+σ²I)⁻¹, the same for every x_t.
func (d Correlated) PosteriorVar(p process.Process) func(xt, t *Node) *Node {
	own, u := d.axes()
	squares := mat.NewDense(len(d.Mean), len(d.Mean), nil)
	squares.MulElem(u, u)
	return func(xt, t *Node) *Node {
		checkX("Correlated", xt, len(d.Mean))
		return back(own.PosteriorVar(p)(xt, t), squares)
	}
}

// MeasuredVar returns Var(aᵀx₀|x_t) for a row a of length d, of t's shape.
func (d Correlated) MeasuredVar(p process.Process, a []float64) func(t *Node) *Node {
	own, u := d.axes()
	var along mat.VecDense
	along.MulVec(u.T(), mat.NewVecDense(len(a), a))
	along.MulElemVec(&along, &along)
	return func(t *Node) *Node {
		_, v := own.params(t.Graph(), t.DType())
		alpha, sigma2 := moments(p, t)
		return ReduceAndKeep(Mul(posteriorVar(v, alpha, sigma2), row(t.Graph(), t.DType(), along.RawVector().Data)), ReduceSum, -1)
	}
}

// Given returns the law of x₀ given A x₀ = y for a of size m×d: N(m + K(y − Am), Σ − KAΣ) with K = ΣAᵀ(AΣAᵀ)⁻¹ (Bishop 2006,
// equations 2.81 and 2.82). It panics when AΣAᵀ is singular.
func (d Correlated) Given(a mat.Matrix, y []float64) Correlated {
	var cross, seen, gain, lost mat.Dense
	cross.Mul(d.Cov, a.T()) // ΣAᵀ
	seen.Mul(a, &cross)
	var parts mat.SVD
	ok := parts.Factorize(&seen, mat.SVDNone)
	values := parts.Values(nil)
	if least := values[len(values)-1]; !ok || least <= rounding*mat.Norm(d.Cov, 2)*math.Pow(mat.Norm(a, 2), 2) || gain.Solve(&seen, cross.T()) != nil { // Kᵀ
		panic(fmt.Errorf("oracle.Correlated.Given: AΣAᵀ has the least singular value %g, expected rows of A whose values are not certain already, nor depend "+
			"on each other", least))
	}
	lost.Mul(gain.T(), cross.T())
	var missing, mean mat.VecDense
	missing.MulVec(a, mat.NewVecDense(len(d.Mean), d.Mean))
	missing.SubVec(mat.NewVecDense(len(y), y), &missing)
	mean.MulVec(gain.T(), &missing)
	mean.AddVec(&mean, mat.NewVecDense(len(d.Mean), d.Mean))
	n := len(d.Mean)
	cov := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			cov.SetSym(i, j, d.Cov.At(i, j)-(lost.At(i, j)+lost.At(j, i))/2)
		}
	}
	return Correlated{mean.RawVector().Data, cov}
}

// rounding is what an eigenvalue that is 0 may be, relative to the largest.
const rounding = 1e-12

// axes returns the law in the axes of Σ, N(Uᵀm, Λ), and U.
func (d Correlated) axes() (Gaussian, *mat.Dense) {
	n := len(d.Mean)
	if n == 0 || d.Cov == nil || d.Cov.SymmetricDim() != n {
		panic(fmt.Errorf("oracle.Correlated: %d means and the covariance %v, expected a d×d one for d means", n, d.Cov))
	}
	values, u := eigen(d.Cov)
	for i, v := range values {
		if v < -rounding*math.Abs(values[n-1]) {
			panic(fmt.Errorf("oracle.Correlated: the covariance has the eigenvalue %g, expected 0 or more", v))
		}
		values[i] = math.Max(v, 0)
	}
	var mean mat.VecDense
	mean.MulVec(u.T(), mat.NewVecDense(n, d.Mean))
	return Gaussian{mean.RawVector().Data, values}, u
}

// turn returns Uᵀx for each row of x.
func turn(x *Node, u *mat.Dense) *Node { return MatMul(x, matrixAs(x, u)) }

// back returns Uz for each row of z.
func back(z *Node, u *mat.Dense) *Node { return MatMul(z, Transpose(matrixAs(z, u), 0, 1)) }

func matrixAs(x *Node, m *mat.Dense) *Node {
	rows, columns := m.Dims()
	return Reshape(ConstAs(x, m.RawMatrix().Data), rows, columns)
}

// turned is a normal law in the axes U.
type turned struct {
	law dist.DiagNormal
	u   *mat.Dense
	d   int
}

// LogProb implements dist.LogProber: a rotation keeps volumes.
func (q turned) LogProb(x *Node) *Node {
	checkX("Correlated", x, q.d)
	return q.law.LogProb(turn(x, q.u))
}

// Score implements dist.Scorer.
func (q turned) Score(x *Node) *Node {
	checkX("Correlated", x, q.d)
	return back(q.law.Score(turn(x, q.u)), q.u)
}
