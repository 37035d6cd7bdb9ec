package gan

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Points is a law as points with weights: draws, or the nodes of a quadrature with density times weight.
type Points struct {
	X [][]float64 // [n][d]
	W []float64   // [n], 0 or more, scaled to the sum 1; nil for equal weights
}

// Features maps x to the numbers that a discriminator sees: its logit is w₀ + Σᵢ wᵢ φᵢ(x).
type Features func(x []float64) []float64

// Blind sees nothing: D is a constant.
func Blind([]float64) []float64 { return nil }

// Linear sees x: D is logistic regression.
func Linear(x []float64) []float64 { return x }

// Quadratic sees x and all products xᵢxⱼ, i ≤ j: means and covariances.
func Quadratic(x []float64) []float64 {
	out := append([]float64{}, x...)
	for i, a := range x {
		for _, b := range x[:i+1] {
			out = append(out, a*b)
		}
	}
	return out
}

// Response is the best discriminator of a class.
type Response struct {
	Weights  []float64 // w₀ and those of the features
	Value    float64   // V of it, in nats: −log 4 when the class cannot tell p from q
	Accuracy float64   // its share of right answers, a logit of 0 counted half
	Gradient float64   // the largest |∂V/∂wᵢ|, near 0: V is concave in w, so that nothing in the class does better

	see Features
}

// Logit returns w₀ + Σᵢ wᵢ φᵢ(x).
func (r Response) Logit(x []float64) float64 { return floats.Dot(r.Weights, withOne(r.see(x))) }

const (
	bestSteps = 100   // Newton's method needs some ten; where the classes can be parted each step adds about 1 to the margin
	bestSlope = 1e-11 // the largest derivative at which it ends
)

// Best returns the discriminator with the largest V among those that are logistic in the features see, for data p and fakes q:
//
//	max_w E_p log σ(w·φ) + E_q log σ(−w·φ),  ∇V = E_p[(1−D)φ] − E_q[Dφ],  −∇²V = E_p[D(1−D)φφᵀ] + E_q[D(1−D)φφᵀ]
//
// by Newton's method from w = 0. V is concave in w. At w = 0 its gradient is ½(E_p φ − E_q φ): the class is blind to every fake law
// that has the data's mean features. Where the features part p from q no w is best and V comes as close to 0 as rounding allows.
// It returns an error for no points, rows of different widths, a weight below 0, and numbers that are not finite.
func Best(see Features, p, q Points) (Response, error) {
	data, err := p.rows("data", see)
	if err != nil {
		return Response{}, err
	}
	if len(q.X) > 0 && len(q.X[0]) != len(p.X[0]) {
		return Response{}, fmt.Errorf("gan.Best: the data have %d numbers and the fakes %d, expected the same", len(p.X[0]), len(q.X[0]))
	}
	fakes, err := q.rows("fakes", see)
	if err != nil {
		return Response{}, err
	}
	if len(data.x[0]) != len(fakes.x[0]) {
		return Response{}, fmt.Errorf("gan.Best: the data have %d features and the fakes %d, expected the same", len(data.x[0])-1, len(fakes.x[0])-1)
	}
	w := make([]float64, len(data.x[0]))
	for range bestSteps {
		value, slope, curve := concave(w, data, fakes)
		if largest(slope) < bestSlope || !climb(w, value, slope, curve, data, fakes) {
			break
		}
	}
	value, slope, _ := concave(w, data, fakes)
	return Response{Weights: w, Value: value, Accuracy: (data.right(w, 1) + fakes.right(w, -1)) / 2, Gradient: largest(slope), see: see}, nil
}

// weighted is Points as features with a leading 1, and weights of sum 1.
type weighted struct {
	x [][]float64
	w []float64
}

