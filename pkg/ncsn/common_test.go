package ncsn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

const (
	a64         = 1e-9 // formula against formula
	float64Type = dtypes.Float64
)

// edm is the process whose time is the noise level.
var edm = process.Process{Schedule: process.EDM{}, TMin: 1e-3, TMax: 100}

// modes is two normals of variance 1 at ±apart, the right one with the given weight.
func modes(right, apart float64) oracle.Mixture {
	return oracle.Mixture{Weights: []float64{1 - right, right}, Means: [][]float64{{-apart}, {apart}}, Vars: [][]float64{{1}, {1}}}
}

// mx is the mixing test: weights .2 and .8 at −5 and +5.
var mx = modes(.8, 5)

// level is a noise level, [1, 1].
func level(x *Node, sigma float64) *Node {
	return ConstAsDType(x.Graph(), x.DType(), [][]float64{{sigma}})
}

// column makes [n, 1] of values.
func column(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

// units is how many decimals of a figure are printed: the tolerance of check.Near for one unit of the last.
func units(want float64, decimals int) float64 {
	return math.Pow(10, -float64(decimals)) / (1 + math.Abs(want))
}

// evaluator is a compiled function of x [n, 1] and a noise level [1, 1].
type evaluator struct {
	t    *testing.T
	exec *Exec
}

func evaluate(t *testing.T, f func(x, sigma *Node) []*Node) evaluator {
	t.Helper()
	exec, err := NewExec(backendtest.Open(t), f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Finalize)
	return evaluator{t, exec}
}

// at returns the outputs at each of xs.
func (e evaluator) at(sigma float64, xs []float64) (values [][]float64) {
	e.t.Helper()
	out, err := e.exec.Call(column(xs...), [][]float64{{sigma}})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, v := range out {
		values = append(values, check.Floats(v))
		v.MustFinalizeAll()
	}
	return values
}

// blurred evaluates the density and the score of p_σ.
func blurred(t *testing.T, data oracle.Mixture) evaluator {
	t.Helper()
	return evaluate(t, func(x, sigma *Node) []*Node {
		return []*Node{Exp(data.Marginal(edm, sigma).LogProb(x)), data.Score(edm)(x, sigma)}
	})
}

// span is n midpoints of equal cells from one number to another.
func span(from, to float64, n int) (xs []float64) {
	for i := range n {
		xs = append(xs, from+(to-from)*(float64(i)+.5)/float64(n))
	}
	return xs
}

// vector is the shape [n, 1].
func vector(n int) shapes.Shape { return shapes.Make(float64Type, n, 1) }

// uniform draws n values [n, 1] from U(−half, half).
func uniform(n int, half float64) *tensors.Tensor {
	random, x := rand.New(rand.NewPCG(718, 0)), make([]float64, n)
	for i := range x {
		x[i] = half * (2*random.Float64() - 1)
	}
	return tensors.FromFlatDataAndDimensions(x, n, 1)
}
