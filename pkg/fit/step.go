package fit

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// Names of what fit adds to a store.
const (
	adamScope    = "/" + optimizer.AdamDefaultScope
	rateScope    = "/" + optimizer.Scope
	averageScope = "/ema"
	stepPath     = "/" + optimizer.GlobalStepVariableName
	noisePath    = "/" + model.RNGStateVariableName
)

// Adam's constants: the defaults of Kingma and Ba 2015, algorithm 1.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// emaWarmup is the constant of the moving average's warm-up: see averageStep.
const emaWarmup = 10

func (r *run) optimiser(p Player) interface {
	UpdateGraphWithGradients(*model.Scope, []*graph.Node, dtypes.DType)
} {
	first, second := p.betas()
	adam := optimizer.Adam().LearningRate(p.rate(r.c)).Betas(first, second).Epsilon(epsilon).Done()
	return adam.(interface {
		UpdateGraphWithGradients(*model.Scope, []*graph.Node, dtypes.DType)
	})
}

// buildLoss builds a player's loss of one step and checks it.
func (r *run) buildLoss(p Player, g *graph.Graph, batch []*graph.Node) *graph.Node {
	r.store.SetTraining(g, true)
	loss := p.Loss(r.store.RootScope(), batch)
	if !loss.IsScalar() || (loss.DType() != dtypes.Float32 && loss.DType() != dtypes.Float64) {
		panic(fmt.Errorf("fit.Loss: returned %s, expected a scalar of float32 or float64", loss.Shape()))
	}
	return loss
}

// buildMove builds one update of a player's weights: loss, gradient, clipping, Adam, moving average. It returns the loss before
// the update. step is the number of the run's step.
func (r *run) buildMove(p Player, g *graph.Graph, batch []*graph.Node, step *graph.Node) *graph.Node {
	loss := r.buildLoss(p, g, batch)
	scope := r.store.Scope(p.Scope)
	weights := trainables(scope, g)
	if len(weights) == 0 {
		panic(fmt.Errorf("fit.Loss: the loss uses no trainable variable of the store%s, so there is nothing to train", p.place()))
	}
	values := make([]*graph.Node, len(weights))
	for i, v := range weights {
		values[i] = v.NodeValue(g)
	}
	gradients := graph.Gradient(loss, values...)
	if r.c.ClipNorm > 0 {
		gradients = clip(gradients, r.c.ClipNorm)
	}
	r.setRate(p, step, loss.DType())
	r.optimiser(p).UpdateGraphWithGradients(scope, gradients, loss.DType())
	if p.EMA > 0 {
		r.averageStep(weights, step, p.EMA)
	}
	if len(r.players) > 1 || p.updates() > 1 {
		settle(weights, g)
	}
	return loss
}

// globalStep is the variable that counts the run's steps.
func (r *run) globalStep() *model.Variable { return optimizer.GetGlobalStepVar(r.store) }

// setRate gives the player's Adam the learning rate of this step, η · factor(step).
func (r *run) setRate(p Player, step *graph.Node, dtype dtypes.DType) {
	rate := graph.MulScalar(r.c.Schedule.Factor(step, r.c.Steps), p.rate(r.c))
	v := optimizer.LearningRateVar(r.store.Scope(p.Scope), dtype, p.rate(r.c))
	v.SetNodeValue(graph.ConvertDType(rate, dtype))
}

// averageStep moves the averages ā ← d_k ā + (1−d_k) θ_k after update k = 1, 2, …, with the warm-up
// d_k = min(d, (1+k)/(10+k)), so that the first steps' weights are soon forgotten.
// Source: Polyak and Juditsky 1992 for averaging; the warm-up is that of TensorFlow's ExponentialMovingAverage.
func (r *run) averageStep(weights []*model.Variable, step *graph.Node, decay float64) {
	k := graph.OnePlus(step)
	d := graph.MinScalar(graph.Div(graph.OnePlus(k), graph.AddScalar(k, emaWarmup)), decay)
	for _, v := range weights {
		value := v.NodeValue(step.Graph())
		average := r.average(v)
		old := average.NodeValue(step.Graph())
		keep := graph.ConvertDType(d, value.DType())
		average.SetNodeValue(graph.Add(graph.Mul(keep, old), graph.Mul(graph.OneMinus(keep), value)))
	}
}

// average returns the variable that holds v's moving average, which starts at v's own value.
func (r *run) average(v *model.Variable) *model.Variable {
	return r.store.VariableWithShape(averageScope+v.Path(), v.Shape(), zeros).SetTrainable(false)
}

func zeros(g *graph.Graph, shape shapes.Shape) *graph.Node { return graph.Zeros(g, shape) }

// clip scales the gradients by min(1, c/‖g‖) with ‖g‖ the L2 norm over all of them.
// Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
func clip(gradients []*graph.Node, c float64) []*graph.Node {
	var square *graph.Node
	for _, g := range gradients {
		s := graph.ConvertDType(graph.ReduceAllSum(graph.Square(g)), gradients[0].DType())
		if square == nil {
			square = s
		} else {
			square = graph.Add(square, s)
		}
	}
	// max(‖g‖, c) keeps the division away from 0 and the factor at or below 1.
	factor := graph.Reciprocal(graph.DivScalar(graph.MaxScalar(graph.Sqrt(square), c), c))
	clipped := make([]*graph.Node, len(gradients))
	for i, g := range gradients {
		clipped[i] = graph.Mul(g, graph.ConvertDType(factor, g.DType()))
	}
	return clipped
}

// trainables returns the trainable variables of a scope that the graph uses, in the order of Scope.IterVariables, which is Adam's.
func trainables(scope *model.Scope, g *graph.Graph) []*model.Variable {
	var weights []*model.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			weights = append(weights, v)
		}
	}
	return weights
}

// isOwn reports whether the path belongs to the optimiser's state, which a finished model does not need. A player's counters
// and rate lie below its own scope.
func isOwn(path string) bool {
	return path == stepPath || strings.HasPrefix(path, averageScope+"/") ||
		strings.Contains(path, adamScope+"/") || strings.Contains(path, rateScope+"/")
}
