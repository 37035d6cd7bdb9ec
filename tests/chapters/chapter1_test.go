package chapters_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/stat"

	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// What a model can do. Every model draws; a likelihood model also scores, exactly or by a bound.
var (
	_ func(ar.Model, noise.Source, *Node, int) *Node  = ar.Model.Sample
	_ func(ar.Model, *Node) *Node                     = ar.Model.LogProb
	_ func(vae.VAE, noise.Source, *Node) *Node        = vae.VAE.Sample
	_ func(vae.VAE, noise.Source, *Node, int) *Node   = vae.VAE.LogWeights // averaged: a bound
	_ func(hvae.HVAE, noise.Source, *Node) *Node      = hvae.HVAE.Sample
	_ func(hvae.HVAE, noise.Source, *Node, int) *Node = hvae.HVAE.LogWeights
	_ func(vdm.VDM, []*Node) elbo.Terms               = vdm.VDM.Form2   // of the steps that a sampler.Run draws from
	_ func(ebm.EBM, *Node) *Node                      = ebm.EBM.LogProb // up to log Z
	_ func(ncsn.Config, *model.Scope) param.ScoreFn   = ncsn.Config.Score
	_ func(gan.GAN, *Node) *Node                      = gan.GAN.Sample // and no LogProb
	_ func(dist.Mixture, noise.Source, int) *Node     = dist.Mixture.SampleN
	_ dist.LogProber                                  = dist.Mixture{}
	_ dist.Scorer                                     = dist.Mixture{}
	_ func(dist.LogProber, *Node) *Node               = dist.ScoreOf // from an energy to a score
)

// families says which packages hold the models of each family, and in which notebook they are taught. A package of
// models that is in no row fails the test, so a new one cannot be forgotten here.
var families = []struct {
	family, pkg, notebook string
}{
	{"likelihood-based: a bound", "vae", "03-vae.md"},
	{"likelihood-based: a bound, level by level", "hvae", "04-hvae.md"},
	{"likelihood-based: a bound, the levels a diffusion", "vdm", "05-vdm-bound.md"},
	{"likelihood-based: autoregressive", "ar", "01-probability.md"},
	{"energy-based", "ebm", "09-energy-and-score.md"},
	{"score-based: many noise levels", "ncsn", "10-langevin-and-noise-levels.md"},
	{"implicit: adversarial, a sampler without a likelihood", "gan", "15-gan.md"},
}

// modelPackages are the packages of models, those that are still to come too.
var modelPackages = []string{"vae", "hvae", "vdm", "ncsn", "ebm", "gan", "ar"}

func TestFamilies(t *testing.T) {
	row := map[string]bool{}
	for _, f := range families {
		t.Run("E1.2 "+f.family, func(t *testing.T) {
			row[f.pkg] = true
			doc, err := os.ReadFile(filepath.Join("../../pkg", f.pkg, "doc.go"))
			check.T(t).True("E1.2 the family has a documented package", err == nil && strings.Contains(string(doc), "package "+f.pkg), f.pkg)
			text, err := os.ReadFile(filepath.Join("../../notebooks", f.notebook))
			check.T(t).True("E1.2 and a notebook that uses it", err == nil && strings.Contains(string(text), "pkg/"+f.pkg+`"`), f.notebook)
		})
	}
	for _, name := range modelPackages {
		check.T(t).True("E1.2 no model without a family: "+name, row[name] == exists(name), "a row, if there is a package")
	}
}

// exists reports whether the package has landed.
func exists(pkg string) bool {
	_, err := os.Stat(filepath.Join("../../pkg", pkg, "doc.go"))
	return err == nil
}

// drawsOfGM are n exact draws of GM.
func drawsOfGM(t *testing.T, n int, seed int64) []float64 {
	return backendtest.Floats(t, func(g *Graph) *Node {
		return fixtureGM.Law(g, dtypes.Float64).SampleN(noise.FromSeed(g, seed), n)
	})
}

// rows serves data [n, 1] as batches, in order.
type rows struct {
	data []float64
	size int
}

