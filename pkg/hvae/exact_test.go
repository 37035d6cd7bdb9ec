package hvae_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// oneLevel has q(z|x) = N(2x, .3²) and p(x|z) = N(z−1, .5²), of scalars.
var oneLevel = hvae.HVAE{
	Encode:  []func(below *Node) dist.DiagNormal{func(x *Node) dist.DiagNormal { return scalarNormal(MulScalar(x, 2), .3) }},
	Observe: hvae.Markov(func(z *Node) dist.Likelihood { return scalarNormal(AddScalar(z, -1), .5) }),
}

func scalarNormal(mean *Node, std float64) dist.DiagNormal {
	return dist.DiagNormal{Mean: mean, LogStd: AddScalar(ZerosLike(mean), math.Log(std))}
}

// With the draws given, each example's reconstruction is the mean over its own draws, and the loss is −(Recon − β·KL) of the
// whole batch, all by hand.
func TestLossWithInjectedNoise(t *testing.T) {
	x, eps := []float64{.2, -.7, 1.1}, []float64{.5, -1, 2, .3, 1.4, -.2} // two draws of each of three x
	recon, kl := make([]float64, 3), make([]float64, 3)
	for i, e := range eps {
		v := x[i%3]
		miss := (v - (2*v + .3*e - 1)) / .5
		recon[i%3] += (-miss*miss/2 - math.Log(.5) - math.Log(2*math.Pi)/2) / 2
		kl[i%3] = (.09+4*v*v-1)/2 - math.Log(.3)
	}
	for _, beta := range []float64{0, .25, 1, 2} {
		out := backendtest.Call(t, func(x, eps, beta *Node) []*Node {
			levels := oneLevel.Levels(noise.Fixed(eps), x, 2)
			return []*Node{levels.Recon, levels.KL[0], oneLevel.Loss(noise.Fixed(eps), x, beta, 2)}
		}, column(x), column(eps), beta)
		check.T(t).Near("Recon of each x", out[0], recon, 1e-12)
		check.T(t).Near("KL of each x", out[1], kl, 1e-12)
		check.T(t).Near("loss", check.Floats(out[2])[0], -(check.Mean(recon) - beta*check.Mean(kl)), 1e-12)
	}
}

func column(values []float64) [][]float64 {
	rows := make([][]float64, len(values))
	for i, v := range values {
		rows[i] = []float64{v}
	}
	return rows
}

// The networks of latents give μ and ρ = log σ²: with all weights 0 but the biases, σ² is e^ρ at every level.
func TestNetworksGiveLogVariances(t *testing.T) {
	b, c := backendtest.Open(t), hvae.Config{Data: 1, Latents: []int{1, 1}, Observation: dist.ObserveGaussian}
	m, err := hvae.NewModel(b, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	for v := range m.Store.IterVariables() {
		if v.Shape().DType != dtypes.Float32 {
			continue // the state of the noise
		}
		flat := make([]float32, v.Shape().Size())
		if v.Shape().Rank() == 1 && len(flat) == 2 { // the biases of μ and ρ
			flat = []float32{.5, float32(math.Log(4))}
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(flat, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := model.CallOnceN(b, m.Store, func(scope *model.Scope, x *Node) []*Node {
		h := m.Build(scope)
		var out []*Node
		for _, law := range []dist.DiagNormal{h.Encode[0](x), h.Encode[1](x), h.Decode[0]([]*Node{x})} {
			out = append(out, law.Mean, law.Variance())
		}
		return out
	}, [][]float32{{.7}})
	if err != nil {
		t.Fatal(err)
	}
	for i, level := range []string{"q(z₁|x)", "q(z₂|z₁)", "p(z₁|z₂)"} {
		check.T(t).Near("μ of "+level, check.Floats(out[2*i])[0], .5, 1e-6)
		check.T(t).Near("σ² of "+level, check.Floats(out[2*i+1])[0], 4, 1e-5)
	}
}
