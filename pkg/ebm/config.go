package ebm

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Negatives says where the chains of a training step start.
type Negatives int

// The three starts.
const (
	Persistent Negatives = iota // where they were left, kept by Replay
	FromData                    // at the data: contrastive divergence
	FromNoise                   // at N(0, Std² I) every time: short runs (Nijkamp et al. 2019)
)

// String returns "persistent", "from data" or "from noise".
func (n Negatives) String() string {
	if n < Persistent || n > FromNoise {
		return fmt.Sprintf("Negatives(%d)", int(n))
	}
	return [...]string{"persistent", "from data", "from noise"}[n]
}

// Config is the architecture of an energy network of x [batch, Data] and how it is trained:
//
//	f(x) = ‖x‖²/(2 Std²) + net(x)
//
// The first term keeps Z finite where no data ever come; the network corrects it.
type Config struct {
	Data   int     // numbers of x
	Hidden []int   // widths of the network's hidden layers, with x·sigmoid(x) between them
	Std    float64 // s of the first term, wider than the data; chains start there; 0 means 2

	Negatives Negatives
	Steps     int     // Langevin steps of a chain in each training step; 0 means 20
	Size      float64 // c of a step; 0 means 0.01
	Adjusted  bool    // by Metropolis and Hastings (sampler.MALA): the energy then has no bias of the order of c
	Chains    int     // of the replay buffer; 0 means as many as examples in a batch
	Restart   float64 // the probability that a persistent chain starts anew
	Noise     float64 // σ of noise that is added to the data: the law that is learned is blurred by it
	Penalty   float64 // α of α(f(x)² + f(x⁻)²), which keeps energies near 0 (Du and Mordatch 2019, section 3.3); 0 for none
}

func (c Config) withDefaults() Config {
	if c.Std == 0 {
		c.Std = 2
	}
	if c.Steps == 0 {
		c.Steps = 20
	}
	if c.Size == 0 {
		c.Size = 0.01
	}
	return c
}

// String names the architecture and the training: it is what makes a checkpoint fit.
func (c Config) String() string {
	c = c.withDefaults()
	return fmt.Sprintf("energy of %d-%v, s %g; chains %s, %d steps of %g, adjusted %t, %d kept, restarted with %g; noise %g, penalty %g",
		c.Data, c.Hidden, c.Std, c.Negatives, c.Steps, c.Size, c.Adjusted, c.Chains, c.Restart, c.Noise, c.Penalty)
}

// Check returns an error that names the field when there is no such model.
func (c Config) Check() error {
	c = c.withDefaults()
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("ebm.Config: %s = %v, expected %s", field, value, want)
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case c.Data < 1:
		return wrong("Data", c.Data, "1 or more")
	case len(c.Hidden) == 0:
		return wrong("Hidden", c.Hidden, "one width or more: without a hidden layer f is a parabola")
	case !(c.Std > 0) || !finite(c.Std):
		return wrong("Std", c.Std, "a positive number, wider than the data, or 0 for 2")
	case c.Negatives < Persistent || c.Negatives > FromNoise:
		return wrong("Negatives", c.Negatives, "Persistent, FromData or FromNoise")
	case c.Steps < 1:
		return wrong("Steps", c.Steps, "1 or more, or 0 for 20")
	case !(c.Size > 0) || !finite(c.Size):
		return wrong("Size", c.Size, "a positive number, or 0 for 0.01")
	case c.Chains < 0:
		return wrong("Chains", c.Chains, "as many as examples in a batch, or more, or 0 for that number")
	case !(c.Restart >= 0 && c.Restart <= 1):
		return wrong("Restart", c.Restart, "a probability")
	case !(c.Noise >= 0) || !finite(c.Noise):
		return wrong("Noise", c.Noise, "a standard deviation, or 0 for none")
	case !(c.Penalty >= 0) || !finite(c.Penalty):
		return wrong("Penalty", c.Penalty, "0 or more")
	}
	for _, h := range c.Hidden {
		if h < 1 {
			return wrong("Hidden", c.Hidden, "positive widths")
		}
	}
	return nil
}

// Build returns the model whose weights lie in scope, under "energy". It panics when c is not a valid Config, or x is not
// [batch, Data].
func (c Config) Build(scope *model.Scope) EBM {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("ebm.Config.Build: %w", err))
	}
	c = c.withDefaults()
	return EBM{Energy: func(x *Node) *Node {
		if x.Rank() != 2 || x.Shape().Dimensions[1] != c.Data {
			panic(fmt.Errorf("ebm.Config.Build: x has shape %s, expected [batch, %d]", x.Shape(), c.Data))
		}
		net := nets.MLP(scope.At("energy"), x, nets.GlorotUniform, activation.Swish, append(append([]int{}, c.Hidden...), 1)...)
		return Add(MulScalar(mathx.SumEvent(Square(x)), 0.5/(c.Std*c.Std)), Reshape(net, -1))
	}}
}

// Loss returns what fit.Train minimises: the mean of EBM.Loss for data and the negatives that c asks for, and the penalty. The
// scope is the source of noise.
func (c Config) Loss() fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		m, src := c.Build(scope), noise.Finite(scope)
		x := c.data(src, batch)
		c := c.withDefaults()
		negatives := c.negatives(scope, src, x, func(start *Node) *Node { return Walk(src, m.chain(c.Size, c.Adjusted), start, c.Steps) })
		loss := ReduceAllMean(m.Loss(x, negatives))
		if c.Penalty > 0 {
			squares := Add(ReduceAllMean(Square(m.Energy(x))), ReduceAllMean(Square(m.Energy(negatives))))
			loss = Add(loss, MulScalar(squares, c.Penalty))
		}
		return loss
	}
}

// data returns the examples, with noise if c asks for it.
func (c Config) data(src noise.Source, batch []*Node) *Node {
	x := batch[0]
	if c.Noise > 0 {
		x = Add(x, MulScalar(src.RandomNormal(x.Graph(), x.Shape()), c.Noise))
	}
	return x
}

// negatives returns where walk takes as many chains as x has rows, from the start that c asks for.
func (c Config) negatives(scope *model.Scope, src noise.Source, x *Node, walk func(start *Node) *Node) *Node {
	switch c.Negatives {
	case FromData:
		return walk(x)
	case FromNoise:
		return walk(MulScalar(src.RandomNormal(x.Graph(), x.Shape()), c.Std))
	}
	return c.replay(x).Draw(scope, src, x, walk)
}

// replay is the buffer for batches like x.
func (c Config) replay(x *Node) Replay {
	r := Replay{Size: c.Chains, Std: c.Std, Restart: c.Restart}
	if r.Size == 0 {
		r.Size = x.Shape().Dimensions[0]
	}
	return r
}
