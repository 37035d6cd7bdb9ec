package vdm_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// density is N(x; m, s²).
func density(x, m, s float64) float64 {
	return math.Exp(-(x-m)*(x-m)/(2*s*s)) / (s * math.Sqrt(2*math.Pi))
}

// normalised divides weights by their sum.
func normalised(weights []float64) []float64 {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	out := make([]float64, len(weights))
	for i, w := range weights {
		out[i] = w / sum
	}
	return out
}

// expectation is Σ p_k x_k.
func expectation(p, x []float64) (sum float64) {
	for k := range p {
		sum += p[k] * x[k]
	}
	return sum
}

func TestLevels(t *testing.T) {
	c := check.T(t)
	c.Near("17 levels", []float64{vdm.Levels(17).Value(0), vdm.Levels(17).Value(8), vdm.Levels(17).Value(16)}, []float64{-16. / 17, 0, 16. / 17}, 1e-15)
	for _, n := range []vdm.Levels{5, 17, 256} {
		intensities := make([]float64, n)
		for k := range intensities {
			intensities[k] = float64(k) / float64(n-1)
		}
		got := backendtest.Floats(t, n.FromIntensity, intensities)
		c.Near("x_k of intensities", got, n.Values(), 1e-14)
		// values between the levels belong to the nearest, and those outside to the last
		for k, x := range got {
			c.Near("back", []float64{n.ToIntensity(x - .9/float64(n)), n.ToIntensity(x + .9/float64(n))}, []float64{intensities[k], intensities[k]}, 1e-14)
		}
		c.Near("outside", []float64{n.ToIntensity(-1.5), n.ToIntensity(1.5)}, []float64{0, 1}, 0)
	}
}

// naive returns P(x_k) ∝ N(x_k; mean, std²) by the definition.
func naive(n vdm.Levels, mean, std float64) []float64 {
	weights := make([]float64, n)
	for k, x := range n.Values() {
		weights[k] = density(x, mean, std)
	}
	return normalised(weights)
}

func TestLevelNormalLogProb(t *testing.T) {
	c := check.T(t)
	for _, n := range []vdm.Levels{5, 17, 256} {
		for _, std := range []float64{.05, .3, 2} {
			mean := .37
			got := backendtest.Floats(t, func(x *Node) *Node {
				law := vdm.LevelNormal{Levels: n, Mean: FillScalar(x.Graph(), x.Shape(), mean), LogStd: Scalar(x.Graph(), x.DType(), math.Log(std))}
				return law.LogProb(x)
			}, n.Values())
			want := naive(n, mean, std)
			sum := 0.0
			for k := range got {
				sum += math.Exp(got[k])
				want[k] = math.Log(want[k])
				if math.IsInf(want[k], 0) || want[k] < -600 { // the definition in float64 has no digits left
					want[k], got[k] = 0, 0
				}
			}
			c.Near("log P", got, want, 1e-9)
			c.Near("sum", sum, 1, 1e-12)
		}
	}
	two := backendtest.Floats(t, func(g *Graph) *Node {
		x := Const(g, [][]float64{{-.8, 0}, {.4, .8}})
		return vdm.LevelNormal{Levels: 5, Mean: MulScalar(x, .5), LogStd: Scalar(g, x.DType(), math.Log(.4))}.LogProb(x)
	})
	at := func(k int, mean float64) float64 { return math.Log(naive(5, mean, .4)[k]) }
	c.Near("pixels add", two, []float64{at(0, -.4) + at(2, 0), at(3, .2) + at(4, .4)}, 1e-12)
}

func TestLevelNormalExpectation(t *testing.T) {
	for _, n := range []vdm.Levels{17, 256} {
		var means, stds, want []float64
		step := 2 / float64(n)
		for _, relative := range []float64{.05, .2, .4, .6, .62, .64, .8} {
			for i := range 41 {
				mean := (float64(i)/20 - 1) * (1 - step/2 - 5*step*relative) // the range, less what the ends cut off
				means, stds = append(means, mean), append(stds, math.Log(relative*step))
				want = append(want, expectation(naive(n, mean, relative*step), n.Values()))
			}
		}
		got := backendtest.Floats(t, func(mean, logStd *Node) *Node {
			return vdm.LevelNormal{Levels: n, Mean: mean, LogStd: logStd}.Expectation()
		}, means, stds)
		check.T(t).Near("E[x]", got, want, 3e-3*step)
	}
}

