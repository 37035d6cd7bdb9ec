package sampler_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// A step size that is too large ends the run, and the error says which one is stable: below 2v for N(0, v).
func ExampleLangevin() {
	chain := sampler.Langevin{Score: Neg, Size: 2.5, Noiseless: true} // −x is the score of N(0, 1)
	_, err := sampler.Of(backend.MustOpen(backend.PureGo), chain).Sample(prior(1), sampler.Count(1000), 1)
	fmt.Println(err)
	// Output: sampler.Run.Sample: step 36 of 1000, from t = 965 to 964: row 0 of x is +Inf, expected finite numbers: sampler.Langevin: the chain diverged with Size = 2.5, expected less than 2, which is stable for the curvature that it met: take 0.5
}

// Modes far apart keep their weights when the noise falls from above their distance.
func ExampleAnnealed() {
	data := oracle.Mixture{Weights: []float64{.2, .8}, Means: [][]float64{{-5}, {5}}, Vars: [][]float64{{1}, {1}}}
	levels := process.Process{Schedule: process.EDM{}, TMax: 20} // a time of it is a noise level
	run := sampler.Of(backend.MustOpen(backend.PureGo), sampler.Annealed{Process: levels, Score: data.Score(levels), Eps: .01, SigmaMin: .4})
	x, err := run.Sample(prior(1000), sampler.Repeat([]float64{20, 14, 10, 7, 5, 3.5, 2.5, 1.7, 1.2, .8, .6, .4}, 100), 1)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.1f of the chains end on the right\n", check.Mean(above(check.Floats(x), 0)))
	// Output: 0.8 of the chains end on the right
}
