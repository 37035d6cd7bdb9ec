package main

// Of the bugs that shipped elsewhere, each is named with the project and its issue or pull request.
var processMutants = in("pkg/process/process.go", "",
	mutant{Name: "alpha-bar", Old: `return Exp(p.LogAlpha(t)) }`, New: `return Exp(MulScalar(p.LogAlpha(t), 2)) }`,
		Bug: "ᾱ for α = √ᾱ"},
	mutant{Name: "sigma-squared", Old: `return Exp(p.LogSigma(t)) }`, New: `return Exp(MulScalar(p.LogSigma(t), 2)) }`,
		Bug: "1−ᾱ without its square root (labml #152)"},
	mutant{Name: "log-snr-half", Old: `Sub(p.LogAlpha(t), p.LogSigma(t)), 2)`, New: `Sub(p.LogAlpha(t), p.LogSigma(t)), 1)`,
		Bug: "log α/σ for log α²/σ²"},
	mutant{Name: "snr-inverse", Old: `return Exp(p.LogSNR(t)) }`, New: `return Exp(Neg(p.LogSNR(t))) }`,
		Bug: "noise to signal: the sign of λ flipped"},
	mutant{Name: "snr-drop-at-t", Old: `Mul(p.forgotten(s, t), p.SNR(s)) }`, New: `Mul(p.forgotten(s, t), p.SNR(t)) }`,
		Bug: "SNR(t) for SNR(s) in the weight of the bound"},
	mutant{Name: "forgotten-sign", Old: `mathx.Expm1(Neg(p.logSNRDrop(s, t))))`, New: `mathx.Expm1(p.logSNRDrop(s, t)))`,
		Bug: "the sign in expm1(λ_t−λ_s) flipped"},
	mutant{Name: "forgotten-cancels", Old: `return Neg(mathx.Expm1(Neg(p.logSNRDrop(s, t)))) }`,
		New: `return OneMinus(Exp(Neg(p.logSNRDrop(s, t)))) }`,
		Bug: "1 − e⁻ˣ, which cancels when s and t are close"},
	mutant{Name: "diffuse-variance", Old: `Add(Mul(p.Alpha(t), x0), Mul(p.Sigma(t), eps))`, New: `Add(Mul(p.Alpha(t), x0), Mul(Square(p.Sigma(t)), eps))`,
		Bug: "forward noising without its square root (How-Diffusion-Models-Work #1)"},
	mutant{Name: "diffuse-sign", Old: `Add(Mul(p.Alpha(t), x0), Mul(p.Sigma(t), eps))`, New: `Sub(Mul(p.Alpha(t), x0), Mul(p.Sigma(t), eps))`,
		Bug: "the sign of the noise flipped, which no law shows"},
	mutant{Name: "diffuse-alpha", Old: `Add(Mul(p.Alpha(t), x0), Mul(p.Sigma(t), eps))`, New: `Add(x0, Mul(p.Sigma(t), eps))`,
		Bug: "the data not shrunk"},
	mutant{Name: "marginal-log-variance", Old: `LogStd: p.LogSigma(t)}`, New: `LogStd: MulScalar(p.LogSigma(t), 2)}`,
		Bug: "log-variance for log-std in q(x_t|x_0) (ddpm-torch #9)"},
	mutant{Name: "marginal-mean", Old: `{Mean: Mul(p.Alpha(t), x0),`, New: `{Mean: Mul(Square(p.Alpha(t)), x0),`,
		Bug: "ᾱ for √ᾱ in the mean of q(x_t|x_0)"},
	mutant{Name: "transition-alpha-bar", Old: `shrink := Exp(Sub(p.LogAlpha(t), p.LogAlpha(s)))`, New: `shrink := Exp(p.LogAlpha(t))`,
		Bug: "√ᾱ_t for √α_t = √(ᾱ_t/ᾱ_s)"},
	mutant{Name: "transition-inverse", Old: `shrink := Exp(Sub(p.LogAlpha(t), p.LogAlpha(s)))`, New: `shrink := Exp(Sub(p.LogAlpha(s), p.LogAlpha(t)))`,
		Bug: "s and t swapped in the transition"},
	mutant{Name: "transition-std", Old: `LogStd: Add(p.LogSigma(t), p.logSqrtForgotten(s, t))}`, New: `LogStd: p.logSqrtForgotten(s, t)}`,
		Bug: "σ_t missing in β_t = σ_t² c"},
	mutant{Name: "transition-skips", Old: `	checkTime("Transition", xs, s, t)
`, New: `	checkTime("Transition", xs, s, t)
	if _, ok := p.Schedule.(Discrete); ok {
		s = AddScalar(t, -1)
	}
`, Bug: "β of the last step when steps are skipped (diffusers PR 3006)"},
	mutant{Name: "posterior-skips", Old: `	checkTime("Posterior", xt, s, t)
`, New: `	checkTime("Posterior", xt, s, t)
	if _, ok := p.Schedule.(Discrete); ok {
		s = AddScalar(t, -1)
	}
`, Bug: "β̃ of the last step when steps are skipped (diffusers PR 3006)"},
	mutant{Name: "posterior-beta", Old: `		LogStd: Add(p.LogSigma(s), p.logSqrtForgotten(s, t)),
	}
}

// Reverse`, New: `		LogStd: Add(p.LogSigma(t), p.logSqrtForgotten(s, t)),
	}
}

// Reverse`, Bug: "β for β̃ (PhysicsInformedDiffusionModels #4)"},
	mutant{Name: "posterior-log-variance", Old: `		LogStd: Add(p.LogSigma(s), p.logSqrtForgotten(s, t)),
	}
}

// Reverse`, New: `		LogStd: MulScalar(Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), 2),
	}
}

// Reverse`, Bug: "log β̃ as the log of a standard deviation"},
	mutant{Name: "posterior-keeps-all", Old: `Exp(Sub(Sub(logAlphaS, p.LogAlpha(t)), p.logSNRDrop(s, t)))`, New: `Exp(Sub(logAlphaS, p.LogAlpha(t)))`,
		Bug: "1−c missing in the posterior's coefficient of x_t"},
	mutant{Name: "posterior-swapped", Old: `Add(Mul(ofXt, xt), Mul(ofX0, x0))`, New: `Add(Mul(ofX0, xt), Mul(ofXt, x0))`,
		Bug: "the posterior's two coefficients swapped (labml #220)"},
	mutant{Name: "posterior-alpha-t", Old: `ofX0 := Mul(Exp(logAlphaS), p.forgotten(s, t))
	return`, New: `ofX0 := Mul(p.Alpha(t), p.forgotten(s, t))
	return`, Bug: "ᾱ_t for ᾱ_{t−1} in the posterior's coefficient of x_0 (labml #238)"},
	mutant{Name: "std-cancels", Old: `return MulScalar(mathx.Log1mExp(p.logSNRDrop(s, t)), 0.5)`, New: `return MulScalar(Log(OneMinus(Exp(Neg(p.logSNRDrop(s, t))))), 0.5)`,
		Bug: "a posterior variance that cancels (diffusion-models-tutorial PR 1)"},
	mutant{Name: "std-root", Old: `return MulScalar(mathx.Log1mExp(p.logSNRDrop(s, t)), 0.5)`, New: `return mathx.Log1mExp(p.logSNRDrop(s, t))`,
		Bug: "c for √c in both standard deviations"},
	mutant{Name: "reverse-square", Old: `Mul(Square(ofX0), varX0)`, New: `Mul(ofX0, varX0)`,
		Bug: "the coefficient of x_0 not squared in the reverse variance"},
	mutant{Name: "reverse-alpha", Old: `ofX0 := Mul(p.Alpha(s), p.forgotten(s, t))
	q.`, New: `ofX0 := p.forgotten(s, t)
	q.`, Bug: "α_s missing in the reverse variance"},
	mutant{Name: "reverse-std", Old: `MulScalar(Log(Add(q.Variance(), Mul(Square(ofX0), varX0))), 0.5)`, New: `MulScalar(Log(Add(q.Std(), Mul(Square(ofX0), varX0))), 0.5)`,
		Bug: "a standard deviation added to a variance"},
	mutant{Name: "reverse-half", Old: `varX0))), 0.5)`, New: `varX0))), 1)`,
		Bug: "log-variance for log-std in the reverse law"},
	mutant{Name: "ddim-clamp", Old: `Sqrt(OneMinus(MulScalar(p.forgotten(s, t), eta*eta)))`, New: `Sqrt(Max(OneMinus(MulScalar(p.forgotten(s, t), 4*eta*eta)), ZerosLike(t)))`,
		Bug: "a negative DDIM variance hidden by a clamp (CoursIA PR 16158)"},
	mutant{Name: "ddim-eta-above-1", Old: `if !(eta >= 0 && eta <= 1) {`, New: `if !(eta >= 0) {`,
		Bug: "η above 1 accepted, where the variance left can be negative"},
	mutant{Name: "ddim-eta-linear", Old: `MulScalar(p.forgotten(s, t), eta*eta)`, New: `MulScalar(p.forgotten(s, t), eta)`,
		Bug: "η for η² in DDIM's direction"},
	mutant{Name: "ddim-noise", Old: `Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), math.Log(eta))`, New: `Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), 2*math.Log(eta))`,
		Bug: "η² for η in DDIM's standard deviation"},
	mutant{Name: "ddim-log", Old: `Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), math.Log(eta))`, New: `Add(p.LogSigma(s), p.logSqrtForgotten(s, t)), eta)`,
		Bug: "a missing log (diffusers PR 2090)"},
	mutant{Name: "ddim-root", Old: `Mul(Sqrt(OneMinus(MulScalar(`, New: `Mul((OneMinus(MulScalar(`,
		Bug: "a dropped square root in DDIM's direction"},
	mutant{Name: "ddim-sigma", Old: `Exp(Sub(p.LogSigma(s), p.LogSigma(t))))`, New: `Exp(Sub(p.LogSigma(t), p.LogSigma(s))))`,
		Bug: "σ_t/σ_s for σ_s/σ_t in DDIM"},
	mutant{Name: "ddim-sign", Old: `Add(Mul(p.Alpha(s), x0), Mul(direction,`, New: `Sub(Mul(p.Alpha(s), x0), Mul(direction,`,
		Bug: "the sign of DDIM's direction flipped"},
	mutant{Name: "ddim-alpha", Old: `Add(Mul(p.Alpha(s), x0), Mul(direction,`, New: `Add(Mul(p.Alpha(t), x0), Mul(direction,`,
		Bug: "α_t for α_s in DDIM's mean"},
	mutant{Name: "snr-rate-weight", Old: `return Mul(p.LogSNRRate(t), p.SNR(t)) }`, New: `return p.LogSNRRate(t) }`,
		Bug: "the weight of ‖ε̂−ε‖² for that of ‖x̂₀−x₀‖²"},
	mutant{Name: "log-snr-rate-sign", Old: `return Neg(Gradient(ReduceAllSum(p.LogSNR(t)), t)[0])`, New: `return Gradient(ReduceAllSum(p.LogSNR(t)), t)[0]`,
		Bug: "the sign of −dλ/dt flipped"},
	mutant{Name: "drift-half", Old: `return Gradient(ReduceAllSum(p.LogAlpha(t)), t)[0]`, New: `return MulScalar(Gradient(ReduceAllSum(p.LogAlpha(t)), t)[0], 2)`,
		Bug: "β for ½β in the drift"},
	mutant{Name: "diffusion-std", Old: `Mul(Exp(MulScalar(p.LogSigma(t), 2)), p.LogSNRRate(t))`, New: `Mul(p.Sigma(t), p.LogSNRRate(t))`,
		Bug: "σ for σ² in g²"},
	mutant{Name: "grid-step", Old: `float64(i)/float64(n)
`, New: `float64(i)/float64(n+1)
`, Bug: "n+1 steps for n in the grid: all times but the last off"},
	mutant{Name: "grid-end", Old: `times[n] = p.TMin`, New: `times[n] = times[n-1]`,
		Bug: "the grid stops one step early"},
)

