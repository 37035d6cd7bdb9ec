// Package vdm is the variational diffusion model: a hierarchical VAE whose encoder is a fixed diffusion.
//
// Latents x_1 … x_T have the shape of the data x_0. The encoder q is a process.Process at the times τ_1 < … < τ_T, the
// decoder the reverse chain of a denoiser, and the last step to the data a law p(x_0|x_1) of its own. With a Discrete
// schedule and τ_t = t this is DDPM's chain; with a schedule in continuous time, τ_1 is a time with a little noise.
package vdm
