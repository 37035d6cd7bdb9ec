package check

import "fmt"

// Must returns v. When err is not nil it prints the error and fails the cell instead: in a notebook,
//
//	samples := check.Must(model.SampleMeans(40, 1))
//
// is the whole of error handling. Outside notebooks and tests, handle the error.
func Must[T any](v T, err error) T { return must(cell(), v, err) }

func must[T any](c Checker, v T, err error) T {
	if err != nil {
		c.report(false, "error", fmt.Sprint(err))
	}
	return v
}
