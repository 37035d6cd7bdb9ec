package oracle

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// PPCA is probabilistic principal component analysis, z ~ N(0, I_k), x|z ~ N(Wz+μ, s²I_d)
// (Tipping and Bishop 1999): W is d×k, Mean μ has d entries, Var is s².
type PPCA struct {
	W    *mat.Dense
	Mean []float64
	Var  float64
}

// FitPPCA returns the maximum-likelihood model of data with the given mean and covariance:
// s² is the mean of the d−k least eigenvalues, W = U_k(Λ_k − s²I)^½ (Tipping and Bishop 1999, equations 7 and 8).
// It panics unless 1 ≤ k < d and cov is positive definite.
func FitPPCA(mean []float64, cov mat.Symmetric, k int) PPCA {
	d := cov.SymmetricDim()
	values, vectors := eigen(cov)
	if k < 1 || k >= d || len(mean) != d || !(values[0] > 0) {
		panic(fmt.Errorf("oracle.FitPPCA: k = %d latents of %d dimensions, %d means, least eigenvalue %g; expected 1 ≤ k < d, d means and a positive one",
			k, d, len(mean), values[0]))
	}
	dropped := 0.0
	for _, v := range values[:d-k] {
		dropped += v
	}
	s2 := dropped / float64(d-k)
	return PPCA{principal(values, vectors, s2, k), mean, s2}
}

// PPCAWithVar returns the best W for a fixed s²: the columns of eigenvalues at most s² are zero (the latents they
// would use are left idle). It panics unless there are d means, 1 ≤ k ≤ d and s2 is positive.
func PPCAWithVar(mean []float64, cov mat.Symmetric, k int, s2 float64) PPCA {
	if d := cov.SymmetricDim(); k < 1 || k > d || len(mean) != d || !(s2 > 0) {
		panic(fmt.Errorf("oracle.PPCAWithVar: k = %d latents of %d dimensions, %d means, s² = %g; expected 1 ≤ k ≤ d, d means and a positive s²",
			k, d, len(mean), s2))
	}
	values, vectors := eigen(cov)
	return PPCA{principal(values, vectors, s2, k), mean, s2}
}

// principal returns U_k(Λ_k − s²I)₊^½, the largest eigenvalue first.
func principal(values []float64, vectors *mat.Dense, s2 float64, k int) *mat.Dense {
	d := len(values)
	w := mat.NewDense(d, k, nil)
	for j := range k {
		scale := math.Sqrt(math.Max(values[d-1-j]-s2, 0))
		for i := range d {
			w.Set(i, j, scale*vectors.At(i, d-1-j))
		}
	}
	return w
}