func (p Points) rows(whose string, see Features) (weighted, error) {
	n := len(p.X)
	if n == 0 || (p.W != nil && len(p.W) != n) {
		return weighted{}, fmt.Errorf("gan.Best: %d points of the %s with %d weights, expected 1 point or more, and as many weights or none", n, whose, len(p.W))
	}
	out, width := weighted{w: make([]float64, n)}, len(p.X[0])
	floats.AddConst(1, out.w)
	if p.W != nil {
		copy(out.w, p.W)
	}
	for i, x := range p.X {
		var row []float64
		if len(x) == width {
			row = withOne(see(x))
		}
		if row == nil || !(out.w[i] >= 0) || !finite(append([]float64{out.w[i]}, row...)) {
			return weighted{}, fmt.Errorf("gan.Best: point %d of the %s is %v with weight %g, expected %d finite numbers and a weight of 0 or more",
				i, whose, x, out.w[i], width)
		}
		out.x = append(out.x, row)
	}
	total := floats.Sum(out.w)
	if !(total > 0) || math.IsInf(total, 1) {
		return weighted{}, fmt.Errorf("gan.Best: the weights of the %s sum to %g, expected a positive number", whose, total)
	}
	floats.Scale(1/total, out.w)
	return out, nil
}

// right returns the share of the weight with sign·logit above 0.
func (p weighted) right(w []float64, sign float64) (share float64) {
	for i, x := range p.x {
		switch l := sign * floats.Dot(w, x); {
		case l > 0:
			share += p.w[i]
		case l == 0:
			share += p.w[i] / 2
		}
	}
	return share
}

// concave returns V, its gradient and minus its Hessian at w.
func concave(w []float64, data, fakes weighted) (value float64, slope []float64, curve *mat.SymDense) {
	slope, curve = make([]float64, len(w)), mat.NewSymDense(len(w), nil)
	for _, side := range []struct {
		weighted
		sign float64
	}{{data, 1}, {fakes, -1}} {
		for i, x := range side.x {
			l := side.sign * floats.Dot(w, x)
			miss := 1 / (1 + math.Exp(l)) // 1 − D of data, D of fakes
			value += side.w[i] * logSigmoid(l)
			floats.AddScaled(slope, side.sign*side.w[i]*miss, x)
			curve.SymRankOne(curve, side.w[i]*miss/(1+math.Exp(-l)), mat.NewVecDense(len(x), x))
		}
	}
	return value, slope, curve
}

// climb moves w by Newton's step, halved until V does not fall by more than its rounding. It returns false where no step does that.
func climb(w []float64, value float64, slope []float64, curve *mat.SymDense, data, fakes weighted) bool {
	const ridge = 1e-13 // keeps features that are constant on all points from making the matrix singular
	for i := range w {
		curve.SetSym(i, i, curve.At(i, i)*(1+ridge)+1e-300)
	}
	var chol mat.Cholesky
	step := mat.NewVecDense(len(w), nil)
	if !chol.Factorize(curve) || chol.SolveVecTo(step, mat.NewVecDense(len(w), slope)) != nil && !finite(step.RawVector().Data) {
		return false
	}
	start := append([]float64{}, w...)
	for size := 1.0; size > 1e-9; size /= 2 {
		copy(w, start)
		floats.AddScaled(w, size, step.RawVector().Data)
		if now := valueAt(w, data, fakes); now >= value-1e-13 {
			return true
		}
	}
	copy(w, start)
	return false
}

func valueAt(w []float64, data, fakes weighted) (value float64) {
	for i, x := range data.x {
		value += data.w[i] * logSigmoid(floats.Dot(w, x))
	}
	for i, x := range fakes.x {
		value += fakes.w[i] * logSigmoid(-floats.Dot(w, x))
	}
	return value
}

// logSigmoid returns log σ(l) without overflow.
func logSigmoid(l float64) float64 { return math.Min(l, 0) - math.Log1p(math.Exp(-math.Abs(l))) }

func withOne(x []float64) []float64 { return append([]float64{1}, x...) }

func largest(x []float64) float64 { return floats.Norm(x, math.Inf(1)) }

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
