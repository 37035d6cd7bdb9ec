// Package backendtest opens the backend that tests run on, and evaluates small graphs on it.
package backendtest

import (
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

var shared = sync.OnceValues(func() (compute.Backend, error) { return backend.Open("") })

// Open returns the backend of backend.Open(""), one for the whole test program.
func Open(t testing.TB) compute.Backend {
	t.Helper()
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Call builds fn's graph on the test's backend and runs it once on args (tensors, or Go values of any rank).
// A panic of a graph builder, or any other error, ends the test.
func Call[F graph.ExecGraphFn](t testing.TB, fn F, args ...any) []*tensors.Tensor {
	t.Helper()
	out, err := graph.CallOnceN(Open(t), fn, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Floats is Call for a function of one float64 output, flattened.
func Floats[F graph.ExecGraphFn](t testing.TB, fn F, args ...any) []float64 {
	t.Helper()
	out := Call(t, fn, args...)
	if len(out) != 1 {
		t.Fatalf("backendtest.Floats: the function has %d outputs, expected 1", len(out))
	}
	flat, err := tensors.CopyFlatData[float64](out[0])
	if err != nil {
		t.Fatal(err)
	}
	return flat
}

// Err builds and runs fn and returns its error, which must not be nil.
func Err[F graph.ExecGraphFn](t testing.TB, fn F, args ...any) error {
	t.Helper()
	_, err := graph.CallOnceN(Open(t), fn, args...)
	if err == nil {
		t.Fatal("expected an error, got none")
	}
	return err
}
