package ar

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Chain draws the pixels of x [batch, d] one after another as a sampler.Stepper: the step at time t draws pixel d−t, and
// sampler.Count(d) draws all. It draws what Model.Sample draws, and its graph holds one call of the network instead of d.
type Chain struct{ Model }

// Init returns x alone. It panics when x is not [batch, d].
func (c Chain) Init(x *Node) sampler.State {
	requireImages("Chain", x)
	return sampler.State{X: x}
}

// Step draws pixel d−t from p(xᵢ|x_{<i}).
func (c Chain) Step(src noise.Source, st sampler.State, t, _ *Node) sampler.State {
	x := st.X
	drawn := dist.Bernoulli{Logits: c.logits("Chain", x)}.Sample(src)
	place := AddScalar(Neg(t), float64(x.Shape().Dimensions[1])) // d − t
	here := Equal(IotaLike(x, 1), BroadcastToDims(place, x.Shape().Dimensions...))
	return sampler.State{X: Where(here, drawn, x)}
}

// Check returns an error unless the times count down to 0 in ones. It cannot know d: with more or fewer times than d+1 the first
// pixels stay as they were, or a step draws nothing.
func (c Chain) Check(times []float64) error {
	if len(times) < 2 {
		return fmt.Errorf("ar.Chain: %d times, expected sampler.Count of the number of pixels, 2 or more", len(times))
	}
	for i, t := range times {
		if t != float64(len(times)-1-i) {
			return fmt.Errorf("ar.Chain: times[%d] = %g, expected %d: sampler.Count of the number of pixels", i, t, len(times)-1-i)
		}
	}
	return nil
}
