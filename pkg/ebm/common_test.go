package ebm_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
)

func shape(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float64, dims...) }

// column returns x [n] as [n, 1].
func column(x *Node) *Node { return Reshape(x, -1, 1) }

// well is f(x) = Σ (xᵢ² − 1)²: two wells in each direction, whose Z is that of one direction to the power of d.
var well = ebm.EBM{Energy: func(x *Node) *Node { return ReduceSum(Square(AddScalar(Square(x), -1)), -1) }}

func wellFn(x float64) float64 { return (x*x - 1) * (x*x - 1) }

// wellZ is Z in one direction, and wellX2 is E x², by the quadrature of package check.
var (
	wellZ  = check.IntegralFn(func(x float64) float64 { return math.Exp(-wellFn(x)) }, -6, 6)
	wellX2 = check.IntegralFn(func(x float64) float64 { return x * x * math.Exp(-wellFn(x)) }, -6, 6) / wellZ
)

// parabola is f = θ‖x‖²/2: N(0, I/θ).
func parabola(theta float64) ebm.EBM {
	return ebm.EBM{Energy: func(x *Node) *Node { return MulScalar(ReduceSum(Square(x), -1), theta/2) }}
}

// wants fails unless err holds every part.
func wants(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, expected %q in it", err, part)
		}
	}
}

// draws has batches of n rows of d numbers, float32: of draw, with a generator of the step's own.
type draws struct {
	n, d int
	draw func(r *rand.Rand) []float64
	look func(step int) // called before a batch is made
}

// Batch implements fit.Batches.
func (d draws) Batch(step int) ([]*tensors.Tensor, error) {
	if d.look != nil {
		d.look(step)
	}
	r, x := rand.New(rand.NewPCG(uint64(step), 7)), make([]float32, 0, d.n*d.d)
	for range d.n {
		for _, v := range d.draw(r) {
			x = append(x, float32(v))
		}
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, d.n, d.d)}, nil
}

// normals draws from N(0, v I).
func normals(n, d int, v float64) draws {
	return draws{n: n, d: d, draw: func(r *rand.Rand) []float64 {
		x := make([]float64, d)
		for i := range x {
			x[i] = math.Sqrt(v) * r.NormFloat64()
		}
		return x
	}}
}
