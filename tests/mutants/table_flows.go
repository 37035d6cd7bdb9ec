package main

var brownianMutants = in("pkg/sde/brownian.go", "TestBrownianPath|TestStochasticFlow|TestParticle|TestStrongOrder",
	mutant{Name: "brownian-root", Old: `math.Sqrt(dt)))`, New: `dt))`,
		Bug: "dt for √dt: increments whose variance is dt²"},
	mutant{Name: "brownian-between", Old: `range w.Steps[from:to]`, New: `range w.Steps[:to]`,
		Bug: "w(t) for w(t) − w(s)"},
	mutant{Name: "coarsen-skips", Old: `append(out.Steps, w.Between(i, i+k))`, New: `append(out.Steps, w.Steps[i])`,
		Bug: "every k-th increment kept, the others lost: a path of another variance"},
	mutant{Name: "coarsen-times", Old: `append(out.Times, w.Times[i+k])`, New: `append(out.Times, w.Times[i+1])`,
		Bug: "the times of the fine path for those of the coarse one"},
)

var stochasticFlowMutants = in("pkg/sde/flow.go", "TestStochasticFlow|TestTwoStartsContract|TestRandomSequence",
	mutant{Name: "flow-noise", Old: `f.Noise.Steps[i])`, New: `f.Noise.Steps[i-from])`,
		Bug: "each map begins at the path's first increment: φ_{t,u} sees the noise of φ_{s,…}"},
	mutant{Name: "flow-time", Old: `timeLike(x, f.Noise.Times[i]), `, New: `timeLike(x, f.Noise.Times[from]), `,
		Bug: "the drift of the first time for every step"},
	mutant{Name: "flow-start", Old: `points := []*Node{x}`, New: `points := []*Node{}`,
		Bug: "the start left out of the trajectory, and no identity"},
)

var itoMutants = in("pkg/sde/ito.go", "TestRules|TestGeometricBrownian|TestStrongOrder|TestParticle",
	mutant{Name: "ito-correction", Old: `MulScalar(Abs(dt), b.Sigma*b.Sigma/2)`, New: `ZerosLike(dt)`,
		Bug: "Itô's −½σ² left out of the solution: a mean that grows too fast"},
	mutant{Name: "gbm-variance", Old: `mathx.Expm1(MulScalar(t, b.Sigma*b.Sigma))`, New: `Exp(MulScalar(t, b.Sigma*b.Sigma))`,
		Bug: "the second moment for the variance"},
	mutant{Name: "gbm-mean", Old: `Exp(MulScalar(t, b.Mu)))`, New: `Exp(MulScalar(t, b.Mu-b.Sigma*b.Sigma/2)))`,
		Bug: "the median for the mean"},
	mutant{Name: "milstein-half", Old: `second), 0.5)`, New: `second), 1)`,
		Bug: "a missing ½ before g g'"},
	mutant{Name: "milstein-dt", Old: `second := Sub(Square(dw), Abs(Sub(u, t)))`, New: `second := Square(dw)`,
		Bug: "dw² for dw² − dt: Stratonovich's equation for Itô's"},
	mutant{Name: "milstein-slope", Old: `Mul(Mul(g, slope), second)`, New: `Mul(slope, second)`,
		Bug: "g' for g g'"},
	mutant{Name: "particle-two", Old: `math.Sqrt(2*d))`, New: `math.Sqrt(d))`,
		Bug: "⟨x²⟩ = Dt: the 2 of Einstein's formula left out"},
	mutant{Name: "ito-ode", Old: `			return ZerosLike(t)
`, New: `			return OnesLike(t)
`, Bug: "an ordinary equation that shakes"},
)
