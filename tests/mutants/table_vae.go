package main

var vaeMutants = in("pkg/vae/vae.go", "TestTerms|TestTraverse|TestFunctions|TestExactEncoder|TestSampleWith",
	mutant{Name: "loss-sign", Old: `return Neg(ReduceAllMean(v.Terms(`, New: `return (ReduceAllMean(v.Terms(`,
		Bug: "the bound lowered instead of raised"},
	mutant{Name: "loss-sum", Old: `ReduceAllMean(v.Terms(`, New: `ReduceAllSum(v.Terms(`,
		Bug: "a sum for the mean over the batch"},
	mutant{Name: "loss-beta", Old: `.Weighted(beta))`, New: `.Weighted(1))`,
		Bug: "β forgotten"},
	mutant{Name: "kl-by-latent", Old: `ReduceMean(Reshape(kl, codes.Dimensions...), 0)`, New: `ReduceSum(Reshape(kl, codes.Dimensions...), 0)`,
		Bug: "a sum for the mean over the batch in the KL of each latent"},
	mutant{Name: "weights-prior", Old: `return Add(dist.StandardNormal(z).LogProb(z), logLik)`, New: `return logLik`,
		Bug: "log p(z) missing in the weights"},
	mutant{Name: "weights-at-mean", Old: `logLik = v.logLik(x, z)`, New: `logLik = v.logLik(x, v.Encode(x).Expectation())`,
		Bug: "p(x|z) at the mean of q for its draw"},
	mutant{Name: "sample-mean", Old: `v.Decode(dist.StandardNormal(like).Sample(src)).Sample(src)`, New: `v.Decode(dist.StandardNormal(like).Sample(src)).Expectation()`,
		Bug: "E[x|z] for a draw of x"},
	mutant{Name: "sample-prior", Old: `v.Decode(dist.StandardNormal(like).Sample(src)).Sample(src)`, New: `v.Decode(dist.StandardNormal(like).Expectation()).Sample(src)`,
		Bug: "z = 0 for a draw of the prior"},
	mutant{Name: "traverse-step", Old: `(hi-lo)/float64(n-1)`, New: `(hi-lo)/float64(n)`,
		Bug: "the walk stops one step early"},
)

var networkMutants = in("pkg/vae/networks.go", "TestLossOfIdleWeights",
	mutant{Name: "encoder-log-variance", Old: `2*c.Latent)), 0.5)`, New: `2*c.Latent)), 1)`,
		Bug: "log-variance read as log-std in the encoder"},
	mutant{Name: "decoder-order", Old: `c.Hidden[len(c.Hidden)-1-i]`, New: `c.Hidden[i]`,
		Bug: "the decoder's widths not reversed"},
	mutant{Name: "model-loss-beta", Old: `batch[0], beta, samples)`, New: `batch[0], 1, samples)`,
		Bug: "β forgotten in the loss that trains"},
)

var evaluateMutants = in("pkg/vae/evaluate.go", "TestEvaluate",
	mutant{Name: "evaluate-kl-sign", Old: `recon[i]-kl[i]`, New: `recon[i]+kl[i]`,
		Bug: "the sign of the KL flipped in the bound reported"},
	mutant{Name: "evaluate-nll", Old: `Neg(elbo.ImportanceWeighted(logW))`, New: `Neg(elbo.Estimate(logW))`,
		Bug: "the bound reported as the importance-weighted estimate"},
	mutant{Name: "evaluate-same-noise", Old: `		state = out[3]
`, New: ``,
		Bug: "every batch with the same noise"},
	mutant{Name: "evaluate-se", Old: `stat.StdErr(std, float64(len(xs)))`, New: `std`,
		Bug: "the standard deviation reported as the standard error"},
	mutant{Name: "evaluate-one-draw", Old: `ReduceMean(logLik, 0)`, New: `ReduceMax(logLik, 0)`,
		Bug: "the best draw's likelihood for the mean over draws"},
)

