package param_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// A network that predicts the noise becomes a denoiser: with α² = 0.72 and σ² = 0.28, x̂₀ = (0.3 − σ·1)/α.
func ExampleBind() {
	p := process.Process{Schedule: process.NewDiscrete(.1, .2), TMax: 2}
	net := func(xt, t *graph.Node) *graph.Node { return graph.OnesLike(xt) }
	denoiser := param.Bind(p, param.Eps, net)
	out, err := graph.CallOnce(backend.MustOpen(backend.PureGo), func(xt, t *graph.Node) *graph.Node {
		return denoiser(xt, t)
	}, [][]float64{{.3}}, [][]float64{{2}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.6f\n", out.Value().([][]float64)[0][0])
	// Output: -0.270056
}
