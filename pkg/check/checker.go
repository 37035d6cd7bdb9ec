package check

import (
	"fmt"
	"io"
	"os"
)

// TB is the part of testing.TB that a Checker uses; *testing.T is one.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// Checker checks claims and reports each of them. T makes one for a test; a cell calls the package's functions.
type Checker struct {
	t    TB             // reports here, or when nil
	out  io.Writer      // prints here,
	exit func(code int) // and ends the program through this when a claim fails
}

// T returns the Checker of a test: a claim that fails is a t.Errorf at the caller's line, one that holds is logged.
func T(t TB) Checker { return Checker{t: t} }

// cell returns the Checker of a notebook cell.
func cell() Checker { return Checker{out: os.Stdout, exit: os.Exit} }

// report prints or logs "✓ id   text", or "✗ id   text" and fails.
func (c Checker) report(ok bool, id, text string) {
	mark := "✓"
	if !ok {
		mark = "✗"
	}
	line := fmt.Sprintf("%s %s   %s", mark, id, text)
	switch {
	case c.t == nil:
		if _, err := fmt.Fprintln(c.out, line); err != nil || !ok {
			c.exit(1)
		}
	case ok:
		c.t.Helper()
		c.t.Logf("%s", line)
	default:
		c.t.Helper()
		c.t.Errorf("%s", line)
	}
}

func (c Checker) helper() func() {
	if c.t == nil {
		return func() {}
	}
	return c.t.Helper
}

// Near checks that every entry of got is within tol of want: |got−want| ≤ tol·(1+|want|).
//
// got and want are numbers, slices of them to any depth, or tensors of any real dtype. Their shapes agree, except that
// a single want stands for every entry and a []float64 stands for any shape with as many entries, in row-major order.
// It prints the worst entry. NaN fails, an infinity is near itself alone, and no entries at all is a failure.
func (c Checker) Near(id string, got, want any, tol float64) {
	c.helper()()
	ok, text := near(got, want, tol)
	c.report(ok, id, text)
}

// Less checks a < b.
func (c Checker) Less(id string, a, b float64) {
	c.helper()()
	if a < b {
		c.report(true, id, num(a)+" < "+num(b))
		return
	}
	c.report(false, id, fmt.Sprintf("%s is not < %s", exact(a), exact(b)))
}

// True checks ok; detail says in a few words what was seen, as "417 of 500 points".
func (c Checker) True(id string, ok bool, detail string) {
	c.helper()()
	c.report(ok, id, detail)
}

// Differ shows an erratum: the formula as it is written must differ from the right one by more than atLeast somewhere,
// max |asWritten−right| > atLeast ≥ 0. Both are as in Near. NaN is no evidence, and fails.
func (c Checker) Differ(id string, asWritten, right any, atLeast float64) {
	c.helper()()
	ok, text := differ(asWritten, right, atLeast)
	c.report(ok, id, text)
}

// Near is Checker.Near for a notebook cell.
func Near(id string, got, want any, tol float64) { cell().Near(id, got, want, tol) }

// Less is Checker.Less for a notebook cell.
func Less(id string, a, b float64) { cell().Less(id, a, b) }

// True is Checker.True for a notebook cell.
func True(id string, ok bool, detail string) { cell().True(id, ok, detail) }

// Differ is Checker.Differ for a notebook cell.
func Differ(id string, asWritten, right any, atLeast float64) {
	cell().Differ(id, asWritten, right, atLeast)
}
