// Package check holds a claim against a second computation: in a notebook cell it prints, in a Go test it reports,
// and both run the same code.
//
// In a cell, the functions of the package print one line each:
//
//	✓ E2.4 log p(x) = ELBO + KL   −1.827084 = −1.827084  |Δ| 2e-16
//
// A claim that does not hold prints a line that starts with ✗ and ends the cell with exit status 1.
// In a test, check.T(t) has the same methods: a claim that does not hold is a t.Errorf, the others are logged.
//
// # Tolerance
//
// One number serves as absolute and relative tolerance: got is near want when |got−want| ≤ tol·(1+|want|).
// NaN is near nothing, and an infinity only near itself.
//
// # A different kind of computation
//
// A check is worth as much as its second side is independent. Integral, Integral2 and IntegralFn compute integrals by
// Gauss–Legendre quadrature, Derivative, Derivatives and Grad compute derivatives by central differences, Mean and SE
// serve Monte Carlo, Eval evaluates a graph at many points in one call.
//
// Of gonum it links quadrature and special functions alone: every notebook cell links this package, and gonum's stat and
// fd, with the linear algebra below them, would add 2 MB to each.
//
// The package is for notebooks and tests: where a graph cannot be built or run, these functions panic with its error.
package check
