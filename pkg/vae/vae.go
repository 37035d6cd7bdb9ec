package vae

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// Likelihood is p(x|z) for a batch of codes: dist.Bernoulli and dist.DiagNormal are Likelihoods.
type Likelihood = dist.Likelihood

// VAE is an encoder q(z|x) and a decoder p(x|z); the prior is N(0, I). x is [batch, data], z [batch, latent].
type VAE struct {
	Encode func(x *Node) dist.DiagNormal
	Decode func(z *Node) Likelihood
}

// Terms returns the bound's parts from samples reparameterised draws of q (Luo 2022, equations 19 and 22):
// Recon = 1/l Σ log p(x|zᵢ) and Prior = KL(q(z|x) ‖ N(0, I)) in closed form; each [batch], in nats.
func (v VAE) Terms(src noise.Source, x *Node, samples int) elbo.Terms {
	q := v.Encode(x)
	return elbo.Decompose(src, q, dist.StandardNormal(q.Mean), x, v.logLik, samples)
}

// Loss returns the mean over the batch of −(Recon − β·Prior), a scalar in nats: −ELBO for β = 1.
func (v VAE) Loss(src noise.Source, x *Node, beta float64, samples int) *Node {
	return Neg(ReduceAllMean(v.Terms(src, x, samples).Weighted(beta)))
}

// KLByLatent returns KL(q(zᵢ|x) ‖ N(0, 1)) for each coordinate i of the code, averaged over the batch: [latent], in nats.
// A coordinate near 0 is unused: its code says nothing about x (Bowman et al. 2016, section 3).
func (v VAE) KLByLatent(x *Node) *Node {
	q := v.Encode(x)
	codes := q.Expectation().Shape()
	each := dist.DiagNormal{Mean: Reshape(q.Expectation(), -1), LogStd: Reshape(Add(q.LogStd, ZerosLike(q.Mean)), -1)}
	kl := dist.KL(each, dist.StandardNormal(each.Mean))
	return ReduceMean(Reshape(kl, codes.Dimensions...), 0)
}

// LogWeights returns log p(x,zᵢ) − log q(zᵢ|x) for k draws of q, [k, batch], in nats; elbo.Estimate and
// elbo.ImportanceWeighted turn them into bounds of log p(x).
func (v VAE) LogWeights(src noise.Source, x *Node, k int) *Node {
	logW, _ := v.weigh(src, v.Encode(x), x, k)
	return logW
}

// weigh returns the log-weights of k draws of q, and log p(x|zᵢ) of the same draws; both [k, batch], in nats.
func (v VAE) weigh(src noise.Source, q dist.DiagNormal, x *Node, k int) (logW, logLik *Node) {
	logW = elbo.LogWeights(src, q, x, func(x, z *Node) *Node {
		logLik = v.logLik(x, z)
		return Add(dist.StandardNormal(z).LogProb(z), logLik)
	}, k)
	return logW, Reshape(logLik, k, -1)
}

func (v VAE) logLik(x, z *Node) *Node { return v.Decode(z).LogProb(x) }

// Reconstruct returns E[x|z] at z = μ(x), of x's shape.
func (v VAE) Reconstruct(x *Node) *Node { return v.Decode(v.Encode(x).Expectation()).Expectation() }

// Generate returns E[x|z] for given codes z [n, latent]; the encoder takes no part.
func (v VAE) Generate(z *Node) *Node { return v.Decode(z).Expectation() }

// Sample draws x ~ p(x|z) with z ~ N(0, I), where like [n, latent] gives the shape of z: [n, data].
func (v VAE) Sample(src noise.Source, like *Node) *Node {
	return v.Decode(dist.StandardNormal(like).Sample(src)).Sample(src)
}

// Traverse returns the codes of a walk along one coordinate: z [1, latent] with coordinate axis replaced by n values
// from lo to hi, [n, latent]. It panics when z is not one code, axis is not one of its coordinates, or n < 2.
func Traverse(z *Node, axis int, lo, hi float64, n int) *Node {
	shape := z.Shape()
	if shape.Rank() != 2 || shape.Dimensions[0] != 1 || axis < 0 || axis >= shape.Dimensions[1] || n < 2 {
		panic(fmt.Errorf("vae.Traverse: z of shape %s, coordinate %d, %d values; expected [1, latent], a coordinate of it and at least 2",
			shape, axis, n))
	}
	g := z.Graph()
	walk := dist.Repeat(z, n)
	values := AddScalar(MulScalar(IotaLike(walk, 0), (hi-lo)/float64(n-1)), lo)
	chosen := Equal(IotaLike(walk, 1), Scalar(g, z.DType(), axis))
	return Where(chosen, values, walk)
}
