// Package ncsn is the noise-conditional score network: one network s_θ(x, σ) for the score of the data blurred by noise of
// each of a list of levels, and annealed Langevin dynamics down the list.
//
//	p_σ(x) = ∫ p(y) N(x; y, σ²I) dy,  σ_1 > σ_2 > … > σ_L
//	min Σᵢ λ(σᵢ) E‖s_θ(x, σᵢ) − ∇log p_σᵢ(x)‖²,  λ(σ) = σ²
//
// (Song and Ermon 2019, "Generative modeling by estimating gradients of the data distribution"). The levels are times of the
// process EDM, whose time is its noise level; the loss is score.Objective, the sampler sampler.Annealed.
//
// # Levels and steps
//
// MaxDistance, Ratio and StepSize are the rules of Song and Ermon 2020, "Improved techniques for training score-based generative
// models", for the largest level, the ratio of neighbours and the size of a Langevin step; RadialRatio takes the place of Ratio in
// few dimensions, where that has no answer. ConfigFor applies them to data.
//
// # Model
//
// Config is the architecture, Model a network with its weights. The network learns by how much the blurred data differ from
// a normal law of their size: see Config.Score.
package ncsn
