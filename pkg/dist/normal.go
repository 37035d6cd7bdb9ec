package dist

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Normal is N(μ, Σ) with a full covariance Σ = LLᵀ: Mean μ is [batch, d] or [1, d],
// Chol L is [d, d], lower triangular with a positive diagonal, shared by the batch. It serves small d.
type Normal struct{ Mean, Chol *Node }

// NewNormal makes N(mean, cov) of float64 constants. It panics when cov is not symmetric positive definite
// or does not have mean's size.
func NewNormal(g *Graph, mean []float64, cov mat.Symmetric) Normal {
	d := len(mean)
	if cov.SymmetricDim() != d {
		panic(fmt.Errorf("dist.NewNormal: the mean has %d entries and the covariance is %d×%d", d, cov.SymmetricDim(), cov.SymmetricDim()))
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) {
		panic(fmt.Errorf("dist.NewNormal: the %d×%d covariance is not positive definite", d, d))
	}
	var l mat.TriDense
	chol.LTo(&l)
	rows := make([][]float64, d)
	for i := range rows {
		rows[i] = make([]float64, d)
		for j := range i + 1 {
			rows[i][j] = l.At(i, j)
		}
	}
	return Normal{Const(g, [][]float64{mean}), Const(g, rows)}
}

// LogProb returns −½‖L⁻¹(x−μ)‖² − log|L| − (d/2) log 2π of x [batch, d] as [batch], in nats.
func (n Normal) LogProb(x *Node) *Node {
	standard := mathx.SolveLower(n.Chol, Transpose(Sub(x, n.Mean), 0, 1))
	constant := AddScalar(n.logDet(), float64(n.Dim())*log2Pi/2)
	return Sub(MulScalar(ReduceSum(Square(standard), 0), -0.5), constant)
}

// Sample returns μ + Lε, one draw for each row of Mean.
func (n Normal) Sample(src noise.Source) *Node {
	eps := src.RandomNormal(n.Mean.Graph(), n.Mean.Shape())
	return Add(n.Mean, MatMul(eps, Transpose(n.Chol, 0, 1)))
}

// Dim returns d.
func (n Normal) Dim() int { return n.Chol.Shape().Dimensions[0] }

// logDet returns log|L| = ½ log|Σ|, a scalar.
func (n Normal) logDet() *Node { return ReduceAllSum(Log(diagonal(n.Chol))) }

// diagonal returns the diagonal of m [d, d] as [d].
func diagonal(m *Node) *Node {
	return ReduceSum(Mul(m, ConvertDType(Diagonal(m.Graph(), m.Shape().Dimensions[0]), m.DType())), 1)
}

// KLNormal returns KL(q‖p) = ½[log(|Σ_p|/|Σ_q|) − d + tr(Σ_p⁻¹Σ_q) + (μ_p−μ_q)ᵀΣ_p⁻¹(μ_p−μ_q)],
// [batch], in nats (Luo 2022, equation 86).
func KLNormal(q, p Normal) *Node {
	trace := ReduceAllSum(Square(mathx.SolveLower(p.Chol, q.Chol)))
	mean := ReduceSum(Square(mathx.SolveLower(p.Chol, Transpose(Sub(q.Mean, p.Mean), 0, 1))), 0)
	logDet := MulScalar(Sub(p.logDet(), q.logDet()), 2)
	return MulScalar(Add(mean, AddScalar(Add(trace, logDet), -float64(q.Dim()))), 0.5)
}
