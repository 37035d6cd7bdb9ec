package sampler

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// Divergence is how RK45 finds ∇·Drift along a path: ExactDivergence or Hutchinson.
type Divergence interface {
	// draw returns what is drawn once, for the whole path.
	draw(src noise.Source, x *Node) *Node
	// of returns the drift, and its divergence [batch].
	of(s sde.SDE, x, t, drawn *Node) (drift, div *Node)
}

// ExactDivergence is sde.SDE.Divergence: one evaluation and one gradient of the drift on d copies of the batch, d the numbers
// in an event. It serves small d.
type ExactDivergence struct{}

func (ExactDivergence) draw(_ noise.Source, x *Node) *Node { return ScalarZero(x.Graph(), x.DType()) }

func (ExactDivergence) of(s sde.SDE, x, t, _ *Node) (drift, div *Node) {
	return checkedDrift(s, x, t), s.Divergence(x, t)
}

// Hutchinson estimates the divergence by the mean of vᵀ(∂Drift/∂x)v over Probes directions v, which are drawn for each row
// and kept for the whole path, so that the solver sees a smooth function. The estimate is unbiased, also of the
// integral along a path that v does not change (Grathwohl et al. 2019, section 3.1).
type Hutchinson struct {
	Probe  score.Probe // the law of v; nil is score.Rademacher, whose estimate varies least
	Probes int         // for each row, at least 1
}

func (h Hutchinson) draw(src noise.Source, x *Node) *Node {
	if h.Probes < 1 {
		panic(fmt.Errorf("sampler.Hutchinson: %d probes, expected at least 1 for each row", h.Probes))
	}
	probe := h.Probe
	if probe == nil {
		probe = score.Rademacher
	}
	return probe(src, dist.Repeat(x, h.Probes))
}

func (h Hutchinson) of(s sde.SDE, x, t, v *Node) (drift, div *Node) {
	drift = checkedDrift(s, x, t)
	if h.Probes == 1 {
		return drift, mathx.QuadraticOf(drift, x, v) // of the same evaluation
	}
	each := s.DivergenceAlong(dist.Repeat(x, h.Probes), t, v)
	return drift, ReduceMean(Reshape(each, h.Probes, -1), 0)
}

// checkedDrift returns the drift. It panics when it has another shape than x.
func checkedDrift(s sde.SDE, x, t *Node) *Node {
	drift := s.Drift(x, t)
	checkField("RK45", "drift", drift, x)
	return drift
}
