package main

var reverseMutants = in("pkg/sampler/reverse.go", "TestReverseStep|TestChain",
	mutant{Name: "posterior-beta", Old: `return p.Posterior(xt, xt, s, t).LogStd }`, New: `return p.Transition(xt, s, t).LogStd }`,
		Bug: "β for β̃ in the default reverse variance (PhysicsInformedDiffusionModels #4)"},
	mutant{Name: "transition-beta", Old: `return p.Transition(xt, s, t).LogStd }`, New: `return p.Posterior(xt, xt, s, t).LogStd }`,
		Bug: "β̃ for β"},
	mutant{Name: "exact-time", Old: `p.Reverse(xt, xt, varX0(xt, t), s, t).LogStd`, New: `p.Reverse(xt, xt, varX0(xt, s), s, t).LogStd`,
		Bug: "Var(x_0|x_t) at s for t"},
	mutant{Name: "exact-std", Old: `p.Reverse(xt, xt, varX0(xt, t), s, t).LogStd`, New: `p.Reverse(xt, xt, Sqrt(varX0(xt, t)), s, t).LogStd`,
		Bug: "the standard deviation of x_0 for its variance"},
	mutant{Name: "law-time", Old: `return r.law(xt, r.Denoise(xt, t), s, t) }`, New: `return r.law(xt, r.Denoise(xt, s), s, t) }`,
		Bug: "the denoiser of the reverse law asked at t−1 for t"},
	mutant{Name: "law-log-variance", Old: `LogStd: std(r.Process, xt, s, t)}`, New: `LogStd: MulScalar(std(r.Process, xt, s, t), 2)}`,
		Bug: "log-variance for log-std in the reverse law"},
)

var stepperMutants = in("pkg/sampler/stepper.go", "TestReverseStep|TestChain|TestLast",
	mutant{Name: "ancestral-time", Old: `x0 := a.Denoise(st.X, t)`, New: `x0 := a.Denoise(st.X, s)`,
		Bug: "the denoiser asked at t−1 for t (Langevin's time step in MIT's labs)"},
	mutant{Name: "ancestral-swapped", Old: `a.law(st.X, x0, s, t), x0, s)`, New: `a.law(st.X, x0, t, s), x0, s)`,
		Bug: "s and t swapped in the ancestral step"},
	mutant{Name: "ancestral-no-noise", Old: `	if l == LastDraw {
		return law.Sample(src)
	}
`, New: `	if l == LastDraw {
		return law.Expectation()
	}
`, Bug: "no noise in the steps of LastDraw"},
	mutant{Name: "last-noise", Old: `LessOrEqual(s, Scalar(g, dtype, p.TMin))`, New: `LessThan(s, Scalar(g, dtype, p.TMin))`,
		Bug: "noise in the last step"},
	mutant{Name: "last-early", Old: `LessOrEqual(s, Scalar(g, dtype, p.TMin))`, New: `LessOrEqual(s, Scalar(g, dtype, p.TMax))`,
		Bug: "no noise in any step"},
	mutant{Name: "last-x0", Old: `Where(BroadcastToDims(ends, law.Mean.Shape().Dimensions...), x0, law.Mean)`, New: `Where(BroadcastToDims(ends, law.Mean.Shape().Dimensions...), law.Mean, x0)`,
		Bug: "x̂₀ for x_s in every step but the last"},
)

var ddimMutants = in("pkg/sampler/ddim.go", "TestEta|TestDDIM",
	mutant{Name: "ddim-time", Old: `x0 := d.Denoise(st.X, t)`, New: `x0 := d.Denoise(st.X, s)`,
		Bug: "the denoiser asked at t−1 for t in DDIM"},
	mutant{Name: "ddim-swapped", Old: `d.Process.DDIM(st.X, x0, s, t, d.Eta)`, New: `d.Process.DDIM(st.X, x0, t, s, d.Eta)`,
		Bug: "s and t swapped in DDIM"},
	mutant{Name: "ddim-eta", Old: `d.Process.DDIM(st.X, x0, s, t, d.Eta)`, New: `d.Process.DDIM(st.X, x0, s, t, d.Eta*d.Eta)`,
		Bug: "η² for η in DDIM"},
)

var gridMutants = in("pkg/sampler/grid.go", "TestLogSNRGrid|TestPrior|TestErrors",
	mutant{Name: "grid-rising", Old: `!(t < times[i-1])`, New: `!(t <= times[i-1])`,
		Bug: "a grid that stands still accepted"},
	mutant{Name: "grid-target", Old: `a + (b-a)*float64(i)/float64(n) }`, New: `a + (b-a)*float64(i)/float64(n+1) }`,
		Bug: "n+1 steps for n in λ"},
	mutant{Name: "grid-bisection", Old: `at[i] > between(ends[0], ends[n], i, n)`, New: `at[i] < between(ends[0], ends[n], i, n)`,
		Bug: "the sign of a comparison flipped: λ rises with t"},
	mutant{Name: "grid-nearest", Old: `math.Abs(at[index+1]-target) < math.Abs(at[index]-target)`, New: `math.Abs(at[index+1]-target) > math.Abs(at[index]-target)`,
		Bug: "the farthest index for the nearest"},
	mutant{Name: "prior-std", Old: `F(std * r.NormFloat64())`, New: `F(std * std * r.NormFloat64())`,
		Bug: "σ² for σ in the draw of x_T"},
)

var programMutants = in("pkg/sampler/program.go", "TestChain|TestSampleAndPath|TestFinisher",
	mutant{Name: "loop-times", Old: `program.At(s[times], s[i]), program`, New: `program.At(s[times], graph.OnePlus(s[i])), program`,
		Bug: "t_{i+1} for t_i in the loop: the time step off by one", XLA: true},
	mutant{Name: "loop-noise", Old: `next, s[rng], s[finite]`, New: `next, _, s[finite]`,
		Bug: "every step with the same noise", XLA: true},
	mutant{Name: "walk-times", Old: `p.one(state, given, times[i], times[i+1])`, New: `p.one(state, given, times[0], times[i+1])`,
		Bug: "the first time for each step's own"},
	mutant{Name: "loop-end", Old: `graph.LessThan(s[i], s[n])`, New: `graph.LessOrEqual(s[i], s[n])`,
		Bug: "one step too many: an index off by one", XLA: true},
	mutant{Name: "loop-done", Old: `graph.LogicalAnd(s[finite], graph.LogicalNot(s[done]))`, New: `s[finite]`,
		Bug: "a Stepper that is done goes on", XLA: true},
	mutant{Name: "walk-done", Old: `if over || i == len(times)-1`, New: `if _ = over; i == len(times)-1`,
		Bug: "a Stepper that is done goes on, step by step"},
)
