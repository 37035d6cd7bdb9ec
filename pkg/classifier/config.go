package classifier

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Config is a classifier of examples of Dim numbers with noise: a multi-layer perceptron. One serves every process, since it sees x_t/α
// and the log-SNR.
type Config struct {
	Dim, Classes         int     // numbers in an example, whatever their axes; classes
	MinLogSNR, MaxLogSNR float64 // λ of the noise that it is trained with, and no other
	DataStd              float64 // √(E‖x‖²/d) of the data: their size, about 0
	Hidden               []int   // widths of the hidden layers; nil is 64, 64
}

// String names the architecture and the noise: it is what makes a checkpoint fit.
func (c Config) String() string {
	return fmt.Sprintf("classifier of %d numbers of size %.6g, %d classes, hidden %v, log-SNR %.6g to %.6g", c.Dim, c.DataStd, c.Classes, c.hidden(),
		c.MinLogSNR, c.MaxLogSNR)
}

// Check returns an error that names the field when there is no such classifier.
func (c Config) Check() error {
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("classifier.Config: %s = %v, expected %s", field, value, want)
	}
	finite := !math.IsInf(c.MinLogSNR, 0) && !math.IsInf(c.MaxLogSNR, 0)
	switch {
	case c.Dim < 1:
		return wrong("Dim", c.Dim, "the numbers in an example, 1 or more")
	case c.Classes < 2:
		return wrong("Classes", c.Classes, "2 or more")
	case !(c.MinLogSNR < c.MaxLogSNR && finite):
		return wrong("MinLogSNR, MaxLogSNR", []float64{c.MinLogSNR, c.MaxLogSNR}, "two finite numbers, from the most noise to the least")
	case !(c.DataStd > 0) || math.IsInf(c.DataStd, 0):
		return wrong("DataStd", c.DataStd, "the size of the data, above 0")
	}
	for _, width := range c.Hidden {
		if width < 1 {
			return wrong("Hidden", c.Hidden, "widths of 1 or more")
		}
	}
	return nil
}

func (c Config) hidden() []int {
	if c.Hidden == nil {
		return []int{64, 64}
	}
	return c.Hidden
}

// Logits returns the network whose weights lie in scope, for x_t [n, event...] of p and t [n or 1, 1, …]: [n, Classes], log p(y|x_t) up to a
// constant in y. Its inputs are x_t/α over √(σ_d²+e^(−λ)), the size of such data with such noise, and waves of the log-SNR λ. It does not look
// whether t lies within what it was trained for: Model.Covers does.
// It panics when c is not a valid Config, or an example has another size.
func (c Config) Logits(scope *model.Scope, p process.Process) func(xt, t *Node) *Node {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("classifier.Config.Logits: %w", err))
	}
	const features, slowest, fastest = 16, 0.125, 2 // of λ: from a wave as long as all of it to one of a factor 5 in σ
	const stretch = 3                               // of x, so that the first layer bends within the data
	return func(xt, t *Node) *Node {
		c.checkX(xt)
		n, level := xt.Shape().Dimensions[0], p.NoiseLevel(t)
		size := Sqrt(AddScalar(Square(level), c.DataStd*c.DataStd))
		x := Reshape(Div(xt, Mul(p.Alpha(t), size)), n, c.Dim)
		waves := nets.TimeEmbedding(p.LogSNR(t), features, slowest, fastest)
		h := Concatenate([]*Node{MulScalar(x, stretch), BroadcastToDims(waves, n, features)}, -1)
		return nets.MLP(scope.At("classifier"), h, nets.GlorotUniform, activation.Swish, append(append([]int{}, c.hidden()...), c.Classes)...)
	}
}

// LogProb returns log p(y|x_t) of the network, [n], in nats, for labels y of integers, [n] or [1]: what guide.Classifier takes. It panics as Logits does.
func (c Config) LogProb(scope *model.Scope, p process.Process, y func(xt *Node) *Node) func(xt, t *Node) *Node {
	logits := c.Logits(scope, p)
	return func(xt, t *Node) *Node {
		return ReduceSum(Mul(LogSoftmax(logits(xt, t), -1), OneHot(y(xt), c.Classes, xt.DType())), -1)
	}
}

// Loss returns what fit.Train minimises: the mean over the batch of −log p(y|x_t), with a log-SNR for each example, uniform between MinLogSNR and
// MaxLogSNR. Its optimum is the true p(y|x_t) at each of them (Dhariwal and Nichol 2021, section 4). A batch holds the data
// [batch, event...] and the labels, integers [batch] from 0 to Classes−1; a label outside makes the loss NaN, at which training stops.
func (c Config) Loss() fit.Loss {
	edm := process.Process{Schedule: process.EDM{}} // x_t = x₀ + level·ε
	return func(scope *model.Scope, batch []*Node) *Node {
		x0, y := c.pairs(batch)
		src, dims := noise.Finite(scope), make([]int, x0.Rank())
		for i := range dims {
			dims[i] = 1
		}
		dims[0] = x0.Shape().Dimensions[0]
		u := StopGradient(src.RandomUniform(x0.Graph(), shapes.Make(x0.DType(), dims...)))
		logSNR := AddScalar(MulScalar(u, c.MaxLogSNR-c.MinLogSNR), c.MinLogSNR)
		level := edm.Time(logSNR)
		xt := edm.Diffuse(x0, src.RandomNormal(x0.Graph(), x0.Shape()), level)
		logP := c.LogProb(scope, edm, func(*Node) *Node { return y })(xt, level)
		known := LogicalAnd(GreaterOrEqual(y, ZerosLike(y)), LessThan(y, Scalar(y.Graph(), y.DType(), c.Classes)))
		return Neg(ReduceAllMean(Where(known, logP, AddScalar(ZerosLike(logP), math.NaN()))))
	}
}

// pairs returns the data and the labels of a batch.
func (c Config) pairs(batch []*Node) (x0, y *Node) {
	if len(batch) < 2 {
		panic(fmt.Errorf("classifier.Config.Loss: a batch of %d tensors, expected the data and their labels", len(batch)))
	}
	x0, y = batch[0], batch[1]
	c.checkX(x0)
	if y.Rank() != 1 || !y.DType().IsInt() || y.Shape().Dimensions[0] != x0.Shape().Dimensions[0] {
		panic(fmt.Errorf("classifier.Config.Loss: labels of shape %s for data of shape %s, expected integers [%d]", y.Shape(), x0.Shape(), x0.Shape().Dimensions[0]))
	}
	return x0, y
}

// checkX panics unless x is [n, event...] with Dim numbers in an event.
func (c Config) checkX(x *Node) {
	if x.Rank() < 2 || x.Shape().Size() != c.Dim*x.Shape().Dimensions[0] {
		panic(fmt.Errorf("classifier.Config: x has shape %s, expected [n, ...] with %d numbers in an example: take data of that size, or a Config of theirs",
			x.Shape(), c.Dim))
	}
}
