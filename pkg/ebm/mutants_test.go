package ebm_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// TestReplayOfOneBatch walks as many chains as there are by adding 1: each goes on where it was left.
func TestReplayOfOneBatch(t *testing.T) {
	store := model.NewStore()
	store.RootScope().VariableWithValue("chains", [][]float64{{10}, {20}}).SetTrainable(false)
	exec := model.MustNewExec(backendtest.Open(t), store, func(scope *model.Scope, like *Node) *Node {
		return ebm.Replay{Size: 2, Std: 1}.Draw(scope, noise.Fixed(), like, func(x *Node) *Node { return AddScalar(x, 1) })
	})
	for i, want := range [][][]float64{{{11}, {21}}, {{12}, {22}}, {{13}, {23}}} {
		check.T(t).Near(fmt.Sprintf("draw %d", i), exec.MustCall([][]float64{{0}, {0}})[0], want, 0)
	}
}

// TestConfigLoss holds the penalty and the noise of the data, for a network of zeros, f = x²/2s², whose negatives are next to the data:
// what is left is 2α mean f².
func TestConfigLoss(t *testing.T) {
	const s, n = 1.5, 20_000
	loss := func(c ebm.Config, x []float64) float64 {
		c.Data, c.Hidden, c.Std, c.Negatives, c.Steps, c.Size = 1, []int{2}, s, ebm.FromData, 1, 1e-14
		store := model.NewStore()
		host := backend.MustOpen(backend.PureGo) // compiles in no time
		run := func() float64 {
			out, err := model.CallOnce(host, store, func(scope *model.Scope, x *Node) *Node {
				return c.Loss()(scope, []*Node{x})
			}, tensors.FromFlatDataAndDimensions(x, len(x), 1))
			if err != nil {
				t.Fatal(err)
			}
			return check.Floats(out)[0]
		}
		run() // makes the weights
		for v := range store.IterVariables() {
			if v.Trainable {
				if err := v.SetValue(tensors.FromShape(v.Shape())); err != nil {
					t.Fatal(err)
				}
			}
		}
		return run()
	}
	c := check.T(t)
	c.Near("no penalty, and negatives at the data", loss(ebm.Config{}, []float64{1, -2}), 0, 1e-5)
	f := func(x float64) float64 { return x * x / 2 / s / s }
	c.Near("α(f(x)² + f(x⁻)²)", loss(ebm.Config{Penalty: .5}, []float64{1, -2}), .5*(f(1)*f(1)+f(2)*f(2)), 1e-5)
	// E f² of σε is 3σ⁴/4s⁴, and the relative standard error of its mean over n draws √(96/9n).
	noisy := loss(ebm.Config{Penalty: 1, Noise: .7}, make([]float64, n))
	c.Near("the data blurred by σ", noisy/(2*3*math.Pow(.7/s, 4)/4), 1, 5*math.Sqrt(96./9/n)/2)
}
