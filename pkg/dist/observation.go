package dist

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// Likelihood is p(x|z) for a batch of codes: Bernoulli and DiagNormal are Likelihoods.
type Likelihood interface {
	LogProber
	Sampler
	// Expectation returns E[x|z], [batch, data].
	Expectation() *Node
}

// Observation is how a decoder's output becomes p(x|z).
type Observation int

const (
	// ObserveBernoulli has pixels in [0,1]; the output is their logits.
	ObserveBernoulli Observation = iota
	// ObserveGaussian is N(output, s²) with a fixed s.
	ObserveGaussian
	// ObserveGaussianLearned is N(output, s²) with one s for all of x, learned.
	ObserveGaussianLearned
	// ObserveGaussianPerPixel is N(first half of the output, σ²) with log σ the second half: σ(z) of its own for each pixel.
	ObserveGaussianPerPixel
)

// Valid reports whether o is one of the four.
func (o Observation) Valid() bool { return o >= ObserveBernoulli && o <= ObserveGaussianPerPixel }

// String names the observation model.
func (o Observation) String() string {
	names := [...]string{"Bernoulli", "Gaussian", "Gaussian with learned s", "Gaussian with s per pixel"}
	if !o.Valid() {
		return fmt.Sprintf("Observation(%d)", int(o))
	}
	return names[o]
}

// Outputs returns how many numbers a decoder gives for data entries of x: twice as many with s per pixel.
func (o Observation) Outputs(data int) int {
	if o == ObserveGaussianPerPixel {
		return 2 * data
	}
	return data
}

// Law returns p(x|z) of the decoder's output [batch, Outputs(data)]. std is s of the Gaussian observations, 0 means 1.
// ObserveGaussianLearned calls learned for the trained part of log s, a scalar that std scales; the others do not.
func (o Observation) Law(out *Node, std float64, learned func() *Node) Likelihood {
	if std == 0 {
		std = 1
	}
	logStd := Scalar(out.Graph(), out.DType(), math.Log(std))
	switch o {
	case ObserveGaussian:
		return DiagNormal{Mean: out, LogStd: logStd}
	case ObserveGaussianLearned:
		return DiagNormal{Mean: out, LogStd: Add(logStd, learned())}
	case ObserveGaussianPerPixel:
		return Halves(out, 1)
	}
	return Bernoulli{Logits: out}
}

// Halves takes a network's output [batch, 2n] apart into the mean and scale·(second half) as log σ; scale ½ reads the
// second half as ρ = log σ². It panics when the last axis is odd.
func Halves(out *Node, scale float64) DiagNormal {
	halves := Split(out, -1, 2)
	return DiagNormal{Mean: halves[0], LogStd: MulScalar(halves[1], scale)}
}
