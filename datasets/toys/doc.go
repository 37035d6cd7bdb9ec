// Package toys holds laws in the plane with exact samplers, for which a picture shows whether a model has learned them.
//
// A law is a struct of its parameters; a function of the usual name gives the usual values:
//
//	EightGaussians()  Mixture   Σ_k w_k N(μ_k, s_k² I)
//	NestedGaussians() Mixture   clusters of clusters
//	TwoMoons()        Moons     two half circles and noise
//	SwissRoll()       Spiral    a spiral and noise
//	Line()            Segment   a one-dimensional set in the plane, and noise
//	Rings()           Circles   concentric rings with a noisy radius
//	Checkerboard()    Board     uniform on the dark squares
//
// Sample(n, seed) returns Points, which are a datasets.Data and hold the draws in float64 as well.
// All laws lie within a few units of the origin, as a model that starts from N(0, I) wants them.
package toys
