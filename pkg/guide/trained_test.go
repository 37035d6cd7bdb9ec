package guide_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// pairs serves fresh draws of g2 with their labels.
type pairs struct{ size int }

func (p pairs) Batch(step int) ([]*tensors.Tensor, error) {
	random, x, y := rand.New(rand.NewPCG(uint64(step), 918)), make([]float32, p.size), make([]int32, p.size)
	for i := range x {
		y[i] = int32(random.IntN(2))
		x[i] = float32(2*float64(2*y[i]-1) + random.NormFloat64())
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, p.size, 1), tensors.FromFlatDataAndDimensions(y, p.size)}, nil
}

// none is the label that stands for no class of g2.
const none = 2

// oneNet is one network for v that sees x_t, the log-SNR and the label, 0, 1 or none.
func oneNet(scope *model.Scope) guide.Conditional {
	return guide.Bind(vp, param.V, func(xt, u, y *Node) *Node {
		waves := BroadcastToDims(nets.TimeEmbedding(vp.LogSNR(u), 8, .125, 1), xt.Shape().Dimensions[0], 8)
		h := Concatenate([]*Node{xt, waves, OneHot(y, none+1, xt.DType())}, -1)
		return nets.MLP(scope.At("one"), h, nets.GlorotUniform, activation.Swish, 48, 48, 1)
	})
}

// TestOneNetworkTrained trains it with dropped labels.
func TestOneNetworkTrained(t *testing.T) {
	objective := score.Objective{Process: vp}
	loss := func(scope *model.Scope, batch []*Node) *Node {
		one := guide.Loss(func(src noise.Source, x0, y *Node) *Node {
			return objective.Loss(src, param.ScoreOf(vp, oneNet(scope).Given(y)), x0)
		})
		return ReduceAllMean(one.Dropping(guide.NullClass(none), .15)(noise.Finite(scope), batch[0], batch[1]))
	}
	store, b, c := model.NewStore(), backendtest.Open(t), check.T(t)
	how := fit.Config{Steps: 2500, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, EMA: .99, Seed: 1}
	if _, err := fit.LoadOrTrain(context.Background(), b, t.TempDir(), store, loss, pairs{256}, how); err != nil {
		t.Fatal(err)
	}
	for y, law := range []func(xt, u *Node) *Node{g2.Class(minus).Score(vp), g2.Class(plus).Score(vp), g2.All().Score(vp)} {
		sum, times := 0.0, []float64{.01, .1, .3, .6, .95}
		for _, u := range times {
			out, err := model.CallOnce(b, store, func(scope *model.Scope, x0, eps *Node) *Node {
				when := at(x0, u)
				x := vp.Diffuse(x0, eps, when)
				learned := param.ScoreOf(vp, oneNet(scope).Given(Const(x.Graph(), []int32{int32(y)})))
				miss := Sub(ConvertDType(learned(ConvertDType(x, dtypes.Float32), ConvertDType(when, dtypes.Float32)), x.DType()), law(x, when))
				return Square(Mul(vp.Sigma(when), miss))
			}, drawn(y), column(spread(2000)...))
			if err != nil {
				t.Fatal(err)
			}
			sum += check.Mean(check.Floats(out)) / float64(len(times))
		}
		if y == none { // which has seen 15% of the data
			c.Less("E9.18 TR the same network without a label", math.Sqrt(sum), .12)
			continue
		}
		c.Less("E9.3 TR the error of the score given y, in units of 1/σ", math.Sqrt(sum), .1)
	}
	weights := 0
	for v := range store.IterVariables() {
		if v.Trainable {
			weights += v.Shape().Size()
		}
	}
	c.Near("E9.18 one network has so many weights", weights, (1+8+3)*48+48+48*48+48+48+1, 0)
	var hits, squares [][]float64
	for _, scale := range []guide.Scale{1, 5} {
		run := sampler.New(b, store, func(scope *model.Scope) sampler.Stepper {
			d := func(xt, u *Node) *Node {
				y := Const(xt.Graph(), []int32{plus})
				return guide.Batched(oneNet(scope), y, guide.NullClass(none)(y), scale)(xt, u)
			}
			return sampler.EulerMaruyama{SDE: sde.Forward(vp).Reverse(param.ScoreOf(vp, d)), Process: vp}
		})
		x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float32, 4000, 1), 1, 917), vp.Grid(300), 917)
		run.Finalize()
		if err != nil {
			t.Fatal(err)
		}
		xs := check.Floats(x)
		hits, squares = append(hits, where(xs, right)), append(squares, deviations(xs))
	}
	c.Less("E9.17 P(right) goes up from γ = 1 to 5 by more than 5 SE", check.Mean(hits[0])+5*check.SE(hits[0]), check.Mean(hits[1]))
	c.Less("E9.17 the variance goes down by more than 5 SE", check.Mean(squares[1])+5*check.SE(squares[0]), check.Mean(squares[0]))
}

// spread is the quantiles of N(0, 1) in an order that has nothing to do with that of drawn.
func spread(n int) []float64 {
	random, out := rand.New(rand.NewPCG(3, 4)), make([]float64, n)
	for i := range out {
		out[i] = random.NormFloat64()
	}
	return out
}

// drawn is 2000 draws of x₀ given y, or of all.
func drawn(y int) [][]float64 {
	random, out := rand.New(rand.NewPCG(5, uint64(y))), make([]float64, 2000)
	for i := range out {
		sign := float64(2*y - 1)
		if y == none {
			sign = float64(2*(i%2) - 1)
		}
		out[i] = 2*sign + random.NormFloat64()
	}
	return column(out...)
}
