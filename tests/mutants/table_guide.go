package main

var cellMutants = in("pkg/internal/mathx/cells.go", "TestCells",
	mutant{Name: "cells-axes", Old: `d[2]/size, size, d[3]), 2, 4)`, New: `d[2]/size, size, d[3]), 1, 3)`,
		Bug: "the mean over the cells for that within a cell"},
	mutant{Name: "enlarge-axes", Old: `d[0], d[1], 1, d[2], 1, d[3]), d[0], d[1], size, d[2], size, d[3])`, New: `d[0], 1, d[1], 1, d[2], d[3]), d[0], size, d[1], size, d[2], d[3])`,
		Bug: "an image laid out as tiles for one with larger pixels"},
)

var scaleMutants = in("pkg/guide/scale.go", "TestConventions|TestScale$",
	mutant{Name: "scale-ho", Old: `case HoSalimans, ConditionalClassifier:
		return 1`, New: `case ConditionalClassifier:
		return 1
	case HoSalimans:
		return 0`, Bug: "w for 1+w (lucidrains/denoising-diffusion-pytorch #155, #207, diffusers #5882: asked again and again)"},
	mutant{Name: "scale-dhariwal", Old: `case HoSalimans, ConditionalClassifier:
		return 1`, New: `case HoSalimans:
		return 1
	case ConditionalClassifier:
		return 0`, Bug: "s on a conditional model for γ"},
	mutant{Name: "scale-in", Old: `return float64(s) - offset`, New: `return float64(s) + offset`,
		Bug: "γ = 1 − w: the way back with the wrong sign"},
	mutant{Name: "scale-diffusers", Old: `scale = max(scale, 1)`, New: `scale = max(scale, 0)`,
		Bug: "diffusers' guidance_scale of 0 taken as no condition at all"},
	mutant{Name: "scale-nan", Old: `if math.IsNaN(float64(s)) || math.IsInf(float64(s), 0) {`, New: `if math.IsInf(float64(s), 0) {`,
		Bug: "a NaN for a scale, which makes every sample NaN"},
)

var classifierMutants = in("pkg/guide/classifier.go", "TestBayesSplit|TestScaleZero|TestDiscreteForms|TestClassifierErrors",
	mutant{Name: "guide-sigma", Old: `param.Slope(param.Score, p.Alpha(t), p.Sigma(t))), gradient)`, New: `param.Slope(param.Eps, p.Alpha(t), p.Sigma(t))), gradient)`,
		Bug: "−σ/α for σ²/α: guided away, and by the wrong amount"},
	mutant{Name: "guide-zero", Old: `	if scale == 0 {
		return uncond
	}
	return ClassifierAt(`, New: `	return ClassifierAt(`, Bug: "γ = 0 builds a classifier, and x̂₀ + 0·∇ is not bitwise x̂₀"},
	mutant{Name: "guide-score", Old: `Add(score, MulScalar(gradient, float64(scale)))`, New: `Add(score, MulScalar(gradient, float64(scale)-1))`,
		Bug: "w for γ in the classifier's term"},
	mutant{Name: "guide-eps-sigma", Old: `MulScalar(p.Sigma(t), float64(scale)), gradient))`, New: `MulScalar(Square(p.Sigma(t)), float64(scale)), gradient))`,
		Bug: "1−ᾱ for √(1−ᾱ) in the ε form"},
	mutant{Name: "guide-eps-sign", Old: `return Sub(eps, Mul(MulScalar(`, New: `return Add(eps, Mul(MulScalar(`,
		Bug: "the sign of the ε form"},
	mutant{Name: "guide-mean-std", Old: `MulScalar(step.Variance(), float64(scale))`, New: `MulScalar(step.Std(), float64(scale))`,
		Bug: "the standard deviation for Σ in the mean form"},
	mutant{Name: "guide-batch", Old: `l.Rank() != 1 || l.Shape().Dimensions[0] != xt.Shape().Dimensions[0]`, New: `l.Shape().Dimensions[0] != xt.Shape().Dimensions[0]`,
		Bug: "all logits for the label's own: the gradient of their sum"},
)