func (r rows) Batch(step int) ([]*tensors.Tensor, error) {
	start := step * r.size % (len(r.data) - r.size + 1)
	return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(r.data[start:start+r.size], r.size, 1)}, nil
}

// train fits loss to data and returns the store.
func train(t *testing.T, loss fit.Loss, data fit.Batches, steps int, rate float64) *model.Store {
	t.Helper()
	store := model.NewStore()
	c := fit.Config{Steps: steps, LearningRate: rate, Schedule: fit.WarmupCosine{Warmup: 50}, Seed: 1}
	if _, err := fit.Train(context.Background(), backendtest.Open(t), store, loss, data, c); err != nil {
		t.Fatal(err)
	}
	return store
}

// sample draws from a trained model.
func sample(t *testing.T, store *model.Store, fn func(scope *model.Scope, g *Graph) *Node) []float64 {
	t.Helper()
	out, err := model.CallOnce(backendtest.Open(t), store, fn)
	if err != nil {
		t.Fatal(err)
	}
	return check.Floats(out)
}

// TestBakeOffTrained fits two families to the same 20,000 draws of GM and measures how far their own draws are from fresh ones;
// TestFamiliesOnGMTrained does it for the others.
func TestBakeOffTrained(t *testing.T) {
	const n, bound = 10_000, .1
	fresh, data := drawsOfGM(t, n, 1), rows{drawsOfGM(t, 20_000, 2), 500}
	sets := drawsOfGM(t, 200*n, 11)
	floor := metric.Floor(metric.Wasserstein1, func() []float64 {
		sets = sets[n:]
		return sets[:n]
	}, 99)
	t.Log("Wasserstein-1 between two exact sets: ", floor)
	check.T(t).Less("E1.1 the floor leaves room under the bound", floor.Max, bound)
	t.Run("E1.1 likelihood: a mixture", func(t *testing.T) {
		store := train(t, mixtureLoss, data, 1500, .02)
		draws := sample(t, store, func(scope *model.Scope, g *Graph) *Node {
			return twoNormals(scope, Zeros(g, shapes.Make(dtypes.Float64, 1, 1))).SampleN(noise.FromSeed(g, 3), n)
		})
		check.T(t).Less("E1.1 W₁ of the fitted mixture", metric.Wasserstein1(draws, fresh), bound)
	})
	t.Run("E1.1 score: many noise levels", func(t *testing.T) {
		levels, err := ncsn.Geometric(6, .05, 15)
		if err != nil {
			t.Fatal(err)
		}
		config := ncsn.Config{Dim: 1, Levels: levels, DataStd: 1.5, Hidden: []int{32, 32}}
		store := train(t, config.Loss(), data, 2000, .005)
		run := sampler.New(backendtest.Open(t), store, func(scope *model.Scope) sampler.Stepper {
			return sampler.Annealed{Process: config.Process(), Score: config.Score(scope), Eps: .2 * .05 * .05, SigmaMin: .05}
		})
		defer run.Finalize()
		draws, err := run.Sample(sampler.Prior(shapes.Make(dtypes.Float64, n, 1), 6, 3), sampler.Repeat(levels, 40), 3)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Less("E1.1 W₁ of the trained NCSN", metric.Wasserstein1(check.Floats(draws), fresh), bound)
	})
	t.Run("E1.1 a model that is too simple", func(t *testing.T) {
		m, sd := stat.MeanStdDev(data.data, nil)
		draws := backendtest.Floats(t, func(g *Graph) *Node {
			return normalOf(Zeros(g, shapes.Make(dtypes.Float64, n, 1)), m, 2*math.Log(sd)).Sample(noise.FromSeed(g, 3))
		})
		check.T(t).Less("E1.1 W₁ of one normal is larger than the bound", bound, metric.Wasserstein1(draws, fresh))
	})
}

