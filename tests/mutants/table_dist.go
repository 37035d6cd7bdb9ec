package main

var normalMutants = in("pkg/dist/diagnormal.go", "TestDiagNormalAgainstGonum|TestKL$|TestChapter3Reparameterisation",
	mutant{Name: "log-prob-half", Old: `Square(n.standardise(x)), -0.5)`, New: `Square(n.standardise(x)), -1)`,
		Bug: "a missing ½ in the quadratic form"},
	mutant{Name: "log-prob-2pi", Old: `AddScalar(quadratic, -log2Pi/2)`, New: `AddScalar(quadratic, -log2Pi)`,
		Bug: "log 2π for ½ log 2π"},
	mutant{Name: "log-prob-std", Old: `mathx.SumEvent(Sub(AddScalar(quadratic, -log2Pi/2), n.LogStd))`, New: `mathx.SumEvent(Add(AddScalar(quadratic, -log2Pi/2), n.LogStd))`,
		Bug: "the sign of log σ flipped"},
	mutant{Name: "sample-variance", Old: `Mul(n.Std(), src.RandomNormal`, New: `Mul(n.Variance(), src.RandomNormal`,
		Bug: "σ² for σ in the reparameterised draw"},
	mutant{Name: "score-std", Old: `Neg(Div(n.standardise(x), n.Std()))`, New: `Neg(n.standardise(x))`,
		Bug: "σ for σ² in the score"},
	mutant{Name: "score-sign", Old: `Neg(Div(n.standardise(x), n.Std()))`, New: `Div(n.standardise(x), n.Std())`,
		Bug: "the sign of the score flipped"},
	mutant{Name: "variance-std", Old: `Exp(MulScalar(n.LogStd, 2)) }`, New: `Exp(n.LogStd) }`,
		Bug: "σ for σ²: log-std taken for log-variance"},
	mutant{Name: "std-exp", Old: `return Exp(n.LogStd) }`, New: `return n.LogStd }`,
		Bug: "a missing exp (diffusers PR 2090)"},
	mutant{Name: "entropy-half", Old: `(1+log2Pi)/2))`, New: `log2Pi/2))`,
		Bug: "a missing ½ in the entropy"},
	mutant{Name: "kl-log-variance", Old: `u := MulScalar(Sub(q.LogStd, p.LogStd), 2)`, New: `u := Sub(q.LogStd, p.LogStd)`,
		Bug: "log-std read as log-variance in L_T (ddpm-torch #9)"},
	mutant{Name: "kl-log", Old: `MulScalar(Sub(mathx.Expm1(u), u), 0.5)`, New: `MulScalar(mathx.Expm1(u), 0.5)`,
		Bug: "log(σ_p/σ_q) missing in KL"},
	mutant{Name: "kl-half", Old: `Square(p.standardise(q.Mean)), 0.5)`, New: `Square(p.standardise(q.Mean)), 1)`,
		Bug: "a missing ½ in KL"},
	mutant{Name: "kl-std", Old: `Square(p.standardise(q.Mean)), 0.5)`, New: `Square(DiagNormal{p.Mean, q.LogStd}.standardise(q.Mean)), 0.5)`,
		Bug: "σ_q for σ_p in KL"},
)

var bernoulliMutants = in("pkg/dist/bernoulli.go", "TestBernoulli",
	mutant{Name: "bernoulli-sign", Old: `mathx.Softplus(b.Logits)`, New: `mathx.Softplus(Neg(b.Logits))`,
		Bug: "the sign of the logit flipped"},
	mutant{Name: "bernoulli-sample", Old: `LessThan(u, b.Expectation())`, New: `GreaterThan(u, b.Expectation())`,
		Bug: "0 and 1 swapped in the draw"},
)

var fullNormalMutants = in("pkg/dist/normal.go", "TestNormalAgainstGonum|TestKLNormal|TestGaussianAlgebra",
	mutant{Name: "normal-log-det", Old: `ReduceAllSum(Log(diagonal(n.Chol))) }`, New: `MulScalar(ReduceAllSum(Log(diagonal(n.Chol))), 2) }`,
		Bug: "log|Σ| for ½ log|Σ|"},
	mutant{Name: "normal-half", Old: `ReduceSum(Square(standard), 0), -0.5)`, New: `ReduceSum(Square(standard), 0), -1)`,
		Bug: "a missing ½ in the full normal"},
	mutant{Name: "kl-normal-dim", Old: `-float64(q.Dim()))), 0.5)`, New: `0)), 0.5)`,
		Bug: "−d missing in KL of full normals"},
	mutant{Name: "kl-normal-log-det", Old: `MulScalar(Sub(p.logDet(), q.logDet()), 2)`, New: `Sub(p.logDet(), q.logDet())`,
		Bug: "log|L| for log|Σ| in KL of full normals"},
	mutant{Name: "normal-sample", Old: `MatMul(eps, Transpose(n.Chol, 0, 1))`, New: `MatMul(eps, n.Chol)`,
		Bug: "Lᵀε for Lε"},
)

