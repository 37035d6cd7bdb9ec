package nets

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Init is the law of a layer's weights before training: it returns the initialiser that draws from the scope's store.
// Biases (rank 1 and less) always start at zero.
type Init func(scope *model.Scope) model.VariableInitializer

// GlorotUniform draws weights [in, out] from U(−a, a) with a = √(6/(in+out)), whose variance is 2/(in+out).
// Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.
func GlorotUniform(scope *model.Scope) model.VariableInitializer {
	return initializer.XavierUniformFn(scope)
}

// HeUniform draws weights [in, out] from U(−a, a) with a = √(6/in), whose variance is 2/in: the variance that
// keeps the second moment through a ReLU. Source: He et al. 2015, "Delving deep into rectifiers", eq. 10
// (the law there is normal; a uniform one of the same variance never draws an infinity).
func HeUniform(scope *model.Scope) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		if shape.Rank() < 2 {
			return graph.Zeros(g, shape)
		}
		fanIn := shape.Size() / shape.Dimensions[shape.Rank()-1]
		a := math.Sqrt(6 / float64(fanIn))
		return initializer.RandomUniformFn(scope, -a, a)(g, shape)
	}
}

// Zero starts every weight at 0: for a last layer whose output is to start at its bias.
func Zero(*model.Scope) model.VariableInitializer { return initializer.Zero }
