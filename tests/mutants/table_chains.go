package main

// The chains and solvers of pkg/sampler that need a score.

const langevinTests = "TestLangevin(Step|Bias|Diverges|NaN|Curvature)|TestChainErrors"

var langevinMutants = in("pkg/sampler/langevin.go", langevinTests,
	mutant{Name: "langevin-half", Old: `return alpha / 2 }`, New: `return alpha }`,
		Bug: "Song's α read as Luo's c"},
	mutant{Name: "langevin-root", Old: `return math.Sqrt(2 * c) }`, New: `return 2 * c }`,
		Bug: "noise without its square root"},
	mutant{Name: "langevin-two", Old: `return math.Sqrt(2 * c) }`, New: `return math.Sqrt(c) }`,
		Bug: "√c for √2c: a law at half the temperature"},
	mutant{Name: "langevin-sign", Old: `	next := Add(x, drift)
`, New: `	next := Sub(x, drift)
`, Bug: "away from the modes: the sign of the drift"},
	mutant{Name: "langevin-silent", Old: `	if !m.silent {
`, New: `	if m.silent {
`, Bug: "noise only where none is asked for"},
	mutant{Name: "langevin-curvature-sign", Old: `bend := Neg(Div(`, New: `bend := (Div(`,
		Bug: "the curvature's sign flipped, so that no size is found"},
	mutant{Name: "langevin-curvature-square", Old: `mathx.SumEvent(Square(dx))))`, New: `mathx.SumEvent(Abs(dx))))`,
		Bug: "‖Δx‖ for ‖Δx‖² in the fitted curvature"},
	mutant{Name: "langevin-curvature-last", Old: `met := Max(st.Aux[metCurvature], Where(counts, bend, ZerosLike(bend)))`, New: `met := Where(counts, bend, ZerosLike(bend))`,
		Bug: "the last curvature for the largest"},
	mutant{Name: "langevin-never-diverges", Old: `greater(MulScalar(met, m.size), 2)`, New: `greater(MulScalar(met, m.size), 4)`,
		Bug: "c < 4/L taken for stable"},
	mutant{Name: "langevin-far-start", Old: `diverged := And(greater(MulScalar(met, m.size), 2), `, New: `diverged := And(greater(MulScalar(met, m.size), 0), `,
		Bug: "a far start taken for a divergence"},
	mutant{Name: "langevin-limit", Old: `limit := 2 * unit / mathx.Floats(aux[metCurvature])[row]`, New: `limit := 1 * unit / mathx.Floats(aux[metCurvature])[row]`,
		Bug: "1/L for 2/L as the stable size"},
	mutant{Name: "langevin-row", Old: `mathx.Floats(aux[metCurvature])[row]`, New: `mathx.Floats(aux[metCurvature])[0]`,
		Bug: "the curvature of another chain in the error"},
	mutant{Name: "langevin-negative", Old: `if value > 0 && value <= math.MaxFloat64 {`, New: `if value >= 0 && value <= math.MaxFloat64 {`,
		Bug: "a step size of 0 accepted"},
	mutant{Name: "langevin-narrow-score", Old: `	if !field.Shape().Equal(x.Shape()) {
`, New: `	if field.Rank() != x.Rank() {
`, Bug: "a score of one number for each row, broadcast over its coordinates"},
)

