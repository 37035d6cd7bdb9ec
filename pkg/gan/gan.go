package gan

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// GAN is the game of two functions. It has no LogProb: G is a sampler, and nothing here knows the density of what it draws.
type GAN struct {
	// D maps a batch x [n, event...] to logits [n], or for Wasserstein to the critic's values. It may compare the rows of the
	// batch, as with minibatch statistics, but then without a Penalty.
	D func(x *Node) *Node
	// G maps z [n, latent] to x [n, event...].
	G func(z *Node) *Node

	Loss    Loss
	Penalty float64 // λ of λ·Penalty in D's loss: at points Between with norm 1 for Wasserstein, at the data with norm 0 for the others; 0 for none
}

// Sample returns G(z), the fakes of z [n, latent].
func (m GAN) Sample(z *Node) *Node { return m.G(z) }

// DLoss returns what D minimises, a scalar, for data x [n, event...] and z [m, latent]: Loss.Discriminator and λ times the penalty. No
// gradient flows into G. src draws the points Between, where a penalty needs them, which also needs n = m. It panics when D
// returns another shape than [n], or the fakes have other events than the data.
func (m GAN) DLoss(src noise.Source, x, z *Node) *Node {
	fakes := StopGradient(m.G(z))
	m.checkEvents(x, fakes)
	loss := m.Loss.Discriminator(logits("GAN.DLoss", m.D, x), logits("GAN.DLoss", m.D, fakes))
	switch {
	case m.Penalty == 0:
		return loss
	case m.Loss == Wasserstein:
		return Add(loss, MulScalar(Penalty(m.D, Between(src, x, fakes), 1), m.Penalty))
	}
	return Add(loss, MulScalar(Penalty(m.D, x, 0), m.Penalty))
}

// GLoss returns what G minimises, a scalar, for z [m, latent]. It panics when D returns another shape than [m].
func (m GAN) GLoss(z *Node) *Node { return m.Loss.Generator(logits("GAN.GLoss", m.D, m.G(z))) }

func (m GAN) checkEvents(x, fakes *Node) {
	bad := x.Rank() < 1 || x.Rank() != fakes.Rank()
	for i := 1; !bad && i < x.Rank(); i++ {
		bad = x.Shape().Dimensions[i] != fakes.Shape().Dimensions[i]
	}
	if bad || x.DType() != fakes.DType() {
		panic(fmt.Errorf("gan.GAN.DLoss: the data have shape %s and G(z) %s, expected the same but for the number of rows", x.Shape(), fakes.Shape()))
	}
}