var freeMutants = in("pkg/guide/free.go", "TestClassifierFree|TestBatched|TestFreeErrors|TestConditionalKinds",
	mutant{Name: "combine-weight", Old: `Mul(OneMinus(gamma), uncond)`, New: `Mul(Neg(gamma), uncond)`,
		Bug: "weights that do not add up to 1"},
	mutant{Name: "combine-swapped", Old: `return Add(Mul(gamma, cond), Mul(OneMinus(gamma), uncond))`, New: `return Add(Mul(gamma, uncond), Mul(OneMinus(gamma), cond))`,
		Bug: "the two predictions swapped"},
	mutant{Name: "free-one", Old: `	case 1:
		return cond
	}
	return ClassifierFreeAt(`, New: `	}
	return ClassifierFreeAt(`, Bug: "two evaluations for γ = 1"},
	mutant{Name: "batched-halves", Old: `Combine(SliceAxis(both, 0, AxisRange(0, n)), SliceAxis(both, 0, AxisRange(n)), gamma(t))`, New: `Combine(SliceAxis(both, 0, AxisRange(n)), SliceAxis(both, 0, AxisRange(0, n)), gamma(t))`,
		Bug: "the half with the label taken for the one without"},
	mutant{Name: "batched-one", Old: `	case 0:
		return net.Given(null)
	case 1:
		return net.Given(y)`, New: `	case 0:
		return net.Given(null)`, Bug: "a doubled batch for γ = 1"},
	mutant{Name: "batched-null", Old: `case 0:
		return net.Given(null)`, New: `case 0:
		return net.Given(y)`, Bug: "the conditional model for γ = 0, as in diffusers"},
)

var dropMutants = in("pkg/guide/drop.go", "TestDrop",
	mutant{Name: "drop-rate", Old: `dropped := LessThan(u,`, New: `dropped := GreaterThan(u,`,
		Bug: "labels kept with the rate at which they should be dropped"},
	mutant{Name: "drop-swapped", Old: `null, y)
}`, New: `y, null)
}`, Bug: "the label for the null"},
	mutant{Name: "drop-null", Old: `ConstAs(y, []int{classes})`, New: `ConstAs(y, []int{classes - 1})`,
		Bug: "the last class for none"},
	mutant{Name: "drop-labels", Old: `int(label) > classes`, New: `int(label) > classes+1`,
		Bug: "a label outside the classes let through"},
)

var intervalMutants = in("pkg/guide/interval.go", "TestInterval",
	mutant{Name: "interval-outside", Old: `MulScalar(OnesLike(at), float64(scale)), OnesLike(at))`, New: `MulScalar(OnesLike(at), float64(scale)), ZerosLike(at))`,
		Bug: "the unconditional model outside the interval"},
	mutant{Name: "interval-ends", Old: `inside := LogicalAnd(GreaterOrEqual(`, New: `inside := LogicalAnd(GreaterThan(`,
		Bug: "an end of the interval left out"},
)

var knownMutants = in("pkg/guide/known.go", "TestKnown|TestReconstruction|TestBiasOfConditioning",
	mutant{Name: "known-half", Old: `mathx.SumEvent(Square(k.Missing(x0))), -0.5)`, New: `mathx.SumEvent(Square(k.Missing(x0))), -1)`,
		Bug: "a missing ½ in log p(y|x_t)"},
	mutant{Name: "known-variance", Old: `variance := Square(p.NoiseLevel(t))`, New: `variance := Square(p.Sigma(t))`,
		Bug: "σ² for σ²/α²: Ho's factor α lost"},
	mutant{Name: "known-sign", Old: `return Sub(y, seen)`, New: `return Sub(seen, y)`,
		Bug: "a consistent estimate that moves away"},
	mutant{Name: "known-mask", Old: `Y: func(like *Node) *Node { return mask(image(like)) }}`, New: `Y: func(like *Node) *Node { return image(like) }}`,
		Bug: "unknown pixels taken for known ones"},
	mutant{Name: "known-scale", Old: `t, scale.at(t))
	}
}`, New: `t, Scale(1).at(t))
	}
}`, Bug: "reconstruction guidance that ignores its scale"},
)

var replacementMutants = in("pkg/sampler/replacement.go", "TestReplacement",
	mutant{Name: "replacement-clean", Old: `drawn := r.Process.Diffuse(known, src.RandomNormal(x.Graph(), x.Shape()), s)`, New: `drawn := Add(known, MulScalar(src.RandomNormal(x.Graph(), x.Shape()), 0))`,
		Bug: "the known part put in without noise"},
	mutant{Name: "replacement-end", Old: `ends := LessOrEqual(s,`, New: `ends := LessThan(s,`,
		Bug: "noise on the known part at the end"},
	mutant{Name: "replacement-back", Old: `r.Process.Transition(st.X, s, t).Sample(src)`, New: `r.Process.Marginal(st.X, t).Sample(src)`,
		Bug: "x_s noised as if it were x₀: too much noise in a repeat"},
	mutant{Name: "replacement-repeats", Old: `for again := max(1, r.Repeats) - 1; ; again-- {`, New: `for again := r.Repeats; ; again-- {`,
		Bug: "one repeat too many"},
)

