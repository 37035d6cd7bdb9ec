package nets_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// backends returns the test's backend and pure Go.
func backends(t *testing.T) map[string]compute.Backend {
	b := backendtest.Open(t)
	pureGo, err := backend.Open(backend.PureGo)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]compute.Backend{b.Name(): b, pureGo.Name(): pureGo}
}

type netFn = func(*model.Scope, *graph.Node) *graph.Node

func call(t *testing.T, b compute.Backend, store *model.Store, fn netFn, x any) []float64 {
	t.Helper()
	return compiled(t, b, store, fn)(x)
}

// compiled returns fn as a Go function that compiles once.
func compiled(t *testing.T, b compute.Backend, store *model.Store, fn netFn) func(x any) []float64 {
	t.Helper()
	exec, err := model.NewExec(b, store, fn)
	if err != nil {
		t.Fatal(err)
	}
	return func(x any) []float64 { return floats(t, exec, x) }
}

func floats(t *testing.T, exec *model.Exec, x any) []float64 {
	t.Helper()
	out, err := exec.Call1(x)
	if err != nil {
		t.Fatal(err)
	}
	flat, err := tensors.CopyFlatData[float64](out)
	if err != nil {
		t.Fatal(err)
	}
	return flat
}

// activations are those whose derivatives exist everywhere.
var activations = []func(*graph.Node) *graph.Node{graph.Tanh, activation.Swish, graph.Sigmoid}

// three is the sum of the outputs of three networks, one for each of the activations, at x and at a time taken from x.
func three(scope *model.Scope, x *graph.Node) *graph.Node {
	t := graph.Slice(x, graph.AxisRange(), graph.AxisElem(0))
	in := graph.Concatenate([]*graph.Node{x, nets.TimeEmbedding(t, 4, 0.5, 3)}, -1)
	sum := graph.ScalarZero(x.Graph(), x.DType())
	for i, act := range activations {
		sum = graph.Add(sum, graph.ReduceAllSum(nets.MLP(scope.At("net_%d", i), in, nets.GlorotUniform, act, 5, 4, 1)))
	}
	return sum
}

// sensitivity is ‖∇ₓ three‖², whose gradient is of second order.
func sensitivity(scope *model.Scope, x *graph.Node) *graph.Node {
	return graph.ReduceAllSum(graph.Square(graph.Gradient(three(scope, x), x)[0]))
}

func weight(store *model.Store, net int) *model.Variable {
	return store.GetVariable(fmt.Sprintf("/net_%d/layer_2/dense/weights", net))
}

// withGradients returns f, ∇f by x, and ∇f by each network's second layer, in one vector.
func withGradients(f netFn) netFn {
	return func(scope *model.Scope, x *graph.Node) *graph.Node {
		y := f(scope, x)
		by := []*graph.Node{x}
		for i := range activations {
			by = append(by, weight(scope.Store(), i).NodeValue(x.Graph()))
		}
		out := []*graph.Node{graph.Reshape(y, 1)}
		for _, g := range graph.Gradient(y, by...) {
			out = append(out, graph.Reshape(g, g.Shape().Size()))
		}
		return graph.Concatenate(out, 0)
	}
}

// TestGradients holds ∇f and ∇‖∇f‖², by x and by weights, against central differences in float64.
// The difference quotient's own error is h² times a third derivative, about 1e-9 here, and rounding 1e-16/h = 1e-11.
func TestGradients(t *testing.T) {
	const h, tol = 1e-5, 1e-7
	for name, b := range backends(t) {
		for order, fn := range []netFn{three, sensitivity} {
			store := model.NewStore()
			if err := store.SetRNGStateFromSeed(7); err != nil {
				t.Fatal(err)
			}
			x := [][]float64{{0.3, -0.7}, {1.1, 0.4}, {-0.2, 0.9}}
			f := compiled(t, b, store, withGradients(fn))
			at := f(x)
			for i := range 6 {
				v := &x[i/2][i%2]
				was := *v
				*v = was + h
				up := f(x)[0]
				*v = was - h
				down := f(x)[0]
				*v = was
				near(t, at[1+i], (up-down)/(2*h), tol, name, "order", order+1, "x", i)
			}
			for net := range activations {
				for _, k := range []int{0, 7, 19} {
					up := moved(t, weight(store, net), k, h, func() float64 { return f(x)[0] })
					down := moved(t, weight(store, net), k, -h, func() float64 { return f(x)[0] })
					near(t, at[7+20*net+k], (up-down)/(2*h), tol, name, "order", order+1, "network", net, "weight", k)
				}
			}
		}
	}
}

