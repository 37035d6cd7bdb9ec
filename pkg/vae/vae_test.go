package vae_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// exact is the VAE whose encoder is the true posterior of z ~ N(0,1), x|z ~ N(1.5z+.5, .25).
func exact(g *Graph) vae.VAE {
	m := oracle.NewLinearGaussian(g, 1.5, .5, .25)
	return vae.VAE{Encode: m.Posterior, Decode: func(z *Node) vae.Likelihood { return m.Given(z) }}
}

func TestExactEncoderMakesEveryWeightTheEvidence(t *testing.T) {
	x := [][]float64{{2}, {-1}, {.5}}
	want := backendtest.Floats(t, func(x *Node) *Node { return oracle.NewLinearGaussian(x.Graph(), 1.5, .5, .25).Marginal().LogProb(x) }, x)
	logW := backendtest.Floats(t, func(x *Node) *Node {
		return exact(x.Graph()).LogWeights(noise.FromSeed(x.Graph(), 1), x, 7)
	}, x)
	iw := backendtest.Floats(t, func(x *Node) *Node {
		return elbo.ImportanceWeighted(exact(x.Graph()).LogWeights(noise.FromSeed(x.Graph(), 2), x, 7))
	}, x)
	for i, w := range logW {
		if math.Abs(w-want[i%3]) > 1e-12 {
			t.Errorf("log-weight %d of element %d = %.15g, want log p(x) = %.15g", i/3, i%3, w, want[i%3])
		}
	}
	for i, w := range iw {
		if math.Abs(w-want[i]) > 1e-12 {
			t.Errorf("importance-weighted bound of element %d = %.15g, want %.15g", i, w, want[i])
		}
	}
}

