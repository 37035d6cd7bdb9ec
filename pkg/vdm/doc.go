// Package vdm is the variational diffusion model: a hierarchical VAE whose encoder is a fixed diffusion.
//
// Latents x_1 … x_T have the shape of the data x_0. The encoder q is a process.Process at the times τ_1 < … < τ_T, the
// decoder the reverse chain of a denoiser, and the last step to the data a law p(x_0|x_1) of its own. With a Discrete
// schedule and τ_t = t this is DDPM's chain; with a schedule in continuous time, τ_1 is a time with a little noise.
//
// # Four forms of one bound
//
// Form0, Form1, Form2 and Form3 take one path of the encoder and return the bound, or what averages to it:
//
//	Form0  log p(x_{0:T}) − log q(x_{1:T}|x_0)
//	Form1  its parts with each noising step against the denoising step into the same x_t
//	Form2  its parts with each denoising step against q(x_{t−1}|x_t,x_0), as divergences in closed form
//	Form3  those divergences as errors of x̂₀, weighted by the signal-to-noise ratio that the step loses
//
// # Training
//
// Loss estimates the bound from one random time for each example. Objective says what the network predicts, by which
// law the time is drawn, how errors are weighted, and whether there are T latents or infinitely many. LearnedSNR is a
// schedule with weights of its own.
//
// # Conditions
//
// A Config of images may be conditional: on a class, a caption, or a coarse picture of the same image. The condition is one more input
// of the network, and Config.Loss stays what it is. With Drop it is hidden now and then, so that Model.SampleGiven can guide
// with any scale.
package vdm
