// Package guide steers a diffusion model to a condition y: a class, a text, what is known of an image. Each function takes
// denoisers and returns one, so that whatever samples from the first samples from the second.
//
// # The split
//
// Bayes' rule, in logarithms and differentiated by x_t, where log p(y) drops out:
//
//	∇log p(x_t|y) = ∇log p(x_t) + ∇log p(y|x_t)
//
// Classifier adds the second term of a classifier that knows noise. ClassifierFree has no classifier: it takes the difference of
// a denoiser that knows y and one that does not. Batched evaluates both at once, when they are one network with a label
// for "no label", trained by Drop.
//
// # The scale
//
// A Scale γ multiplies the second term. γ = 0 ignores y, γ = 1 is Bayes' rule, and a large γ obeys y at the price of
// variety. Only at γ = 0 and 1 are the scores at all times those of one law that is diffused. At t = 0 the score is that of
// p(x)p(y|x)^γ, but what a sampler reaches is another law. Papers and programs write the scale in their own ways: From and
// Scale.In convert.
//
// # Parts of an image
//
// Known is what is known of x₀, as y = Ax₀: some pixels, or the means of cells. Consistent and Reconstruction bring it into the
// denoiser of a model that was trained without conditions; sampler.Replacement brings it into the steps.
//
// # Conditions and graphs
//
// A label or an image is a node, and a node belongs to one graph, but a sampler builds several. So make the constant where the
// denoiser is used, from x_t's graph:
//
//	denoise := func(xt, t *Node) *Node {
//		label := Const(xt.Graph(), labels)
//		return guide.Batched(net, label, guide.NullClass(10)(label), 3)(xt, t)
//	}
//
// Or make it an input of the run, by sampler.NewGiven, which takes the scale too. Known makes its constants by itself.
package guide
