package fit_test

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// A graph that asks for a weight leaves none behind in a frozen store, and one that only draws noise is no error.
func TestFrozen(t *testing.T) {
	b, store := backendtest.Open(t), model.NewStore()
	run := func(fn func(scope *model.Scope, x *Node) *Node) error {
		restore := fit.Frozen(store)
		if _, err := model.CallOnce(b, store, fn, []float64{1}); err != nil {
			t.Fatal(err)
		}
		return restore()
	}
	err := run(func(scope *model.Scope, x *Node) *Node {
		return Add(x, scope.In("net").VariableWithValue("bias", []float64{2}).NodeValue(x.Graph()))
	})
	if err == nil || !strings.Contains(err.Error(), "lacks 1 weights of the network, as /net/bias") {
		t.Errorf("a made-up weight: %v", err)
	}
	err = run(func(scope *model.Scope, x *Node) *Node {
		return Add(x, noise.Finite(scope).RandomNormal(x.Graph(), x.Shape()))
	})
	if err != nil {
		t.Errorf("noise: %v", err)
	}
	for v := range store.IterVariables() {
		t.Errorf("the store holds %s now", v.Path())
	}
}
