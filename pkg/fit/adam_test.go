package fit

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

// The quadratic ½Σ aᵢ(θᵢ−cᵢ)² in two variables, u [2] and w [1, 1], with its gradient known in closed form.
var (
	curvature = []float64{3, 0.5, 8}
	centre    = []float64{1, -2, 0.25}
	startAt   = []float64{0.2, 0.1, -0.4}
)

func quadratic(scope *model.Scope, batch []*graph.Node) *graph.Node {
	g := batch[0].Graph()
	u := scope.WithInitializer(fixed(startAt[:2]...)).VariableWithShape("u", shapes.Make(dtypes.Float64, 2)).NodeValue(g)
	w := scope.WithInitializer(fixed(startAt[2])).VariableWithShape("w", shapes.Make(dtypes.Float64, 1, 1)).NodeValue(g)
	theta := graph.Concatenate([]*graph.Node{u, graph.Reshape(w, 1)}, 0)
	d := graph.Sub(theta, graph.Const(g, centre))
	return graph.MulScalar(graph.ReduceAllSum(graph.Mul(graph.Const(g, curvature), graph.Square(d))), 0.5)
}

// nothing gives batches that the loss does not need.
var nothing = function(func(int) ([]*tensors.Tensor, error) { return []*tensors.Tensor{tensors.FromScalar(0.0)}, nil })

// adamByHand returns θ₀ … θ_n of Adam on the quadratic, as algorithm 1 of Kingma and Ba 2015 writes it, and its last m.
func adamByHand(n int, rate func(k int) float64, clipAt float64) (thetas [][]float64, m []float64) {
	theta, m, v := append([]float64{}, startAt...), make([]float64, 3), make([]float64, 3)
	thetas = [][]float64{append([]float64{}, theta...)}
	for t := 1; t <= n; t++ {
		g, norm := make([]float64, 3), 0.0
		for i := range theta {
			g[i] = curvature[i] * (theta[i] - centre[i])
			norm += g[i] * g[i]
		}
		scale := 1.0
		if norm = math.Sqrt(norm); clipAt > 0 && norm > clipAt {
			scale = clipAt / norm
		}
		for i := range theta {
			gi := g[i] * scale
			m[i] = 0.9*m[i] + 0.1*gi
			v[i] = 0.999*v[i] + 0.001*gi*gi
			mHat, vHat := m[i]/(1-math.Pow(0.9, float64(t))), v[i]/(1-math.Pow(0.999, float64(t)))
			theta[i] -= rate(t-1) * mHat / (math.Sqrt(vHat) + 1e-8)
		}
		thetas = append(thetas, append([]float64{}, theta...))
	}
	return thetas, m
}

func uAndW(t *testing.T, store *model.Store, prefix, suffix string) []float64 {
	t.Helper()
	return append(values(t, store, prefix+"/u"+suffix), values(t, store, prefix+"/w"+suffix)...)
}

// TestAdam holds the weights after n steps, with a schedule, against Adam by hand in float64.
func TestAdam(t *testing.T) {
	const n, eta, warmup, total = 7, 0.05, 3, 7
	rate := func(k int) float64 {
		if k < warmup {
			return eta * float64(k+1) / warmup
		}
		return eta * (0.1 + 0.9*(1+math.Cos(math.Pi*float64(k-warmup)/(total-warmup)))/2)
	}
	for _, m := range modes(t) {
		store, r := train(t, m.b, quadratic, nothing, Config{Steps: n, LearningRate: eta, Schedule: WarmupCosine{warmup, 0.1}, StepsPerCall: m.k})
		want, _ := adamByHand(n, rate, 0)
		for i, got := range uAndW(t, store, "", "") {
			near(t, got, want[n][i], 1e-12, "θ after", n, "steps, K", m.k, i)
		}
		for s, theta := range want[:n] {
			loss := 0.0
			for i := range theta {
				loss += curvature[i] * (theta[i] - centre[i]) * (theta[i] - centre[i]) / 2
			}
			near(t, r.Losses[s], loss, 1e-12, "loss before step", s+1)
		}
	}
}

