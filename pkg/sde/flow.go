package sde

import . "github.com/gomlx/gomlx/core/graph"

// Rule takes x from time t to time u along one increment dw = w(u) − w(t) of a Brownian path: a map of x, not a draw. t and u
// are [1, …, 1] of x's rank. Ito.Euler, Ito.Milstein and GeometricBrownian.Solve are Rules.
type Rule func(x, t, u, dw *Node) *Node

// StochasticFlow is, for one path of the noise, the two-parameter family of maps
//
//	φ_{s,t}: x ↦ the state at t of the solution that starts in x at s,  φ_{s,u} = φ_{t,u} ∘ φ_{s,t}
//
// The maps are random, since the path is; all of them share it. A law for each time does not make a flow, nor do random
// maps that draw their noise anew at each call. Every step of a map is a part of the graph: keep paths to some hundred steps. Source: Kunita 1990, "Stochastic Flows and Stochastic Differential Equations",
// section 4.2.
type StochasticFlow struct {
	Rule  Rule
	Noise Brownian
}

// Map returns φ_{s,t}(x), of x's shape, for s and t the path's times of index from and to. φ_{s,s} is the identity.
// It panics unless 0 ≤ from ≤ to < len(Noise.Times).
func (f StochasticFlow) Map(x *Node, from, to int) *Node {
	points := f.Trajectory(x, from, to)
	return points[len(points)-1]
}

// Trajectory returns φ_{s,t}(x) at every time t of the path from index from to index to, x itself first. It panics as Map does.
func (f StochasticFlow) Trajectory(x *Node, from, to int) []*Node {
	f.Noise.check("Map", from, to)
	points := []*Node{x}
	for i := from; i < to; i++ {
		x = f.Rule(x, timeLike(x, f.Noise.Times[i]), timeLike(x, f.Noise.Times[i+1]), f.Noise.Steps[i])
		points = append(points, x)
	}
	return points
}
