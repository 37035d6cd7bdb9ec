package vae

import (
	"fmt"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Estimate is a mean over a test set with its standard error, in nats.
type Estimate struct{ Mean, SE float64 }

// String gives mean ± standard error.
func (e Estimate) String() string { return fmt.Sprintf("%.3f ± %.3f", e.Mean, e.SE) }

// Evaluation is what Evaluate measures, per image, in nats.
type Evaluation struct {
	Bound Estimate // E_q[log p(x|z)] − KL(q(z|x)‖p(z)), the first term a mean over k draws an image
	Recon Estimate // its first term
	KL    Estimate // its second
	NLL   Estimate // −log 1/k Σ wᵢ, the same k draws: an upper bound of −log p(x)
	N, K  int
}

// Evaluate measures a trained VAE on batches of x, which all have one shape: build gives the VAE on the weights of
// store, k the draws of the importance-weighted estimate, seed the noise. Standard errors are over the images.
// The store is left as it was. It returns an error when a batch cannot be computed, when there is none, or when the
// store lacks weights that build asks for.
func Evaluate(b compute.Backend, store *model.Store, build func(*model.Scope) VAE, batches []*tensors.Tensor, k int, seed int64) (Evaluation, error) {
	if len(batches) == 0 || k < 1 {
		return Evaluation{}, fmt.Errorf("vae.Evaluate: %d batches and %d draws, expected at least one of each", len(batches), k)
	}
	lacks := fit.Frozen(store)
	exec, err := model.NewExec(b, store, func(scope *model.Scope, state, x *Node) []*Node {
		v, src := build(scope), noise.NewStream(state)
		q := v.Encode(x)
		logW, logLik := v.weigh(src, q, x, k)
		return []*Node{ReduceMean(logLik, 0), dist.KL(q, dist.StandardNormal(q.Mean)), Neg(elbo.ImportanceWeighted(logW)), src.State()}
	})
	if err != nil {
		return Evaluation{}, fmt.Errorf("vae.Evaluate: %w", err)
	}
	state, err := RNGStateFromSeed(seed)
	if err != nil {
		return Evaluation{}, fmt.Errorf("vae.Evaluate: seed %d: %w", seed, err)
	}
	var recon, kl, nll, bound []float64
	for i, x := range batches {
		out, err := exec.Call(state, x)
		if lack := lacks(); lack != nil {
			err = lack
		}
		if err != nil {
			return Evaluation{}, fmt.Errorf("vae.Evaluate: batch %d of shape %s: %w", i, x.Shape(), err)
		}
		state = out[3]
		recon, kl, nll = append(recon, mathx.Floats(out[0])...), append(kl, mathx.Floats(out[1])...), append(nll, mathx.Floats(out[2])...)
	}
	for i := range recon {
		bound = append(bound, recon[i]-kl[i])
	}
	return Evaluation{estimate(bound), estimate(recon), estimate(kl), estimate(nll), len(recon), k}, nil
}

func estimate(xs []float64) Estimate {
	mean, std := stat.MeanStdDev(xs, nil)
	return Estimate{mean, stat.StdErr(std, float64(len(xs)))}
}
