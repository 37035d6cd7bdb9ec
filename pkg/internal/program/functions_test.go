package program_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// scaled returns x times the weight "w".
func scaled(scope *model.Scope, in []*Node) []*Node {
	w := scope.VariableWithValue("w", float32(3))
	return []*Node{Mul(in[0], w.NodeValue(in[0].Graph()))}
}

// A function is compiled once for each shape, and reads the weights anew at each call.
func TestFunctions(t *testing.T) {
	b, c := backend.MustOpen(backend.PureGo), check.T(t)
	store, err := program.NewStore(b, 1, func(scope *model.Scope, g *Graph) *Node {
		return scaled(scope, []*Node{Const(g, float32(1))})[0]
	})
	if err != nil {
		t.Fatal(err)
	}
	var f program.Functions
	call := func(x any) any {
		out, err := f.Call(b, store, "scaled", scaled, x)
		if err != nil {
			t.Fatal(err)
		}
		return out[0].Value()
	}
	c.Near("3x, in float64", call([]float64{1, 2}).([]float64), []float64{3, 6}, 0)
	if err := store.GetVariable("/w").SetValue(tensors.FromValue(float32(5))); err != nil {
		t.Fatal(err)
	}
	c.Near("5x", call([]float64{1, 2}), []float64{5, 10}, 0)
	c.Near("graphs of one shape", f.Graphs(), 1, 0)
	c.Near("5x of another shape", call([][]float64{{4}}), 20, 0)
	c.Near("graphs of two shapes", f.Graphs(), 2, 0)
	f.Finalize()
	c.Near("5x again", call([]float64{1, 2}), []float64{5, 10}, 0)
	c.Near("graphs after Finalize", f.Graphs(), 3, 0)
}

// A function on a store that lacks its weights is an error, leaves none behind, and works once they are there.
func TestFunctionsWithoutWeights(t *testing.T) {
	b, store := backend.MustOpen(backend.PureGo), model.NewStore()
	var f program.Functions
	for range 2 {
		if _, err := f.Call(b, store, "scaled", scaled, []float64{1}); err == nil || !strings.Contains(err.Error(), "lacks 1 weights of the network, as /w") {
			t.Fatalf("without weights: %v", err)
		}
	}
	store.RootScope().VariableWithValue("w", float32(2))
	out, err := f.Call(b, store, "scaled", scaled, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("2x", out[0], 2, 0)
}

// A seed is an argument: it decides the draws and compiles nothing, and integers stay what they are.
func TestFunctionsOfASeed(t *testing.T) {
	b, store, c := backend.MustOpen(backend.PureGo), model.NewStore(), check.T(t)
	var f program.Functions
	draw := func(seed int64) []float64 {
		out, err := f.Call(b, store, "draw", func(_ *model.Scope, in []*Node) []*Node {
			g := in[0].Graph()
			return []*Node{noise.NewStream(in[0]).RandomNormal(g, shapes.Make(dtypes.Float32, 3)), in[1]}
		}, program.Seed(seed), []int32{1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		c.Near("an integer above float32's", out[1].Value().([]int32)[0], 1<<30, 0)
		return check.Floats(out[0])
	}
	first := draw(7)
	c.Near("one seed", draw(7), first, 0)
	c.Differ("another seed", draw(8), first, .01)
	c.Near("graphs", f.Graphs(), 1, 0)
}

func TestRows(t *testing.T) {
	if err := program.Rows([][]float64{{1, 2}, {3, 4}}, 2, "the data"); err != nil {
		t.Error(err)
	}
	for want, x := range map[string][][]float64{
		"no rows, expected at least one of 2 numbers": nil,
		"row 1 has 1 numbers, expected 2 as the data": {{1, 2}, {1}},
		"row 0 has 3 numbers, expected 2 as the data": {{1, 2, 3}},
	} {
		if err := program.Rows(x, 2, "the data"); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", x, err, want)
		}
	}
}

// thing counts how often it is freed.
type thing struct{ freed int }

func (x *thing) Finalize() { x.freed++ }

func TestMemo(t *testing.T) {
	var m program.Memo[string, *thing]
	made := 0
	get := func(key string) *thing { return m.Get(key, func() *thing { made++; return &thing{} }) }
	a, b := get("a"), get("b")
	if get("a") != a || get("b") != b || made != 2 {
		t.Errorf("%d made for two keys", made)
	}
	m.Forget("a")
	m.Forget("a")
	m.Forget("none")
	if a.freed != 1 || b.freed != 0 || get("a") == a {
		t.Errorf("after Forget: freed %d and %d times", a.freed, b.freed)
	}
	m.Finalize()
	if b.freed != 1 {
		t.Errorf("freed %d times", b.freed)
	}
	for range m.All() {
		t.Error("something is kept")
	}
}
