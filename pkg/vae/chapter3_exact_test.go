package vae_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
)

// untrained is a small VAE with its first weights, in float32.
func untrained(t *testing.T, c vae.Config) *vae.Model {
	t.Helper()
	m := &vae.Model{Config: c, Store: model.NewStore(), Backend: backendtest.Open(t)}
	if err := m.Store.SetRNGStateFromSeed(31); err != nil {
		t.Fatal(err)
	}
	on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node { return []*Node{v.Reconstruct(in[0])} }, make32(1, c.Data))
	return m
}

// make32 returns [rows][columns] of varied numbers between −1 and 1.
func make32(rows, columns int) [][]float32 {
	out := make([][]float32, rows)
	for i := range out {
		for j := range columns {
			out[i] = append(out[i], float32(math.Sin(float64(7*i+3*j+1))))
		}
	}
	return out
}

func TestChapter3Networks(t *testing.T) {
	c, config := check.T(t), vae.Config{Data: 6, Latent: 2, Hidden: []int{5, 4}, Observation: vae.GaussianPerPixel}
	m := untrained(t, config)
	weights := map[string]string{}
	for v := range m.Store.IterVariables() {
		weights[v.Path()] = fmt.Sprint(v.Shape().Dimensions)
	}
	t.Run("E3.1 two networks: encoder 6-5-4-2·2, decoder 2-4-5-2·6", func(t *testing.T) {
		for path, want := range map[string]string{
			"/encoder/layer_1/dense/weights": "[6 5]", "/encoder/layer_2/dense/weights": "[5 4]", "/encoder/layer_3/dense/weights": "[4 4]",
			"/decoder/layer_1/dense/weights": "[2 4]", "/decoder/layer_2/dense/weights": "[4 5]", "/decoder/layer_3/dense/weights": "[5 12]",
		} {
			c.True("E3.1 "+path, weights[path] == want, fmt.Sprintf("%s, expected %s", weights[path], want))
		}
	})
	t.Run("E3.10 the encoder gives 2k numbers: μ and ρ = log σ²", func(t *testing.T) {
		// With all weights but the last bias at zero, the bias is the output: μ = (.3, −1), ρ = (.8, −60).
		bias := []float32{.3, -1, .8, -60}
		for v := range m.Store.IterVariables() {
			if v.Path() == "/encoder/layer_3/dense/biases" {
				set(t, v, tensors.FromFlatDataAndDimensions(bias, 4))
			}
			if v.Path() == "/encoder/layer_3/dense/weights" {
				set(t, v, tensors.FromFlatDataAndDimensions(make([]float32, 16), 4, 4))
			}
		}
		out := on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node {
			q := v.Encode(in[0])
			return []*Node{q.Mean, q.Variance()}
		}, make32(1, 6))
		c.Near("E3.10 μ", out[0], []float64{.3, -1}, 1e-6)
		c.Near("E3.10 log σ²", []float64{math.Log(out[1][0]), math.Log(out[1][1])}, []float64{.8, -60}, 1e-5)
	})
	t.Run("E1.7 the code is no larger than the data", func(t *testing.T) {
		for _, latent := range []int{0, 7} {
			_, err := model.CallOnceN(backendtest.Open(t), model.NewStore(), func(scope *model.Scope, x *Node) []*Node {
				return []*Node{vae.New(scope, vae.Config{Data: 6, Latent: latent}).Reconstruct(x)}
			}, make32(1, 6))
			c.True("E1.7 latent", err != nil && strings.Contains(err.Error(), "vae.New: data 6"), fmt.Sprintf("data 6, latent %d is refused", latent))
		}
	})
}

