// Package score matches a score s(x) to ∇log p(x) of a law p that you have only samples of.
//
// A Loss maps a source of noise, s and a batch x to one number for each example, [batch]. The four losses differ in what they
// ask for, and their expectations by constants that hold no s:
//
//	Explicit   ½‖s(x) − ∇log p(x)‖²                           the score of p
//	Implicit   tr ∇s(x) + ½‖s(x)‖²                            nothing more, but the trace
//	Sliced     vᵀ∇s(x)v + ½‖s(x)‖²                            nothing more, but random directions v
//	Denoising  ½‖s(x_t) − ∇log q(x_t|x)‖², x_t = α_t x + σ_t ε   a process: it matches the score of q(x_t), not of p
//
//	E Explicit = E Implicit + ½ E‖∇log p(x)‖²
//	E Sliced   = E Implicit
//	E Denoising = E Explicit of q(x_t) + ½ (d/σ_t² − E‖∇log q(x_t)‖²)
//
// so that they have one minimiser among the scores that vanish fast enough, and a value of one loss says nothing until the
// constant is known. E is over x ~ p, and for Denoising over x_t ~ q(x_t).
//
// A score is a function, so that exact ones of package oracle and networks are interchangeable. Implicit and Sliced evaluate
// it on more rows than x has, and more than once: s treats each row alone, whatever it holds besides x broadcasts along the
// batch, and a network shares its weights between calls (scope.At).
//
// Objective is Denoising at many levels of noise, one drawn for each example: what a noise-conditional score network is
// trained on.
package score
