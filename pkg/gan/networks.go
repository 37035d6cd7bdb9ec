package gan

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Build returns the game of the networks whose weights lie in scope, below "discriminator" and "generator". It panics when c is not a
// valid Config, x is not [n, Data], or z not [n, Latent].
func (c Config) Build(scope *model.Scope) GAN {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("gan.Config.Build: %w", err))
	}
	return GAN{
		D:    func(x *Node) *Node { return c.discriminator(scope.At(Discriminator), wide("x", x, c.Data)) },
		G:    func(z *Node) *Node { return c.generator(scope.At(Generator), wide("z", z, c.Latent)) },
		Loss: c.Loss, Penalty: c.Penalty,
	}
}

// wide returns x after its shape is checked.
func wide(name string, x *Node, width int) *Node {
	if x.Rank() != 2 || x.Shape().Dimensions[1] != width {
		panic(fmt.Errorf("gan.Config.Build: %s has shape %s, expected [n, %d]", name, x.Shape(), width))
	}
	return x
}

// stretch is what the first layer's input is multiplied by, so that it bends within the data.
const stretch = 2

// leaky is max(x, x/5): with its corners the players part modes that stand close sooner than with a smooth function.
func leaky(x *Node) *Node { return activation.LeakyReluWith(x, 0.2) }

func (c Config) generator(scope *model.Scope, z *Node) *Node {
	x := nets.MLP(scope.At("net"), z, nets.GlorotUniform, leaky, append(append([]int{}, c.G...), c.Data)...)
	if c.Bounded {
		return Sigmoid(x)
	}
	return x
}

func (c Config) discriminator(scope *model.Scope, x *Node) *Node {
	h := x
	if len(c.D) > 0 {
		h = leaky(nets.MLP(scope.At("net"), MulScalar(x, stretch), nets.GlorotUniform, leaky, c.D...))
	}
	if c.Minibatch {
		h = Concatenate([]*Node{h, closeness(nets.MLP(scope.At("kernels"), h, nets.GlorotUniform, nil, kernels*kernelDim), kernels)}, 1)
	}
	return Reshape(nets.MLP(scope.At("logit"), h, nets.GlorotUniform, nil, 1), -1)
}

// The projections of minibatch statistics: B kernels of C numbers.
const (
	kernels   = 8
	kernelDim = 2
)

// closeness returns how near each row lies to the others, for m [n, B·C] seen as B vectors of C numbers, as [n, B]:
//
//	o(i)_b = 1/(n−1) Σ_{j≠i} exp(−‖m_{i,b} − m_{j,b}‖²)
//
// (Salimans et al. 2016, section 3.2, with the mean for the sum, so that the batch's size does not matter, and the square for the L1
// norm, so that the slope has no jumps). It panics for fewer than two rows.
func closeness(m *Node, b int) *Node {
	n, c := m.Shape().Dimensions[0], m.Shape().Dimensions[1]/b
	if n < 2 {
		panic(fmt.Errorf("gan.Config: minibatch statistics of %d rows, expected at least 2 to compare", n))
	}
	row, column := Reshape(m, n, 1, b, c), Reshape(m, 1, n, b, c)
	distance := ReduceSum(Square(Sub(BroadcastToDims(row, n, n, b, c), BroadcastToDims(column, n, n, b, c))), -1)
	return DivScalar(AddScalar(ReduceSum(Exp(Neg(distance)), 1), -1), float64(n-1))
}

// latents draws z [n, Latent] of x's dtype, as many rows as x has for each of D's moves.
func (c Config) latents(scope *model.Scope, g *Graph, n int, x *Node) *Node {
	return noise.Finite(scope).RandomNormal(g, shapes.Make(x.DType(), n, c.Latent))
}

// Names of the players, in errors and in the store, whose scopes of these names hold their weights. D moves first.
const (
	Discriminator = "discriminator"
	Generator     = "generator"
)

// Memories of Adam that suit a moving opponent.
var (
	logisticBetas    = [2]float64{0.5, 0.999} // Radford et al. 2016
	wassersteinBetas = [2]float64{0, 0.9}     // Gulrajani et al. 2017
)

// Game returns the two players for fit.Play: DSteps moves of D at DRate times the learning rate of f, then one of G, which keeps a
// moving average with the decay f.EMA. (Play wants 0 there.) The first tensor of a batch holds the data [n, Data], n a multiple of
// DSteps; each move draws as many fakes as it sees rows.
func (c Config) Game(f fit.Config) fit.Game {
	betas := logisticBetas
	if c.Loss == Wasserstein {
		betas = wassersteinBetas
	}
	return fit.Game{
		{Name: Discriminator, Scope: "/" + Discriminator, Updates: c.steps(), LearningRate: c.rate() * f.LearningRate, Betas: betas, Loss: func(scope *model.Scope, batch []*Node) *Node {
			x := batch[0]
			return c.Build(scope).DLoss(noise.Finite(scope), x, c.latents(scope, x.Graph(), x.Shape().Dimensions[0], x))
		}},
		{Name: Generator, Scope: "/" + Generator, EMA: f.EMA, Betas: betas, Loss: func(scope *model.Scope, batch []*Node) *Node {
			x := batch[0]
			return c.Build(scope).GLoss(c.latents(scope, x.Graph(), x.Shape().Dimensions[0]/c.steps(), x))
		}},
	}
}
