package nets_test

import (
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

var shared = sync.OnceValues(func() (compute.Backend, error) { return backend.Open(backend.PureGo) })

// pureGo is the pure-Go backend, on which a small network is ready at once; XLA compiles one for seconds.
func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// perturb moves every weight of the store away from its start by N(0, scale²), so that what starts at 0 takes part.
func perturb(t *testing.T, store *model.Store, scale float64) {
	t.Helper()
	redraw(t, store, 1, scale)
}

// redraw makes every weight w of the store keep·w + N(0, scale²), with draws that depend on its path alone.
func redraw(t *testing.T, store *model.Store, keep, scale float64) {
	t.Helper()
	for v := range store.IterVariables() {
		if !v.DType().IsFloat() {
			continue
		}
		source := rand.New(rand.NewPCG(3, uint64(crc32.ChecksumIEEE([]byte(v.Path())))))
		flat := tensors.MustCopyFlatData[float64](v.MustValue())
		for i := range flat {
			flat[i] = keep*flat[i] + scale*source.NormFloat64()
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			panic(err)
		}
	}
}

// images returns a batch of normal draws.
func images(n, h, w, c int, seed uint64) *tensors.Tensor {
	source := rand.New(rand.NewPCG(seed, 1))
	flat := make([]float64, n*h*w*c)
	for i := range flat {
		flat[i] = source.NormFloat64()
	}
	return tensors.FromFlatDataAndDimensions(flat, n, h, w, c)
}

// timesOf returns [n, 1, 1, 1] of float64.
func timesOf(values ...float64) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(values, len(values), 1, 1, 1)
}

func seeded(t *testing.T, seed int64) *model.Store {
	t.Helper()
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(seed); err != nil {
		t.Fatal(err)
	}
	return store
}

// size counts the numbers in the store's trainable variables.
func size(store *model.Store) (n int) {
	for v := range store.IterVariables() {
		if v.Trainable && v.DType().IsFloat() {
			n += v.Shape().Size()
		}
	}
	return n
}

// products sums 2·(multiplications) over the graph's matrix products and convolutions, read off the nodes' shapes and text.
func products(t *testing.T, g *graph.Graph) (flops float64) {
	t.Helper()
	for _, n := range g.Nodes() {
		switch n.Type() {
		case graph.NodeTypeDotGeneral:
			_, text, _ := strings.Cut(n.String(), "lhsContractingAxes=[")
			text, _, _ = strings.Cut(text, "]")
			k := 1
			for _, axis := range strings.Fields(text) {
				var a int
				if _, err := fmt.Sscan(axis, &a); err != nil {
					t.Fatal(n, err)
				}
				k *= n.Inputs()[0].Shape().Dimensions[a]
			}
			flops += 2 * float64(k) * float64(n.Shape().Size())
		case graph.NodeTypeConvGeneral:
			kernel := n.Inputs()[1].Shape() // [height, width, in, out]
			flops += 2 * float64(kernel.Size()/kernel.Dim(-1)) * float64(n.Shape().Size())
		}
	}
	return flops
}

// twice checks the gradient of y + ‖∂y/∂x‖² + ‖∂y/∂t‖², y = Σ sin(net), along one direction of x, t and all weights together.
func twice(t *testing.T, x *tensors.Tensor, net func(s *model.Scope, x, time *graph.Node) *graph.Node) {
	t.Helper()
	slope(t, x, net, true, true)
}

// slope checks the gradient of y = Σ sin(net), with squared adding those of its gradients by x and t, along one direction of
// x and t, with all weights or without, against a central difference: its own error is h² times a third derivative.
func slope(t *testing.T, x *tensors.Tensor, net func(s *model.Scope, x, time *graph.Node) *graph.Node, squared, weights bool) {
	t.Helper()
	const h, tol = 1e-5, 1e-6
	value := func(s *model.Scope, x, time *graph.Node) *graph.Node {
		y := graph.ReduceAllSum(graph.Sin(net(s, x, time)))
		if squared {
			g := graph.Gradient(y, x, time)
			y = graph.Add(y, graph.Add(graph.ReduceAllSum(graph.Square(g[0])), graph.ReduceAllSum(graph.Square(g[1]))))
		}
		return y
	}
	store, b := seeded(t, 4), pureGo(t)
	model.MustCallOnce(b, store, net, x, timesOf(.3))
	perturb(t, store, .2)
	exec := model.MustNewExec(b, store, func(s *model.Scope, x, time, step *graph.Node) []*graph.Node {
		restore := func() {}
		if weights {
			restore = move(store, step)
		}
		y := value(s, along(x, step, .5), along(time, step, .1))
		restore()
		return []*graph.Node{y, graph.Gradient(y, step)[0]}
	})
	at := func(step float64) (value, slope float64) {
		out := exec.MustCall(x, timesOf(.3), step)
		return tensors.ToScalar[float64](out[0]), tensors.ToScalar[float64](out[1])
	}
	up, _ := at(h)
	down, _ := at(-h)
	_, got := at(0)
	if want := (up - down) / (2 * h); !(math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))) || got == 0 {
		t.Errorf("slope %.10g, central difference %.10g", got, want)
	}
}

// along returns n plus step times a fixed direction of cosines of size 0.1.
func along(n, step *graph.Node, phase float64) *graph.Node {
	i := graph.Reshape(graph.Iota(n.Graph(), shapes.Make(n.DType(), n.Shape().Size()), 0), n.Shape().Dimensions...)
	return graph.Add(n, graph.Mul(graph.MulScalar(step, .1), graph.Cos(graph.AddScalar(graph.MulScalar(i, 1.7), phase))))
}

// move moves all weights along a direction in the graph; restore gives the store its own ones back.
func move(store *model.Store, step *graph.Node) (restore func()) {
	var undo []func()
	for v := range store.IterVariables() {
		if v.Trainable {
			before := v.NodeValue(step.Graph())
			v.SetNodeValue(along(before, step, float64(len(undo))))
			undo = append(undo, func() { v.SetNodeValue(before) })
		}
	}
	return func() {
		for _, u := range undo {
			u()
		}
	}
}
