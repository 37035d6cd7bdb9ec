// Package nets builds the networks of the models: layers whose weights live in a GoMLX store.
//
// A network is only ever handed on as a closure, as func(xt, t *Node) *Node; the mathematics of the
// other packages does not know that weights exist. This is the only package that creates layers.
//
// MLP and MADE are functions. Patch and UNet, denoisers of images, and Monotone, a learned schedule, are structs of their sizes, which
// also count their weights and operations; presets such as PatchFashion are values of them, to be copied and changed.
//
// # Scopes
//
// The weights of a network are named by its scope, and how you make the scope decides what a second
// call does. scope.In("net") twice at one level panics: use it for a network that is called once, so that
// a slip cannot tie two networks together. scope.At("net") twice shares the weights: use it for a network that a
// sampler or a loss calls more than once.
//
//	decoder := func(z *Node) *Node { return nets.MLP(scope.At("decoder"), z, nets.GlorotUniform, activation.Relu, 400, 784) }
//
// # Seeds
//
// Initialisers draw from the store's random state, in the order in which the layers are built. A store that
// starts from SetRNGStateFromSeed(s) gives the same weights on the same backend every time; XLA and pure Go
// give different ones for one seed.
package nets