// twoNormals is a mixture whose weights, means and scales are weights; the means start at −1 and 1.
func twoNormals(scope *model.Scope, x *Node) dist.Mixture {
	component := func(name string, start float64) dist.DiagNormal {
		return dist.DiagNormal{
			Mean:   scope.VariableWithValue("mean_"+name, [][]float64{{start}}).NodeValue(x.Graph()),
			LogStd: scope.VariableWithValue("log_std_"+name, [][]float64{{0}}).NodeValue(x.Graph()),
		}
	}
	logits := scope.VariableWithValue("logits", []float64{0, 0}).NodeValue(x.Graph())
	return dist.Mixture{LogWeights: LogSoftmax(logits, -1), Components: []dist.DiagNormal{component("1", -1), component("2", 1)}}
}

func mixtureLoss(scope *model.Scope, batch []*Node) *Node {
	return Neg(ReduceAllMean(twoNormals(scope, batch[0]).LogProb(batch[0])))
}

// normalOf is N(mean, e^logVar) for a batch of x's shape.
func normalOf(x *Node, mean, logVar float64) dist.DiagNormal {
	return dist.DiagNormal{Mean: like(x, mean), LogStd: like(x, logVar/2)}
}

func TestMaximumLikelihood(t *testing.T) {
	b, c := backendtest.Open(t), check.T(t)
	data := drawsOfGM(t, 1000, 5)
	mean, variance := stat.PopMeanVariance(data, nil)
	x := tensors.FromFlatDataAndDimensions(data, len(data), 1)
	// w = (m, log v); the second output is the gradient of the average log-likelihood.
	ascent, err := NewExec(b, func(x, w *Node) (*Node, *Node) {
		m, logV := InsertAxes(Slice(w, AxisRange(0, 1)), 0), InsertAxes(Slice(w, AxisRange(1, 2)), 0)
		value := ReduceAllMean(dist.DiagNormal{Mean: m, LogStd: MulScalar(logV, .5)}.LogProb(x))
		return value, Gradient(value, w)[0]
	})
	if err != nil {
		t.Fatal(err)
	}
	w := []float64{-1, 1}
	for range 400 {
		g := check.Floats(ascent.MustCall(x, w)[1])
		w[0], w[1] = w[0]+g[0], w[1]+g[1]
	}
	c.Near("E1.3 gradient ascent ends at the sample mean", w[0], mean, 1e-4)
	c.Near("E1.3 and at the sample variance", math.Exp(w[1]), variance, 1e-4)
	// −E_p̂ log p_θ = H + KL(N(m̂, v̂) ‖ p_θ) with H free of θ: the two have one minimiser.
	var gaps []float64
	for _, w := range [][]float64{{-1, 1}, {.3, .2}, {mean, math.Log(variance)}, {2, -1}} {
		kl := backendtest.Floats(t, func(g *Graph) *Node {
			one := constant(g, 0)
			return dist.KL(normalOf(one, mean, math.Log(variance)), normalOf(one, w[0], w[1]))
		})[0]
		gaps = append(gaps, -check.Floats(ascent.MustCall(x, w)[0])[0]-kl)
	}
	c.Near("E1.3 −mean log p_θ − KL(p̂ ‖ p_θ) is one number for every θ", gaps, .5*math.Log(2*math.Pi*math.E*variance), 1e-9)
}

// energy is f(x) = (x²−1)².
func energy(x *Node) *Node { return Square(AddScalar(Square(x), -1)) }

