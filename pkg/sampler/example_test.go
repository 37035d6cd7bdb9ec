package sampler_test

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Draws from a mixture of two normals by 100 steps of the reverse chain with the exact denoiser.
func ExampleRun_Sample() {
	data := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2}, {1}}, Vars: [][]float64{{.25}, {.16}}}
	p := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
	run := sampler.Of(backend.MustOpen(backend.PureGo), sampler.Ancestral{
		ReverseStep: sampler.ReverseStep{Process: p, Denoise: data.Denoiser(p)},
	})
	x, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float64, 4000, 1), 1, 1), p.Grid(100), 1)
	if err != nil {
		panic(err)
	}
	left := 0.0
	for _, v := range check.Floats(x) {
		if v < -.5 {
			left++
		}
	}
	fmt.Printf("%.1f of the draws are on the left\n", left/4000)
	// Output: 0.3 of the draws are on the left
}

// The path of one point from the noise to the data, by four steps of DDIM without noise.
func ExampleRun_Path() {
	data := oracle.Points{{2}}
	p := process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	run := sampler.Of(backend.MustOpen(backend.PureGo), sampler.DDIM{Process: p, Denoise: data.Denoiser(p)})
	for point, err := range run.Path(tensors.FromValue([][]float64{{-1}}), p.Grid(4), 1) {
		if err != nil {
			panic(err)
		}
		fmt.Printf("t = %g: %.3f\n", point.T, check.Floats(point.X)[0])
	}
	// Output:
	// t = 4: -1.000
	// t = 3: -0.351
	// t = 2: 0.367
	// t = 1: 1.102
	// t = 0: 2.000
}
