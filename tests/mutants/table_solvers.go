package main

// The solvers of pkg/sampler, and its probability flow as a map.

var heunMutants = in("pkg/sampler/heun.go", "TestSolverSteps|TestSolverErrors",
	mutant{Name: "heun-half", Old: `MulScalar(dt, 0.5)`, New: `dt`,
		Bug: "the sum of two slopes for their mean"},
	mutant{Name: "heun-time", Old: `h.SDE.Drift(Add(x, Mul(from, dt)), s)`, New: `h.SDE.Drift(Add(x, Mul(from, dt)), t)`,
		Bug: "the second slope at t for s"},
	mutant{Name: "heun-sign", Old: `x, dt := st.X, Sub(s, t)`, New: `x, dt := st.X, Sub(t, s)`,
		Bug: "the sign of the step flipped"},
	mutant{Name: "heun-noise", Old: `if h.SDE.Diffusion != nil {`, New: `if h.SDE.Drift == nil {`,
		Bug: "an equation with noise solved as an ODE"},
)

var dpmMutants = in("pkg/sampler/dpm.go", "TestSolverSteps|TestSolverOrder",
	mutant{Name: "dpm-half", Old: `share := MulScalar(Div(h, Sub(lambda, st.Aux[1])), 0.5)`, New: `share := Div(h, Sub(lambda, st.Aux[1]))`,
		Bug: "a missing ½ in the extrapolation of x̂₀"},
	mutant{Name: "dpm-ratio", Old: `Div(h, Sub(lambda, st.Aux[1]))`, New: `Div(Sub(lambda, st.Aux[1]), h)`,
		Bug: "h'/h for h/h'"},
	mutant{Name: "dpm-sign", Old: `Sub(x0, before)))`, New: `Sub(before, x0)))`,
		Bug: "x̂₀ extrapolated backwards"},
	mutant{Name: "dpm-memory", Old: `Aux: []*Node{x0, Reshape(lambda)}`, New: `Aux: []*Node{estimate, Reshape(lambda)}`,
		Bug: "the extrapolated x̂₀ kept for the network's"},
)

var edmMutants = in("pkg/sampler/edm.go", "TestSolverSteps|TestChurn|TestKarrasGrid|TestSolversArrive|TestSolverErrors",
	mutant{Name: "edm-slope", Old: `Div(Sub(y, x0), level)`, New: `Div(Sub(x0, y), level)`,
		Bug: "the sign of the flow in units of the noise level"},
	mutant{Name: "edm-second", Old: `to := e.slope(guess, target, s)`, New: `to := e.slope(guess, level, t)`,
		Bug: "the second slope at the first level"},
	mutant{Name: "edm-half", Old: `MulScalar(dt, 0.5)`, New: `dt`,
		Bug: "the sum of two slopes for their mean in EDM's step"},
	mutant{Name: "edm-churn-square", Old: `Sub(Square(higher), Square(level))`, New: `Square(Sub(higher, level))`,
		Bug: "(ς̂−ς)² for ς̂²−ς²: standard deviations added"},
	mutant{Name: "edm-churn-root", Old: `added := Sqrt(Max(Sub(Square(higher), Square(level)), ZerosLike(level)))`, New: `added := Max(Sub(Square(higher), Square(level)), ZerosLike(level))`,
		Bug: "a variance of noise added for its root"},
	mutant{Name: "edm-churn-limit", Old: `min(e.Churn, maxChurn)`, New: `e.Churn`,
		Bug: "γ above √2−1"},
	mutant{Name: "edm-churn-time", Old: `return more, higher, later
`, New: `_ = later
	return more, higher, t
`, Bug: "the denoiser asked at the time before the noise was added"},
	mutant{Name: "edm-time-of-level", Old: `p.Time(process.Process{Schedule: process.EDM{}}.LogSNR(level))`, New: `p.Time(MulScalar(Log(level), -1))`,
		Bug: "λ = −log ς for −2 log ς"},
	mutant{Name: "edm-noise-scale", Old: `Mul(MulScalar(added, scale), src`, New: `Mul(MulScalar(added, 1), src`,
		Bug: "S_noise forgotten"},
	mutant{Name: "edm-churn-range", Old: `LessOrEqual(level, Scalar(g, dtype, high))`, New: `GreaterOrEqual(level, Scalar(g, dtype, high))`,
		Bug: "churn outside of its range"},
)

