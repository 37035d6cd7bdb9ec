package ebm

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// AIS is annealed importance sampling (Neal 2001, "Annealed importance sampling"): chains that start from a law whose constant
// is known, p_0 = N(0, Std² I), and follow
//
//	p_β(x) ∝ p_0(x)^(1−β) exp(−β f(x)), β from 0 to 1
//
// by Metropolis-adjusted Langevin steps that leave each p_β as it is. A chain collects the log-weight
//
//	log w = Σ (β' − β) (−f(x) − log p_0(x)), x before the move at β'
//
// and E[w] = Z exactly, however short the chains. It is a sampler.Stepper: its times are 1 − β, from 1 down to 0, and its x
// starts from N(0, I), which Init scales. Aux[0] is log w [batch], Aux[1] the accepted share of moves, summed over the steps.
type AIS struct {
	EBM
	Std   float64 // of p_0: wide enough to reach all of p
	Size  float64 // of a MALA step
	Moves int     // MALA steps at each β; 0 means 1
}

// Init returns x·Std with log-weights and acceptances of 0.
func (a AIS) Init(x *Node) sampler.State {
	none := ZerosLike(a.energy("AIS", x))
	return sampler.State{X: MulScalar(x, a.Std), Aux: []*Node{none, none}}
}

// Step weighs x and moves it under p_β, β = 1 − s.
func (a AIS) Step(src noise.Source, st sampler.State, t, s *Node) sampler.State {
	gap := Add(a.LogProb(st.X), Neg(a.reference(st.X).LogProb(st.X)))
	logW := Add(st.Aux[0], Mul(Reshape(Sub(t, s)), gap))
	mala := sampler.MALA{LogProb: func(x *Node) *Node {
		known, free := Mul(Reshape(s), a.reference(x).LogProb(x)), Mul(Reshape(OneMinus(s)), a.LogProb(x))
		return Add(known, free)
	}, Size: a.Size}
	moves := max(1, a.Moves)
	moved := walk(src, mala, st.X, moves)
	return sampler.State{X: moved.X, Aux: []*Node{logW, Add(st.Aux[1], DivScalar(moved.Aux[0], float64(moves)))}}
}

// reference is p_0.
func (a AIS) reference(x *Node) dist.DiagNormal {
	return dist.DiagNormal{Mean: ZerosLike(x), LogStd: AddScalar(ZerosLike(x), math.Log(a.Std))}
}

// Check returns an error unless the times fall from 1 to 0, and Std and Size are positive.
func (a AIS) Check(times []float64) error {
	if !(a.Std > 0) || !(a.Size > 0) || a.Moves < 0 {
		return fmt.Errorf("ebm.AIS: Std = %g, Size = %g, Moves = %d, expected positive Std and Size, and 1 move or more (0 means 1)",
			a.Std, a.Size, a.Moves)
	}
	if len(times) < 2 || times[0] != 1 || times[len(times)-1] != 0 {
		return fmt.Errorf("ebm.AIS: %d times, expected at least 2, from 1 (the reference) to 0 (the model): see Temperatures", len(times))
	}
	for i := 1; i < len(times); i++ {
		if !(times[i] < times[i-1]) {
			return fmt.Errorf("ebm.AIS: times[%d] = %g after %g, expected times that fall from 1 to 0", i, times[i], times[i-1])
		}
	}
	return nil
}

// Temperatures returns the n+1 times 1 − β of n equal steps of β. It panics when n < 1.
func Temperatures(n int) []float64 {
	times := sampler.Count(n)
	for i := range times {
		times[i] /= float64(n)
	}
	return times
}

// Partition is an estimate of log Z from weighted chains.
type Partition struct {
	LogZ     float64 // log of the mean weight, in nats; its expectation is at most the true log Z
	SE       float64 // its standard error, by the weights' own spread: trust it only where ESS is large
	ESS      float64 // (Σw)²/Σw², the effective number of chains, from 1 to Chains
	Chains   int
	Accepted float64 // the share of MALA moves that were accepted, of AIS; about 0.6 is best
}

// String gives log Z ± standard error, and what it rests on.
func (p Partition) String() string {
	return fmt.Sprintf("log Z = %.4f ± %.4f (effective sample size %.0f of %d chains)", p.LogZ, p.SE, p.ESS, p.Chains)
}

// FromLogWeights returns the estimate log (1/n Σ wᵢ) from log wᵢ, with the standard error √(1/ESS − 1/n)·√(n/(n−1)), that of the
// mean over the mean. It returns an error for fewer than two weights, for one that is NaN or +Inf, naming the chain, and when
// all of them are 0.
func FromLogWeights(logW []float64) (Partition, error) {
	n := float64(len(logW))
	if n < 2 {
		return Partition{}, fmt.Errorf("ebm.FromLogWeights: %d weights, expected at least 2", len(logW))
	}
	sum, squares := logSum{top: math.Inf(-1)}, logSum{top: math.Inf(-1)}
	for i, v := range logW {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			return Partition{}, fmt.Errorf("ebm.FromLogWeights: the log-weight of chain %d is %g, expected a number, or −Inf for the weight 0: "+
				"look at the energies that it met", i, v)
		}
		sum.add(v)
		squares.add(2 * v)
	}
	if sum.sum == 0 {
		return Partition{}, fmt.Errorf("ebm.FromLogWeights: all %d weights are 0: no chain came where the density is positive", len(logW))
	}
	ess := math.Exp(2*sum.log() - squares.log())
	se := math.Sqrt(math.Max(0, 1/ess-1/n) * n / (n - 1))
	return Partition{LogZ: sum.log() - math.Log(n), SE: se, ESS: ess, Chains: len(logW)}, nil
}

// Anneal estimates log Z by a run of AIS: chains of shape [chains, event...] through the times, which Temperatures makes.
//
//	run := sampler.Of(b, ebm.AIS{EBM: m, Std: 2, Size: 0.1})
//	z, err := ebm.Anneal(run, shapes.Make(dtypes.Float64, 1000, 2), ebm.Temperatures(50), 1)
//
// All noise comes from seed. It returns an error when a chain becomes NaN or infinite, naming it, when the run's Stepper is not
// AIS, and those of AIS.Check and FromLogWeights.
func Anneal(run *sampler.Run, shape shapes.Shape, times []float64, seed int64) (Partition, error) {
	fail := func(err error) (Partition, error) { return Partition{}, fmt.Errorf("ebm.Anneal: %w", err) }
	start := sampler.Prior(shape, 1, seed)
	defer start.MustFinalizeAll()
	end, err := run.SampleState(start, times, seed)
	if err != nil {
		return fail(err)
	}
	defer end.Finalize()
	if len(end.Aux) != 2 || end.Aux[0].Rank() != 1 || end.Aux[1].Rank() != 1 {
		return fail(fmt.Errorf("the run's stepper carries no log-weights, expected a sampler.Run of ebm.AIS"))
	}
	p, err := FromLogWeights(mathx.Floats(end.Aux[0]))
	if err != nil {
		return fail(err)
	}
	for _, accepted := range mathx.Floats(end.Aux[1]) {
		p.Accepted += accepted / float64(p.Chains*end.Steps)
	}
	return p, nil
}
