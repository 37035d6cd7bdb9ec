package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Annealed is annealed Langevin dynamics: steps towards q(x_t) at falling noise levels, in Song's convention
//
//	x ← x + ½α_t ∇log q(x_t) + √α_t ε, α_t = Eps σ_t²/SigmaMin²
//
// (Song and Ermon 2019, algorithm 1; Luo 2022, section "Score-based Generative Models"). Its times are levels of Process and
// may repeat: see Repeat. With process.EDM a time is the noise level σ itself. The step that goes from t to s is one at t,
// so that the last time is never evaluated. At each level it is of weak order 1 in α_t, as Langevin.
//
// It ends a run that diverges as Langevin does. Aux[0] is the largest curvature times σ_t² along the chain, L [batch];
// Eps < 4 SigmaMin²/L is stable.
type Annealed struct {
	Process  process.Process
	Score    param.ScoreFn // ∇log q(x_t), of x_t's shape; another shape panics
	Eps      float64       // ε > 0: Song's α at the last level
	SigmaMin float64       // σ of the last level, > 0
}

// Repeat returns the times of k steps at each of the falling levels: σ_1 k times, …, σ_L k times, and then 0, where a run
// ends. It panics when k < 1, there is no level, or they do not fall or are not positive.
func Repeat(levels []float64, k int) []float64 {
	if k < 1 || len(levels) == 0 {
		panic(fmt.Errorf("sampler.Repeat: %d levels, %d times each, expected at least one of each", len(levels), k))
	}
	var times []float64
	for i, level := range levels {
		if !(level > 0) || i > 0 && !(level < levels[i-1]) {
			panic(fmt.Errorf("sampler.Repeat: level %d of %v is %g, expected positive levels that fall, from the most noise to the least", i, levels, level))
		}
		for range k {
			times = append(times, level)
		}
	}
	return append(times, 0)
}

// Init returns x with nothing met yet.
func (a Annealed) Init(x *Node) State {
	st := initMet(x)
	st.Aux = append(st.Aux, ScalarZero(x.Graph(), x.DType())) // the last t
	return st
}

// Step takes one step at t; s is not looked at.
func (a Annealed) Step(src noise.Source, st State, t, _ *Node) State {
	score := a.Score(st.X, t)
	checkField("Annealed", "score", score, st.X)
	sigma, level, last := a.Process.Sigma(t), Reshape(t), len(st.Aux)-1
	size := LangevinSize(a.alpha())
	move := move{size: size, field: Mul(Square(sigma), score), std: MulScalar(sigma, rootTwice(size))}
	next := move.step(src, st, Equal(level, st.Aux[last]))
	next.Aux = append(next.Aux, level)
	return next
}

// alpha is α_t/σ_t².
func (a Annealed) alpha() float64 { return a.Eps / (a.SigmaMin * a.SigmaMin) }

// Check returns an error unless Eps and SigmaMin are positive, and the times fall or repeat within the Process, but for the last.
func (a Annealed) Check(times []float64) error {
	if err := checkPositive("Annealed", "Eps", a.Eps, "take about SigmaMin²/10 to start with"); err != nil {
		return err
	}
	if err := checkPositive("Annealed", "SigmaMin", a.SigmaMin, "give the noise level of the last steps"); err != nil {
		return err
	}
	if err := checkCount("Annealed", times); err != nil {
		return err
	}
	for i, t := range times[:len(times)-1] {
		switch {
		case !(t >= a.Process.TMin && t <= a.Process.TMax):
			return fmt.Errorf("sampler.Annealed: times[%d] = %g, expected a level between TMin = %g and TMax = %g of the process", i, t, a.Process.TMin, a.Process.TMax)
		case i > 0 && !(t <= times[i-1]):
			return fmt.Errorf("sampler.Annealed: times[%d] = %g after times[%d] = %g, expected levels that fall or repeat, from the most noise to the least",
				i, t, i-1, times[i-1])
		}
	}
	return nil
}

// Explain says which Eps would have been stable.
func (a Annealed) Explain(aux []*tensors.Tensor, row int) string {
	return explainMet("Annealed", "Eps", a.Eps, 2*a.SigmaMin*a.SigmaMin, aux, row)
}
