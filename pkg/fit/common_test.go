package fit

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// line gives batches of y = 2x₁ − 3x₂ + 0.5 in float64, with x on a small lattice that moves with the step.
type line struct{ rows int }

func (l line) Batch(step int) ([]*tensors.Tensor, error) {
	x, y := make([]float64, 0, 2*l.rows), make([]float64, 0, l.rows)
	for i := range l.rows {
		a, b := float64((7*i+3*step)%11)/5-1, float64((5*i+step)%13)/6-1
		x, y = append(x, a, b), append(y, 2*a-3*b+0.5)
	}
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, l.rows, 2), tensors.FromFlatDataAndDimensions(y, l.rows, 1)}, nil
}

// noisyLoss is half the mean squared error of a small network whose input is shaken by noise.
func noisyLoss(scope *model.Scope, batch []*graph.Node) *graph.Node {
	x, y := batch[0], batch[1]
	x = graph.Add(x, graph.MulScalar(scope.RandomUniform(x.Graph(), x.Shape()), 0.1))
	return halfSquare(nets.MLP(scope.In("net"), x, nets.GlorotUniform, graph.Tanh, 16, 1), y)
}

// lineLoss is half the mean squared error of an affine map: its least value over line is 0, at weights (2, −3), bias 0.5.
func lineLoss(scope *model.Scope, batch []*graph.Node) *graph.Node {
	return halfSquare(nets.MLP(scope.In("net"), batch[0], nets.GlorotUniform, nil, 1), batch[1])
}

func halfSquare(a, b *graph.Node) *graph.Node {
	return graph.MulScalar(graph.ReduceAllMean(graph.Square(graph.Sub(a, b))), 0.5)
}

// function is a fit.Batches from a function.
type function func(step int) ([]*tensors.Tensor, error)

func (f function) Batch(step int) ([]*tensors.Tensor, error) { return f(step) }

// bits returns the variables' values as text, by path.
func bits(t *testing.T, store *model.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for v := range store.IterVariables() {
		if err := v.MustValue().ConstBytes(func(data []byte) { all[v.Path()] = fmt.Sprintf("%x", data) }); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func sameBits(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d variables, want %d", what, len(got), len(want))
	}
	for path := range want {
		if got[path] != want[path] {
			t.Errorf("%s: %s = %.40s…, want %.40s…", what, path, got[path], want[path])
		}
	}
}

// train is Train with a fresh store; it must succeed.
func train(t *testing.T, b compute.Backend, loss Loss, data Batches, c Config) (*model.Store, Report) {
	t.Helper()
	store := model.NewStore()
	r, err := Train(context.Background(), b, store, loss, data, c)
	if err != nil {
		t.Fatal(err)
	}
	return store, r
}

// onHost is pure Go, which compiles in no time: what does not depend on the backend is tested on it.
var onHost = backend.MustOpen(backend.PureGo)

// loadOrTrain is LoadOrTrain with noisyLoss and a fresh store.
func loadOrTrain(t *testing.T, b compute.Backend, dir string, c Config) (*model.Store, Report, error) {
	t.Helper()
	store := model.NewStore()
	r, err := LoadOrTrain(context.Background(), b, dir, store, noisyLoss, line{8}, c)
	return store, r, err
}

// mode is a backend with a number of steps in a call.
type mode struct {
	b compute.Backend
	k int
}

// modes returns one step a call on pure Go and, where the test's backend is XLA, 20 in a loop there.
func modes(t *testing.T) []mode {
	all := []mode{{onHost, 1}}
	if b := backendtest.Open(t); backend.IsXLA(b) {
		all = append(all, mode{b, 20})
	}
	return all
}

func values(t *testing.T, store *model.Store, path string) []float64 {
	t.Helper()
	v := store.GetVariable(path)
	if v == nil {
		t.Fatalf("the store has no variable %s", path)
	}
	return lossesOf(v.MustValue())
}

func near(t *testing.T, got, want, tol float64, labels ...any) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))) {
		t.Errorf("%v: %.15g, want %.15g within %g", labels, got, want, tol)
	}
}

// fixed is an initialiser of given values.
func fixed(x ...float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		return graph.Reshape(graph.Const(g, x), shape.Dimensions...)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
