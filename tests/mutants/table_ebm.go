package main

var ebmMutants = in("pkg/ebm/ebm.go", "TestE71|TestE73|TestE75Gradient|TestContrastive|TestWalk|TestReplay",
	mutant{Name: "log-prob-sign", Old: `return Neg(m.energy("LogProb", x)) }`, New: `return m.energy("LogProb", x) }`,
		Bug: "exp(+f): the sign of the energy"},
	mutant{Name: "law-sign", Old: `return AddScalar(n.EBM.LogProb(x), -n.logZ) }`, New: `return AddScalar(n.EBM.LogProb(x), n.logZ) }`,
		Bug: "−f + log Z for −f − log Z"},
	mutant{Name: "loss-sign", Old: `return Sub(m.energy("Loss", x), ReduceAllMean(m.energy("Loss", StopGradient(negatives))))`, New: `return Sub(ReduceAllMean(m.energy("Loss", StopGradient(negatives))), m.energy("Loss", x))`,
		Bug: "energy raised at the data and lowered where the model draws"},
	mutant{Name: "loss-gradient", Old: `StopGradient(negatives))))`, New: `negatives)))`,
		Bug: "a gradient through the negatives"},
	mutant{Name: "loss-sum", Old: `ReduceAllMean(m.energy("Loss", StopGradient(negatives)))`, New: `ReduceAllSum(m.energy("Loss", StopGradient(negatives)))`,
		Bug: "the sum over the negatives for their mean"},
	mutant{Name: "contrastive-start", Old: `m.Loss(x, Walk(src, m.Langevin(size), x, n))`, New: `m.Loss(x, Walk(src, m.Langevin(size), ZerosLike(x), n))`,
		Bug: "contrastive divergence from 0 for from the data"},
	mutant{Name: "langevin-size", Old: `return sampler.Langevin{Score: m.Score, Size: size}`, New: `return sampler.Langevin{Score: m.Score, Size: sampler.LangevinSize(size)}`,
		Bug: "Luo's c read as Song's α"},
	mutant{Name: "walk-steps", Old: `	for i := range n {
		st = chain`, New: `	for i := range n - 1 {
		st = chain`, Bug: "a step too few: an index off by one"},
	mutant{Name: "walk-gradient", Old: `func constant(x *Node) *Node { return Identity(StopGradient(x)) }`, New: `func constant(x *Node) *Node { return Identity(x) }`,
		Bug: "a gradient through the chain"},
)

var replayMutants = in("pkg/ebm/replay.go", "TestReplay",
	mutant{Name: "replay-restart", Old: `LessThan(u, MulScalar(OnesLike(u), r.Restart))`, New: `GreaterThan(u, MulScalar(OnesLike(u), r.Restart))`,
		Bug: "1 − the probability of a new start"},
	mutant{Name: "replay-std", Old: `return Where(anew, MulScalar(src.RandomNormal(x.Graph(), x.Shape()), r.Std), x)`, New: `return Where(anew, src.RandomNormal(x.Graph(), x.Shape()), x)`,
		Bug: "chains started anew from N(0, I)"},
	mutant{Name: "replay-first", Old: `return MulScalar(noise.Finite(scope).RandomNormal(g, shape), r.Std)`, New: `return noise.Finite(scope).RandomNormal(g, shape)`,
		Bug: "the first chains from N(0, I)"},
	mutant{Name: "replay-order", Old: `Concatenate([]*Node{Slice(waiting, AxisRange(n)), negatives}, 0)`, New: `Concatenate([]*Node{negatives, Slice(waiting, AxisRange(n))}, 0)`,
		Bug: "the same chains walked every time"},
	mutant{Name: "replay-forgets", Old: `		r.chains(scope, like).SetNodeValue(negatives)
`, New: `		r.chains(scope, like)
`, Bug: "chains that are not kept: short runs for persistent ones"},
)

