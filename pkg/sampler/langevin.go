package sampler

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Langevin steps by unadjusted Langevin dynamics to the law p whose score is Score (Luo 2022, equation 157):
//
//	x ← x + c ∇log p(x) + √(2c) ε, ε ~ N(0, I)
//
// Its times only count the steps: see Count. It is of weak order 1: the law that it settles in is off by O(c). For N(0, v) the
// variance is 2v²/(2v−c), and from c = 2v on there is none. MALA has no such bias.
//
// A chain whose drift outgrows a million times its noise, with c above the stable size, has diverged: its x becomes +Inf,
// which ends the run, and the error names the size that would have been stable. Aux[0] is L [batch], the largest curvature
// −⟨Δ∇log p, Δx⟩/‖Δx‖² of −log p along the chain so far; c < 2/L is stable.
type Langevin struct {
	Score     func(x *Node) *Node // ∇log p, of x's shape; another shape panics
	Size      float64             // c > 0
	Noiseless bool                // without ε: x climbs to a mode
}

// LangevinSize returns Luo's step size c = α/2 for Song's α, whose step is x + ½α ∇log p + √α ε
// (Song and Ermon 2019, equation 4).
func LangevinSize(alpha float64) float64 { return alpha / 2 }

// Init returns x with nothing met yet.
func (l Langevin) Init(x *Node) State { return initMet(x) }

// Step takes one step; t and s are not looked at.
func (l Langevin) Step(src noise.Source, st State, _, _ *Node) State {
	score := l.Score(st.X)
	checkField("Langevin", "score", score, st.X)
	move := move{size: l.Size, field: score, std: Scalar(st.X.Graph(), st.X.DType(), rootTwice(l.Size)), silent: l.Noiseless}
	return move.step(src, st, nil)
}

// Check returns an error unless Size is a positive number and there is a step to take.
func (l Langevin) Check(times []float64) error {
	if err := checkPositive("Langevin", "Size", l.Size, "take less than twice the smallest variance of p in any direction"); err != nil {
		return err
	}
	return checkCount("Langevin", times)
}

// Explain says which Size would have been stable.
func (l Langevin) Explain(aux []*tensors.Tensor, row int) string {
	return explainMet("Langevin", "Size", l.Size, 1, aux, row)
}

// move is one Langevin step x + k f(x) + std ε with what makes it watch itself.
type move struct {
	size   float64 // k
	field  *Node   // f(x)
	std    *Node   // of the noise; broadcasts with x
	silent bool    // no noise
}

// What a Langevin chain has met is its Aux: the largest curvature −⟨Δf, Δx⟩/‖Δx‖² [batch], the last x and the last f.
const (
	metCurvature = iota
	metX
	metField
)

// initMet starts with no last x, so that the first difference is NaN and does not count.
func initMet(x *Node) State {
	none := ZerosLike(x)
	return State{X: x, Aux: []*Node{mathx.SumEvent(none), AddScalar(none, math.NaN()), none}}
}

// A chain has diverged when its drift is more than outgrown times its noise. It looks at the curvature of a move that is
// longer than still times the noise: below that, as where a Noiseless one has settled, it would be rounding.
const (
	outgrown = 1e6
	still    = 1e-3
)

// step returns the state after the move. Where known is given and false, the last f was another function.
func (m move) step(src noise.Source, st State, known *Node) State {
	x := st.X
	perRow := math.Sqrt(float64(x.Shape().Size() / x.Shape().Dimensions[0]))
	noiseNorm := MulScalar(Reshape(m.std), perRow) // E‖std ε‖², rooted
	dx := Sub(x, st.Aux[metX])
	bend := Neg(Div(mathx.SumEvent(Mul(Sub(m.field, st.Aux[metField]), dx)), mathx.SumEvent(Square(dx))))
	counts := And(IsFinite(bend), GreaterThan(rowNorm(dx), MulScalar(noiseNorm, still)))
	if known != nil {
		counts = And(counts, known)
	}
	met := Max(st.Aux[metCurvature], Where(counts, bend, ZerosLike(bend)))

	drift := MulScalar(m.field, m.size)
	next := Add(x, drift)
	if !m.silent {
		next = Add(next, Mul(m.std, src.RandomNormal(x.Graph(), x.Shape())))
	}
	diverged := And(greater(MulScalar(met, m.size), 2), GreaterThan(rowNorm(drift), MulScalar(noiseNorm, outgrown)))
	next = Where(diverged, Scalar(x.Graph(), x.DType(), math.Inf(1)), next)
	return State{X: next, Aux: []*Node{met, x, m.field}}
}

// explainMet says which value of the named size, whose curvature is in units of 1/unit, would have been stable for row.
func explainMet(name, field string, size, unit float64, aux []*tensors.Tensor, row int) string {
	limit := 2 * unit / mathx.Floats(aux[metCurvature])[row]
	if size < limit {
		return fmt.Sprintf("sampler.%s: %s = %g is below %.4g, the stable one for the curvature met before: look at the score there", name, field, size, limit)
	}
	return fmt.Sprintf("sampler.%s: the chain diverged with %s = %g, expected less than %.4g, which is stable for the curvature that it met: take %.3g",
		name, field, size, limit, limit/4)
}

// rootTwice returns √(2c), the standard deviation of a step of Luo's size c.
func rootTwice(c float64) float64 { return math.Sqrt(2 * c) }

// rowNorm returns ‖x‖ of each row, [batch].
func rowNorm(x *Node) *Node { return Sqrt(mathx.SumEvent(Square(x))) }

// greater returns x > v.
func greater(x *Node, v float64) *Node { return GreaterThan(x, Scalar(x.Graph(), x.DType(), v)) }

// checkField panics unless a score or a drift has x's shape: a narrower one would broadcast.
func checkField(name, what string, field, x *Node) {
	if !field.Shape().Equal(x.Shape()) {
		panic(fmt.Errorf("sampler.%s: the %s has shape %s and x %s, expected one shape: give its network as many outputs as x has",
			name, what, field.Shape(), x.Shape()))
	}
}

// checkPositive returns an error unless value is above 0 and finite.
func checkPositive(name, field string, value float64, fix string) error {
	if value > 0 && value <= math.MaxFloat64 {
		return nil
	}
	return fmt.Errorf("sampler.%s: %s = %g, expected a positive, finite number: %s", name, field, value, fix)
}

// checkCount returns an error unless there is a step to take.
func checkCount(name string, times []float64) error {
	if len(times) < 2 {
		return fmt.Errorf("sampler.%s: %d times, expected at least 2: n steps need the n+1 times of Count(n)", name, len(times))
	}
	return nil
}
