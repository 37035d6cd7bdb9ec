package oracle_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// The exact denoiser of a mixture stands where a trained network would: here as a predictor of the noise.
func ExampleMixture_Denoiser() {
	data := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	p := process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	out, err := graph.CallOnceN(backend.MustOpen(backend.PureGo), func(xt, t *graph.Node) (*graph.Node, *graph.Node) {
		denoiser := data.Denoiser(p)
		return denoiser(xt, t), param.Predict(p, param.Eps, denoiser)(xt, t)
	}, [][]float64{{0}}, [][]float64{{3}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("E[x0|xt] = %.6f, E[eps|xt] = %.6f\n", out[0].Value().([][]float64)[0][0], out[1].Value().([][]float64)[0][0])
	// Output: E[x0|xt] = 0.584767, E[eps|xt] = -0.589464
}
