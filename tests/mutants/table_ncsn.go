package main

var noiseLevelMutants = in("pkg/ncsn/levels.go", "TestGeometric|TestCheckLevels|TestObjective$",
	mutant{Name: "geometric-step", Old: `float64(i)/float64(n-1))
	}
	levels[n-1]`, New: `float64(i)/float64(n))
	}
	levels[n-1]`, Bug: "n for n−1 steps between the levels: an index off by one"},
	mutant{Name: "geometric-rising", Old: `largest * math.Pow(smallest/largest,`, New: `largest * math.Pow(largest/smallest,`,
		Bug: "levels that rise"},
	mutant{Name: "levels-equal", Old: `case i > 0 && s >= levels[i-1]:`, New: `case i > 0 && s > levels[i-1]:`,
		Bug: "a level twice accepted"},
	mutant{Name: "levels-ends", Old: `TMin: levels[len(levels)-1], TMax: levels[0]}`, New: `TMin: levels[len(levels)-2], TMax: levels[0]}`,
		Bug: "the last level outside the process: an index off by one"},
)

var ruleMutants = in("pkg/ncsn/rules.go", "TestMaxDistance|TestRulesGive|TestRatio|TestRadialRatio|TestVarianceOfALevel|TestStepSize",
	mutant{Name: "distance-root", Old: `return math.Sqrt(largest), nil`, New: `return largest, nil`,
		Bug: "the squared distance as σ_max"},
	mutant{Name: "distance-mean", Old: `largest = math.Max(largest, square)`, New: `largest = square`,
		Bug: "the last distance for the largest"},
	mutant{Name: "overlap-two", Old: `math.Sqrt(2*float64(d)) * (ratio - 1)`, New: `math.Sqrt(float64(d)) * (ratio - 1)`,
		Bug: "√d for √2d in the rule of the ratio"},
	mutant{Name: "overlap-width", Old: `distuv.UnitNormal.CDF(shift-3*ratio)`, New: `distuv.UnitNormal.CDF(shift-3)`,
		Bug: "three standard deviations of the wrong level"},
	mutant{Name: "radial-root", Old: `return math.Sqrt(square.Quantile(within3) / square.Quantile(overlap)), nil`, New: `return square.Quantile(within3) / square.Quantile(overlap), nil`,
		Bug: "γ² for γ"},
	mutant{Name: "final-half", Old: `h := eps / (2 * smallest * smallest)`, New: `h := eps / (smallest * smallest)`,
		Bug: "Song's step of 2020 for that of 2019: a missing ½"},
	mutant{Name: "final-square", Old: `kept := math.Pow(1-h, 2*float64(n))`, New: `kept := math.Pow(1-h, float64(n))`,
		Bug: "what is kept of x for what is kept of its variance"},
	mutant{Name: "final-ratio", Old: `return kept*ratio*ratio + (1-kept)*stationary`, New: `return kept*ratio + (1-kept)*stationary`,
		Bug: "γ for γ² as the variance that a level starts from"},
	mutant{Name: "final-bias", Old: `stationary := 2 / (2 - h)`, New: `stationary := 2 / (2 + h)`,
		Bug: "the sign of Langevin's bias"},
	mutant{Name: "step-size", Old: `return 2 * h * smallest * smallest, nil`, New: `return h * smallest * smallest, nil`,
		Bug: "Luo's c for Song's ε"},
)

var noiseNetworkMutants = in("pkg/ncsn/network.go", "TestScoreOf|TestScaleOf|TestConfigFor|TestNetworkSees|TestLossPer",
	mutant{Name: "score-prior", Old: `correction), Div(x, size2))`, New: `correction), Div(x, size))`,
		Bug: "σ for σ² in the score of the blurred normal law"},
	mutant{Name: "score-sign", Old: `return Sub(Div(c.network(`, New: `return Add(Div(c.network(`,
		Bug: "a score that leads away from the data"},
	mutant{Name: "score-size", Old: `size2 := AddScalar(Square(sigma), c.DataStd*c.DataStd)`, New: `size2 := AddScalar(Square(sigma), c.DataStd)`,
		Bug: "σ_d for σ_d²"},
	mutant{Name: "score-scale", Old: `DivScalar(Mul(sigma, size), c.DataStd)`, New: `DivScalar(Square(sigma), c.DataStd)`,
		Bug: "the network's factor of the wrong size at small σ"},
	mutant{Name: "score-level", Old: `Div(x, size), Log(sigma))`, New: `Div(x, size), Log(OnesLike(sigma)))`,
		Bug: "a network that does not see the noise level"},
	mutant{Name: "config-std", Old: `	c.DataStd = math.Sqrt(c.DataStd)
`, New: ``, Bug: "a variance for the size of the data"},
	mutant{Name: "config-count", Old: `1+int(math.Ceil(`, New: `int(math.Ceil(`,
		Bug: "one level too few: the ratio is above the rule's"},
	mutant{Name: "loss-size", Old: `DivScalar(ReduceAllMean(loss), float64(c.Dim))`, New: `ReduceAllMean(loss)`,
		Bug: "the loss not per dimension"},
)

var noiseModelMutants = in("pkg/ncsn/model.go", "TestSampleOf",
	mutant{Name: "sample-start", Old: `m.Config.Dim), levels[0], seed)`, New: `m.Config.Dim), 1, seed)`,
		Bug: "chains that start at N(0, I) for N(0, σ_1² I)"},
	mutant{Name: "sample-min", Old: `Eps: s.Eps, SigmaMin: levels[len(levels)-1]}`, New: `Eps: s.Eps, SigmaMin: levels[0]}`,
		Bug: "σ_1 for σ_L in the step size"},
	mutant{Name: "sample-ratio", Old: `ratio = math.Max(ratio, levels[i]/s)`, New: `ratio = math.Max(ratio, s/levels[i])`,
		Bug: "the ratio of the levels upside down"},
)