var spacedMutants = in("pkg/sampler/spaced.go", "TestKarrasGrid|TestPowerGrid",
	mutant{Name: "karras-rho", Old: `between(math.Pow(ends[0], 1/rho), math.Pow(ends[1], 1/rho), i, n)`, New: `between(math.Pow(ends[0], rho), math.Pow(ends[1], rho), i, n)`,
		Bug: "ρ for 1/ρ in Karras's grid"},
	mutant{Name: "karras-power", Old: `math.Pow(ends[1], 1/rho), i, n), rho)`, New: `math.Pow(ends[1], 1/rho), i, n), 1)`,
		Bug: "the roots of Karras's noise levels for the levels"},
	mutant{Name: "power-rho", Old: `math.Pow(between(math.Pow(p.TMax, 1/rho), math.Pow(p.TMin, 1/rho), i, n), rho)`, New: `math.Pow(between(math.Pow(p.TMax, 1/rho), math.Pow(p.TMin, 1/rho), i, n), 1/rho)`,
		Bug: "1/ρ for ρ on the way back to times"},
)

var rk45Mutants = in("pkg/sampler/rk45.go", "TestRK45(Order|Exact|LogDet|Errors|Tolerances|ErrorOf)",
	mutant{Name: "rk45-tableau", Old: `{44. / 45, -56. / 15, 32. / 9,`, New: `{44. / 45, 56. / 15, 32. / 9,`,
		Bug: "a sign in the tableau"},
	mutant{Name: "rk45-node", Old: `rkC = []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1}`, New: `rkC = []float64{0, 1. / 5, 3. / 10, 4. / 5, 7. / 9, 1, 1}`,
		Bug: "a node of the tableau wrong: only a drift of t shows it"},
	mutant{Name: "rk45-error", Old: `rkE = []float64{71. / 57600, 0, -71. / 16695,`, New: `rkE = []float64{35. / 384, 0, -71. / 16695,`,
		Bug: "the solution's weight in the error's place"},
	mutant{Name: "rk45-takes-all", Old: `take, fail := LogicalAnd(complete, small), LogicalAnd(complete, LogicalNot(small))`,
		New: `take, fail := complete, LogicalAnd(complete, LogicalNot(small))`,
		Bug: "steps whose error is too large taken"},
	mutant{Name: "rk45-exponent", Old: `Pow(e, s.constant(x, -1./5))`, New: `Pow(e, s.constant(x, 1./5))`,
		Bug: "the step size grows with the error"},
	mutant{Name: "rk45-first-slope", Old: `firstOf(Where(take, slope, again))`, New: `firstOf(again)`,
		Bug: "the slope of the step before used as the first of the next"},
	mutant{Name: "rk45-direction", Old: `	if s.To < s.From {
		slope = Neg(slope)
	}
`, New: ``, Bug: "the slope's sign on the way to falling times"},
	mutant{Name: "rk45-log-det", Old: `	slope := pack(drift, div)
`, New: `	slope := pack(drift, Neg(div))
`, Bug: "the sign of the divergence in the log-likelihood"},
	mutant{Name: "rk45-tolerance", Old: `AddScalar(MulScalar(Max(Abs(y), Abs(z)), s.Rel), s.Abs)`, New: `AddScalar(MulScalar(Max(Abs(y), Abs(z)), s.Abs), s.Rel)`,
		Bug: "the two tolerances swapped"},
	mutant{Name: "rk45-norm", Old: `return Sqrt(Max(mean(AxisRange(0, d)), mean(AxisElem(d))))`, New: `return Sqrt(mean(AxisRange(0, d)))`,
		Bug: "the error of the log-likelihood not looked at"},
	mutant{Name: "rk45-arrives", Old: `arrives := GreaterOrEqual(r.h, Abs(Sub(to, r.t)))`, New: `arrives := GreaterOrEqual(MulScalar(r.h, 2), Abs(Sub(to, r.t)))`,
		Bug: "the last step counted as arrived from half way"},
	mutant{Name: "rk45-evaluations", Old: `(rkStages-1)*(out.Taken+out.Failed)`, New: `(rkStages-1)*out.Taken`,
		Bug: "the evaluations of refused steps not counted"},
)