// With q other than the posterior, the draws are injected and the terms computed by hand.
func TestTermsWithInjectedNoise(t *testing.T) {
	eps := []float64{.3, -1.2, .8, 2}              // two draws of two elements
	mean, std := []float64{.5, -.2}, math.Sqrt(.3) // q
	x := []float64{2, 1}                           // data
	got := backendtest.Call(t, func(x, e *Node) []*Node {
		v := exact(x.Graph())
		v.Encode = func(x *Node) dist.DiagNormal {
			return dist.DiagNormal{Mean: Const(x.Graph(), [][]float64{{mean[0]}, {mean[1]}}), LogStd: Const(x.Graph(), [][]float64{{math.Log(std)}, {math.Log(std)}})}
		}
		terms := v.Terms(noise.Fixed(e), x, 2)
		return []*Node{terms.Recon, terms.Prior, v.Loss(noise.Fixed(e), x, 4, 2)}
	}, [][]float64{{x[0]}, {x[1]}}, [][]float64{{eps[0]}, {eps[1]}, {eps[2]}, {eps[3]}})
	loss := 0.0
	for j := range x {
		recon, kl := 0.0, .5*(.3+mean[j]*mean[j]-1-math.Log(.3))
		for i := range 2 {
			z := mean[j] + std*eps[2*i+j]
			r := x[j] - 1.5*z - .5
			recon += (-.5*math.Log(2*math.Pi*.25) - r*r/.5) / 2
		}
		loss -= (recon - 4*kl) / 2
		near(t, "Recon", got[0].Value().([]float64)[j], recon)
		near(t, "Prior", got[1].Value().([]float64)[j], kl)
	}
	near(t, "Loss", got[2].Value().(float64), loss)
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

func TestTraverse(t *testing.T) {
	got := backendtest.Floats(t, func(z *Node) *Node { return vae.Traverse(z, 1, -2, 2, 3) }, [][]float64{{.1, .2, .3}})
	for i, want := range []float64{.1, -2, .3, .1, 0, .3, .1, 2, .3} {
		near(t, "code", got[i], want)
	}
	for _, bad := range []struct{ axis, n int }{{3, 3}, {-1, 3}, {0, 1}} {
		err := backendtest.Err(t, func(z *Node) *Node { return vae.Traverse(z, bad.axis, -2, 2, bad.n) }, [][]float64{{.1, .2, .3}})
		if !strings.Contains(err.Error(), "vae.Traverse: z of shape") {
			t.Errorf("coordinate %d, %d values: %v", bad.axis, bad.n, err)
		}
	}
}

// Each observation model against its formula, on a decoder without hidden layers.
func TestObservations(t *testing.T) {
	b, store := backendtest.Open(t), model.NewStore()
	for _, c := range []vae.Config{
		{Data: 6, Latent: 2, Hidden: []int{5}, Observation: vae.Bernoulli},
		{Data: 6, Latent: 2, Observation: vae.Gaussian, Std: .5},
		{Data: 6, Latent: 2, Hidden: []int{5, 4}, Observation: vae.GaussianLearned, Std: .7},
		{Data: 6, Latent: 2, Observation: vae.GaussianPerPixel},
	} {
		t.Run(c.String(), func(t *testing.T) {
			err := store.SetRNGStateFromSeed(1)
			if err != nil {
				t.Fatal(err)
			}
			x := []float64{.1, .9, 0, 1, .5, .3}
			out, err := model.CallOnceN(b, store, func(scope *model.Scope, x, z *Node) []*Node {
				p := vae.New(scope.In("%s", c), c).Decode(z)
				std := OnesLike(x)
				if normal, ok := p.(dist.DiagNormal); ok {
					std = Add(normal.Std(), ZerosLike(x))
				}
				return []*Node{p.LogProb(x), p.Expectation(), std}
			}, [][]float64{x}, [][]float64{{.4, -1}})
			if err != nil {
				t.Fatal(err)
			}
			logProb, mean, std := out[0].Value().([]float64)[0], out[1].Value().([][]float64)[0], out[2].Value().([][]float64)[0]
			want := 0.0
			for i, v := range x {
				if c.Observation == vae.Bernoulli {
					want += v*math.Log(mean[i]) + (1-v)*math.Log1p(-mean[i])
					continue
				}
				if c.Std > 0 {
					near(t, "s", std[i], c.Std)
				}
				r := (v - mean[i]) / std[i]
				want += -.5*r*r - math.Log(std[i]) - .5*math.Log(2*math.Pi)
			}
			near(t, "log p(x|z)", logProb, want)
			if c.Observation == vae.GaussianPerPixel && math.Abs(std[0]-std[1]) < 1e-3 {
				t.Errorf("σ = %v, expected one of its own for each pixel", std)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []vae.Config{{Data: 0, Latent: 1}, {Data: 3, Latent: 0}, {Data: 3, Latent: 4}, {Data: 3, Latent: 1, Std: -1}, {Data: 3, Latent: 1, Observation: 9}} {
		_, err := model.CallOnceN(backendtest.Open(t), model.NewStore(), func(scope *model.Scope, x *Node) []*Node {
			return []*Node{vae.New(scope, c).Reconstruct(x)}
		}, [][]float64{{1, 2, 3}})
		if err == nil || !strings.Contains(err.Error(), "vae.New: ") {
			t.Errorf("%+v: error %v, want one of vae.New", c, err)
		}
	}
}

// On the exact model: Generate is az+b, Reconstruct is a·E[z|x]+b, KLByLatent is the closed form.
func TestFunctionsOfTheExactModel(t *testing.T) {
	got := backendtest.Call(t, func(x, z *Node) []*Node {
		v := exact(x.Graph())
		return []*Node{v.Generate(z), v.Reconstruct(x), v.KLByLatent(x)}
	}, [][]float64{{2}, {-1}}, [][]float64{{.4}})
	near(t, "Generate", got[0].Value().([][]float64)[0][0], 1.1)
	kl := 0.0
	for i, x := range []float64{2, -1} {
		mean := 1.5 * (x - .5) / 2.5
		near(t, "Reconstruct", got[1].Value().([][]float64)[i][0], 1.5*mean+.5)
		kl += .5 * (.1 + mean*mean - 1 - math.Log(.1)) / 2
	}
	near(t, "KLByLatent", got[2].Value().([]float64)[0], kl)
}

func TestEvaluate(t *testing.T) {
	b, store := backendtest.Open(t), model.NewStore()
	build := func(scope *model.Scope) vae.VAE {
		return vae.VAE{
			Encode: func(x *Node) dist.DiagNormal { return exact(x.Graph()).Encode(x) },
			Decode: func(z *Node) vae.Likelihood { return exact(z.Graph()).Decode(z) },
		}
	}
	batches := []*tensors.Tensor{tensors.FromValue([][]float64{{2}, {1}}), tensors.FromValue([][]float64{{0}, {-1}})}
	e, err := vae.Evaluate(b, store, build, batches, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for _, x := range []float64{2, 1, 0, -1} {
		mean += (-.5*math.Log(2*math.Pi*2.5) - (x-.5)*(x-.5)/5) / 4
	}
	near(t, "NLL", e.NLL.Mean, -mean)
	near(t, "Bound", e.Bound.Mean, e.Recon.Mean-e.KL.Mean)
	if e.N != 4 || e.K != 5 {
		t.Errorf("N, K = %d, %d, want 4, 5", e.N, e.K)
	}
	wide := []*tensors.Tensor{tensors.FromValue([][][]float64{{{2}}})}
	for name, fn := range map[string]func() (vae.Evaluation, error){
		"no batch":         func() (vae.Evaluation, error) { return vae.Evaluate(b, store, build, nil, 5, 3) },
		"no draw":          func() (vae.Evaluation, error) { return vae.Evaluate(b, store, build, batches, 0, 3) },
		"batch 0 of shape": func() (vae.Evaluation, error) { return vae.Evaluate(b, store, build, wide, 5, 3) },
	} {
		if _, err := fn(); err == nil || !strings.Contains(err.Error(), "vae.Evaluate: ") {
			t.Errorf("%s: error %v, want one of vae.Evaluate", name, err)
		}
	}
}
