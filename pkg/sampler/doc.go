// Package sampler draws from diffusion models.
//
// A Stepper takes x_t to x_s for s < t: Ancestral draws from the reverse chain p_θ(x_s|x_t), DDIM takes η times its noise.
// A Run repeats a Stepper over a grid of falling times:
//
//	run := sampler.New(b, store, func(scope *model.Scope) sampler.Stepper {
//		return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: denoiser(scope)}}
//	})
//	x, err := run.Sample(sampler.Prior(shape, 1, 1), p.Grid(500), 1)
//
// Sample returns the last x and nothing else: where the backend has loops, all steps are one call. Path yields every x_t.
// Both draw the same noise from the same seed, and compile once for any number of steps and any seed. What they hold at a
// time does not grow with the number of steps.
//
// # Chains and equations
//
// Langevin walks in a law whose score is known, and MALA does so without bias; both count their steps: Count. Annealed is
// Langevin over falling noise levels: Repeat. EulerMaruyama solves an equation of package sde, the reverse of a diffusion or
// its probability flow. ReverseDiffusion is the reverse step that mirrors the forward one, and PredictorCorrector adds
// Langevin steps to any other. Each states its order.
//
// A run that leaves the numbers is an error that names the step and the row. A Langevin chain whose steps are too long ends
// early, and the error names the size that would have been stable.
//
// # Grids
//
// Any falling times within the process's TMin and TMax serve: Process.Grid has equal steps in t, LogSNRGrid in the
// log-SNR. The laws of a step depend on both of its times, so that a grid may skip as many times as it likes.
//
// # The last step
//
// The step that arrives at TMin ends a chain, and Last says how: with the mean of the law (the usual choice, no noise),
// with a draw, or with the estimate x̂₀. Where σ(TMin) = 0, as at t = 0 of a Discrete schedule, the mean is x̂₀. A grid
// that ends above TMin returns x at that noise, by a full draw.
package sampler
