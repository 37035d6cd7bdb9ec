package sampler

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// DDIM steps by process.Process.DDIM at x̂₀(x_t, t), with η times the noise of the posterior. η = 1 is Ancestral with
// PosteriorStd. η = 0 draws no noise at all: x_T alone decides, and as steps shrink the path tends to the
// probability-flow ODE, at order 1. Source: Song, Meng and Ermon 2021, equation 12.
type DDIM struct {
	Process process.Process
	Denoise param.Denoiser
	Eta     float64 // from 0 to 1
	Last    Last
}

// Init returns x alone.
func (d DDIM) Init(x *Node) State { return State{X: x} }

// Step returns x_s.
func (d DDIM) Step(src noise.Source, st State, t, s *Node) State {
	x0 := d.Denoise(st.X, t)
	checkEstimate(x0, st.X)
	law := d.Process.DDIM(st.X, x0, s, t, d.Eta)
	if d.Eta == 0 {
		src = silent{}
	}
	return State{X: d.Last.next(src, d.Process, law, x0, s)}
}

// Check is CheckTimes.
func (d DDIM) Check(times []float64) error { return CheckTimes(d.Process, times) }

// silent is the noise of a step that has none.
type silent struct{}

func (silent) RandomNormal(g *Graph, s shapes.Shape) *Node { return Zeros(g, s) }

func (silent) RandomUniform(g *Graph, s shapes.Shape) *Node { return Zeros(g, s) }
