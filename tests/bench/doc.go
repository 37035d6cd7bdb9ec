// Package bench measures the speed of training next to JAX, on one machine, in turns:
//
//	make bench
//
// No test of the suite depends on these times.
package bench