var flowMutants = in("pkg/sampler/flow.go", "TestFlowLogProb|TestFlowRoundTrip|TestNoise|TestTerminalBias",
	mutant{Name: "flow-sign", Old: `out.LogProb[i] += l`, New: `out.LogProb[i] -= l`,
		Bug: "log p(z) − ∫div for log p(z) + ∫div"},
	mutant{Name: "flow-decode", Old: `decode: run(c.Process.TMax, c.Process.TMin, nil)`, New: `decode: run(c.Process.TMin, c.Process.TMax, nil)`,
		Bug: "the flow decoded forwards"},
	mutant{Name: "flow-reverse", Old: `.ProbabilityFlow(c.Score(scope))`, New: `.Family(c.Score(scope), math.Sqrt2)`,
		Bug: "another drift for the flow's"},
	mutant{Name: "flow-terminal", Old: `law.LogStd = AddScalar(law.LogStd, math.Log(std))`, New: `law.LogStd = AddScalar(law.LogStd, 2*math.Log(std))`,
		Bug: "log-variance for log-std in the terminal law"},
)

var divergenceMutants = in("pkg/sampler/divergence.go", "TestHutchinson|TestFlowErrors",
	mutant{Name: "hutchinson-probe", Old: `return probe(src, dist.Repeat(x, h.Probes))`, New: `return src.RandomUniform(x.Graph(), dist.Repeat(x, h.Probes).Shape())`,
		Bug: "Hutchinson's trace with a probe whose variance is not 1"},
	mutant{Name: "hutchinson-one-sign", Old: `return probe(src, dist.Repeat(x, h.Probes))`, New: `return OnesLike(dist.Repeat(x, h.Probes))`,
		Bug: "Hutchinson's trace with a probe that is not random: the sum of all entries"},
	mutant{Name: "hutchinson-law", Old: `probe = score.Rademacher`, New: `probe = score.Gaussian`,
		Bug: "another law than the one that varies least where none is named"},
	mutant{Name: "hutchinson-sum", Old: `ReduceMean(Reshape(each, h.Probes, -1), 0)`, New: `ReduceSum(Reshape(each, h.Probes, -1), 0)`,
		Bug: "a sum over the probes for their mean"},
	mutant{Name: "hutchinson-rows", Old: `ReduceMean(Reshape(each, h.Probes, -1), 0)`, New: `ReduceMean(Reshape(each, -1, h.Probes), 1)`,
		Bug: "probes and rows mixed up"},
)

var slerpMutants = in("pkg/sampler/interpolate.go", "TestSlerp|TestInterpolate",
	mutant{Name: "slerp-order", Old: `weight(1-w)*a[j]+weight(w)*b[j]`, New: `weight(w)*a[j]+weight(1-w)*b[j]`,
		Bug: "from b to a"},
	mutant{Name: "slerp-linear", Old: `return math.Sin(w*theta) / math.Sin(theta)`, New: `return w`,
		Bug: "a straight line for the great circle"},
	mutant{Name: "slerp-angle", Old: `ab/math.Sqrt(aa*bb)`, New: `ab/(aa*bb)`,
		Bug: "a dropped square root in the angle"},
)