var aisMutants = in("pkg/ebm/anneal.go", "TestAISWeight|TestFromLogWeights|TestAISCheck|TestAnneal$",
	mutant{Name: "ais-sign", Old: `Add(a.LogProb(st.X), Neg(a.reference(st.X).LogProb(st.X)))`, New: `Add(Neg(a.LogProb(st.X)), a.reference(st.X).LogProb(st.X))`,
		Bug: "the log-weight's sign: 1/Z for Z"},
	mutant{Name: "ais-step", Old: `Mul(Reshape(Sub(t, s)), gap)`, New: `Mul(Reshape(OneMinus(s)), gap)`,
		Bug: "β' for β' − β in the log-weight"},
	mutant{Name: "ais-forgets", Old: `logW := Add(st.Aux[0], Mul(`, New: `logW := Add(ZerosLike(st.Aux[0]), Mul(`,
		Bug: "the last term of the log-weight for their sum"},
	mutant{Name: "ais-temperature", Old: `Mul(Reshape(s), a.reference(x).LogProb(x)), Mul(Reshape(OneMinus(s)), a.LogProb(x))`, New: `Mul(Reshape(t), a.reference(x).LogProb(x)), Mul(Reshape(OneMinus(t)), a.LogProb(x))`,
		Bug: "moves at the temperature before: an index off by one"},
	mutant{Name: "ais-swapped", Old: `Mul(Reshape(s), a.reference(x).LogProb(x)), Mul(Reshape(OneMinus(s)), a.LogProb(x))`, New: `Mul(Reshape(OneMinus(s)), a.reference(x).LogProb(x)), Mul(Reshape(s), a.LogProb(x))`,
		Bug: "the reference and the model swapped in the moves"},
	mutant{Name: "ais-start", Old: `return sampler.State{X: MulScalar(x, a.Std), Aux`, New: `return sampler.State{X: x, Aux`,
		Bug: "chains that start from N(0, I) for N(0, Std² I)"},
	mutant{Name: "ais-after-move", Old: `Aux: []*Node{logW, Add(`, New: `Aux: []*Node{Add(logW, Mul(Reshape(Sub(t, s)), Sub(Sub(a.LogProb(moved.X), a.reference(moved.X).LogProb(moved.X)), gap))), Add(`,
		Bug: "the log-weight taken after the move"},
	mutant{Name: "ais-mean", Old: `LogZ: sum.log() - math.Log(n)`, New: `LogZ: sum.log()`,
		Bug: "the sum of the weights for their mean"},
	mutant{Name: "ais-error", Old: `math.Sqrt(math.Max(0, 1/ess-1/n) * n / (n - 1))`, New: `math.Sqrt(math.Max(0, 1/ess-1/n) / (n - 1))`,
		Bug: "an error bar √n too narrow"},
	mutant{Name: "ais-ess", Old: `squares.add(2 * v)`, New: `squares.add(v)`,
		Bug: "Σw for Σw² in the effective sample size"},
	mutant{Name: "ais-nan", Old: `if math.IsNaN(v) || math.IsInf(v, 1) {`, New: `if math.IsInf(v, 1) {`,
		Bug: "a NaN chain averaged away"},
)

var quadratureMutants = in("pkg/ebm/partition.go", "TestE71|TestLogZ|TestE73|TestFromLogWeights",
	mutant{Name: "quadrature-sign", Old: `sum.add(logWeight - f[i])`, New: `sum.add(logWeight + f[i])`,
		Bug: "∫ exp(+f)"},
	mutant{Name: "quadrature-weight", Old: `math.Log(weights[0][i]*weights[1][j])`, New: `math.Log(weights[0][i])`,
		Bug: "one axis's weights alone in two dimensions"},
	mutant{Name: "quadrature-fill", Old: `	return f[:n], nil
`, New: `	return f, nil
`, Bug: "the rows that fill up a call counted as points"},
	mutant{Name: "quadrature-panel", Old: `start := p*rulePoints, lo+float64(p)*width`, New: `start := p*rulePoints, lo+float64(p)*width/2`,
		Bug: "panels over half of the box"},
	mutant{Name: "log-sum-shift", Old: `s.sum, s.top = s.sum*math.Exp(s.top-logV)+1, logV`, New: `s.sum, s.top = s.sum+1, logV`,
		Bug: "a sum not rescaled when a larger term comes"},
	mutant{Name: "quadrature-edge", Old: `share > q.tol {`, New: `share > 1/q.tol {`,
		Bug: "a box that cuts the law off accepted"},
)

var energyConfigMutants = in("pkg/ebm/config.go", "TestModel$|TestConfigLoss",
	mutant{Name: "confine-half", Old: `0.5/(c.Std*c.Std)`, New: `1/(c.Std*c.Std)`,
		Bug: "a missing ½ in the normal law that confines"},
	mutant{Name: "confine-sign", Old: `return Add(MulScalar(mathx.SumEvent(Square(x)), 0.5/`, New: `return Add(MulScalar(mathx.SumEvent(Square(x)), -0.5/`,
		Bug: "an energy that falls without end"},
	mutant{Name: "penalty-sign", Old: `loss = Add(loss, MulScalar(squares, c.Penalty))`, New: `loss = Sub(loss, MulScalar(squares, c.Penalty))`,
		Bug: "large energies rewarded"},
	mutant{Name: "blur", Old: `MulScalar(src.RandomNormal(x.Graph(), x.Shape()), c.Noise))`, New: `src.RandomNormal(x.Graph(), x.Shape()))`,
		Bug: "noise of size 1 added to the data"},
)