func TestChapter3Losses(t *testing.T) {
	c, m := check.T(t), untrained(t, vae.Config{Data: 6, Latent: 2, Hidden: []int{5}, Observation: vae.Gaussian, Std: .5})
	t.Run("E3.13 loss = reconstruction loss + KL loss = −L", func(t *testing.T) {
		eps := make32(8, 2)
		out := on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node {
			q := v.Encode(in[0])
			z := Add(q.Mean, Mul(q.Std(), in[1]))
			residual := Square(Sub(in[0], v.Decode(z).Expectation()))
			return []*Node{residual, q.Mean, q.Variance(), v.Loss(noise.Fixed(in[1]), in[0], 1, 1), v.Terms(noise.Fixed(in[1]), in[0], 1).Bound()}
		}, make32(8, 6), eps)
		recon, kl := 0.0, 0.0
		for _, r := range out[0] {
			recon += (r/(2*.25) + .5*math.Log(2*math.Pi*.25)) / 8
		}
		for i, mean := range out[1] {
			kl += .5 * (out[2][i] + mean*mean - 1 - math.Log(out[2][i])) / 8
		}
		c.Near("E3.13 the loss of a batch", out[3][0], recon+kl, 1e-4)
		c.Near("E3.13 it is minus the mean bound", out[3][0], -check.Mean(out[4]), 1e-4)
		c.Less("E3.13 both parts count", .01, math.Min(recon, kl))
	})
	t.Run("E3.31 tuning P(x|z) is tuning the decoder (X16)", func(t *testing.T) {
		// Gradients of log P(x|z) at a given z, and of log q(z|x), with respect to all weights.
		out := on(t, m, func(v vae.VAE, _ noise.Source, in []*Node) []*Node {
			likelihood := ReduceAllSum(v.Decode(in[1]).LogProb(in[0]))
			posterior := ReduceAllSum(v.Encode(in[0]).LogProb(in[1]))
			return []*Node{steepness(m.Store, likelihood, "/decoder"), steepness(m.Store, likelihood, "/encoder"),
				steepness(m.Store, posterior, "/decoder"), steepness(m.Store, posterior, "/encoder")}
		}, make32(4, 6), make32(4, 2))
		c.Near("E3.31 P(x|z) does not move with the encoder, nor q(z|x) with the decoder", []float64{out[1][0], out[2][0]}, 0, 0)
		c.Less("E3.31 P(x|z) moves with the decoder", .1, out[0][0])
		c.Less("E3.31 q(z|x) moves with the encoder", .1, out[3][0])
	})
}

// steepness returns Σ‖∂y/∂w‖² over the weights w below scope.
func steepness(store *model.Store, y *Node, scope string) *Node {
	sum := ScalarZero(y.Graph(), y.DType())
	for v := range store.IterVariables() {
		if len(v.Path()) > len(scope) && v.Path()[:len(scope)] == scope {
			sum = Add(sum, ReduceAllSum(Square(Gradient(y, v.NodeValue(y.Graph()))[0])))
		}
	}
	return sum
}

// tanhVAE has the decoder x|z ~ N(4 tanh 3z, .25) and no encoder.
func tanhVAE() vae.VAE {
	return vae.VAE{Decode: func(z *Node) vae.Likelihood {
		return dist.DiagNormal{Mean: MulScalar(Tanh(MulScalar(z, 3)), 4), LogStd: ConstAs(z, [][]float64{{math.Log(.5)}})}
	}}
}