var mixtureMutants = in("pkg/dist/mixture.go", "TestMixture|TestDensities",
	mutant{Name: "mixture-weights", Old: `Add(Stack(terms, -1), ExpandLeftToRank(m.LogWeights, 2))`, New: `Stack(terms, -1)`,
		Bug: "the mixture's weights missing"},
	mutant{Name: "mixture-std", Old: `logStd[i] = math.Log(v) / 2`, New: `logStd[i] = math.Log(v)`,
		Bug: "log-variance for log-std"},
	mutant{Name: "mixture-sample", Old: `		below = upTo
`, New: ``,
		Bug: "the components drawn with the wrong weights"},
)

var mathxMutants = in("pkg/internal/mathx/mathx.go", "",
	mutant{Name: "log-sigmoid-sign", Old: `graph.Where(positive, graph.ZerosLike(x), x), graph.Log1p`, New: `graph.Where(positive, x, graph.ZerosLike(x)), graph.Log1p`,
		Bug: "max for min in log σ(x)"},
	mutant{Name: "log-sum-exp-shift", Old: `graph.Add(graph.Squeeze(shift, -1), graph.Log(`, New: `graph.Sub(graph.Squeeze(shift, -1), graph.Log(`,
		Bug: "the sign of a log flipped in log Σ eˣ"},
	mutant{Name: "log-sum-exp-of-nothing", Old: `graph.Where(graph.IsFinite(top), top, graph.ZerosLike(top))`, New: `top`,
		Bug: "log Σ eˣ of nothing but −∞ is NaN"},
	mutant{Name: "expm1-half", Old: `graph.Tanh(graph.MulScalar(x, 0.5))`, New: `graph.Tanh(x)`,
		Bug: "a missing ½ in expm1"},
)

var log1mExpMutants = in("pkg/internal/mathx/log1mexp.go", "",
	mutant{Name: "log1mexp-tail", Old: `x.DType(), math.Ln2))`, New: `x.DType(), math.Inf(1)))`,
		Bug: "log(−expm1(−x)) far from 0, which loses its digits"},
	mutant{Name: "log1mexp-near", Old: `x.DType(), math.Ln2))`, New: `x.DType(), math.Ln2*0))`,
		Bug: "log1p(−e⁻ˣ) near 0, which cancels"},
)

var jacobianMutants = in("pkg/internal/mathx/divergence.go", "",
	mutant{Name: "divergence-unit", Old: `unit[i][i] = 1`, New: `unit[i][0] = 1`,
		Bug: "∂f_1/∂x_1 once for each coordinate"},
	mutant{Name: "divergence-all", Old: `unit[i][i] = 1`, New: `for j := range unit[i] {
			unit[i][j] = 1
		}`, Bug: "the sum of all entries of the Jacobian for its trace"},
	mutant{Name: "divergence-mean", Old: `return graph.ReduceSum(graph.Reshape(Quadratic(`, New: `return graph.ReduceMean(graph.Reshape(Quadratic(`,
		Bug: "the mean of the diagonal for the trace"},
	mutant{Name: "divergence-order", Old: `copies.Shape().Dimensions...)), d, n), 0)`, New: `copies.Shape().Dimensions...)), n, d), 1)`,
		Bug: "rows and coordinates mixed up"},
	mutant{Name: "quadratic-left", Old: `graph.ReduceAllSum(graph.Mul(y, v))`, New: `graph.ReduceAllSum(y)`,
		Bug: "1ᵀJv for vᵀJv"},
	mutant{Name: "quadratic-right", Old: `SumEvent(graph.Mul(v, graph.Gradient(`, New: `SumEvent(graph.Mul(graph.OnesLike(v), graph.Gradient(`,
		Bug: "vᵀJ1 for vᵀJv"},
)

var observationMutants = in("pkg/dist/observation.go", "TestObservation",
	mutant{Name: "observation-log-std", Old: `return Halves(out, 1)`, New: `return Halves(out, 0.5)`,
		Bug: "log-std read as log-variance in the decoder"},
	mutant{Name: "observation-log", Old: `logStd := Scalar(out.Graph(), out.DType(), math.Log(std))`, New: `_ = math.Log
	logStd := Scalar(out.Graph(), out.DType(), std)`,
		Bug: "a missing log of s"},
	mutant{Name: "observation-learned", Old: `LogStd: Add(logStd, learned())`, New: `LogStd: Sub(logStd, learned())`,
		Bug: "the sign of the learned log s flipped"},
	mutant{Name: "halves-scale", Old: `MulScalar(halves[1], scale)`, New: `halves[1]`,
		Bug: "log-variance read as log-std"},
)
