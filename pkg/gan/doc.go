// Package gan is the generative adversarial network: a generator G that turns noise z ~ N(0, I) into x = G(z), and a
// discriminator D that tells data from fakes, in a game
//
//	min_G max_D V,  V(D, G) = E_p log D(x) + E_z log(1 − D(G(z)))
//
// (Goodfellow et al. 2014, "Generative adversarial nets", equation 1). The law q of G(z) has no density that could be computed:
// nothing in this package gives a likelihood.
//
// # Logits
//
// D is given by its logit l(x), D = σ(l). Then log D = log σ(l) and log(1 − D) = log σ(−l), and neither is ever the logarithm
// of 0. Wasserstein's critic is such a function too, which stands for itself.
//
// # The game on laws
//
// For laws p and q with densities the best D is known, D* = p/(p+q), and V(D*) = −log 4 + 2 JSD(p, q): see Optimal,
// Integrand and JensenShannon.
//
// # What a discriminator can see
//
// A discriminator is one of a class of functions, and what the generator is told is the best that this class can do. Best finds that
// best response for D that are linear in given features, where it is one concave problem. With it you can put numbers to the
// question whom to trust: a low V speaks of the class as much as of the generator.
//
// # Model
//
// Config is the architecture and the loss, Model a trained pair of networks. Both players train in one compiled step, by
// fit.LoadOrPlay: DSteps moves of D, then one of G.
package gan
