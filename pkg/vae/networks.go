package vae

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Observation is how the decoder's output becomes p(x|z).
type Observation = dist.Observation

// The four observations, of which s is Config.Std or starts there.
const (
	Bernoulli        = dist.ObserveBernoulli
	Gaussian         = dist.ObserveGaussian
	GaussianLearned  = dist.ObserveGaussianLearned
	GaussianPerPixel = dist.ObserveGaussianPerPixel
)

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
	if !c.Observation.Valid() {
		panic(fmt.Errorf("vae.New: %s, expected Bernoulli, Gaussian, GaussianLearned or GaussianPerPixel", c.Observation))
	}
	return VAE{
		Encode: func(x *Node) dist.DiagNormal {
			return dist.Halves(mlp(scope.At("encoder"), x, append(append([]int{}, c.Hidden...), 2*c.Latent)), 0.5)
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
	return append(sizes, c.Observation.Outputs(c.Data))
}

func (c Config) observe(scope *model.Scope, out *Node) Likelihood {
	return c.Observation.Law(out, c.Std, func() *Node { // log s, a scalar that starts at 0
		return scope.WithInitializer(Zeros).VariableWithShape("log_std", shapes.Make(out.DType())).NodeValue(out.Graph())
	})
}
