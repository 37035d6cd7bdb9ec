package main

var arGridMutants = in("pkg/ar/grid.go", "TestGrid|TestNumbers|TestTrained",
	mutant{Name: "grid-order", Old: `for k := g.Bits - 1; k >= 0; k-- {`, New: `for k := range g.Bits {`,
		Bug: "the least significant bit first"},
	mutant{Name: "grid-clip", Old: `math.Exp2(float64(g.Bits))-1)`, New: `math.Exp2(float64(g.Bits)))`,
		Bug: "a cell beyond the last: its bits are those of the first"},
	mutant{Name: "grid-width", Old: `-float64(m.Dim)*math.Log(m.Width())`, New: `-math.Log(m.Width())`,
		Bug: "the width of one cell's side for its volume"},
	mutant{Name: "grid-probability", Old: `-float64(m.Dim)*math.Log(m.Width())`, New: `0`,
		Bug: "a probability for a density"},
	mutant{Name: "grid-outside", Old: `math.Inf(-1)), logP)`, New: `0), logP)`,
		Bug: "the density 1 outside the grid"},
	mutant{Name: "grid-spread", Old: `MulScalar(u, m.Width())`, New: `MulScalar(u, m.Width()/2)`,
		Bug: "draws in the lower half of each cell"},
)

var arChainMutants = in("pkg/ar/chain.go", "TestChain",
	mutant{Name: "chain-order", Old: `place := AddScalar(Neg(t), float64(x.Shape().Dimensions[1]))`, New: `place := AddScalar(t, -1)`,
		Bug: "the last pixel first, given what lies behind it"},
	mutant{Name: "chain-all", Old: `Where(here, drawn, x)`, New: `Where(here, drawn, drawn)`,
		Bug: "all pixels drawn anew in each step"},
)

var rowMutants = in("pkg/vdm/rows.go", "TestRows",
	mutant{Name: "rows-decode", Old: `LogStd: p.LogNoiseLevel(t)}`, New: `LogStd: Neg(p.LogNoiseLevel(t))}`,
		Bug: "the scale of p(x₀|x₁) upside down"},
	mutant{Name: "rows-score", Old: `ProbabilityFlow(param.ScoreOf(p, m.Config.Build(scope).Denoise))`, New: `ProbabilityFlow(param.ScoreFn(m.Config.Build(scope).Denoise))`,
		Bug: "the denoiser for the score in the flow's sampler"},
)

var familyMutants = in("pkg/family/model.go", "TestMeasure|TestEveryFamilyTrained",
	mutant{Name: "nll-sign", Old: `return -m, `, New: `return m, `,
		Bug: "log p for −log p"},
	mutant{Name: "nll-shared", Old: `math.Hypot(stat.StdErr(sd, float64(len(l.Values))), l.Shared)`, New: `math.Abs(stat.StdErr(sd, float64(len(l.Values))))`,
		Bug: "the error of log Z left out"},
)

var judgeMutants = in("pkg/family/judge.go", "TestMeasure",
	mutant{Name: "judge-swap", Old: `metric.PrecisionRecall(x, data, j.K, j.Space)`, New: `metric.PrecisionRecall(data, x, j.K, j.Space)`,
		Bug: "precision and recall exchanged"},
	mutant{Name: "judge-clean", Old: `row := j.judge(m, j.clean(x), floor)`, New: `row := j.judge(m, x, floor)`,
		Bug: "the data cleaned and the samples not"},
	mutant{Name: "judge-pair", Old: `j.clean(pair[(next-1)%2])`, New: `j.clean(pair[0])`,
		Bug: "a set held against itself: a floor of 0"},
)