// moved returns f with the variable's k-th number moved by h.
func moved(t *testing.T, v *model.Variable, k int, h float64, f func() float64) float64 {
	t.Helper()
	was, err := tensors.CopyFlatData[float64](v.MustValue())
	if err != nil {
		t.Fatal(err)
	}
	set := func(x []float64) {
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(x, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	x := append([]float64(nil), was...)
	x[k] += h
	set(x)
	defer set(was)
	return f()
}

func near(t *testing.T, got, want, tol float64, labels ...any) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*math.Max(1, math.Abs(want))) {
		t.Errorf("%v: %.10g, want %.10g", labels, got, want)
	}
}

// TestMLPValue computes a two-layer network by hand from the weights in the store.
func TestMLPValue(t *testing.T) {
	store := model.NewStore()
	for path, value := range map[string]any{
		"/layer_1/dense/weights": [][]float64{{1, -2}, {0.5, 3}}, "/layer_1/dense/biases": []float64{0.1, -0.2},
		"/layer_2/dense/weights": [][]float64{{2}, {-1}}, "/layer_2/dense/biases": []float64{0.7}} {
		store.VariableWithValue(path, value)
	}
	got := call(t, backendtest.Open(t), store, func(s *model.Scope, x *graph.Node) *graph.Node {
		return nets.MLP(s, x, nets.HeUniform, graph.Tanh, 2, 1)
	}, [][]float64{{0.4, -0.3}})
	h1, h2 := math.Tanh(0.4-0.15+0.1), math.Tanh(-0.8-0.9-0.2)
	near(t, got[0], 2*h1-h2+0.7, 1e-14, "MLP value")
}

func TestTimeEmbeddingValue(t *testing.T) {
	got := backendtest.Floats(t, func(t *graph.Node) *graph.Node { return nets.TimeEmbedding(t, 6, 1, 100) },
		[][][]float64{{{0.25}}, {{-1.5}}})
	for i, at := range []float64{0.25, -1.5} {
		for k, omega := range []float64{1, 10, 100} {
			near(t, got[i*6+k], math.Sin(omega*at), 1e-14, "sin", omega, at)
			near(t, got[i*6+3+k], math.Cos(omega*at), 1e-14, "cos", omega, at)
		}
	}
}

// TestInit holds the drawn weights against the stated laws: the bound of the uniform, and its mean and variance within
// 6 standard errors (n = 60,000; SE of the mean a/√(3n), of the variance a²·√(4/45)/√n).
func TestInit(t *testing.T) {
	const in, out = 200, 300
	for name, c := range map[string]struct {
		init nets.Init
		a    float64
	}{"Glorot": {nets.GlorotUniform, math.Sqrt(6. / (in + out))}, "He": {nets.HeUniform, math.Sqrt(6. / in)}} {
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(11); err != nil {
			t.Fatal(err)
		}
		w := call(t, backendtest.Open(t), store, func(s *model.Scope, x *graph.Node) *graph.Node {
			s = s.WithInitializer(c.init(s))
			bias := s.VariableWithShape("b", shapes.Make(dtypes.Float64, out)).NodeValue(x.Graph())
			w := s.VariableWithShape("w", shapes.Make(dtypes.Float64, in, out)).NodeValue(x.Graph())
			return graph.Add(w, graph.InsertAxes(bias, 0))
		}, 0.0)
		n, sum, sumSq, most := float64(len(w)), 0.0, 0.0, 0.0
		for _, x := range w {
			sum, sumSq, most = sum+x, sumSq+x*x, math.Max(most, math.Abs(x))
		}
		near(t, sum/n, 0, 6*c.a/math.Sqrt(3*n), name, "mean")
		near(t, sumSq/n, c.a*c.a/3, 6*c.a*c.a*math.Sqrt(4./45/n), name, "variance")
		// The largest of n draws lies below a, and above a(1-δ) but for probability (1-δ)^n: 1e-9 at δ = 20.7/n.
		if most > c.a || most < c.a*(1-20.7/n) {
			t.Errorf("%s: largest weight %g, want just below %g", name, most, c.a)
		}
	}
}

