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
// range, and seed gives the noise. Standard errors are over the images. The store is left as it was. It returns an error
// when there is no batch, k < 1, when a batch does not fit c or the store lacks weights that c asks for.
func Evaluate(b compute.Backend, store *model.Store, c Config, batches []*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	if len(batches) == 0 || k < 1 {
		return Evaluation{}, fmt.Errorf("vdm.Evaluate: %d batches and %d times, expected at least one of each", len(batches), k)
	}
	nats, err := overBatches(b, store, batches, seed, func(scope *model.Scope, src noise.Source, x *Node) []*Node {
		x0 := c.data("Evaluate", x)
		terms := c.Build(scope, nil).Terms(src, x0, k)
		return []*Node{Neg(terms.Recon), terms.Prior, terms.Matching}
	})
	if err != nil {
		return Evaluation{}, fmt.Errorf("vdm.Evaluate: %w", err)
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
	columns, err := overBatches(m.Backend, m.Store, []*tensors.Tensor{batch}, seed, func(scope *model.Scope, src noise.Source, x *Node) (out []*Node) {
		x0 := c.data("Model.LossByTime", x)
		v := c.Build(scope, nil)
		for _, t := range times {
			at := BroadcastToDims(fillTime(x0, t), x0.Shape().Dimensions[0], 1, 1, 1)
			out = append(out, Mul(Reshape(v.Process.SNR(at), -1), v.squaredError(src, x0, at, v.head())))
		}
		return out
	})
	if err != nil {
		return nil, fmt.Errorf("vdm.Model.LossByTime: %w", err)
	}
	loss := make([]float64, len(times))
	for i, values := range columns {
		loss[i] = stat.Mean(values, nil) / float64(c.Size())
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
	rows := append([]int{x0.Shape().Dimensions[0] * k}, x0.Shape().Dimensions[1:]...)
	repeated := append([]int{x0.Shape().Dimensions[0], k}, x0.Shape().Dimensions[1:]...)
	many := Reshape(BroadcastToDims(InsertAxes(x0, 1), repeated...), rows...)
	matching := m.Matching(src, many, Objective{Head: m.head(), Continuous: true, Times: strataOf(k)})
	return elbo.Terms{
		Recon:    m.Decode(m.marginal(x0, 1).Sample(src)).LogProb(x0),
		Prior:    m.priorKL(x0),
		Matching: ReduceMean(Reshape(matching, -1, k), 1),
	}
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

// overBatches runs fn on every batch and returns its results, [batch] each, one after the other as float64s.
func overBatches(b compute.Backend, store *model.Store, batches []*tensors.Tensor, seed int64,
	fn func(scope *model.Scope, src noise.Source, x *Node) []*Node) (columns [][]float64, err error) {
	lacks := fit.Frozen(store)
	exec, err := model.NewExec(b, store, func(scope *model.Scope, state, x *Node) []*Node {
		src := noise.NewStream(state)
		out := fn(scope, src, x)
		for i := range out {
			out[i] = ConvertDType(out[i], dtypes.Float64)
		}
		return append(out, src.State())
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	state, err := RNGStateFromSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	for i, x := range batches {
		out, err := exec.Call(state, x)
		if lack := lacks(); lack != nil {
			err = lack
		}
		if err != nil {
			return nil, fmt.Errorf("batch %d of shape %s: %w", i, x.Shape(), err)
		}
		state.MustFinalizeAll()
		last := len(out) - 1
		state = out[last]
		if columns == nil {
			columns = make([][]float64, last)
		}
		for j, t := range out[:last] {
			columns[j] = append(columns[j], tensors.MustCopyFlatData[float64](t)...)
			t.MustFinalizeAll()
		}
	}
	state.MustFinalizeAll()
	return columns, nil
}

// estimate returns the mean and its standard error of nats an image, in bits per dimension.
func (c Config) estimate(nats []float64) Estimate {
	mean, std := stat.MeanStdDev(nats, nil)
	bits := 1 / (float64(c.Size()) * math.Ln2)
	return Estimate{mean * bits, stat.StdErr(std, float64(len(nats))) * bits}
}