var discreteMutants = in("pkg/process/discrete.go", "",
	mutant{Name: "bar", Old: `logBar += math.Log1p(-beta)`, New: `logBar = math.Log1p(-beta)`,
		Bug: "α_t for ᾱ_t"},
	mutant{Name: "bar-index", Old: `append(d.logAlpha, logBar/2)`, New: `append(d.logAlpha, (logBar-math.Log1p(-beta))/2)`,
		Bug: "ᾱ_{t−1} for ᾱ_t"},
	mutant{Name: "bar-root", Old: `append(d.logAlpha, logBar/2)`, New: `append(d.logAlpha, logBar)`,
		Bug: "ᾱ_t without its square root"},
	mutant{Name: "one-minus-bar-root", Old: `math.Log(-math.Expm1(logBar))/2)`, New: `math.Log(-math.Expm1(logBar)))`,
		Bug: "1−ᾱ_t without its square root (labml #152)"},
	mutant{Name: "one-minus-root-bar", Old: `math.Log(-math.Expm1(logBar))/2)`, New: `math.Log(-math.Expm1(logBar/2))/2)`,
		Bug: "1−√ᾱ for 1−ᾱ (labml #152)"},
	mutant{Name: "sigma-beta", Old: `math.Log(-math.Expm1(logBar))/2)`, New: `math.Log(beta)/2)`,
		Bug: "β_t for 1−ᾱ_t"},
	mutant{Name: "ddpm-steps", Old: `float64(i)/float64(T-1)`, New: `float64(i)/float64(T)`,
		Bug: "T for T−1: the last β is not β_T"},
	mutant{Name: "ddpm-first", Old: `float64(i)/float64(T-1)`, New: `float64(i+1)/float64(T-1)`,
		Bug: "β_2 for β_1: an index off by one"},
	mutant{Name: "lookup-clamps", Old: `return Where(valid, values, Scalar(g, t.DType(), math.NaN()))`, New: `return values`,
		Bug: "a time off the chain's indices read as t = 0"},
	mutant{Name: "lookup-last", Old: `float64(len(table)-1)`, New: `float64(len(table)-2)`,
		Bug: "t = T refused: an index off by one"},
)

