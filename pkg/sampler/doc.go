// Package sampler draws from diffusion models: a Stepper takes x_t to x_s for s < t, and a run takes x at the first time of
// a grid to the last.
package sampler
