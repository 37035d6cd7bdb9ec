package main

var gaussianMutants = in("pkg/oracle/gaussian.go", "",
	mutant{Name: "diffused-alpha", Old: `Add(Mul(Square(alpha), v), sigma2)`, New: `Add(Mul(alpha, v), sigma2)`,
		Bug: "α for α² in the variance of x_t"},
	mutant{Name: "gaussian-gain", Old: `gain := over(Mul(alpha, v),`, New: `gain := over(v,`,
		Bug: "α missing in the denoiser's gain"},
	mutant{Name: "gaussian-mean", Old: `Mul(gain, Sub(xt, Mul(alpha, m)))`, New: `Mul(gain, Sub(xt, m))`,
		Bug: "m for αm in the denoiser"},
	mutant{Name: "gaussian-posterior", Old: `return over(Mul(v, sigma2), v, alpha, sigma2)`, New: `return Div(Mul(v, sigma2), Sqrt(diffusedVar(v, alpha, sigma2)))`,
		Bug: "the standard deviation of x_t for its variance"},
	mutant{Name: "gaussian-nothing", Old: `Where(Equal(all, ZerosLike(all)), OnesLike(all), all)`, New: `all`,
		Bug: "0/0 where neither data nor noise vary"},
	mutant{Name: "gaussian-law", Old: `LogStd: MulScalar(Log(v), 0.5)}`, New: `LogStd: Log(v)}`,
		Bug: "log-variance for log-std of the data"},
)

var oracleMixtureMutants = in("pkg/oracle/mixture.go", "",
	mutant{Name: "mixture-between", Old: `Add(c.PosteriorVar(p)(xt, t), Square(Sub(c.Denoiser(p)(xt, t), mean)))`, New: `c.PosteriorVar(p)(xt, Mul(OnesLike(mean), t))`,
		Bug: "the spread between components missing in Var(x_0|x_t)"},
)

var pointsMutants = in("pkg/oracle/diffused_points.go", "",
	mutant{Name: "points-half", Old: `ReduceSum(Square(apart), -1), -0.5)`, New: `ReduceSum(Square(apart), -1), -1)`,
		Bug: "a missing ½ in the weights of the points"},
	mutant{Name: "points-alpha", Old: `Mul(ExpandAxes(alpha, 1), ExpandAxes(points, 0))`, New: `Mul(OnesLike(ExpandAxes(alpha, 1)), ExpandAxes(points, 0))`,
		Bug: "the points not shrunk by α"},
	mutant{Name: "points-dim", Old: `MulScalar(logSigma, d)`, New: `logSigma`,
		Bug: "log σ once for d coordinates"},
)

var chainMutants = in("pkg/oracle/chain.go", "",
	mutant{Name: "chain-latent", Old: `return c.A2*c.A2 + c.V1 }`, New: `return c.A2 + c.V1 }`,
		Bug: "A₂ for A₂² in the variance of z₁"},
	mutant{Name: "chain-gain", Old: `MulScalar(y, a/noise/precision)`, New: `MulScalar(y, a/precision)`,
		Bug: "the gain not divided by the noise"},
	mutant{Name: "chain-std", Old: `math.Log(variance) / 2`, New: `math.Log(variance)`,
		Bug: "log-variance for log-std"},
)

var linearMutants = in("pkg/oracle/lineargaussian.go", "",
	mutant{Name: "linear-spread", Old: `MulScalar(likelihood.Variance(), 2))`, New: `likelihood.Variance())`,
		Bug: "a missing ½ in E_q[log p(x|z)]"},
	mutant{Name: "linear-posterior", Old: `Sub(m.LogStd, MulScalar(Log(m.evidenceVar()), 0.5)),`, New: `Sub(m.LogStd, Log(m.evidenceVar())),`,
		Bug: "log-variance for log-std in p(z|x)"},
	mutant{Name: "linear-m-step", Old: `Add(Square(q.Mean), q.Variance())`, New: `Square(q.Mean)`,
		Bug: "the variance of q missing in the M step"},
)

var ppcaMutants = in("pkg/oracle/ppca.go", "",
	mutant{Name: "ppca-noise", Old: `dropped / float64(d-k)`, New: `dropped / float64(d)`,
		Bug: "s² as a mean over d eigenvalues for d−k"},
	mutant{Name: "ppca-scale", Old: `math.Max(values[d-1-j]-s2, 0)`, New: `math.Max(values[d-1-j], 0)`,
		Bug: "s² not taken off the eigenvalues"},
	mutant{Name: "ppca-em", Old: `(mat.Trace(cov) - mat.Trace(&drop)) / float64(d)`, New: `(mat.Trace(cov) - mat.Trace(&drop)) / float64(d-k)`,
		Bug: "d−k for d in the M step of s²"},
	mutant{Name: "ppca-mean-field", Old: `math.Log(p.Var/m.At(i, i)) / 2`, New: `math.Log(p.PosteriorCov().At(i, i)) / 2`,
		Bug: "the posterior's variances for the inverse precisions"},
)
