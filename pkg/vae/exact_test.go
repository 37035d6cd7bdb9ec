package vae_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// rough has q(z|x) = N(2x, .3²) and p(x|z) = N(z−1, .5²), of scalars: q is far from the posterior.
var rough = vae.VAE{
	Encode: func(x *Node) dist.DiagNormal { return scalarNormal(MulScalar(x, 2), .3) },
	Decode: func(z *Node) vae.Likelihood { return scalarNormal(AddScalar(z, -1), .5) },
}

func scalarNormal(mean *Node, std float64) dist.DiagNormal {
	return dist.DiagNormal{Mean: mean, LogStd: AddScalar(ZerosLike(mean), math.Log(std))}
}

// x = z − 1 + .5ε for the z and ε that are drawn.
func TestSampleWithInjectedNoise(t *testing.T) {
	got := backendtest.Call(t, func(z, eps *Node) *Node {
		return rough.Sample(noise.Fixed(z, eps), z)
	}, [][]float64{{.4}, {-2}}, [][]float64{{1}, {.6}})
	check.T(t).Near("x", got[0], [][]float64{{-.1}, {-2.7}}, 1e-14)
}

// Evaluate against the log-weights of the same draws, averaged here: log of the mean for the NLL, mean of the
// likelihoods for the reconstruction, and the spread over the images over √n as the standard error.
func TestEvaluateOfARoughEncoder(t *testing.T) {
	const k, seed = 3, 9
	x := [][]float64{{.2}, {-.7}, {1.1}, {.4}, {2}}
	batch := tensors.FromValue(x)
	b, store := backendtest.Open(t), model.NewStore()
	build := func(*model.Scope) vae.VAE { return rough }
	got, err := vae.Evaluate(b, store, build, []*tensors.Tensor{batch}, k, seed)
	if err != nil {
		t.Fatal(err)
	}
	out := backendtest.Call(t, func(x *Node) (*Node, *Node) {
		return rough.LogWeights(noise.FromSeed(x.Graph(), seed), x, k), rough.Terms(noise.FromSeed(x.Graph(), seed), x, k).Recon
	}, x)
	weights, recon := check.Floats(out[0]), check.Floats(out[1])
	var nll, kl, bound []float64
	for i := range x {
		sum := 0.0
		for j := range k {
			sum += math.Exp(weights[j*len(x)+i])
		}
		nll = append(nll, -math.Log(sum/k))
		kl = append(kl, (.09+4*x[i][0]*x[i][0]-1)/2-math.Log(.3))
		bound = append(bound, recon[i]-kl[i])
	}
	c := check.T(t)
	for _, part := range []struct {
		name string
		got  vae.Estimate
		want []float64
	}{{"NLL", got.NLL, nll}, {"Recon", got.Recon, recon}, {"KL", got.KL, kl}, {"Bound", got.Bound, bound}} {
		mean, std := stat.MeanStdDev(part.want, nil)
		c.Near(part.name, part.got.Mean, mean, 1e-9)
		c.Near(part.name+", its standard error", part.got.SE, std/math.Sqrt(float64(len(x))), 1e-9)
	}
	twice, err := vae.Evaluate(b, store, build, []*tensors.Tensor{batch, batch}, k, seed)
	if err != nil {
		t.Fatal(err)
	}
	c.Differ("a second batch has noise of its own", twice.Recon.Mean, got.Recon.Mean, 1e-3)
}

// With all weights 0 but the encoder's biases, q(z|x) = N(.5, e^ρ) for every x and the decoder ignores z, so that the loss
// is exact: its outputs are μ and ρ = log σ², and β weighs the KL alone.
func TestLossOfIdleWeights(t *testing.T) {
	c := vae.Config{Data: 7, Latent: 2, Hidden: []int{3, 5}, Observation: vae.Gaussian, Std: .5}
	b := backendtest.Open(t)
	m, err := vae.NewModel(b, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{} // entries of the decoder's weights and biases together
	for v := range m.Store.IterVariables() {
		if v.Shape().DType != dtypes.Float32 {
			continue // the state of the noise
		}
		flat := make([]float32, v.Shape().Size())
		if strings.Contains(v.Path(), "encoder") && v.Shape().Rank() == 1 && len(flat) == 4 {
			flat = []float32{.5, .5, float32(math.Log(4)), float32(math.Log(4))}
		}
		if strings.Contains(v.Path(), "decoder") {
			sizes["decoder"] += len(flat)
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	if want := 2*5 + 5 + 5*3 + 3 + 3*7 + 7; sizes["decoder"] != want {
		t.Errorf("%d weights in the decoder 2-5-3-7, want %d", sizes["decoder"], want)
	}
	x := [][]float32{{.1, -.2, .3, 0, 1, .5, -1}}
	recon := -7 * (math.Log(.5) + math.Log(2*math.Pi)/2)
	for _, v := range x[0] {
		recon -= float64(v) * float64(v) / .25 / 2
	}
	kl := 2 * ((4+.25-1)/2 - math.Log(2))
	for _, beta := range []float64{0, .5, 1, 3} {
		out, err := model.CallOnce(b, m.Store, func(scope *model.Scope, x *Node) *Node {
			return ConvertDType(c.Loss(beta, 2)(scope, []*Node{x}), dtypes.Float64)
		}, x)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near("loss", check.Floats(out)[0], beta*kl-recon, 1e-4)
	}
}
