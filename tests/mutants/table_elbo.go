package main

var elboMutants = in("pkg/elbo/elbo.go", "TestWeighted|TestDecompose|TestLogWeights|TestChapter2ImportanceSequence",
	mutant{Name: "prior-sign", Old: `{t.Prior, -beta}`, New: `{t.Prior, beta}`,
		Bug: "the sign of the prior's KL flipped"},
	mutant{Name: "matching-beta", Old: `{t.Matching, -beta}`, New: `{t.Matching, -1}`,
		Bug: "β left out of the levels between"},
	mutant{Name: "matching-dropped", Old: `{t.Matching, -beta}`, New: `{nil, -beta}`,
		Bug: "the KLs of the levels between not counted"},
	mutant{Name: "kl-reversed", Old: `Prior: dist.KL(q, prior)`, New: `Prior: dist.KL(prior, q)`,
		Bug: "KL(p‖q) for KL(q‖p)"},
	mutant{Name: "recon-sum", Old: `Recon: ReduceMean(each, 0)`, New: `Recon: ReduceSum(each, 0)`,
		Bug: "a sum for the mean over draws"},
	mutant{Name: "weights-sign", Old: `Sub(logJoint(dist.Repeat(x, k), z), qk.LogProb(z))`, New: `Add(logJoint(dist.Repeat(x, k), z), qk.LogProb(z))`,
		Bug: "the sign of log q flipped in the weights"},
	mutant{Name: "weights-q", Old: `Sub(logJoint(dist.Repeat(x, k), z), qk.LogProb(z))`, New: `logJoint(dist.Repeat(x, k), z)`,
		Bug: "log q missing in the weights"},
	mutant{Name: "weights-order", Old: `return Reshape(logW, k, -1)`, New: `return Transpose(Reshape(logW, -1, k), 0, 1)`,
		Bug: "draws and examples mixed up"},
	mutant{Name: "estimate-max", Old: `return ReduceMean(logW, 0) }`, New: `return ReduceMax(logW, 0) }`,
		Bug: "the best draw for the mean of all"},
	mutant{Name: "shared-draw", Old: `		return q.Repeat(batch)
`, New: `		return q
`, Bug: "one draw for all rows where they share q"},
	mutant{Name: "iw-log-k", Old: `-math.Log(k))`, New: `-math.Log(k)*0)`,
		Bug: "log k missing in the importance-weighted bound"},
	mutant{Name: "iw-exp", Old: `return AddScalar(mathx.LogSumExp(Transpose(logW, 0, 1)), -math.Log(k))`, New: `_, _ = mathx.LogSumExp, math.Log
	return DivScalar(ReduceSum(logW, 0), k)`,
		Bug: "a missing log and exp: the mean of log w for log of the mean (diffusers PR 2090)"},
)

var gradientMutants = in("pkg/elbo/gradient.go", "TestChapter3GradientEstimators",
	mutant{Name: "pathwise-std", Old: `GradientDraws{grads[0], Div(grads[1], ql.Std())}`, New: `GradientDraws{grads[0], grads[1]}`,
		Bug: "∂/∂log σ for ∂/∂σ in the pathwise gradient"},
	mutant{Name: "score-function-std", Old: `Mul(value, Div(grads[1], ql.Std()))`, New: `Mul(value, grads[1])`,
		Bug: "∂/∂log σ for ∂/∂σ in the score-function gradient"},
	mutant{Name: "score-function-flows", Old: `z := StopGradient(ql.Sample(src))`, New: `z := ql.Sample(src)`,
		Bug: "a gradient flows through the draw of REINFORCE"},
	mutant{Name: "score-function-value", Old: `GradientDraws{Mul(value, grads[0]),`, New: `GradientDraws{grads[0],`,
		Bug: "f(z) missing in REINFORCE"},
)
