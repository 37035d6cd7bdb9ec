// Package sde holds diffusions in continuous time: dx = f(x,t) dt + g(t) dw, its reverse, and the ordinary equation with
// the same marginals.
//
// The reverse of an SDE is an SDE, and so is the probability flow: one type serves all. Package sampler solves them.
package sde
