package backend_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

func TestProduct(t *testing.T) {
	got := backendtest.Floats(t, graph.MatMul,
		[][]float64{{1, 2}, {3, 4}}, [][]float64{{5, 6}, {7, 8}})
	if want := []float64{19, 22, 43, 50}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("2x2 product = %v, want %v", got, want)
	}
	t.Log(backend.Describe(backendtest.Open(t)))
}

// A plugin that was opened by its path must not hide itself from the next search by name.
func TestOpenTwice(t *testing.T) {
	for range 2 {
		if _, err := backend.Open(""); err != nil {
			t.Error(err)
		}
	}
}

func ExampleOpen() {
	b, err := backend.Open("go") // "" takes XLA where it is installed
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(backend.Describe(b), backend.IsXLA(b))
	// Output: pure Go false
}
