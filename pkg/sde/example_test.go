package sde_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// One step of the reverse SDE from t = 0.31 down to 0.3, and how well the marginals of N(1, ½) obey it.
func ExampleSDE_Reverse() {
	p := process.Process{Schedule: process.VP{BetaMin: 0.1, BetaMax: 20}, TMin: 1e-5, TMax: 1}
	data := oracle.Gaussian{Mean: []float64{1}, Var: []float64{0.5}}
	out, err := graph.CallOnceN(backend.MustOpen(backend.PureGo), func(x, t, u *graph.Node) (mean, variance, residual *graph.Node) {
		back := sde.Forward(p).Reverse(data.Score(p))
		step := back.Step(x, t, u)
		marginal := func(x, t *graph.Node) *graph.Node { return data.Marginal(p, t).LogProb(x) }
		return step.Mean, step.Variance(), back.FokkerPlanck(marginal, x, t, sde.Falling)
	}, [][]float64{{0.7}}, [][]float64{{0.31}}, [][]float64{{0.3}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("mean %.4f, variance %.4f\n", out[0].Value().([][]float64)[0][0], out[1].Value().([][]float64)[0][0])
	residual := out[2].Value().([]float64)[0]
	fmt.Println("Fokker–Planck holds:", residual < 1e-12 && residual > -1e-12)
	// Output:
	// mean 0.7150, variance 0.0627
	// Fokker–Planck holds: true
}
