package mathx

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Log1mExp returns log(1 − e⁻ˣ) for x > 0, elementwise, −∞ at 0 and NaN below: log(−expm1(−x)) up to log 2 and
// log1p(−e⁻ˣ) above, so that neither tail loses digits (Mächler 2012, "Accurately computing log(1 − exp(−|a|))").
// Near 0 the second branch sees 1, so that its infinite slope there puts no NaN into the gradient.
func Log1mExp(x *graph.Node) *graph.Node {
	far := graph.GreaterThan(x, graph.Scalar(x.Graph(), x.DType(), math.Ln2))
	low := graph.Log(graph.Neg(Expm1(graph.Neg(x))))
	high := graph.Log1p(graph.Neg(graph.Exp(graph.Neg(graph.Where(far, x, graph.OnesLike(x))))))
	return graph.Where(far, high, low)
}