func TestChapter3LearnedConditional(t *testing.T) {
	c, b := check.T(t), backendtest.Open(t)
	marginal := func(x float64) float64 {
		return check.Integral(b, func(z *Node) *Node {
			z = InsertAxes(z, -1)
			return Exp(Add(dist.StandardNormal(z).LogProb(z), tanhVAE().Decode(z).LogProb(ConstAs(z, [][]float64{{x}}))))
		}, -12, 12)
	}
	t.Run("E3.5 a simple prior and a curved decoder", func(t *testing.T) {
		const n, bins = 100_000, 24
		draws := backendtest.Floats(t, func(g *Graph) *Node {
			return tanhVAE().Sample(noise.FromSeed(g, 35), Zeros(g, shapes.Make(dtypes.Float64, n, 1)))
		})
		edges, observed, expected := make([]float64, bins-1), make([]float64, bins), make([]float64, bins)
		for i := range edges {
			edges[i] = -5 + 10*float64(i)/float64(bins-2)
		}
		for _, x := range draws {
			i := 0
			for i < len(edges) && x >= edges[i] {
				i++
			}
			observed[i]++
		}
		// P(x < e) = ∫ N(z; 0, 1) Φ((e − μ(z))/s) dz
		below := func(e float64) float64 {
			return check.IntegralFn(func(z float64) float64 {
				return distuv.UnitNormal.Prob(z) * distuv.UnitNormal.CDF((e-4*math.Tanh(3*z))/.5)
			}, -12, 12)
		}
		last := 0.0
		for i := range expected {
			next := 1.0
			if i < len(edges) {
				next = below(edges[i])
			}
			expected[i], last = n*(next-last), next
		}
		c.ChiSquare("E3.5 histogram of samples against quadrature", observed, expected, 1e-6)
		for _, x := range []float64{-4.2, 0, 3} {
			c.Near("E3.5 ∫p(z)p(x|z)dz is the slope of P(X < x)", marginal(x), check.Derivative(below, x), 1e-8)
		}
	})
	t.Run("E3.5 two modes from a prior with one", func(t *testing.T) {
		c.Less("E3.5 p(0) is below p(4)", 3*marginal(0), marginal(4))
		c.Near("E3.5 by symmetry p(−4) = p(4)", marginal(-4), marginal(4), 1e-9)
	})
	t.Run("E3.5 the second argument is a variance (X8)", func(t *testing.T) {
		draws := backendtest.Floats(t, func(g *Graph) *Node {
			z := BroadcastToDims(Const(g, [][]float64{{.2}}), 50_000, 1)
			return tanhVAE().Decode(z).Sample(noise.FromSeed(g, 8))
		})
		spread := make([]float64, len(draws))
		for i, x := range draws {
			spread[i] = (x - 4*math.Tanh(.6)) * (x - 4*math.Tanh(.6))
		}
		c.MC("E3.5 Var(x|z) = s² = .25", spread, .25, .005)
		c.Differ("E3.5 N(μ, s) read as mean and variance", .5, check.Mean(spread), .2)
	})
}

func TestChapter3HeldOut(t *testing.T) {
	c := check.T(t)
	t.Run("E3.30 importance weighting rises from the bound to log p(x) (X31)", func(t *testing.T) {
		const logP = -1.8270838991417502
		last := math.Inf(-1)
		for _, k := range []struct {
			draws, n    int
			want, maxSE float64
		}{{1, 50_000, -3.0777777548, .015}, {10, 20_000, -1.8746, .004}, {100, 4000, -1.8314, .003}} {
			got := backendtest.Floats(t, func(g *Graph) *Node {
				v := exact(g)
				v.Encode = func(x *Node) dist.DiagNormal { return oracle.ScalarNormal(g, .5, .3).Repeat(x.Shape().Dimensions[0]) }
				x := BroadcastToDims(Const(g, [][]float64{{2}}), k.n, 1)
				return elbo.ImportanceWeighted(v.LogWeights(noise.FromSeed(g, 330), x, k.draws))
			})
			c.MC(fmt.Sprintf("E3.30 k = %d", k.draws), got, k.want, k.maxSE)
			c.Less("E3.30 it rises", last, check.Mean(got))
			c.Less("E3.30 it stays a lower bound", check.Mean(got), logP)
			last = check.Mean(got)
		}
		c.Differ("E3.30 it estimates log p(x), not p(x)", last, math.Exp(logP), 1)
	})
}

func set(t *testing.T, v *model.Variable, value *tensors.Tensor) {
	t.Helper()
	if err := v.SetValue(value); err != nil {
		t.Fatal(err)
	}
}
