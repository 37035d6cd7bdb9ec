package gan_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

const a64 = 1e-9 // formula against formula

// distances are those of E10.4 between the means of p = N(0, 1) and q = N(d, 1).
var distances = []float64{0, 1, 2, 4, 8}

// units is how many decimals of a figure are printed: the tolerance of check.Near for one unit of the last.
func units(want float64, decimals int) float64 {
	return math.Pow(10, -float64(decimals)) / (1 + math.Abs(want))
}

// normal is N(mean, 1) in one dimension, in x's graph.
func normal(x *Node, mean float64) dist.LogProber {
	return oracle.Gaussian{Mean: []float64{mean}, Var: []float64{1}}.Law(x.Graph(), dtypes.Float64)
}

// between makes a function of x [n] from one that takes p = N(0, 1), q = N(d, 1) and x [n, 1].
func between(d float64, f func(p, q dist.LogProber, x *Node) *Node) func(x *Node) *Node {
	return func(x *Node) *Node { return f(normal(x, 0), normal(x, d), ExpandAxes(x, -1)) }
}

// integral is ∫ f dx over all of p's and q's mass.
func integral(t *testing.T, d float64, f func(p, q dist.LogProber, x *Node) *Node) float64 {
	return check.Integral(backendtest.Open(t), between(d, f), -13, d+13)
}

// quadrature is the law of a density on a line as points with weights.
func quadrature(prob func(x float64) float64, lo, hi float64) (p gan.Points) {
	const n = 400 // the midpoint rule is exact to rounding for laws that are smooth and end within the limits
	for i := range n {
		x := lo + (hi-lo)*(float64(i)+.5)/n
		p.X, p.W = append(p.X, []float64{x}), append(p.W, prob(x))
	}
	return p
}

func normalPoints(mean, std float64) gan.Points {
	return quadrature(distuv.Normal{Mu: mean, Sigma: std}.Prob, mean-10*std, mean+10*std)
}

// column makes [n, 1] of values.
func column(values ...float64) [][]float64 {
	out := make([][]float64, len(values))
	for i, v := range values {
		out[i] = []float64{v}
	}
	return out
}

func wants(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, expected one that says %q", err, text)
		}
	}
}

// table gives the same batch at every step.
type table struct{ rows [][]float32 }

func (b table) Batch(int) ([]*tensors.Tensor, error) {
	return []*tensors.Tensor{tensors.FromValue(b.rows)}, nil
}
