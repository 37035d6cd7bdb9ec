package process_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// The posterior q(x₂|x₃,x₀) of a chain of four steps, at x₃ = 0.3 and x₀ = 1.8.
func ExampleProcess_Posterior() {
	b := backend.MustOpen(backend.PureGo)
	p, err := process.New(b, process.NewDiscrete(.1, .2, .3, .4), 0, 4)
	if err != nil {
		panic(err)
	}
	out, err := graph.CallOnceN(b, func(xt, x0, s, t *graph.Node) (*graph.Node, *graph.Node) {
		law := p.Posterior(xt, x0, s, t)
		return law.Mean, law.Variance()
	}, [][]float64{{.3}}, [][]float64{{1.8}}, [][]float64{{2}}, [][]float64{{3}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("mean %.6f, variance %.6f\n", out[0].Value().([][]float64)[0][0], out[1].Value().([][]float64)[0][0])
	// Output: mean 1.065493, variance 0.169355
}

// A schedule whose signal-to-noise ratio rises is refused.
func ExampleNew() {
	b := backend.MustOpen(backend.PureGo)
	_, err := process.New(b, process.LogSNRLinear{Max: -10, Min: 10}, 0, 1)
	fmt.Println(err != nil)
	// Output: true
}
