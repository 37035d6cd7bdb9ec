// Package sde holds diffusions in continuous time: dx = f(x,t) dt + g(t) dw, its reverse, and the ordinary equation with
// the same marginals.
//
// The reverse of an SDE is an SDE, and so is the probability flow: one type serves all.
//
//	forward := sde.Forward(p)         // noise grows with t
//	back := forward.Reverse(score)    // solved towards falling times, it takes noise to data
//
// Package sampler solves them. FokkerPlanck tells how far a law is from being theirs, Derivation holds the lines that lead from
// Bayes' rule to Reverse, and KLRate is what an error of the score costs. Package score trains one: score.Objective at all times
// of a process is the loss of Song et al. 2021, equation 7.
//
// StochasticFlow holds what one path of the noise does to every start: a family of maps that compose, by a Rule such as Ito.Euler along
// a Brownian path. Ito is an equation whose noise depends on the state, as GeometricBrownian's.
package sde