func TestSpikeSlabDenoise(t *testing.T) {
	const n = vdm.Levels(17)
	weight, mean, std := []float64{.3, .5, .2}, []float64{-.2, .3}, []float64{.15, .25} // the spike's weight first
	prior := func(k int) float64 {
		p := 0.0
		if k == 0 {
			p = weight[0]
		}
		for i := range mean {
			p += weight[i+1] * 2 / float64(n) * density(n.Value(k), mean[i], std[i])
		}
		return p
	}
	for _, logSNR := range []float64{-3, 0, 2, 4, 6, 8, 12} {
		alpha, sigma := math.Sqrt(1/(1+math.Exp(-logSNR))), math.Sqrt(1/(1+math.Exp(logSNR)))
		var xt, want []float64
		for i := range 61 {
			x := (float64(i)/30 - 1) * .7
			if logSNR > 7 {
				x = alpha*n.Value(i%int(n)) + .3*sigma // such values come with little noise
			}
			posterior := make([]float64, n)
			for k := range posterior {
				posterior[k] = prior(k) * density(x, alpha*n.Value(k), sigma)
			}
			xt, want = append(xt, x), append(want, expectation(normalised(posterior), n.Values()))
		}
		got := backendtest.Floats(t, func(x *Node) *Node {
			at := func(v float64) *Node { return FillScalar(x.Graph(), x.Shape(), v) }
			law := vdm.SpikeSlab{Levels: n, Spike: at(math.Log(weight[0]))}
			for i := range mean {
				law.Slab = append(law.Slab, at(math.Log(weight[i+1])))
				law.Mean, law.LogStd = append(law.Mean, at(mean[i])), append(law.LogStd, at(math.Log(std[i])))
			}
			return law.Denoise(x, Scalar(x.Graph(), x.DType(), alpha), Scalar(x.Graph(), x.DType(), sigma))
		}, xt)
		check.T(t).Near("E[x0|xt]", got, want, .02*2/float64(n))
	}
}

// pixel is the law of pixels that are independent, with probabilities p of the levels: every quantity of its
// diffusion is an integral over one number.
type pixel []float64

func (p pixel) levels() vdm.Levels { return vdm.Levels(len(p)) }

func coefficients(logSNR float64) (alpha, sigma float64) {
	return math.Sqrt(1 / (1 + math.Exp(-logSNR))), math.Sqrt(1 / (1 + math.Exp(logSNR)))
}

// overZ returns Σ_k p_k ∫ N(z; αx_k, σ²) f(k, z) dz by the trapezoid rule.
func (p pixel) overZ(logSNR float64, f func(k int, z float64) float64) (sum float64) {
	const points, reach = 2000, 9.
	alpha, sigma := coefficients(logSNR)
	for k, weight := range p {
		for i := range points + 1 {
			u := reach * (2*float64(i)/points - 1)
			sum += weight * density(u, 0, 1) * 2 * reach / points * f(k, alpha*p.levels().Value(k)+sigma*u)
		}
	}
	return sum
}

// posterior is P(x_k|z).
func (p pixel) posterior(logSNR, z float64) []float64 {
	alpha, sigma := coefficients(logSNR)
	weights := make([]float64, len(p))
	for k := range p {
		weights[k] = p[k] * density(z, alpha*p.levels().Value(k), sigma)
	}
	return normalised(weights)
}

// information is I(x₀; z) = E log P(x₀|z)/P(x₀), in nats.
func (p pixel) information(logSNR float64) float64 {
	return p.overZ(logSNR, func(k int, z float64) float64 { return math.Log(p.posterior(logSNR, z)[k] / p[k]) })
}

// entropy is −Σ p log p.
func (p pixel) entropy() (sum float64) {
	for _, v := range p {
		sum -= v * math.Log(v)
	}
	return sum
}

// recon is E[−log p(x₀|x_1)] of the decoder that takes all levels for as probable.
func (p pixel) recon(logSNR float64) float64 {
	alpha, sigma := coefficients(logSNR)
	return p.overZ(logSNR, func(k int, z float64) float64 { return -math.Log(naive(p.levels(), z/alpha, sigma/alpha)[k]) })
}

// prior is E KL(q(x_T|x₀) ‖ N(0, 1)).
func (p pixel) prior(logSNR float64) (sum float64) {
	alpha, sigma := coefficients(logSNR)
	for k, v := range p {
		mean := alpha * p.levels().Value(k)
		sum += v * .5 * (mean*mean + sigma*sigma - 1 - math.Log(sigma*sigma))
	}
	return sum
}

