package hvae

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Config is the architecture of an HVAE of multi-layer perceptrons.
type Config struct {
	Data        int   // size of x
	Latents     []int // sizes of z₁ … z_T, from the level next to x up
	Hidden      []int // widths of every encoder's hidden layers, the decoders' in reverse; none: a linear HVAE
	General     bool  // a level sees all levels above; otherwise the next one alone (the Markovian HVAE)
	Shared      bool  // the levels above z₁ share one encoder and one decoder; their sizes must be equal
	Observation dist.Observation
	Std         float64 // s of the Gaussian observations; 0 means 1
}

// String names the architecture, as "2-[2 1], hidden [32], Markovian, Gaussian, s 0.5".
func (c Config) String() string {
	name := []string{fmt.Sprintf("%d-%v", c.Data, c.Latents), fmt.Sprintf("hidden %v", c.Hidden), "Markovian"}
	if c.General {
		name[2] = "general"
	}
	if c.Shared {
		name = append(name, "shared levels")
	}
	name = append(name, c.Observation.String())
	if c.Std != 0 {
		name = append(name, fmt.Sprintf("s %g", c.Std))
	}
	return strings.Join(name, ", ")
}

// Validate returns an error that names the first field that makes no sense, what was expected, and what to do; nil
// where there is none.
func (c Config) Validate() error {
	expect := func(ok bool, format string, args ...any) error {
		if ok {
			return nil
		}
		return fmt.Errorf("hvae.Config: "+format, args...)
	}
	positive := func(sizes []int) bool {
		return !slices.ContainsFunc(sizes, func(n int) bool { return n < 1 })
	}
	for _, err := range []error{
		expect(c.Data > 0, "Data is %d, expected the width of x, at least 1", c.Data),
		expect(len(c.Latents) > 0, "Latents is empty (T = 0), expected the size of each of T ≥ 1 levels, as []int{2, 2} for two"),
		expect(positive(c.Latents), "Latents is %v, expected sizes of at least 1", c.Latents),
		expect(positive(c.Hidden), "Hidden is %v, expected widths of at least 1", c.Hidden),
		expect(c.Observation.Valid(), "Observation is %s, expected one of package dist's four", c.Observation),
		expect(c.Std >= 0, "Std is %g, expected a positive s, or 0 for 1", c.Std),
		expect(!c.Shared || len(slices.Compact(slices.Clone(c.Latents))) <= 1,
			"Shared with Latents %v, expected equal sizes: one network serves all levels", c.Latents),
		expect(!c.Shared || !c.General, "Shared and General, expected at most one: levels that see different numbers of levels share no decoder"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// New returns the HVAE of config whose weights live in scope: "encoder" (q(z₁|x)), "decoder" (p(x|z₁, …)) and "log_std", under the
// names of vae.New, so that a VAE's weights serve the model with one level; "encoder_t" (q(z_t|z_{t−1})) and "decoder_t"
// (p(z_{t−1}|z_t, …)) for t ≥ 2, all levels at t = 2 when Shared. Where a network gives a normal law of a latent, its outputs are μ and
// ρ = log σ². Hidden layers are ReLU, weights start Glorot-uniform.
// It panics with Validate's error, and the functions do on an x or z of another width.
func New(scope *model.Scope, c Config) HVAE {
	if err := c.Validate(); err != nil {
		panic(fmt.Errorf("hvae.New: %w", err))
	}
	h := HVAE{Observe: func(z []*Node) dist.Likelihood { return c.observe(scope, c.decode(scope, "decoder", z, 1)) }}
	for t := range c.Latents {
		h.Encode = append(h.Encode, func(below *Node) dist.DiagNormal { return c.encode(scope, t+1, below) })
	}
	for t := 2; t <= len(c.Latents); t++ {
		h.Decode = append(h.Decode, func(above []*Node) dist.DiagNormal {
			return dist.Halves(c.decode(scope, c.name("decoder", t), above, t), 0.5)
		})
	}
	return h
}

// encode is q(z_t|below).
func (c Config) encode(scope *model.Scope, t int, below *Node) dist.DiagNormal {
	width, name := c.Data, "encoder"
	if t > 1 {
		width, name = c.Latents[t-2], c.name("encoder", t)
	}
	checkWidth("Encode", t-1, below, width)
	sizes := append(slices.Clone(c.Hidden), 2*c.Latents[t-1])
	return dist.Halves(mlp(scope.At("%s", name), below, sizes), 0.5)
}

// decode is the network of the level below z_t, given z_t, … in above.
func (c Config) decode(scope *model.Scope, name string, above []*Node, t int) *Node {
	if want := len(c.Latents) - t + 1; len(above) != want {
		panic(fmt.Errorf("hvae.New: the law below level %d got %d levels, expected %d: z_%d … z_%d", t, len(above), want, t, len(c.Latents)))
	}
	for i, z := range above {
		checkWidth("Decode", t+i, z, c.Latents[t-1+i])
	}
	in := above[0]
	if c.General {
		in = Concatenate(above, -1)
	}
	outputs := c.Observation.Outputs(c.Data)
	if t > 1 {
		outputs = 2 * c.Latents[t-2]
	}
	sizes := slices.Clone(c.Hidden)
	slices.Reverse(sizes)
	return mlp(scope.At("%s", name), in, append(sizes, outputs))
}

// name is the scope of level t ≥ 2.
func (c Config) name(what string, t int) string {
	if c.Shared {
		t = 2
	}
	return fmt.Sprintf("%s_%d", what, t)
}

// checkWidth panics unless value, z_t or x at t = 0, is [batch, width].
func checkWidth(field string, t int, value *Node, width int) {
	name, from := "x", "Config.Data"
	if t > 0 {
		name, from = fmt.Sprintf("z_%d", t), "Config.Latents"
	}
	if value.Rank() != 2 || value.Shape().Dimensions[1] != width {
		panic(fmt.Errorf("hvae.New: %s got %s of shape %s, expected [batch, %d] as %s says", field, name, value.Shape(), width, from))
	}
}

func mlp(scope *model.Scope, x *Node, sizes []int) *Node {
	return nets.MLP(scope, x, nets.GlorotUniform, activation.Relu, sizes...)
}

func (c Config) observe(scope *model.Scope, out *Node) dist.Likelihood {
	return c.Observation.Law(out, c.Std, func() *Node { // log s, a scalar that starts at 0
		return scope.WithInitializer(Zeros).VariableWithShape("log_std", shapes.Make(out.DType())).NodeValue(out.Graph())
	})
}

// Loss is what fit.Train minimises on the batches of a WarmUp, x and β: HVAE.Loss of New(scope, c) with samples paths for each x
// and the scope as the source of noise. It panics when a batch is anything else.
func (c Config) Loss(samples int) func(scope *model.Scope, batch []*Node) *Node {
	return func(scope *model.Scope, batch []*Node) *Node {
		if len(batch) != 2 || batch[1].Rank() != 0 {
			panic(fmt.Errorf("hvae.Config.Loss: a batch of %d tensors, expected x and the scalar β: train on hvae.WarmUp{Data: ...}", len(batch)))
		}
		return New(scope, c).Loss(noise.Finite(scope), batch[0], batch[1], samples)
	}
}