// TestClip reads the clipped gradient from Adam's first moment, since Adam's own step hides its size.
func TestClip(t *testing.T) {
	rate := func(int) float64 { return 0.05 }
	for _, clipAt := range []float64{0.5, 1e3} { // below and above the gradient's norm of about 5.8
		store, _ := train(t, onHost, quadratic, nothing, Config{Steps: 3, LearningRate: 0.05, ClipNorm: clipAt})
		thetas, m := adamByHand(3, rate, clipAt)
		for i, got := range uAndW(t, store, adamScope, "_1st_moment") {
			near(t, got, m[i], 1e-12, "first moment, clip", clipAt, i)
		}
		for i, got := range uAndW(t, store, "", "") {
			near(t, got, thetas[3][i], 1e-12, "θ, clip", clipAt, i)
		}
	}
}

// TestEMA holds the averages against their closed form Σ_k (1−d_k) Π_{j>k} d_j θ_k, with θ_k from Adam by hand.
func TestEMA(t *testing.T) {
	const n, decay = 30, 0.6 // the warm-up (1+k)/(10+k) passes 0.6 at k = 13
	store, _ := train(t, onHost, quadratic, nothing, Config{Steps: n, LearningRate: 0.05, EMA: decay})
	thetas, _ := adamByHand(n, func(int) float64 { return 0.05 }, 0)
	weight := make([]float64, n+1)
	for k := range weight {
		weight[k] = 1
		if k > 0 {
			weight[k] = 1 - math.Min(decay, float64(1+k)/float64(10+k))
		}
		for j := k + 1; j <= n; j++ {
			weight[k] *= math.Min(decay, float64(1+j)/float64(10+j))
		}
	}
	averaged, err := Averaged(store)
	if err != nil {
		t.Fatal(err)
	}
	got, last := uAndW(t, averaged, "", ""), uAndW(t, store, "", "")
	for i := range got {
		want := 0.0
		for k, theta := range thetas {
			want += weight[k] * theta[i]
		}
		near(t, got[i], want, 1e-12, "average", i)
		near(t, last[i], thetas[n][i], 1e-12, "the store keeps the last weight", i)
		if math.Abs(want-last[i]) < 1e-6 {
			t.Errorf("average %d equals the last weight %g: the test has no power", i, want)
		}
	}
	if averaged.GetVariable(stepPath) != nil || averaged.GetVariable(averageScope+"/u") != nil {
		t.Error("Averaged kept the optimiser's state")
	}
	if _, err := Averaged(averaged); err == nil {
		t.Error("Averaged of a store without averages: no error")
	}
}

func TestSchedules(t *testing.T) {
	factor := func(s Schedule, steps int) func(k float64) float64 {
		return func(k float64) float64 {
			return backendtest.Floats(t, func(k *graph.Node) *graph.Node { return s.Factor(k, steps) }, k)[0]
		}
	}
	f := factor(WarmupCosine{Warmup: 4, Floor: 0.2}, 24)
	for k, want := range map[float64]float64{0: 0.25, 3: 1, 4: 1, 9: 0.2 + 0.8*(1+math.Sqrt2/2)/2, 14: 0.6, 24: 0.2} {
		near(t, f(k), want, 1e-14, "warm-up and cosine at", k)
	}
	f = factor(WarmupCosine{}, 10)
	for k, want := range map[float64]float64{0: 1, 5: 0.5, 10: 0} {
		near(t, f(k), want, 1e-14, "cosine at", k)
	}
	near(t, factor(Constant{}, 10)(7), 1, 0, "constant")
}

// TestLineIsFitted trains to the known optimum of a convex problem.
func TestLineIsFitted(t *testing.T) {
	store, r := train(t, onHost, lineLoss, line{16}, Config{Steps: 2000, LearningRate: 0.05, Schedule: WarmupCosine{Warmup: 50}})
	w := values(t, store, "/net/layer_1/dense/weights")
	near(t, w[0], 2, 1e-6, "w₁")
	near(t, w[1], -3, 1e-6, "w₂")
	near(t, values(t, store, "/net/layer_1/dense/biases")[0], 0.5, 1e-6, "bias")
	if r.Steps != 2000 || len(r.Losses) != 2000 || r.Stopped != StoppedBySteps {
		t.Errorf("report: %d steps, %d losses, stopped %q", r.Steps, len(r.Losses), r.Stopped)
	}
}