var malaMutants = in("pkg/sampler/mala.go", "TestMALA",
	mutant{Name: "mala-accepts-all", Old: `accept := LessThan(Log(src.RandomUniform(g, shapes.Make(dtype, x.Shape().Dimensions[0]))), logRatio)`,
		New: `accept := LessThan(Sub(Log(src.RandomUniform(g, shapes.Make(dtype, x.Shape().Dimensions[0]))), logRatio), Scalar(g, dtype, math.Inf(1)))`,
		Bug: "rejections accepted"},
	mutant{Name: "mala-log", Old: `LessThan(Log(src.RandomUniform(`, New: `LessThan((src.RandomUniform(`,
		Bug: "u for log u: a missing log"},
	mutant{Name: "mala-inverse", Old: `Sub(Add(logProbY, m.proposal(y, scoreY).LogProb(x)), Add(logProb, forward.LogProb(y)))`,
		New: `Sub(Add(logProb, forward.LogProb(y)), Add(logProbY, m.proposal(y, scoreY).LogProb(x)))`,
		Bug: "the acceptance ratio upside down"},
	mutant{Name: "mala-symmetric", Old: `Sub(Add(logProbY, m.proposal(y, scoreY).LogProb(x)), Add(logProb, forward.LogProb(y)))`,
		New: `Sub(logProbY, logProb)`,
		Bug: "Metropolis for Metropolis–Hastings: the proposal taken as symmetric"},
	mutant{Name: "mala-back", Old: `m.proposal(y, scoreY).LogProb(x)`, New: `m.proposal(y, score).LogProb(x)`,
		Bug: "the score at x in the way back from y"},
	mutant{Name: "mala-std", Old: `math.Log(rootTwice(m.Size))`, New: `2 * math.Log(rootTwice(m.Size))`,
		Bug: "log-variance for log-std in the proposal"},
	mutant{Name: "mala-stale", Old: `Where(accept, logProbY, logProb),`, New: `logProbY,`,
		Bug: "log p of a refused proposal kept"},
	mutant{Name: "mala-stale-score", Old: `Where(accept, scoreY, score),`, New: `scoreY,`,
		Bug: "the score of a refused proposal kept"},
	mutant{Name: "mala-counts", Old: `Add(accepted, ConvertDType(accept, dtype)),`, New: `Add(accepted, OnesLike(accepted)),`,
		Bug: "refused steps counted as accepted"},
	mutant{Name: "mala-nan", Old: `X: Where(broken, Scalar(g, dtype, math.NaN()), Where(accept, y, x)),`, New: `X: Where(accept, y, Where(broken, x, x)),`,
		Bug: "a NaN refused in silence"},
	mutant{Name: "mala-outside", Old: `And(IsNaN(Add(logRatio, logProbY)), Not(outside))`, New: `Or(Not(IsFinite(Add(logRatio, logProbY))), And(outside, Not(outside)))`,
		Bug: "a proposal outside the support reported as a failure"},
)

var annealedMutants = in("pkg/sampler/annealed.go", "TestRepeat|TestAnnealed(Moments|Order|Diverges)|TestChainErrors",
	mutant{Name: "annealed-sigma", Old: `field: Mul(Square(sigma), score)`, New: `field: Mul(sigma, score)`,
		Bug: "σ for σ² in the step size of a level"},
	mutant{Name: "annealed-noise", Old: `std: MulScalar(sigma, rootTwice(size))`, New: `std: MulScalar(Square(sigma), rootTwice(size))`,
		Bug: "α for √α as the noise of a level"},
	mutant{Name: "annealed-half", Old: `size := LangevinSize(a.alpha())`, New: `size := a.alpha()`,
		Bug: "a missing ½ before the score in Song's convention"},
	mutant{Name: "annealed-min", Old: `return a.Eps / (a.SigmaMin * a.SigmaMin) }`, New: `return a.Eps / a.SigmaMin }`,
		Bug: "σ_min for its square"},
	mutant{Name: "annealed-time", Old: `func (a Annealed) Step(src noise.Source, st State, t, _ *Node) State {
	score := a.Score(st.X, t)
`, New: `func (a Annealed) Step(src noise.Source, st State, t, s *Node) State {
	score := a.Score(st.X, s)
`, Bug: "the score of the next level: an index off by one"},
	mutant{Name: "annealed-levels-mixed", Old: `Equal(level, st.Aux[last])`, New: `Equal(level, Add(level, MulScalar(st.Aux[last], 0)))`,
		Bug: "scores of two levels taken for one's curvature"},
	mutant{Name: "annealed-unit", Old: `"Eps", a.Eps, 2*a.SigmaMin*a.SigmaMin,`, New: `"Eps", a.Eps, a.SigmaMin*a.SigmaMin,`,
		Bug: "the stable step size off by Song's ½"},
	mutant{Name: "repeat-once-more", Old: `	for i, level := range levels {
		if !(level > 0)`, New: `	for i, level := range levels[:len(levels)-1] {
		if !(level > 0)`, Bug: "the last level left out"},
	mutant{Name: "repeat-rising", Old: `i > 0 && !(level < levels[i-1])`, New: `i > 1 && !(level < levels[i-1])`,
		Bug: "the first two levels in the wrong order accepted"},
	mutant{Name: "annealed-rising", Old: `case i > 0 && !(t <= times[i-1]):`, New: `case i > 0 && t > times[0]:`,
		Bug: "levels that rise again accepted"},
)

