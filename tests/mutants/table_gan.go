package main

var ganLossMutants = in("pkg/gan/loss.go", "TestE102|TestPenalty|TestBetween|TestGAN$",
	mutant{Name: "value-fakes", Old: `mathx.LogSigmoid(Neg(fakes))))
}`, New: `mathx.LogSigmoid(fakes)))
}`, Bug: "log D for log(1 − D) of the fakes"},
	mutant{Name: "accuracy-fakes", Old: `half(Neg(fakes))`, New: `half(fakes)`,
		Bug: "a fake taken for data counted as right"},
	mutant{Name: "loss-sign", Old: `return Neg(Value(data, fakes))`, New: `return Value(data, fakes)`,
		Bug: "a discriminator that minimises V"},
	mutant{Name: "critic-sign", Old: `return Sub(ReduceAllMean(fakes), ReduceAllMean(data))`, New: `return Sub(ReduceAllMean(data), ReduceAllMean(fakes))`,
		Bug: "a critic that rates fakes above data"},
	mutant{Name: "minimax-swap", Old: `	case Minimax:
		return ReduceAllMean(mathx.LogSigmoid(Neg(fakes)))`, New: `	case Minimax:
		return Neg(ReduceAllMean(mathx.LogSigmoid(fakes)))`, Bug: "the non-saturating loss for the minimax one"},
	mutant{Name: "generator-sign", Old: `return Neg(ReduceAllMean(mathx.LogSigmoid(fakes)))`, New: `return ReduceAllMean(mathx.LogSigmoid(fakes))`,
		Bug: "a generator that flees the data"},
	mutant{Name: "wasserstein-sign", Old: `return Neg(ReduceAllMean(fakes))`, New: `return ReduceAllMean(fakes)`,
		Bug: "a generator that seeks what the critic rates low"},
	mutant{Name: "penalty-norm", Old: `AddScalar(Sqrt(AddScalar(square, least)), -norm)`, New: `AddScalar(AddScalar(square, least), -norm)`,
		Bug: "‖∇‖² for ‖∇‖ in the gradient penalty"},
	mutant{Name: "penalty-sides", Old: `mathx.SumEvent(Square(slope))
	if norm == 0 {
		return ReduceAllMean(square)`, New: `mathx.SumEvent(Square(slope))
	if norm == 0 {
		return ReduceAllMean(Sqrt(square))`, Bug: "‖∇‖ for ‖∇‖² in R₁"},
	mutant{Name: "between-swap", Old: `Add(Mul(u, data), Mul(OneMinus(u), fakes))`, New: `Add(Mul(u, fakes), Mul(OneMinus(u), data))`,
		Bug: "u on the side of the fakes"},
	mutant{Name: "between-one", Old: `	dims[0] = data.Shape().Dimensions[0]
`, New: ``, Bug: "one u for the whole batch"},
)

var ganMutants = in("pkg/gan/gan.go", "TestGAN$|TestDiracGAN",
	mutant{Name: "fakes-gradient", Old: `fakes := StopGradient(m.G(z))`, New: `fakes := m.G(z)`,
		Bug: "a gradient of D's loss in G's weights"},
	mutant{Name: "penalty-place", Old: `Penalty(m.D, Between(src, x, fakes), 1)`, New: `Penalty(m.D, fakes, 1)`,
		Bug: "Wasserstein's penalty at the fakes for between"},
	mutant{Name: "penalty-target", Old: `Penalty(m.D, x, 0)`, New: `Penalty(m.D, x, 1)`,
		Bug: "R₁ with slopes of 1 for none"},
	mutant{Name: "penalty-weight", Old: `return Add(loss, MulScalar(Penalty(m.D, x, 0), m.Penalty))`, New: `return Add(loss, Penalty(m.D, x, 0))`,
		Bug: "a penalty whose weight is ignored"},
)

var ganOptimalMutants = in("pkg/gan/optimal.go", "TestE103|TestE104|TestE105|TestE107",
	mutant{Name: "optimal-sign", Old: `return Sub(p.LogProb(x), q.LogProb(x))`, New: `return Sub(q.LogProb(x), p.LogProb(x))`,
		Bug: "q/(p + q) for p/(p + q)"},
	mutant{Name: "integrand-law", Old: `Mul(Exp(q.LogProb(x)), mathx.LogSigmoid(Neg(l)))`, New: `Mul(Exp(p.LogProb(x)), mathx.LogSigmoid(Neg(l)))`,
		Bug: "the fakes' term averaged over the data"},
	mutant{Name: "jsd-middle", Old: `Stack([]*Node{logP, logQ}, -1)), -math.Ln2)`, New: `Stack([]*Node{logP, logQ}, -1)), 0*math.Ln2)`,
		Bug: "p + q for (p + q)/2"},
	mutant{Name: "jsd-half", Old: `return MulScalar(Add(side(logP), side(logQ)), 0.5)`, New: `return Add(side(logP), side(logQ))`,
		Bug: "twice the divergence"},
)

