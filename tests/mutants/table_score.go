package main

var scoreMutants = in("pkg/score/score.go", "",
	mutant{Name: "half", Old: `return MulScalar(mathx.SumEvent(Square(v)), 0.5) }`, New: `return mathx.SumEvent(Square(v)) }`,
		Bug: "a missing ½ before ‖s‖²"},
	mutant{Name: "implicit-sign", Old: `return Add(mathx.Divergence(score, x), half(score(x)))`, New: `return Sub(half(score(x)), mathx.Divergence(score, x))`,
		Bug: "the sign of the trace"},
	mutant{Name: "implicit-trace", Old: `return Add(mathx.Divergence(score, x), half(score(x)))`, New: `return Add(MulScalar(mathx.Divergence(score, x), 0.5), half(score(x)))`,
		Bug: "½ before the trace as before the square"},
	mutant{Name: "explicit-sign", Old: `half(Sub(checked("Explicit", score)(x),`, New: `half(Add(checked("Explicit", score)(x),`,
		Bug: "s + ∇log p for s − ∇log p"},
	mutant{Name: "rademacher-uniform", Old: `	return Where(LessThan(u, MulScalar(OnesLike(u), 0.5)), Neg(OnesLike(u)), OnesLike(u))
`, New: `	return u
`, Bug: "Hutchinson's trace with the wrong probe: variance ⅓"},
	mutant{Name: "rademacher-biased", Old: `MulScalar(OnesLike(u), 0.5)), Neg`, New: `MulScalar(OnesLike(u), 0.25)), Neg`,
		Bug: "a probe whose mean is not 0"},
	mutant{Name: "gaussian-uniform", Old: `return src.RandomNormal(like.Graph(), like.Shape())`, New: `return src.RandomUniform(like.Graph(), like.Shape())`,
		Bug: "uniforms for normals as directions"},
	mutant{Name: "sliced-sum", Old: `return Add(ReduceMean(slices, 0), half(score(x)))`, New: `return Add(ReduceSum(slices, 0), half(score(x)))`,
		Bug: "a sum over the directions for their mean"},
	mutant{Name: "sliced-one-row", Old: `k, x.Shape().Dimensions[0])
		return`, New: `x.Shape().Dimensions[0], k)
		slices = Transpose(slices, 0, 1)
		return`, Bug: "directions and examples mixed up"},
	mutant{Name: "denoising-half", Old: `MulScalar(denoise(src, p, at, x, t, OnesLike(t)), 0.5)`, New: `denoise(src, p, at, x, t, OnesLike(t))`,
		Bug: "a missing ½ in denoising score matching"},
	mutant{Name: "narrow", Old: `		checkShape(caller, s.Shape(), x.Shape())
`, New: ``, Bug: "a score of another shape broadcast"},
)

var objectiveMutants = in("pkg/score/objective.go", "TestObjective|TestDenoising|TestErrors",
	mutant{Name: "weight-sigma", Old: `return Exp(MulScalar(p.LogSigma(t), 2)) }`, New: `return p.Sigma(t) }`,
		Bug: "λ = σ for λ = σ²"},
	mutant{Name: "weight-inverse", Old: `return Exp(MulScalar(p.LogSigma(t), 2)) }`, New: `return Exp(MulScalar(p.LogSigma(t), -2)) }`,
		Bug: "λ = 1/σ²: the loss of ε weighed twice"},
	mutant{Name: "weight-likelihood", Old: `return p.Diffusion2(t) }`, New: `return Sqrt(p.Diffusion2(t)) }`,
		Bug: "g for g² as the likelihood's weight"},
	mutant{Name: "weight-squared", Old: `Mul(weight, Square(Sub(score(`, New: `Mul(Square(weight), Square(Sub(score(`,
		Bug: "λ² for λ"},
	mutant{Name: "target-noise", Old: `param.Target(param.Score, x0, eps,`, New: `param.Target(param.Eps, x0, eps,`,
		Bug: "the score regressed on ε for −ε/σ"},
	mutant{Name: "target-sign", Old: `p.Diffuse(x0, eps, t), t), target))`, New: `p.Diffuse(x0, eps, t), t), Neg(target)))`,
		Bug: "the sign of the target"},
	mutant{Name: "target-swapped", Old: `x0, eps, p.Alpha(t), p.Sigma(t))`, New: `x0, eps, p.Sigma(t), p.Alpha(t))`,
		Bug: "α and σ swapped in the target"},
	mutant{Name: "clean-data", Old: `score(p.Diffuse(x0, eps, t), t)`, New: `score(x0, t)`,
		Bug: "the score asked at the data without noise"},
	mutant{Name: "time-range", Old: `AddScalar(MulScalar(u, last-first), first)`, New: `AddScalar(MulScalar(u, last), first)`,
		Bug: "times beyond TMax"},
	mutant{Name: "level-last", Old: `Floor(MulScalar(u, n))`, New: `Floor(MulScalar(u, n-1))`,
		Bug: "the last level never drawn: an index off by one"},
	mutant{Name: "level-range", Old: `if !(t >= first && t <= last) {`, New: `if !(t >= first) {`,
		Bug: "a level above TMax accepted"},
)
