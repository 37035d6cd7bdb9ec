package mathx

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Log1mExp returns log(1 − e⁻ˣ) for x > 0, elementwise, −∞ at 0 and NaN below: log(−expm1(−x)) up to log 2 and
// log1p(−e⁻ˣ) above, so that neither tail loses digits (Mächler 2012, "Accurately computing log(1 − exp(−|a|))").
// Each branch sees harmless values where it is not taken, so that no NaN enters the gradient.
func Log1mExp(x *graph.Node) *graph.Node {
	far := graph.GreaterThan(x, graph.Scalar(x.Graph(), x.DType(), math.Ln2))
	one := graph.OnesLike(x)
	low := graph.Log(graph.Neg(Expm1(graph.Neg(graph.Where(far, one, x)))))
	high := graph.Log1p(graph.Neg(graph.Exp(graph.Neg(graph.Where(far, x, one)))))
	return graph.Where(far, high, low)
}