var ganBestMutants = in("pkg/gan/best.go", "TestE103$|TestE107|TestE108|TestBest",
	mutant{Name: "best-miss", Old: `miss := 1 / (1 + math.Exp(l))`, New: `miss := 1 / (1 + math.Exp(-l))`,
		Bug: "D for 1 − D in the gradient of V"},
	mutant{Name: "best-sign", Old: `{{data, 1}, {fakes, -1}} {`, New: `{{data, 1}, {fakes, 1}} {`,
		Bug: "fakes taken as data"},
	mutant{Name: "best-weights", Old: `		copy(out.w, p.W)
`, New: ``, Bug: "weights ignored"},
	mutant{Name: "best-tie", Old: `share += p.w[i] / 2`, New: `share += p.w[i]`,
		Bug: "a logit of 0 counted as right"},
	mutant{Name: "best-quadratic", Old: `for _, b := range x[:i+1] {`, New: `for _, b := range x[:i] {`,
		Bug: "products without squares: an index off by one"},
	mutant{Name: "best-bias", Old: `return append([]float64{1}, x...) }`, New: `return append([]float64{0}, x...) }`,
		Bug: "a D without a constant"},
)

var ganNetworkMutants = in("pkg/gan/networks.go", "TestCloseness|TestNetworks|TestGame|TestE106Trained",
	mutant{Name: "closeness-self", Old: `ReduceSum(Exp(Neg(distance)), 1), -1), float64(n-1))`, New: `ReduceSum(Exp(Neg(distance)), 1), 0), float64(n-1))`,
		Bug: "a row compared with itself"},
	mutant{Name: "closeness-mean", Old: `float64(n-1))
}`, New: `float64(n))
}`, Bug: "n for n − 1 other rows"},
	mutant{Name: "closeness-norm", Old: `ReduceSum(Square(Sub(`, New: `ReduceSum(Abs(Sub(`,
		Bug: "the distance for its square"},
	mutant{Name: "bounded", Old: `	if c.Bounded {
		return Sigmoid(x)
	}
`, New: ``, Bug: "a bounded generator without bound"},
	mutant{Name: "fakes-of-g", Old: `c.latents(scope, x.Graph(), x.Shape().Dimensions[0]/c.steps(), x))`, New: `c.latents(scope, x.Graph(), x.Shape().Dimensions[0], x))`,
		Bug: "G's move with the rows of all of D's"},
	mutant{Name: "average-of-d", Old: `{Name: Discriminator, Scope: "/" + Discriminator, Updates`, New: `{Name: Discriminator, Scope: "/" + Discriminator, EMA: f.EMA, Updates`,
		Bug: "an average of the discriminator, which lags behind the game"},
)

var fitGameMutants = in("pkg/fit/game.go", "TestGame",
	mutant{Name: "unrolled", Old: `graph.IdentityWithCustomGradient(graph.StopGradient(v.NodeValue(g)),`, New: `graph.IdentityWithCustomGradient(v.NodeValue(g),`,
		Bug: "a gradient through the moves of the other player"},
	mutant{Name: "deal-rows", Old: `graph.AxisRange(j*n, (j+1)*n)`, New: `graph.AxisRange(0, n)`,
		Bug: "every move on the same rows"},
	mutant{Name: "round-count", Old: `	r.globalStep().SetNodeValue(graph.OnePlus(step)) // Adam counts every move
`, New: ``, Bug: "moves counted as rounds in the schedule and the average"},
	mutant{Name: "player-rate", Old: `	if p.LearningRate == 0 {
		return c.LearningRate
	}
	return p.LearningRate`, New: `	return c.LearningRate`, Bug: "a player's own learning rate ignored"},
	mutant{Name: "curve-order", Old: `		for _, losses := range r.Players {
			flat = append(flat, losses[step])
		}`, New: `		for range r.Players {
			flat = append(flat, r.Losses[step])
		}`, Bug: "the first player's losses kept for all"},
)
