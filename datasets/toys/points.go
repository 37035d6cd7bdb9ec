package toys

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// Points are n draws from a law in the plane. Gather gives x float32 [batch, 2], and then
// labels int32 [batch] when the law has components, u float32 [batch] when it has a position along a curve.
type Points struct {
	name  string
	X     [][2]float64
	Label []int32   // the component of each point; nil for a law without components
	U     []float64 // the position along the curve, in [0, 1]; nil for a law without a curve

	x []float32 // X, flat
	u []float32 // U
}

// Law is a law in the plane with an exact sampler. Sample is a function of (n, seed): the first k of n points are
// those of Sample(k, seed). It panics when n < 1 or a parameter of the law makes no sense.
type Law interface {
	Sample(n int, seed int64) *Points
}

// point is one draw: component and u are -1 when the law has none.
type point struct {
	x         [2]float64
	component int
	u         float64
}

func sample(name string, n int, seed int64, one func(rng *rand.Rand) point) *Points {
	if n < 1 {
		panic(fmt.Errorf("toys: Sample(%d) of %s, want at least 1 point", n, name))
	}
	rng := draw.Rand(seed, draw.Points, 0)
	p := &Points{name: name}
	for range n {
		p.append(one(rng))
	}
	return p
}

func (p *Points) append(q point) {
	p.X = append(p.X, q.x)
	p.x = append(p.x, float32(q.x[0]), float32(q.x[1]))
	if q.component >= 0 {
		p.Label = append(p.Label, int32(q.component))
	}
	if q.u >= 0 {
		p.U = append(p.U, q.u)
		p.u = append(p.u, float32(q.u))
	}
}

// Name implements datasets.Data.
func (p *Points) Name() string { return p.name }

// Len implements datasets.Data: the number of points.
func (p *Points) Len() int { return len(p.X) }

// Gather implements datasets.Data.
func (p *Points) Gather(indices []int) ([]*tensors.Tensor, error) {
	x, err := datasets.Rows(p.x, indices, 2)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	out := []*tensors.Tensor{x}
	if p.Label != nil {
		if out, err = with(out, p.Label, indices); err != nil {
			return nil, err
		}
	}
	if p.U != nil {
		return with(out, p.u, indices)
	}
	return out, nil
}

func with[T float32 | int32](out []*tensors.Tensor, column []T, indices []int) ([]*tensors.Tensor, error) {
	t, err := datasets.Rows(column, indices)
	return append(out, t), err
}
