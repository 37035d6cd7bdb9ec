package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// PredictorCorrector takes the step of Predictor to s, and there corrects x by Langevin steps towards q(x_s):
//
//	x ← x + c ∇log q(x) + √(2c) z, c = 2a (r ‖z‖/‖∇log q(x)‖)²
//
// with the signal-to-noise ratio r = SNR, and a = (α_t/α_s)², which is 1 for VE and 1−β for DDPM's chain. The norms are means
// over the batch, without the chains where they are not finite: such a chain fails alone, by its own row. Where σ_s = 0
// nothing is corrected. Predictor may not be a Finisher.
//
// The corrections have Langevin's bias, of weak order 1 in c and so of order 2 in r, whatever the predictor's order and however
// fine the grid: for one normal number many of them make (1+a r²)V of the variance V.
//
// Source: Song et al. 2021, algorithms 4 and 5; their code takes the means.
type PredictorCorrector struct {
	Predictor   Stepper
	Process     process.Process
	Score       param.ScoreFn // ∇log q(x_t), of x_t's shape; another shape panics
	SNR         float64       // r > 0; Song et al. take 0.16 for images
	Corrections int           // Langevin steps at each time, at least 1
}

// Init returns the predictor's state.
func (p PredictorCorrector) Init(x *Node) State { return p.Predictor.Init(x) }

// Step predicts, and corrects.
func (p PredictorCorrector) Step(src noise.Source, st State, t, s *Node) State {
	st = p.Predictor.Step(src, st, t, s)
	for range p.Corrections {
		st.X = p.correct(src, st.X, t, s)
	}
	return st
}

// correct takes one Langevin step at s.
func (p PredictorCorrector) correct(src noise.Source, x, t, s *Node) *Node {
	score := p.Score(x, s)
	checkField("PredictorCorrector", "score", score, x)
	z := src.RandomNormal(x.Graph(), x.Shape())
	kept := Div(p.Process.Alpha(t), p.Process.Alpha(s)) // √a
	root := Mul(kept, MulScalar(Div(meanNorm(z), meanNorm(score)), p.SNR))
	size := MulScalar(Square(root), 2)
	corrected := Add(x, Add(Mul(size, score), Mul(Sqrt(MulScalar(size, 2)), z)))
	noisy := greater(p.Process.Sigma(s), 0)
	return Where(BroadcastToDims(noisy, x.Shape().Dimensions...), corrected, x)
}

// meanNorm returns the mean of ‖x‖ over the rows where it is finite.
func meanNorm(x *Node) *Node {
	norms := rowNorm(x)
	finite := IsFinite(norms)
	return Div(ReduceAllSum(Where(finite, norms, ZerosLike(norms))), ReduceAllSum(ConvertDType(finite, x.DType())))
}

// Check returns an error unless Predictor takes the times, SNR is a positive number and there is a correction to make.
func (p PredictorCorrector) Check(times []float64) error {
	if err := checkPositive("PredictorCorrector", "SNR", p.SNR, "take 0.16, as Song et al. for images"); err != nil {
		return err
	}
	if p.Corrections < 1 {
		return fmt.Errorf("sampler.PredictorCorrector: Corrections = %d, expected at least 1: for none take the predictor alone", p.Corrections)
	}
	if _, ok := p.Predictor.(Finisher); ok {
		return fmt.Errorf("sampler.PredictorCorrector: Predictor is a %T, which chooses its own times, expected one that takes those it is given", p.Predictor)
	}
	return p.Predictor.Check(times)
}