var eulerMutants = in("pkg/sampler/euler.go", "TestEulerReverse/.*impulse|TestEulerLast|TestChainErrors",
	mutant{Name: "euler-swapped", Old: `law := equation.Step(st.X, t, s)`, New: `law := equation.Step(st.X, s, t)`,
		Bug: "the drift at s, and the sign of the step flipped"},
	mutant{Name: "euler-last", Old: `e.Last.next(src, e.Process, law, law.Mean, s)`, New: `LastDraw.next(src, e.Process, law, law.Mean, s)`,
		Bug: "noise in the last step"},
	mutant{Name: "euler-x0", Old: `if e.Last == LastX0 {`, New: `if e.Last > LastX0 {`,
		Bug: "the x̂₀ of an equation that has none"},
)

var reverseDiffusionMutants = in("pkg/sampler/reversediffusion.go", "TestReverseDiffusion(Step|Chain)",
	mutant{Name: "mirror", Old: `Add(Sub(MulScalar(st.X, 2), forward.Mean), Mul(`, New: `Add(forward.Mean, Mul(`,
		Bug: "the forward drift taken again for taken back"},
	mutant{Name: "mirror-score-sign", Old: `Add(Sub(MulScalar(st.X, 2), forward.Mean), Mul(`, New: `Sub(Sub(MulScalar(st.X, 2), forward.Mean), Mul(`,
		Bug: "the sign of the score in the reverse drift"},
	mutant{Name: "mirror-variance", Old: `Mul(forward.Variance(), score)`, New: `Mul(forward.Std(), score)`,
		Bug: "g for g² before the score"},
	mutant{Name: "mirror-half", Old: `Mul(forward.Variance(), score)`, New: `MulScalar(Mul(forward.Variance(), score), 0.5)`,
		Bug: "the probability flow's ½ in a step with noise"},
	mutant{Name: "mirror-time", Old: `score := r.Score(st.X, t)`, New: `score := r.Score(st.X, s)`,
		Bug: "the score at s for t"},
	mutant{Name: "mirror-x0", Old: `st.X, r.Process.Alpha(t), r.Process.Sigma(t))`, New: `st.X, r.Process.Alpha(s), r.Process.Sigma(s))`,
		Bug: "Tweedie's formula with the α and σ of another time"},
)

var correctorMutants = in("pkg/sampler/corrector.go", "TestCorrector(Step|Ends|NaN)|TestChainErrors",
	mutant{Name: "corrector-square", Old: `size := MulScalar(Square(root), 2)`, New: `size := MulScalar(root, 2)`,
		Bug: "the ratio of the norms not squared in the corrector's step"},
	mutant{Name: "corrector-norm-square", Old: `	norms := rowNorm(x)
`, New: `	norms := Square(rowNorm(x))
`, Bug: "‖·‖² for ‖·‖ in the corrector"},
	mutant{Name: "corrector-two", Old: `size := MulScalar(Square(root), 2)`, New: `size := Square(root)`,
		Bug: "a missing 2 in the corrector's step size"},
	mutant{Name: "corrector-noise", Old: `Mul(Sqrt(MulScalar(size, 2)), z)`, New: `Mul(Sqrt(size), z)`,
		Bug: "√c for √2c in the corrector"},
	mutant{Name: "corrector-time", Old: `score := p.Score(x, s)`, New: `score := p.Score(x, t)`,
		Bug: "the corrector at t for s"},
	mutant{Name: "corrector-alpha", Old: `kept := Div(p.Process.Alpha(t), p.Process.Alpha(s)) // √a`, New: `kept := p.Process.Alpha(t)`,
		Bug: "ᾱ for α in the corrector"},
	mutant{Name: "corrector-alpha-inverse", Old: `Div(p.Process.Alpha(t), p.Process.Alpha(s))`, New: `Div(p.Process.Alpha(s), p.Process.Alpha(t))`,
		Bug: "1/α for α in the corrector"},
	mutant{Name: "corrector-once", Old: `for range p.Corrections {`, New: `for range 1 {`,
		Bug: "one correction however many are asked for"},
	mutant{Name: "corrector-nan", Old: `	finite := IsFinite(norms)
`, New: `	finite := Equal(norms, norms)
	finite = Or(finite, Not(finite))
`, Bug: "a NaN in one chain averaged into the step of all"},
	mutant{Name: "corrector-ends", Old: `return Where(BroadcastToDims(noisy, x.Shape().Dimensions...), corrected, x)`, New: `_ = noisy
	return corrected`, Bug: "a correction where σ = 0"},
)
