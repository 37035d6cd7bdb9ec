package vdm

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
)

// Estimate is a mean over images with its standard error, in bits per dimension: nats/(d log 2) of probabilities of
// discrete levels, d the numbers of an image.
type Estimate struct{ Mean, SE float64 }

// String gives mean ± standard error.
func (e Estimate) String() string { return fmt.Sprintf("%.3f ± %.3f", e.Mean, e.SE) }

// Evaluation is what Evaluate measures: the variational bound, an upper bound of −log p(x_0), and its three parts, in
// bits per dimension.
type Evaluation struct {
	Bound     Estimate // the sum of the parts
	Recon     Estimate // E_q[−log p(x_0|x_1)], x_1 at TMin
	Prior     Estimate // KL(q(x_T|x_0) ‖ N(0, I)), x_T at TMax
	Diffusion Estimate // ½ ∫ (−λ'(t)) E‖ε̂−ε‖² dt, the limit of infinitely many steps
	N, Times  int      // images, and random times for each
}

// String prints the bound and its parts.
func (e Evaluation) String() string {
	return fmt.Sprintf("%s bits/dim = recon %s + prior %s + diffusion %s (%d images, %d times each)",
		e.Bound, e.Recon, e.Prior, e.Diffusion, e.N, e.Times)
}

// Evaluate measures the bound of config c's model on batches of images, [batch, Height, Width, Channels] as intensities in
// [0, 1], which all have one shape: k is the number of times an image is looked at, one in each of k equal parts of the
// range, and seed gives the noise. Standard errors are over the images. A conditional model is not told its condition. The store is
// left as it was. It returns an error when there is no batch, k < 1, when a batch does not fit c or the store lacks weights that c asks for.
func Evaluate(b compute.Backend, store *model.Store, c Config, batches []*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	alone := make([][]*tensors.Tensor, len(batches))
	for i, x := range batches {
		alone[i] = []*tensors.Tensor{x}
	}
	e, err := c.evaluate(b, store, alone, false, k, seed)
	if err != nil {
		return e, fmt.Errorf("vdm.Evaluate: %w", err)
	}
	return e, nil
}

// EvaluateGiven is Evaluate for the bound on log p(x_0|y): a batch holds what one of Config.Loss does, images and labels or captions, or images
// alone with Coarse, whose coarse pictures are made of them. From the same seed the noise is Evaluate's. A model without condition is an error.
func EvaluateGiven(b compute.Backend, store *model.Store, c Config, batches [][]*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	if !c.conditional() {
		return Evaluation{}, fmt.Errorf("vdm.EvaluateGiven: a model of %s has no condition: use Evaluate", c)
	}
	e, err := c.evaluate(b, store, batches, true, k, seed)
	if err != nil {
		return e, fmt.Errorf("vdm.EvaluateGiven: %w", err)
	}
	return e, nil
}

func (c Config) evaluate(b compute.Backend, store *model.Store, batches [][]*tensors.Tensor, given bool, k int, seed int64) (Evaluation, error) {
	if len(batches) == 0 || k < 1 {
		return Evaluation{}, fmt.Errorf("%d batches and %d times, expected at least one of each", len(batches), k)
	}
	run, err := newRepeated(b, store, seed, func(scope *model.Scope, src noise.Source, in []*Node) []*Node {
		var y *Node
		x0 := c.data("Evaluate", in[0])
		if given {
			y = repeatEach(c.given(in, x0), k) // as Terms repeats the images
		}
		terms := c.Build(scope, y).Terms(src, x0, k)
		return []*Node{Neg(terms.Recon), terms.Prior, terms.Matching}
	})
	if err != nil {
		return Evaluation{}, err
	}
	defer run.finalize()
	nats := make([][]float64, 3)
	for i, batch := range batches {
		if len(batch) == 0 {
			return Evaluation{}, fmt.Errorf("batch %d holds no tensor, expected the images and what they are given", i)
		}
		args := make([]any, len(batch))
		for j, x := range batch {
			args[j] = x
		}
		parts, err := run.call(args...)
		if err != nil {
			return Evaluation{}, fmt.Errorf("batch %d of shape %s: %w", i, batch[0].Shape(), err)
		}
		for j := range nats {
			nats[j] = append(nats[j], parts[j]...)
		}
	}
	bound := make([]float64, len(nats[0]))
	for i := range bound {
		bound[i] = nats[0][i] + nats[1][i] + nats[2][i]
	}
	return Evaluation{c.estimate(bound), c.estimate(nats[0]), c.estimate(nats[1]), c.estimate(nats[2]), len(bound), k}, nil
}