var labelledMutants = in("pkg/oracle/labelled.go", "TestLabelled|TestRelabel",
	mutant{Name: "labelled-prior", Old: `all := Add(Stack(joint, -1), Log(ConstAs(x, [][]float64{prior})))`, New: `all := Stack(joint, -1)`,
		Bug: "the prior left out of p(y|x_t)"},
	mutant{Name: "labelled-weights", Old: `d.Prior[k]/total*w/sum)`, New: `d.Prior[k]/total*w+0*sum)`,
		Bug: "a class counted by its weights' sum"},
	mutant{Name: "labelled-relabel", Old: `Prior: []float64{1 - rate, rate}`, New: `Prior: []float64{rate, 1 - rate}`,
		Bug: "the rate of right labels for that of wrong ones"},
	mutant{Name: "labelled-draw", Old: `upTo += d.Prior[k] / total`, New: `upTo = d.Prior[k] / total`,
		Bug: "probabilities not added up in drawing a class"},
)

var correlatedMutants = in("pkg/oracle/correlated.go", "TestCorrelated|TestGiven",
	mutant{Name: "correlated-turn", Old: `return MatMul(z, Transpose(matrixAs(z, u), 0, 1)) }`, New: `return MatMul(z, matrixAs(z, u)) }`,
		Bug: "U for Uᵀ: turned further for turned back"},
	mutant{Name: "correlated-squares", Old: `squares.MulElem(u, u)`, New: `squares.CloneFrom(u)`,
		Bug: "U for its squares in the variances"},
	mutant{Name: "correlated-along", Old: `along.MulElemVec(&along, &along)`, New: `along.ScaleVec(1, &along)`,
		Bug: "a for a² in the variance of a sum"},
	mutant{Name: "correlated-given", Old: `d.Cov.At(i, j)-(lost.At(i, j)+lost.At(j, i))/2)`, New: `d.Cov.At(i, j)-(lost.At(i, j)+lost.At(j, i)))`,
		Bug: "twice the variance taken away by what is known"},
)

var noiseAwareMutants = in("pkg/classifier/config.go", "TestLogProb|TestLossCovers|TestErrors",
	mutant{Name: "classifier-alpha", Old: `Reshape(Div(xt, Mul(p.Alpha(t), size)), n, c.Dim)`, New: `Reshape(Div(xt, size), n, c.Dim)`,
		Bug: "x_t for x_t/α: another classifier for each process"},
	mutant{Name: "classifier-sign", Old: `return Neg(ReduceAllMean(Where(known`, New: `return (ReduceAllMean(Where(known`,
		Bug: "a classifier trained to be wrong"},
	mutant{Name: "classifier-range", Old: `AddScalar(MulScalar(u, c.MaxLogSNR-c.MinLogSNR), c.MinLogSNR)`, New: `AddScalar(MulScalar(u, c.MaxLogSNR-c.MinLogSNR), c.MaxLogSNR)`,
		Bug: "trained at other noise than it says"},
	mutant{Name: "classifier-softmax", Old: `ReduceSum(Mul(LogSoftmax(logits(xt, t), -1),`, New: `ReduceSum(Mul(logits(xt, t),`,
		Bug: "a logit for log p(y|x_t)"},
)

var noiseRangeMutants = in("pkg/classifier/model.go", "TestRange|TestGuide|TestCheckpoint",
	mutant{Name: "range-clean", Old: `high <= c.MaxLogSNR+slack) {
		what`, New: `high <= high+c.MaxLogSNR-c.MaxLogSNR) {
		what`, Bug: "a classifier fed inputs cleaner than it knows"},
	mutant{Name: "range-noisy", Old: `if c := m.Config; !(low >= c.MinLogSNR-slack &&`, New: `if c := m.Config; !(`,
		Bug: "a classifier fed inputs noisier than it knows"},
	mutant{Name: "guide-class", Old: `[]int32{int32(class)})`, New: `[]int32{int32(0)})`,
		Bug: "guided towards the first class, whichever is asked for"},
)