// model has the exact denoiser between two log-SNRs.
func (p pixel) model(first, last float64) vdm.VDM {
	q := process.Process{Schedule: process.LogSNRLinear{Max: first, Min: last}, TMax: 1}
	return vdm.VDM{
		ReverseStep: sampler.ReverseStep{Process: q, Denoise: func(xt, t *Node) *Node {
			values := ExpandLeftToRank(Const(xt.Graph(), p.levels().Values()), xt.Rank()+1)
			logP := make([]float64, len(p))
			for k := range p {
				logP[k] = math.Log(p[k])
			}
			wide := func(x *Node) *Node { return InsertAxes(x, -1) }
			z := Div(Sub(wide(xt), Mul(wide(q.Alpha(t)), values)), wide(q.Sigma(t)))
			weights := Softmax(Add(MulScalar(Square(z), -.5), ExpandLeftToRank(Const(xt.Graph(), logP), xt.Rank()+1)), -1)
			return ReduceSum(Mul(weights, values), -1)
		}},
		Times: []float64{0, 1},
		Decode: func(x1 *Node) dist.LogProber {
			at := constant(x1, 0)
			return vdm.LevelNormal{Levels: p.levels(), Mean: Div(x1, q.Alpha(at)), LogStd: Sub(q.LogSigma(at), q.LogAlpha(at))}
		},
	}
}

// With the best denoiser, ½ ∫ E‖ε̂−ε‖² dλ is the information that x_1 has more than x_T about x₀ (Guo, Shamai and Verdú 2005,
// "Mutual information and minimum mean-square error in Gaussian channels"). So each part of the bound is one
// integral, and the bound lies above the entropy by what the decoder and the prior give away.
func TestBoundOfIndependentPixels(t *testing.T) {
	const images, pixels, times = 6000, 6, 8
	p := pixel{.4, .05, .15, .1, .3}
	for _, ends := range [][2]float64{{13.3, -5}, {3, -1}} {
		first, last := ends[0], ends[1]
		x0 := make([][][][]float64, images)
		var counts [5]float64
		for i := range x0 {
			x0[i] = [][][]float64{{{0}, {0}, {0}}, {{0}, {0}, {0}}}
			for j := range pixels {
				k, u := 0, float64((i*pixels+j)*7919%(images*pixels))+.5 // each level as often as p says
				for u -= p[0] * images * pixels; u > 0; u -= p[k] * images * pixels {
					k++
				}
				counts[k]++
				x0[i][j/3][j%3][0] = p.levels().Value(k)
			}
		}
		for k := range p {
			check.T(t).Near("frequency", counts[k]/(images*pixels), p[k], 1e-12)
		}
		out := backendtest.Call(t, func(x *Node) []*Node {
			terms := p.model(first, last).Terms(noise.FromSeed(x.Graph(), 3), x, times)
			return []*Node{terms.Recon, terms.Prior, terms.Matching, terms.Bound()}
		}, x0)
		parts := make([][]float64, len(out))
		for i := range out {
			parts[i] = tensors.MustCopyFlatData[float64](out[i])
		}
		c := check.T(t)
		information := p.information(first) - p.information(last)
		c.MC("recon", parts[0], -pixels*p.recon(first), .03)
		c.Near("prior", check.Mean(parts[1]), pixels*p.prior(last), 1e-9)
		c.MC("matching", parts[2], pixels*information, .075)
		gap := (p.recon(first) - (p.entropy() - p.information(first))) + (p.prior(last) - p.information(last))
		c.MC("bound", parts[3], -pixels*(p.entropy()+gap), .075)
		c.Less("the gap is above 0", 0, gap)
	}
}

// A denoiser that is off by cσ/α is off by c in ε at every time, so that neither the times nor the noise matter.
func TestLossOfAConstantError(t *testing.T) {
	const c = .7
	x0 := [][][][]float64{{{{.2}, {-.6}}}, {{{-.2}, {.6}}}}
	got := backendtest.Call(t, func(x *Node) []*Node {
		m := pixel{.2, .2, .2, .2, .2}.model(13.3, -5)
		p := m.Process
		m.Denoise = func(xt, t *Node) *Node {
			n := xt.Shape().Dimensions[0] / 2 // rows for each image
			x0 := Reshape(BroadcastToDims(InsertAxes(x, 1), 2, n, 1, 2, 1), 2*n, 1, 2, 1)
			return Add(x0, MulScalar(Div(p.Sigma(t), p.Alpha(t)), c))
		}
		o := vdm.NoiseError(13.3, -5)
		o.Head = vdm.Head{Kind: param.X0, Net: m.Denoise}
		return []*Node{m.Terms(noise.FromSeed(x.Graph(), 1), x, 4).Matching, m.Matching(noise.FromSeed(x.Graph(), 2), x, o)}
	}, x0)
	k := check.T(t)
	bound := .5 * 18.3 * c * c * 2 // over λ, two pixels
	k.Near("the bound's integral", tensors.MustCopyFlatData[float64](got[0]), []float64{bound, bound}, 1e-9)
	k.Near("the loss is the error of ε", tensors.MustCopyFlatData[float64](got[1]), []float64{2 * c * c, 2 * c * c}, 1e-9)
}
