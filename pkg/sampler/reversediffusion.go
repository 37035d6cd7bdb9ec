package sampler

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// ReverseDiffusion discretises the reverse SDE as q(x_t|x_s) = N(x_s + d, V I) discretises the forward one:
//
//	x_s = x_t − d(x_t) + V ∇log q(x_t) + √V ε, d(x) = (α_t/α_s − 1) x
//
// For DDPM's chain it is (2−√(1−β)) x_t + β∇log q(x_t) + √β ε, which differs from Ancestral's step by O(β²). It is of weak
// order 1. Source: Song et al. 2021, "Score-based generative modeling through stochastic differential equations", equation 46.
type ReverseDiffusion struct {
	Process process.Process
	Score   param.ScoreFn // ∇log q(x_t), of x_t's shape; another shape panics
	Last    Last
}

// Init returns x alone.
func (r ReverseDiffusion) Init(x *Node) State { return State{X: x} }

// Step returns x_s.
func (r ReverseDiffusion) Step(src noise.Source, st State, t, s *Node) State {
	score := r.Score(st.X, t)
	checkField("ReverseDiffusion", "score", score, st.X)
	forward := r.Process.Transition(st.X, s, t)
	law := dist.DiagNormal{
		Mean:   Add(Sub(MulScalar(st.X, 2), forward.Mean), Mul(forward.Variance(), score)),
		LogStd: forward.LogStd,
	}
	x0 := param.ToX0(param.Score, score, st.X, r.Process.Alpha(t), r.Process.Sigma(t))
	return State{X: r.Last.next(src, r.Process, law, x0, s)}
}

// Check is CheckTimes.
func (r ReverseDiffusion) Check(times []float64) error { return CheckTimes(r.Process, times) }