func TestSeedDecidesWeights(t *testing.T) {
	draw := func(seed int64) []float64 {
		store := model.NewStore()
		if err := store.SetRNGStateFromSeed(seed); err != nil {
			t.Fatal(err)
		}
		return call(t, backendtest.Open(t), store, func(s *model.Scope, x *graph.Node) *graph.Node {
			return nets.MLP(s, x, nets.HeUniform, graph.Tanh, 8, 3)
		}, [][]float64{{1, 2}})
	}
	one, again, other := draw(1), draw(1), draw(2)
	for i := range one {
		if one[i] != again[i] {
			t.Errorf("seed 1 gave %v and then %v", one, again)
		}
		if one[i] == other[i] {
			t.Errorf("seeds 1 and 2 both gave %v", one[i])
		}
	}
}

func TestScopes(t *testing.T) {
	net := func(s *model.Scope, x *graph.Node) *graph.Node {
		return nets.MLP(s, x, nets.GlorotUniform, nil, 2)
	}
	b, x := backendtest.Open(t), [][]float64{{1, 2}}
	shared := call(t, b, model.NewStore(), func(s *model.Scope, x *graph.Node) *graph.Node {
		return graph.Sub(net(s.At("net"), x), net(s.At("net"), x))
	}, x)
	if shared[0] != 0 || shared[1] != 0 {
		t.Errorf("scope.At twice: outputs differ by %v, want shared weights", shared)
	}
	_, err := model.CallOnce(b, model.NewStore(), func(s *model.Scope, x *graph.Node) *graph.Node {
		return graph.Add(net(s, x), net(s, x))
	}, x)
	if err == nil || !strings.Contains(err.Error(), "layer_1") {
		t.Errorf("one scope value twice: error %v, want a panic that names layer_1", err)
	}
}

func TestPanics(t *testing.T) {
	relu := activation.Relu
	for want, fn := range map[string]netFn{
		"no sizes":        func(s *model.Scope, x *graph.Node) *graph.Node { return nets.MLP(s, x, nets.Zero, relu) },
		"positive widths": func(s *model.Scope, x *graph.Node) *graph.Node { return nets.MLP(s, x, nets.Zero, relu, 3, 0) },
		"no activation":   func(s *model.Scope, x *graph.Node) *graph.Node { return nets.MLP(s, x, nets.Zero, nil, 3, 1) },
		"expected a float": func(s *model.Scope, x *graph.Node) *graph.Node {
			return nets.MLP(s, graph.ReduceAllSum(x), nets.Zero, relu, 3)
		},
		"event axes": func(_ *model.Scope, x *graph.Node) *graph.Node { return nets.TimeEmbedding(x, 4, 1, 10) },
		"even number": func(_ *model.Scope, x *graph.Node) *graph.Node {
			return nets.TimeEmbedding(graph.ReduceSum(x, -1), 3, 1, 10)
		},
		"0 < omegaMin": func(_ *model.Scope, x *graph.Node) *graph.Node {
			return nets.TimeEmbedding(graph.ReduceSum(x, -1), 4, 10, 1)
		},
	} {
		_, err := model.CallOnce(backendtest.Open(t), model.NewStore(), fn, [][]float64{{1, 2}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nets.") {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
