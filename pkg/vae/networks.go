package vae

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Observation is how the decoder's output becomes p(x|z).
type Observation int

const (
	// Bernoulli has pixels in [0,1]; the output is their logits.
	Bernoulli Observation = iota
	// Gaussian is N(output, s²) with s fixed to Config.Std.
	Gaussian
	// GaussianLearned is N(output, s²) with one s for all of x, learned, starting at Config.Std.
	GaussianLearned
	// GaussianPerPixel is N(first half of the output, σ²) with log σ the second half: σ(z) of its own for each pixel.
	GaussianPerPixel
)

// String names the observation model.
func (o Observation) String() string {
	names := [...]string{"Bernoulli", "Gaussian", "Gaussian with learned s", "Gaussian with s per pixel"}
	if o < 0 || int(o) >= len(names) {
		return fmt.Sprintf("Observation(%d)", int(o))
	}
	return names[o]
}

// Config is the architecture of a VAE of multi-layer perceptrons.
type Config struct {
	Data, Latent int   // sizes of x and z
	Hidden       []int // widths of the encoder's hidden layers, the decoder's in reverse; none: a linear VAE
	Observation  Observation
	Std          float64 // s of the Gaussian observations; 0 means 1
}

// String names the architecture, as "784-400-20 Bernoulli" or "3-1 Gaussian, s 0.5".
func (c Config) String() string {
	sizes := fmt.Sprint(c.Data)
	for _, h := range c.Hidden {
		sizes += fmt.Sprint("-", h)
	}
	name := fmt.Sprintf("%s-%d %s", sizes, c.Latent, c.Observation)
	if c.Std != 0 {
		name += fmt.Sprintf(", s %g", c.Std)
	}
	return name
}

// New returns the VAE of config whose weights live in scope, under "encoder", "decoder" and "log_std".
// The encoder's output is 2·Latent wide: μ and ρ = log σ². Hidden layers are ReLU, weights start Glorot-uniform.
// It panics when a size is not positive, when there are more latents than data (a code compresses), when Std is negative,
// or when Observation is none of the four.
func New(scope *model.Scope, c Config) VAE {
	if c.Data < 1 || c.Latent < 1 || c.Latent > c.Data || c.Std < 0 {
		panic(fmt.Errorf("vae.New: data %d, latent %d, s %g; expected 1 ≤ latent ≤ data and s ≥ 0", c.Data, c.Latent, c.Std))
	}
	if c.Observation < Bernoulli || c.Observation > GaussianPerPixel {
		panic(fmt.Errorf("vae.New: %s, expected Bernoulli, Gaussian, GaussianLearned or GaussianPerPixel", c.Observation))
	}
	return VAE{
		Encode: func(x *Node) dist.DiagNormal {
			return split(mlp(scope.At("encoder"), x, append(append([]int{}, c.Hidden...), 2*c.Latent)), 0.5)
		},
		Decode: func(z *Node) Likelihood { return c.observe(scope, mlp(scope.At("decoder"), z, c.decoderSizes())) },
	}
}

// Loss returns the objective that fit.Train minimises: VAE.Loss of New(scope, c) on the first tensor of a batch,
// with the scope as the source of noise.
func (c Config) Loss(beta float64, samples int) func(scope *model.Scope, batch []*Node) *Node {
	return func(scope *model.Scope, batch []*Node) *Node {
		return New(scope, c).Loss(noise.Finite(scope), batch[0], beta, samples)
	}
}

func mlp(scope *model.Scope, x *Node, sizes []int) *Node {
	return nets.MLP(scope, x, nets.GlorotUniform, activation.Relu, sizes...)
}

func (c Config) decoderSizes() []int {
	var sizes []int
	for i := range c.Hidden {
		sizes = append(sizes, c.Hidden[len(c.Hidden)-1-i])
	}
	if c.Observation == GaussianPerPixel {
		return append(sizes, 2*c.Data)
	}
	return append(sizes, c.Data)
}

func (c Config) observe(scope *model.Scope, out *Node) Likelihood {
	std := c.Std
	if std == 0 {
		std = 1
	}
	switch c.Observation {
	case Gaussian:
		return dist.DiagNormal{Mean: out, LogStd: Scalar(out.Graph(), out.DType(), math.Log(std))}
	case GaussianLearned:
		start := Scalar(out.Graph(), out.DType(), math.Log(std))
		return dist.DiagNormal{Mean: out, LogStd: logStd(scope, start)}
	case GaussianPerPixel:
		return split(out, 1)
	}
	return dist.Bernoulli{Logits: out}
}

// logStd returns the learned log s: a scalar variable that starts at zero, added to its starting value.
func logStd(scope *model.Scope, start *Node) *Node {
	v := scope.WithInitializer(Zeros).VariableWithShape("log_std", shapes.Make(start.DType()))
	return Add(start, v.NodeValue(start.Graph()))
}

// split takes [batch, 2n] apart into the mean and scale·second half as log σ; scale ½ reads the second half as log σ².
func split(out *Node, scale float64) dist.DiagNormal {
	halves := Split(out, -1, 2)
	return dist.DiagNormal{Mean: halves[0], LogStd: MulScalar(halves[1], scale)}
}