var hvaeMutants = in("pkg/hvae/hvae.go", "TestChapter4(Joint|Posterior|Bound|Expanded|ExactEncoder|Sampling|Levels|Matching)|TestLossWith",
	mutant{Name: "markov-level", Old: `return law(above[0])`, New: `return law(above[len(above)-1])`,
		Bug: "z_T for z_{t+1}: an index off"},
	mutant{Name: "climb-from-x", Old: `q = append(q, h.Encode[t](z[t-1]))`, New: `q = append(q, h.Encode[t](z[0]))`,
		Bug: "z₁ for z_{t−1} in the encoder's path"},
	mutant{Name: "climb-mean", Old: `z = append(z, q[t].Sample(src))`, New: `z = append(z, q[t].Expectation())`,
		Bug: "the mean for a draw above the first level"},
	mutant{Name: "joint-top", Old: `Add(h.Observe(z).LogProb(x), dist.StandardNormal(top).LogProb(top))`, New: `h.Observe(z).LogProb(Add(x, MulScalar(ReduceAllSum(top), 0)))`,
		Bug: "log p(z_T) missing in the joint"},
	mutant{Name: "joint-level", Old: `sum = Add(sum, p(z[t+1:]).LogProb(z[t]))`, New: `sum = Add(sum, p(z[t+1:]).LogProb(z[t+1]))`,
		Bug: "z_{t+1} for z_t in the joint: an index off by one"},
	mutant{Name: "posterior-level", Old: `sum = Add(sum, h.Encode[t](z[t-1]).LogProb(z[t]))`, New: `sum = Add(sum, h.Encode[t-1](z[t-1]).LogProb(z[t]))`,
		Bug: "q of the level below: an index off by one"},
	mutant{Name: "descend-order", Old: `z[t] = h.Decode[t](z[t+1:]).Sample(src)`, New: `z[t] = h.Decode[t](z[t+1:]).Expectation()`,
		Bug: "the mean for a draw of the levels below"},
	mutant{Name: "sample-top", Old: `h.Descend(src, dist.StandardNormal(like).Sample(src))`, New: `h.Descend(src, dist.StandardNormal(like).Expectation())`,
		Bug: "z_T = 0 for a draw of the prior"},
)

var levelsMutants = in("pkg/hvae/bound.go", "TestChapter4(Joint|Posterior|Bound|Expanded|ExactEncoder|Sampling|Levels|Matching)|TestLossWith",
	mutant{Name: "terms-prior", Old: `terms := elbo.Terms{Recon: l.Recon, Prior: l.KL[top]}`, New: `terms := elbo.Terms{Recon: l.Recon, Prior: l.KL[0]}`,
		Bug: "the first level's KL as the prior's"},
	mutant{Name: "terms-matching", Old: `terms.Matching = Add(terms.Matching, kl)`, New: `terms.Matching = kl`,
		Bug: "only one level between counted"},
	mutant{Name: "loss-sign", Old: `kl := Sub(terms.Recon, terms.Bound())`, New: `kl := Sub(terms.Bound(), terms.Recon)`,
		Bug: "the sign of the KLs flipped in the loss"},
	mutant{Name: "loss-beta", Old: `kl := Sub(terms.Recon, terms.Bound())`, New: `kl := Sub(terms.Recon, terms.Bound())
	beta = OnesLike(beta)`,
		Bug: "β forgotten"},
	mutant{Name: "level-prior", Old: `p = h.Decode[t](z[t+1:])`, New: `h.Decode[t](z[t+1:])`,
		Bug: "N(0, I) as the prior of every level"},
	mutant{Name: "level-order", Old: `kl := Sub(q[t].LogProb(z[t]), p.LogProb(z[t]))`, New: `kl := Sub(p.LogProb(z[t]), q[t].LogProb(z[t]))`,
		Bug: "log p − log q for log q − log p"},
	mutant{Name: "level-draw", Old: `kl := Sub(q[t].LogProb(z[t]), p.LogProb(z[t]))`, New: `kl := dist.KL(q[t], p)`,
		Bug: "KL(q(z_t|z_{t−1}) ‖ p(z_t|z_{t+1})) at the draw of z_{t+1}, which is not the bound's term"},
	mutant{Name: "top-kl", Old: `kl = dist.KL(q[t], p)`, New: `kl = dist.KL(p, q[t])`,
		Bug: "KL(p‖q) for KL(q‖p) at the top"},
	mutant{Name: "weights-top", Old: `		logW = Sub(logW, kl)
`, New: `		if t < top {
			logW = Sub(logW, kl)
		}
`, Bug: "the top level missing in the importance weights"},
	mutant{Name: "average-order", Old: `ReduceMean(Reshape(each, n, -1), 0)`, New: `ReduceMean(Reshape(each, -1, n), 1)`,
		Bug: "draws and examples mixed up in the mean"},
)

var hvaeNetworkMutants = in("pkg/hvae/networks.go", "TestNetworksGive|TestChapter4Levels|TestModel",
	mutant{Name: "decoder-log-variance", Old: `c.name("decoder", t), above, t), 0.5)`, New: `c.name("decoder", t), above, t), 1)`,
		Bug: "log-variance read as log-std in p(z_t|z_{t+1})"},
	mutant{Name: "encoder-log-variance", Old: `return dist.Halves(mlp(scope.At("%s", name), below, sizes), 0.5)`, New: `return dist.Halves(mlp(scope.At("%s", name), below, sizes), 1)`,
		Bug: "log-variance read as log-std in q(z_t|z_{t−1})"},
	mutant{Name: "general", Old: `in = Concatenate(above, -1)`, New: `in = above[0]`,
		Bug: "the general model built as the Markovian one"},
)

var warmUpMutants = in("pkg/hvae/warmup.go", "TestWarmUp",
	mutant{Name: "warm-up", Old: `return float64(step) / float64(w.Steps)`, New: `return float64(step+1) / float64(w.Steps)`,
		Bug: "β one step ahead: an index off by one"},
)
