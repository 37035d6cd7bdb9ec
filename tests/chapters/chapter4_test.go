package chapters_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// A VAE and an HVAE of one level on the same weights are one model.
func TestOneLevelIsTheVAE(t *testing.T) {
	const n, samples = 4, 3
	x, eps, decoded := wavy(n, 5, 1), wavy(samples*n, 2, 2), wavy(n, 2, 3)
	for _, o := range []dist.Observation{vae.Bernoulli, vae.Gaussian, vae.GaussianLearned, vae.GaussianPerPixel} {
		t.Run(fmt.Sprint("E4.1 T = 1 is the VAE: ", o), func(t *testing.T) {
			store := model.NewStore()
			if err := store.SetRNGStateFromSeed(41); err != nil {
				t.Fatal(err)
			}
			out, err := model.CallOnceN(backendtest.Open(t), store, func(scope *model.Scope, x, eps, z *Node) []*Node {
				v := vae.New(scope, vae.Config{Data: 5, Latent: 2, Hidden: []int{7, 6}, Observation: o, Std: .7})
				shared := hvae.HVAE{
					Encode:  []func(*Node) dist.DiagNormal{v.Encode},
					Observe: hvae.Markov(v.Decode),
				}
				own := hvae.New(scope, hvae.Config{Data: 5, Latents: []int{2}, Hidden: []int{7, 6}, Observation: o, Std: .7})
				beta := Scalar(x.Graph(), x.DType(), .3)
				want := v.Terms(noise.Fixed(eps), x, samples)
				all := []*Node{want.Recon, want.Prior, v.LogWeights(noise.Fixed(eps), x, samples), v.Loss(noise.Fixed(eps), x, .3, samples), v.Generate(z)}
				for _, h := range []hvae.HVAE{shared, own} {
					got := h.Levels(noise.Fixed(eps), x, samples)
					all = append(all, got.Recon, got.KL[0], h.LogWeights(noise.Fixed(eps), x, samples), h.Loss(noise.Fixed(eps), x, beta, samples),
						h.Observe(h.Descend(noise.Fixed(), z)).Expectation())
				}
				return all
			}, x, eps, decoded)
			if err != nil {
				t.Fatal(err)
			}
			for i, name := range []string{"reconstruction", "KL", "log-weights", "loss with β = .3", "decoder"} {
				check.T(t).Near("E4.1 the VAE's functions: "+name, out[5+i], out[i], 1e-9)
				check.T(t).Near("E4.1 the VAE's weights: "+name, out[10+i], out[i], 1e-9)
			}
		})
	}
}

// wavy returns [rows][columns] of varied numbers between 0 and 1.
func wavy(rows, columns, seed int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		for j := range columns {
			out[i] = append(out[i], .5+.5*math.Sin(float64(7*i+3*j+11*seed)))
		}
	}
	return out
}