func TestEnergyAndScore(t *testing.T) {
	b := backendtest.Open(t)
	z := check.Integral(b, func(x *Node) *Node { return Exp(Neg(energy(x))) }, -5, 5)
	p := func(x *Node) *Node { return DivScalar(Exp(Neg(energy(x))), z) }
	law, xs := ebm.EBM{Energy: energy}, []float64{-1.7, -1, -.3, 0, .8, 1.4}
	t.Run("E1.4 an energy, normalised afterwards", func(t *testing.T) {
		check.T(t).Near("E1.4 Z", z, 1.9737321501, 1e-9)
		check.T(t).Near("E1.4 e^(−f)/Z integrates to 1", check.Integral(b, p, math.Inf(-1), math.Inf(1)), 1, 1e-8)
		check.T(t).Near("E1.4 E x²", check.Integral(b, func(x *Node) *Node { return Mul(Square(x), p(x)) }, -5, 5), .8327454871, 1e-9)
		check.T(t).Near("E1.4 the law of the energy and log Z is p", check.Eval(b, law.Law(math.Log(z)).LogProb, xs), check.Eval(b, func(x *Node) *Node { return Log(p(x)) }, xs), 1e-12)
	})
	t.Run("E1.5 its score needs no Z", func(t *testing.T) {
		check.T(t).Near("E1.5 −f'(x) is the slope of log p", check.Eval(b, law.Score, xs), check.Derivatives(b, func(x *Node) *Node { return Log(p(x)) }, xs), 1e-8)
	})
	t.Run("E1.5 the network may be the energy or the score", func(t *testing.T) {
		tilt := func(from func(scope *model.Scope, x *Node) *Node) float64 { // ∂s₁/∂x₂ − ∂s₂/∂x₁
			store := model.NewStore()
			if err := store.SetRNGStateFromSeed(3); err != nil {
				t.Fatal(err)
			}
			out, err := model.CallOnce(b, store, func(scope *model.Scope, x *Node) *Node {
				s := from(scope, x)
				row := func(i int) *Node {
					return Gradient(ReduceAllSum(Slice(s, AxisRange(), AxisRange(i, i+1))), x)[0]
				}
				return Sub(Slice(row(0), AxisRange(), AxisElem(1)), Slice(row(1), AxisRange(), AxisElem(0)))
			}, [][]float64{{.3, -.8}})
			if err != nil {
				t.Fatal(err)
			}
			return check.Floats(out)[0]
		}
		check.T(t).Near("E1.5 a score −∇f has a symmetric Jacobian", tilt(func(scope *model.Scope, x *Node) *Node {
			return Neg(Gradient(ReduceAllSum(nets.MLP(scope, x, nets.GlorotUniform, Tanh, 8, 1)), x)[0])
		}), 0, 1e-9)
		check.T(t).Less("E1.5 a network that is the score need not", .01, math.Abs(tilt(func(scope *model.Scope, x *Node) *Node {
			return nets.MLP(scope, x, nets.GlorotUniform, Tanh, 8, 2)
		})))
	})
}

func TestLatentSizes(t *testing.T) {
	c := check.T(t)
	build := func(latent int) (codes []int, err error) {
		_, err = model.CallOnce(backendtest.Open(t), model.NewStore(), func(scope *model.Scope, x *Node) *Node {
			q := vae.New(scope, vae.Config{Data: 4, Latent: latent}).Encode(x)
			codes = q.Mean.Shape().Dimensions
			return q.Mean
		}, [][]float64{{1, 2, 3, 4}})
		return codes, err
	}
	codes, err := build(2)
	c.True("E1.7 a VAE's code may be smaller than its data", err == nil && codes[1] == 2, "2 of 4 dimensions")
	_, err = build(5)
	c.True("E1.7 and not larger", err != nil && strings.Contains(err.Error(), "vae.New: data 4, latent 5"), "5 of 4 dimensions is an error")
	p := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}
	xt := backendtest.Call(t, func(x *Node) *Node { return p.Diffuse(x, OnesLike(x), constant(x.Graph(), .5)) }, [][]float64{{1, 2, 3, 4}})[0]
	c.Near("E1.7 a diffusion's latent has the data's size", xt.Shape().Dimensions, []int{1, 4}, 0)
	err = backendtest.Err(t, func(x *Node) *Node {
		return p.Diffuse(x, Slice(OnesLike(x), AxisRange(), AxisRange(0, 2)), constant(x.Graph(), .5))
	}, [][]float64{{1, 2, 3, 4}})
	c.True("E1.7 and noise of another size is refused", strings.Contains(err.Error(), "process.Diffuse: ε has shape (Float64)[1, 2]"), "two coordinates of noise for four of data")
}
