// Package bench measures the speed of training and sampling next to JAX and PyTorch, on one machine, in turns:
//
//	make bench
//
// No test of the suite depends on these times.
package bench