// eigen returns the eigenvalues in ascending order and their vectors as columns.
func eigen(cov mat.Symmetric) ([]float64, *mat.Dense) {
	var e mat.EigenSym
	if !e.Factorize(cov, true) {
		panic(fmt.Errorf("oracle: the eigenvalues of the %d×%d covariance did not converge", cov.SymmetricDim(), cov.SymmetricDim()))
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	return e.Values(nil), &vectors
}

// Cov returns the covariance WWᵀ + s²I of p(x).
func (p PPCA) Cov() *mat.SymDense {
	d, _ := p.W.Dims()
	cov := mat.NewSymDense(d, nil)
	cov.SymOuterK(1, p.W)
	return addDiagonal(cov, p.Var)
}

// M returns WᵀW + s²I, k×k; the posterior's covariance is s²M⁻¹.
func (p PPCA) M() *mat.SymDense {
	_, k := p.W.Dims()
	m := mat.NewSymDense(k, nil)
	m.SymOuterK(1, p.W.T())
	return addDiagonal(m, p.Var)
}

// PosteriorCov returns s²M⁻¹, k×k, the covariance of p(z|x), the same for every x.
func (p PPCA) PosteriorCov() *mat.SymDense {
	inverse := invert(p.M())
	inverse.ScaleSym(p.Var, inverse)
	return inverse
}

// Rotate returns the model with WR, which has the same p(x) for every rotation R (k×k).
func (p PPCA) Rotate(r mat.Matrix) PPCA {
	var w mat.Dense
	w.Mul(p.W, r)
	return PPCA{&w, p.Mean, p.Var}
}

// AverageLogProb returns the mean of log p(x) over data with mean μ and covariance cov,
// −½(d log 2π + log|C| + tr(C⁻¹cov)) with C = Cov(), in nats (Tipping and Bishop 1999, equation 4).
func (p PPCA) AverageLogProb(cov mat.Symmetric) float64 {
	c := p.Cov()
	var trace mat.Dense
	trace.Mul(invert(c), cov)
	logDet, _ := mat.LogDet(c)
	return -0.5 * (float64(c.SymmetricDim())*math.Log(2*math.Pi) + logDet + mat.Trace(&trace))
}

// EM returns the model after one step of expectation-maximisation on data with covariance cov:
// W' = SW(s²I + M⁻¹WᵀSW)⁻¹, s'² = tr(S − SWM⁻¹W'ᵀ)/d (Tipping and Bishop 1999, equations 29 and 30).
// AverageLogProb never falls. It panics when s²I + M⁻¹WᵀSW is singular.
func (p PPCA) EM(cov mat.Symmetric) PPCA {
	d, k := p.W.Dims()
	inverse := invert(p.M())
	var sw, inner, solved, w, drop mat.Dense
	sw.Mul(cov, p.W)
	inner.Product(inverse, p.W.T(), &sw)
	for i := range k {
		inner.Set(i, i, inner.At(i, i)+p.Var)
	}
	if err := solved.Inverse(&inner); err != nil {
		panic(fmt.Errorf("oracle.PPCA.EM: s²I + M⁻¹WᵀSW: %w", err))
	}
	w.Mul(&sw, &solved)
	drop.Product(&sw, inverse, w.T())
	return PPCA{&w, p.Mean, (mat.Trace(cov) - mat.Trace(&drop)) / float64(d)}
}

// AverageBound returns the mean over data with mean μ and covariance S = cov of the evidence lower bound whose q(z|x)
// is the posterior of another model with the same mean and as many latents, in nats:
//
//	E[log p(x|z) + log p(z) − log q(z|x)] = −½[d log 2πs² + (tr S − 2 tr WC + tr WᵀW R)/s² + tr R − k − log|Σ|],
//
// where q(z|x) = N(B(x−μ), Σ), C = BS = E[z(x−μ)ᵀ] and R = Σ + BSBᵀ = E[zzᵀ] (Tipping and Bishop 1999, appendix B).
// It is AverageLogProb where q is p itself; p.EM maximises it over models for q = p.
func (p PPCA) AverageBound(q PPCA, cov mat.Symmetric) float64 {
	d, k := p.W.Dims()
	sigma := q.PosteriorCov()
	var b, c, r, wc, gram, wwr mat.Dense
	b.Mul(invert(q.M()), q.W.T())
	c.Mul(&b, cov)
	r.Mul(&c, b.T())
	r.Add(&r, sigma)
	wc.Mul(p.W, &c)
	gram.Mul(p.W.T(), p.W)
	wwr.Mul(&gram, &r)
	logDet, _ := mat.LogDet(sigma)
	misfit := (mat.Trace(cov) - 2*mat.Trace(&wc) + mat.Trace(&wwr)) / p.Var
	return -0.5 * (float64(d)*math.Log(2*math.Pi*p.Var) + misfit + mat.Trace(&r) - float64(k) - logDet)
}

// MeanField returns the q(z|x) = Πᵢ N(mᵢ, vᵢ) with the least KL(q‖p(z|x)), [batch, k]: m is the posterior's mean and
// vᵢ = 1/Pᵢᵢ with P = M/s², the posterior's precision (Bishop 2006, section 10.1.2).
func (p PPCA) MeanField(x *Node) dist.DiagNormal {
	m := p.M()
	logStd := make([]float64, m.SymmetricDim())
	for i := range logStd {
		logStd[i] = math.Log(p.Var/m.At(i, i)) / 2
	}
	return dist.DiagNormal{Mean: p.Posterior(x).Mean, LogStd: Const(x.Graph(), [][]float64{logStd})}
}

// MeanFieldGap returns KL(q‖p(z|x)) = ½(Σᵢ log Pᵢᵢ − log|P|) of MeanField's q, in nats, the same for every x:
// what the best diagonal q leaves between the bound and log p(x). It is 0 when the columns of W are orthogonal.
func (p PPCA) MeanFieldGap() float64 {
	m := p.M()
	logDet, _ := mat.LogDet(m)
	sum := 0.0
	for i := range m.SymmetricDim() {
		sum += math.Log(m.At(i, i))
	}
	return 0.5 * (sum - logDet)
}

// Bound returns the exact evidence lower bound of q(z|x) = Πᵢ N(mᵢ, vᵢ) at x [batch, d], as [batch], in nats:
// log p(x|m) − Σᵢ vᵢ‖wᵢ‖²/(2s²) − KL(q‖p(z)), where wᵢ are the columns of W.
func (p PPCA) Bound(q dist.DiagNormal, x *Node) *Node {
	_, k := p.W.Dims()
	norms := make([]float64, k)
	for i := range norms {
		norms[i] = math.Pow(mat.Norm(p.W.ColView(i), 2), 2) / (2 * p.Var)
	}
	spread := ReduceSum(Mul(q.Variance(), Const(x.Graph(), [][]float64{norms})), 1)
	return Sub(Sub(p.Given(q.Mean).LogProb(x), spread), dist.KL(q, dist.StandardNormal(q.Mean)))
}

// Marginal returns p(x) = N(μ, WWᵀ+s²I).
func (p PPCA) Marginal(g *Graph) dist.Normal { return dist.NewNormal(g, p.Mean, p.Cov()) }

// Given returns p(x|z) = N(Wz+μ, s²I) for z [batch, k].
func (p PPCA) Given(z *Node) dist.DiagNormal {
	g := z.Graph()
	mean := Add(MatMul(z, Transpose(constMatrix(g, p.W), 0, 1)), Const(g, [][]float64{p.Mean}))
	return dist.DiagNormal{Mean: mean, LogStd: Const(g, [][]float64{{math.Log(p.Var) / 2}})}
}

// SampleN draws n values of x, [n, d] float64: z ~ N(0, I), then x ~ p(x|z).
func (p PPCA) SampleN(g *Graph, src noise.Source, n int) *Node {
	_, k := p.W.Dims()
	return p.Given(src.RandomNormal(g, shapes.Make(dtypes.Float64, n, k))).Sample(src)
}

// Posterior returns p(z|x) = N(M⁻¹Wᵀ(x−μ), s²M⁻¹) for x [batch, d].
func (p PPCA) Posterior(x *Node) dist.Normal {
	g := x.Graph()
	var project mat.Dense
	project.Mul(p.W, invert(p.M()))
	_, k := p.W.Dims()
	law := dist.NewNormal(g, make([]float64, k), p.PosteriorCov())
	law.Mean = MatMul(Sub(x, Const(g, [][]float64{p.Mean})), constMatrix(g, &project))
	return law
}

func addDiagonal(m *mat.SymDense, v float64) *mat.SymDense {
	for i := range m.SymmetricDim() {
		m.SetSym(i, i, m.At(i, i)+v)
	}
	return m
}

// invert returns the inverse of a positive definite matrix.
func invert(m mat.Symmetric) *mat.SymDense {
	var chol mat.Cholesky
	var inverse mat.SymDense
	if !chol.Factorize(m) {
		panic(fmt.Errorf("oracle: the %d×%d matrix is not positive definite", m.SymmetricDim(), m.SymmetricDim()))
	}
	if err := chol.InverseTo(&inverse); err != nil {
		panic(fmt.Errorf("oracle: inverting a %d×%d matrix: %w", m.SymmetricDim(), m.SymmetricDim(), err))
	}
	return &inverse
}

func constMatrix(g *Graph, m *mat.Dense) *Node {
	rows, _ := m.Dims()
	values := make([][]float64, rows)
	for i := range values {
		values[i] = append([]float64(nil), m.RawRowView(i)...)
	}
	return Const(g, values)
}
