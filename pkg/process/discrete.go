package process

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
)

// Discrete is the schedule of a chain of T steps x_t = √(1−β_t) x_{t−1} + √β_t ε:
//
//	α(t)² = ᾱ_t = Π_{i≤t} (1−β_i), σ(t)² = 1 − ᾱ_t, t = 0, 1, …, T
//
// A time is the index t as a float. At any other t both functions are NaN, and no derivative in t exists.
// Source: Ho, Jain and Abbeel 2020, "Denoising diffusion probabilistic models", equation 4.
// The zero value has the one time 0; NewDiscrete and DDPM make others.
type Discrete struct{ logAlpha, logSigma []float64 }

// NewDiscrete makes the schedule of β_1 … β_T. It panics when there is none, or one is not between 0 and 1.
func NewDiscrete(betas ...float64) Discrete {
	if len(betas) == 0 {
		panic(errors.New("process.NewDiscrete: no β given, expected β_1 … β_T"))
	}
	d := Discrete{[]float64{0}, []float64{math.Inf(-1)}}
	logBar := 0.0 // log ᾱ_t
	for i, beta := range betas {
		if !(beta > 0 && beta < 1) {
			panic(fmt.Errorf("process.NewDiscrete: β_%d = %g, expected 0 < β < 1, so that the SNR falls at every step", i+1, beta))
		}
		logBar += math.Log1p(-beta)
		d.logAlpha = append(d.logAlpha, logBar/2)
		d.logSigma = append(d.logSigma, math.Log(-math.Expm1(logBar))/2)
	}
	return d
}

// DDPM is the schedule with β linear in t from beta1 at t = 1 to betaT at t = T. Ho et al. 2020 take T = 1000 and β from
// 1e-4 to 0.02. It panics when T < 2 or a β is not between 0 and 1.
func DDPM(T int, beta1, betaT float64) Discrete {
	if T < 2 {
		panic(fmt.Errorf("process.DDPM: T = %d, expected at least 2 steps", T))
	}
	betas := make([]float64, T)
	for i := range betas {
		betas[i] = beta1 + (betaT-beta1)*float64(i)/float64(T-1)
	}
	return NewDiscrete(betas...)
}

// Discrete returns the chain of n steps of size 1/n that tends to v, with β_i = β(i/n)/n, so that index i is the time i/n
// (Song et al. 2021, appendix B). log ᾱ differs from −B by O(1/n). It panics when a β reaches 1: take n > BetaMax.
func (v VP) Discrete(n int) Discrete {
	betas := make([]float64, max(n, 0))
	for i := range betas {
		betas[i] = (v.BetaMin + (v.BetaMax-v.BetaMin)*float64(i+1)/float64(n)) / float64(n)
	}
	return NewDiscrete(betas...)
}

// T returns the number of steps.
func (d Discrete) T() int { return len(d.logAlpha) - 1 }

// LogAlpha returns ½ log ᾱ_t.
func (d Discrete) LogAlpha(t *Node) *Node { return lookup(d.logAlpha, t) }

// LogSigma returns ½ log(1−ᾱ_t), which is −∞ at t = 0.
func (d Discrete) LogSigma(t *Node) *Node { return lookup(d.logSigma, t) }

// isIndex is how far a time may lie from an index, for times that are computed in float32.
const isIndex = 1e-3

// lookup returns table[t] for each entry of t, and NaN where t is no index.
func lookup(table []float64, t *Node) *Node {
	g, last := t.Graph(), float64(len(table)-1)
	index := Round(t)
	valid := And(LessThan(Abs(Sub(t, index)), Scalar(g, t.DType(), isIndex)),
		And(GreaterOrEqual(index, ZerosLike(t)), LessOrEqual(index, Scalar(g, t.DType(), last))))
	index = Where(valid, index, ZerosLike(t))
	values := Gather(ConstAsDType(g, t.DType(), table), ExpandAxes(ConvertDType(index, dtypes.Int32), -1))
	return Where(valid, values, Scalar(g, t.DType(), math.NaN()))
}