// LossByTime returns the mean of ‖ε̂−ε‖²/d over the images of one batch at each of the times: what the diffusion part of
// the bound integrates over λ, in units of ½d nats. The errors are those of Evaluate, and a time outside the process's range
// or no times at all.
func (m *Model) LossByTime(batch *tensors.Tensor, times []float64, seed int64) ([]float64, error) {
	if len(times) == 0 {
		return nil, fmt.Errorf("vdm.Model.LossByTime: no times, expected at least one")
	}
	c := m.Config
	p := c.Process()
	for i, t := range times {
		if !(t >= p.TMin && t <= p.TMax) {
			return nil, fmt.Errorf("vdm.Model.LossByTime: times[%d] = %g, expected a time between TMin = %g and TMax = %g", i, t, p.TMin, p.TMax)
		}
	}
	run, err := newRepeated(m.Backend, m.Store, seed, func(scope *model.Scope, src noise.Source, in []*Node) []*Node {
		x0, v := c.data("Model.LossByTime", in[0]), c.Build(scope, nil)
		t := BroadcastToDims(Reshape(in[1], 1, 1, 1, 1), x0.Shape().Dimensions[0], 1, 1, 1)
		return []*Node{Mul(Reshape(v.Process.SNR(t), -1), v.squaredError(src, x0, t, v.head()))}
	})
	if err != nil {
		return nil, fmt.Errorf("vdm.Model.LossByTime: %w", err)
	}
	defer run.finalize()
	loss := make([]float64, len(times))
	for i, t := range times {
		squares, err := run.call(batch, float32(t))
		if err != nil {
			return nil, fmt.Errorf("vdm.Model.LossByTime: t = %g, a batch of shape %s: %w", t, batch.Shape(), err)
		}
		loss[i] = stat.Mean(squares[0], nil) / float64(c.Size())
	}
	return loss, nil
}

// Terms estimates the terms of the bound in infinitely many steps between the model's first and last latent, [batch] each,
// in nats: Recon from one draw of x_1, Prior in closed form, and Matching as the mean of Estimate's over k random times, one in
// each of k equal parts of the range. Their Bound is an unbiased estimate of the bound on log p(x_0). It panics when k < 1.
func (m VDM) Terms(src noise.Source, x0 *Node, k int) elbo.Terms {
	m.check("Terms", x0)
	if k < 1 {
		panic(fmt.Errorf("vdm.Terms: %d times for each example, expected at least 1", k))
	}
	matching := m.Matching(src, repeatEach(x0, k), Objective{Head: m.head(), Continuous: true, Times: strataOf(k)})
	return elbo.Terms{
		Recon:    m.Decode(m.marginal(x0, 1).Sample(src)).LogProb(x0),
		Prior:    m.priorKL(x0),
		Matching: ReduceMean(Reshape(matching, -1, k), 1),
	}
}

// repeatEach returns k rows for each row of x, one after the other.
func repeatEach(x *Node, k int) *Node {
	d := x.Shape().Dimensions
	repeated := append([]int{d[0], k}, d[1:]...)
	return Reshape(BroadcastToDims(InsertAxes(x, 1), repeated...), append([]int{d[0] * k}, d[1:]...)...)
}

// head returns the denoiser as a head of kind X0.
func (m VDM) head() Head { return Head{param.X0, m.Denoise} }

// strataOf is the TimeLaw of rows that come k to an image: u = (v+j)/k for row j of k, with one uniform v an image. Each image's
// mean over its rows is unbiased, and images are independent.
func strataOf(k int) TimeLaw {
	return func(src noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (u, inverse *Node) {
		images := dims[0] / k
		v := src.RandomUniform(g, shapes.Make(dtype, images, 1))
		u = DivScalar(Add(v, Iota(g, shapes.Make(dtype, images, k), 1)), float64(k))
		u = Reshape(u, dims...)
		return u, OnesLike(u)
	}
}

// repeated is a program that is compiled once and run again and again, with new noise each time. It leaves the store as it is.
type repeated struct {
	exec  *model.Exec
	state *tensors.Tensor // of the noise
	lacks func() error
}

// newRepeated is the program of fn, which returns nodes [batch].
func newRepeated(b compute.Backend, store *model.Store, seed int64, fn func(scope *model.Scope, src noise.Source, in []*Node) []*Node) (*repeated, error) {
	state, err := RNGStateFromSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	lacks := fit.Frozen(store)
	exec, err := model.NewExec(b, store, func(scope *model.Scope, in []*Node) []*Node {
		src := noise.NewStream(in[0])
		out := fn(scope, src, in[1:])
		for i := range out {
			out[i] = ConvertDType(out[i], dtypes.Float64)
		}
		return append(out, src.State())
	})
	return &repeated{exec, state, lacks}, err
}

// call returns fn's results as float64s.
func (r *repeated) call(args ...any) ([][]float64, error) {
	out, err := r.exec.Call(append([]any{r.state}, args...)...)
	if lack := r.lacks(); lack != nil {
		err = lack
	}
	if err != nil {
		return nil, err
	}
	last := len(out) - 1
	r.state.MustFinalizeAll()
	r.state = out[last]
	columns := make([][]float64, last)
	for i, t := range out[:last] {
		columns[i] = tensors.MustCopyFlatData[float64](t)
		t.MustFinalizeAll()
	}
	return columns, nil
}

func (r *repeated) finalize() {
	r.state.MustFinalizeAll()
	r.exec.Finalize()
}

// estimate returns the mean and its standard error of nats an image, in bits per dimension.
func (c Config) estimate(nats []float64) Estimate {
	mean, std := stat.MeanStdDev(nats, nil)
	bits := 1 / (float64(c.Size()) * math.Ln2)
	return Estimate{mean * bits, stat.StdErr(std, float64(len(nats))) * bits}
}