var scheduleMutants = in("pkg/process/schedule.go", "",
	mutant{Name: "vp-half", Old: `(v.BetaMax-v.BetaMin)/2`, New: `(v.BetaMax - v.BetaMin)`,
		Bug: "a missing ½ in ∫β"},
	mutant{Name: "vp-alpha-bar", Old: `MulScalar(v.B(t), -0.5) }`, New: `MulScalar(v.B(t), -1) }`,
		Bug: "α = e^(−B) for e^(−B/2)"},
	mutant{Name: "vp-sigma-root", Old: `MulScalar(mathx.Log1mExp(v.B(t)), 0.5) }`, New: `mathx.Log1mExp(v.B(t)) }`,
		Bug: "sub-VP's σ for VP's: a dropped square root"},
	mutant{Name: "sub-vp-sigma", Old: `return mathx.Log1mExp(VP(v).B(t)) }`, New: `return MulScalar(mathx.Log1mExp(VP(v).B(t)), 0.5) }`,
		Bug: "VP's σ for sub-VP's"},
	mutant{Name: "cosine-square", Old: `Log(Sin(MulScalar(OneMinus(t), c.rate()))), -c.logCos())`, New: `MulScalar(Log(Sin(MulScalar(OneMinus(t), c.rate()))), 2), -2*c.logCos())`,
		Bug: "ᾱ for √ᾱ in the cosine schedule"},
	mutant{Name: "cosine-norm", Old: `Log(Sin(MulScalar(OneMinus(t), c.rate()))), -c.logCos())`, New: `Log(Sin(MulScalar(OneMinus(t), c.rate()))), 0)`,
		Bug: "ᾱ not divided by ᾱ at 0 in the cosine schedule"},
	mutant{Name: "cosine-offset", Old: `2*c.Offset*c.rate()`, New: `c.Offset*c.rate()`,
		Bug: "u for u+u₀ in the cosine's σ"},
	mutant{Name: "ve-root", Old: `2*math.Log(v.SigmaMax/v.SigmaMin)`, New: `math.Log(v.SigmaMax/v.SigmaMin)`,
		Bug: "the ratio of σ for that of σ² in VE"},
	mutant{Name: "ve-half", Old: `Add(y, mathx.Log1mExp(y)), 0.5)`, New: `Add(y, mathx.Log1mExp(y)), 1)`,
		Bug: "log-variance for log-std in VE"},
	mutant{Name: "ve-grows", Old: `MulScalar(Add(y, mathx.Log1mExp(y)), 0.5)`, New: `MulScalar(mathx.Log1mExp(y), 0.5)`,
		Bug: "1−e⁻ʸ for eʸ−1 in VE"},
	mutant{Name: "log-snr-ends", Old: `MulScalar(t, l.Min-l.Max), l.Max)`, New: `MulScalar(t, l.Max-l.Min), l.Min)`,
		Bug: "the log-SNR rises from Min to Max"},
	mutant{Name: "learned-alpha-root", Old: `MulScalar(mathx.LogSigmoid(l(t)), 0.5) }`, New: `mathx.LogSigmoid(l(t)) }`,
		Bug: "sigmoid(λ) without its square root"},
	mutant{Name: "learned-sigma-sign", Old: `mathx.LogSigmoid(Neg(l(t)))`, New: `mathx.LogSigmoid(l(t))`,
		Bug: "σ² = sigmoid(λ): the sign of γ flipped"},
)

var validateMutants = in("pkg/process/validate.go", "",
	mutant{Name: "flat-snr", Old: `!(atS > atT)`, New: `!(atS >= atT)`,
		Bug: "an SNR that stays the same accepted"},
	mutant{Name: "check-last", Old: `for i := len(times) - 1; i > 0; i-- {`, New: `for i := len(times) - 2; i > 0; i-- {`,
		Bug: "the first interval not looked at: an index off by one"},
)
