// Package process holds noise schedules and the Gaussian process that they define. It is the only place where the
// coefficients α and σ are written.
//
// # The process
//
// Data x₀ are shrunk and noised, in discrete or in continuous time, so that
//
//	q(x_t|x₀) = N(α(t) x₀, σ(t)² I)
//
// α(t) is the coefficient of x₀. In the DDPM papers it is √ᾱ_t, and their α_t is α(t)²/α(t−1)² here; their 1−ᾱ_t is
// σ(t)². A schedule keeps log α and log σ, so that nothing is lost where one of the two is tiny. The log of the
// signal-to-noise ratio is λ(t) = log(α²/σ²), and it falls as t grows.
//
// # Times
//
// A time t is a tensor. It has the rank of x, its event axes have size 1, and its first axis is the batch or 1: for x of
// shape [batch, 28, 28, 1], t is [batch, 1, 1, 1] or [1, 1, 1, 1]. It then broadcasts against x for free. Since a time
// is an argument and never a Go constant, a function of (x, t) is compiled once and serves every t.
//
// σ is 0 at t = 0 for most schedules, and log σ infinite. So a Process names the times it is used at: a grid starts at
// TMax and stops at TMin. With a Discrete schedule, t counts the steps 0, 1, …, T, still as a float.
package process
