package nets_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// labelled are the presets for tests, in their variants.
func patchVariants() map[string]nets.Patch {
	rich := nets.Patch{Height: 6, Width: 4, Channels: 2, Patch: 2, Dim: 8, Depth: 2, Heads: 2, Ratio: 3, Classes: 3,
		Halo: 1, Fourier: []int{0, 1}, Skip: true, OmegaMin: .5, OmegaMax: 4}
	return map[string]nets.Patch{"plain": {Height: 4, Width: 4, Channels: 1, Patch: 2, Dim: 8, Depth: 2, Heads: 2, OmegaMin: .5, OmegaMax: 4}, "rich": rich}
}

// perturb moves every variable of the store away from its start by N(0, scale²), so that what starts at 0 takes part.
func perturb(t *testing.T, store *model.Store, scale float64) {
	t.Helper()
	source := rand.New(rand.NewPCG(3, 5))
	for v := range store.IterVariables() {
		if !v.DType().IsFloat() {
			continue
		}
		flat := tensors.MustCopyFlatData[float64](v.MustValue())
		for i := range flat {
			flat[i] += scale * source.NormFloat64()
		}
		v.MustSetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...))
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

// A new network returns 0; its cost is what the store and the graph hold.
func TestPatchStart(t *testing.T) {
	for name, p := range patchVariants() {
		store, counted := seeded(t, 1), 0.0
		out, err := model.CallOnce(backendtest.Open(t), store, func(s *model.Scope, x, time *graph.Node) *graph.Node {
			var label *graph.Node
			if p.Classes > 0 {
				label = graph.Const(x.Graph(), []int32{0, 3})
			}
			y := p.Apply(s, x, time, label)
			counted = products(t, x.Graph())
			return y
		}, images(2, p.Height, p.Width, p.Channels, 1), timesOf(.2, .8))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range tensors.MustCopyFlatData[float64](out) {
			if v != 0 {
				t.Errorf("%s: output %d of a new network is %g, want 0", name, i, v)
			}
		}
		if got := size(store); got != p.Parameters() {
			t.Errorf("%s: the store holds %d weights, Parameters says %d", name, got, p.Parameters())
		}
		if got := p.FLOPs(2); got != counted {
			t.Errorf("%s: the graph's products take %g operations, FLOPs says %g", name, counted, got)
		}
	}
}

// TestPatchGradients holds the gradient of ‖∇ₓ Σ sin(y)‖², by x, t and weights, against central differences in float64.
func TestPatchGradients(t *testing.T) {
	for name, p := range patchVariants() {
		t.Run(name, func(t *testing.T) {
			twice(t, images(1, p.Height, p.Width, p.Channels, 2), func(s *model.Scope, x, time *graph.Node) *graph.Node {
				return p.Apply(s.At("net"), x, time, nil)
			})
		})
	}
}

// twice checks first and second derivatives of net at x along random directions of x, t and all weights together.
func twice(t *testing.T, x *tensors.Tensor, net func(s *model.Scope, x, time *graph.Node) *graph.Node) {
	t.Helper()
	const h, tol = 1e-5, 1e-6
	store := seeded(t, 4)
	value := func(s *model.Scope, x, time *graph.Node) *graph.Node {
		y := graph.ReduceAllSum(graph.Sin(net(s, x, time)))
		g := graph.Gradient(y, x, time)
		return graph.Add(y, graph.Add(graph.ReduceAllSum(graph.Square(g[0])), graph.ReduceAllSum(graph.Square(g[1]))))
	}
	b := backendtest.Open(t)
	model.MustCallOnce(b, store, value, x, timesOf(.3))
	perturb(t, store, .2)
	var weights []*model.Variable
	for v := range store.IterVariables() {
		if v.Trainable {
			weights = append(weights, v)
		}
	}
	// along moves x, t and weights by step in a fixed direction of cosines.
	exec := model.MustNewExec(b, store, func(s *model.Scope, x, time, step *graph.Node) []*graph.Node {
		g := x.Graph()
		along := func(n *graph.Node, phase float64) *graph.Node {
			i := graph.Reshape(graph.Iota(g, shapes.Make(n.DType(), n.Shape().Size()), 0), n.Shape().Dimensions...)
			return graph.Add(n, graph.Mul(graph.MulScalar(step, .1), graph.Cos(graph.AddScalar(graph.MulScalar(i, 1.7), phase))))
		}
		before := make([]*graph.Node, len(weights))
		for i, v := range weights {
			before[i] = v.NodeValue(g)
			v.SetNodeValue(along(before[i], float64(i)))
		}
		y := value(s, along(x, .5), along(time, .1))
		for i, v := range weights {
			v.SetNodeValue(before[i])
		}
		return []*graph.Node{y, graph.Gradient(y, step)[0]}
	})
	at := func(step float64) (value, slope float64) {
		out := exec.MustCall(x, timesOf(.3), step)
		return tensors.ToScalar[float64](out[0]), tensors.ToScalar[float64](out[1])
	}
	up, _ := at(h)
	down, _ := at(-h)
	_, slope := at(0)
	if want := (up - down) / (2 * h); !(math.Abs(slope-want) <= tol*math.Max(1, math.Abs(want))) || slope == 0 {
		t.Errorf("slope %.10g, central difference %.10g", slope, want)
	}
}
