// Package param converts between the things that a diffusion network may predict. It is the only place where these
// conversions are written.
//
// With x_t = αx₀ + σε, a network may predict the data x₀, the noise ε, the score ∇log q(x_t), or v = αε − σx₀. Every
// method of this library takes the first, as a Denoiser; Bind makes one of a network of any Kind, and Predict goes
// back. A network and an exact answer have the same type, so that either may stand for the other.
package param
