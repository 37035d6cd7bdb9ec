// Package dist holds the laws that models are made of, batched, on graph nodes.
//
// A law's parameters broadcast against x [batch, event...]. LogProb, KL and Entropy reduce over the event axes and
// return [batch], in nats. A parameter shared by the batch has a first axis of size 1. Standard deviations are
// kept as logarithms, so that any network output is a valid one.
package dist
