package sde_test

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
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

// One path of the noise moves every start: the difference of two prices grows or falls with the price itself.
func ExampleStochasticFlow() {
	stock := sde.GeometricBrownian{Mu: 0.1, Sigma: 0.2}
	out, err := graph.CallOnceN(backend.MustOpen(backend.PureGo), func(x *graph.Node) (whole, parts *graph.Node) {
		steps := graph.Const(x.Graph(), [][][]float64{{{1}}, {{-0.5}}, {{0.3}}, {{-1}}})
		one := graph.Slice(x, graph.AxisRange(0, 1))
		flow := sde.StochasticFlow{Rule: stock.Solve, Noise: sde.DrawBrownian(noise.Fixed(steps), one, []float64{0, 1, 2, 3, 4})}
		return flow.Map(x, 0, 4), flow.Map(flow.Map(x, 0, 1), 1, 4)
	}, [][]float64{{1}, {2}})
	if err != nil {
		panic(err)
	}
	for i := range out {
		fmt.Printf("%.4f\n", out[i].Value())
	}
	// Output:
	// [[1.3231] [2.6463]]
	// [[1.3231] [2.6463]]
}
