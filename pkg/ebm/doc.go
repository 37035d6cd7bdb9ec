// Package ebm is the energy-based model: a function f gives every x an energy, and low energy means likely.
//
//	p(x) = exp(−f(x)) / Z,  Z = ∫ exp(−f(x)) dx
//
// (LeCun et al. 2006, "A tutorial on energy-based learning"; Luo 2022, equation 152). Z is a constant in x, so that the score
// −∇f needs none; it depends on f's weights, so that maximum likelihood does:
//
//	−∇_θ log p(x) = ∇_θ f(x) + ∇_θ log Z = ∇_θ f(x) − E_p[∇_θ f]
//
// EBM.Loss has this gradient when its negatives are draws of p. Walk draws them by Langevin dynamics: from data (contrastive
// divergence), from noise, or from where they were left (persistent chains, kept by Replay).
//
// Z itself: LogZ integrates in one and two dimensions to a tolerance; AIS, annealed importance sampling, estimates it in more,
// with an error bar of its own.
//
// An EBM is one function, so that exact energies fit where networks do. Config.Build makes it of a network, Config.Loss is what
// package fit trains, and Model is a trained one whose methods take and return Go slices.
package ebm
