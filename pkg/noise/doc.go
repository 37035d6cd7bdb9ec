// Package noise is where randomness enters a graph: every sampler and every loss takes a Source.
//
// Stream draws from a state that travels through the graph, Finite guards a source against GoMLX's rare infinite
// normal, and Fixed gives back chosen numbers, so that a test knows the noise. The same seed gives other numbers on
// XLA than on pure Go.
package noise
