package oracle

import (
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Points is the law of a finite data set: x₀ is each of the N points [N][d] with probability 1/N. Its denoiser is what
// a network becomes that learns its training set by heart. Its functions panic when there is no point, or the points
// differ in length.
type Points [][]float64

var _ Data = Points{}

// Marginal returns q(x_t) = (1/N) Σᵢ N(αxᵢ, σ²I).
func (d Points) Marginal(p process.Process, t *Node) Law { return diffusedPoints{d, p, t} }

// Denoiser returns E[x₀|x_t] = Σᵢ wᵢ xᵢ with w = softmax(−‖x_t − αxᵢ‖²/2σ²)
// (Karras et al. 2022, "Elucidating the design space of diffusion-based generative models", equation 57).
func (d Points) Denoiser(p process.Process) param.Denoiser {
	return func(xt, t *Node) *Node {
		w, points := d.weights(p, xt, t)
		return MatMul(w, points)
	}
}

// Score returns Σᵢ wᵢ (αxᵢ − x_t)/σ², as the gradient of log q(x_t).
func (d Points) Score(p process.Process) param.ScoreFn {
	return func(xt, t *Node) *Node { return d.Marginal(p, t).Score(xt) }
}

// PosteriorVar returns Var(x₀|x_t) = Σᵢ wᵢ (xᵢ − E[x₀|x_t])².
func (d Points) PosteriorVar(p process.Process) func(xt, t *Node) *Node {
	return func(xt, t *Node) *Node {
		w, points := d.weights(p, xt, t)
		spread := Square(Sub(ExpandAxes(points, 0), ExpandAxes(MatMul(w, points), 1))) // [n, N, d]
		return ReduceSum(Mul(ExpandAxes(w, -1), spread), 1)
	}
}

// weights returns P(xᵢ|x_t), [n, N], and the points, [N, d].
func (d Points) weights(p process.Process, xt, t *Node) (w, points *Node) {
	logits, points := d.logits(p, xt, t)
	return Softmax(logits, -1), points
}

// logits returns −‖x_t − αxᵢ‖²/2σ², [n, N], and the points, [N, d].
func (d Points) logits(p process.Process, xt, t *Node) (logits, points *Node) {
	d.check()
	checkX("Points", xt, len(d[0]))
	points = ConstAsDType(t.Graph(), t.DType(), [][]float64(d))
	alpha, sigma2 := moments(p, t)
	apart := Sub(ExpandAxes(xt, 1), Mul(ExpandAxes(alpha, 1), ExpandAxes(points, 0))) // [n, N, d]
	return Div(MulScalar(ReduceSum(Square(apart), -1), -0.5), sigma2), points
}

func (d Points) check() {
	if len(d) == 0 || len(d[0]) == 0 {
		panic(errors.New("oracle.Points: no points, expected at least one with one coordinate"))
	}
	for i := range d {
		if len(d[i]) != len(d[0]) {
			panic(fmt.Errorf("oracle.Points: point %d has %d coordinates, expected %d as the first", i, len(d[i]), len(d[0])))
		}
	}
}

// diffusedPoints is q(x_t).
type diffusedPoints struct {
	data Points
	p    process.Process
	t    *Node
}

// LogProb returns log (1/N) Σᵢ N(x; αxᵢ, σ²I), [n], in nats.
func (q diffusedPoints) LogProb(x *Node) *Node {
	logits, _ := q.data.logits(q.p, x, q.t)
	d := float64(len(q.data[0]))
	constant := math.Log(float64(len(q.data))) + d/2*math.Log(2*math.Pi)
	logSigma := Squeeze(q.p.LogSigma(q.t), -1) // [n] or [1]
	return AddScalar(Sub(mathx.LogSumExp(logits), MulScalar(logSigma, d)), -constant)
}

// Score returns ∇ log q(x).
func (q diffusedPoints) Score(x *Node) *Node { return dist.ScoreOf(q, x) }
