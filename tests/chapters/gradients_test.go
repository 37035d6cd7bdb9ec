package chapters_test

import (
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/elbo"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/score"
	"github.com/lowerbound-ml/lowerbound/pkg/vae"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// losses are the objectives of the library, each as package fit takes it. A new model adds a row here.
var losses = map[string]fit.Loss{
	"dist: −log p of a mixture, in its means and scales": func(scope *model.Scope, batch []*Node) *Node {
		x := batch[0]
		m := dist.Mixture{LogWeights: LogSoftmax(weight(scope, x, "logits", 2), -1)}
		for _, k := range []string{"1", "2"} {
			m.Components = append(m.Components, dist.DiagNormal{Mean: weight(scope, x, "mean"+k, 1, 3), LogStd: weight(scope, x, "std"+k, 1, 3)})
		}
		return Neg(ReduceAllMean(m.LogProb(x)))
	},
	"elbo: closed form, linear-Gaussian": func(scope *model.Scope, batch []*Node) *Node {
		m, q, x := latent(scope, batch[0])
		return Neg(ReduceAllMean(m.Bound(q, x)))
	},
	"elbo: Decompose, two draws, β = 3": func(scope *model.Scope, batch []*Node) *Node {
		m, q, x := latent(scope, batch[0])
		terms := elbo.Decompose(waves{}, q, m.Prior(), x, func(x, z *Node) *Node { return m.Given(z).LogProb(x) }, 2)
		return Neg(ReduceAllMean(terms.Weighted(3)))
	},
	"elbo: importance-weighted, four draws": func(scope *model.Scope, batch []*Node) *Node {
		m, q, x := latent(scope, batch[0])
		return Neg(ReduceAllMean(elbo.ImportanceWeighted(elbo.LogWeights(waves{}, q, x, m.LogJoint, 4))))
	},
	"ebm: data and negatives": func(scope *model.Scope, batch []*Node) *Node {
		m := ebm.Config{Data: 3, Hidden: []int{4}}.Build(scope)
		return ReduceAllMean(m.Loss(batch[0], OneMinus(batch[0])))
	},
	"gan: critic, with the slope's penalty": func(scope *model.Scope, batch []*Node) *Node {
		m := gan.Config{Data: 3, Latent: 2, D: []int{4}, Loss: gan.Wasserstein, Penalty: 1}.Build(scope)
		fakes := MulScalar(OneMinus(batch[0]), .8) // at which no unit is near its corner, where differences are wrong
		return Add(m.Loss.Discriminator(m.D(batch[0]), m.D(fakes)), gan.Penalty(m.D, batch[0], 1))
	},
	"gan: discriminator that compares rows": func(scope *model.Scope, batch []*Node) *Node {
		m := gan.Config{Data: 3, Latent: 2, D: []int{4}, Minibatch: true}.Build(scope)
		return m.Loss.Discriminator(m.D(batch[0]), m.D(OneMinus(batch[0])))
	},
	"gan: generator, through its judge": func(scope *model.Scope, batch []*Node) *Node {
		x := batch[0]
		return gan.Config{Data: 3, Latent: 2, G: []int{4}, D: []int{4}, Bounded: true}.Build(scope).GLoss(waves{}.RandomNormal(x.Graph(), shapes.Make(x.DType(), 4, 2)))
	},
	"ncsn: denoising at three levels": func(scope *model.Scope, batch []*Node) *Node {
		return ReduceAllMean(ncsn.Objective(noisy.Levels).Loss(waves{}, noisy.Score(scope), batch[0]))
	},
	"score: implicit":                                      scoreLoss(score.Implicit()),
	"score: sliced":                                        scoreLoss(score.Sliced(2, score.Gaussian)),
	"vae: Bernoulli":                                       vaeLoss(vae.Config{Data: 3, Latent: 2, Hidden: []int{4}}),
	"vae: Gaussian":                                        vaeLoss(vae.Config{Data: 3, Latent: 2, Observation: vae.Gaussian, Std: .5}),
	"vae: Gaussian, learned s":                             vaeLoss(vae.Config{Data: 3, Latent: 1, Observation: vae.GaussianLearned, Std: .5}),
	"vae: Gaussian, s of each pixel":                       vaeLoss(vae.Config{Data: 3, Latent: 2, Hidden: []int{3}, Observation: vae.GaussianPerPixel}),
	"hvae: three Markovian levels":                         hvaeLoss(hvae.Config{Data: 3, Latents: []int{2, 1, 1}}),
	"hvae: networks with a hidden layer":                   hvaeLoss(hvae.Config{Data: 3, Latents: []int{1, 1}, Hidden: []int{4}}),
	"hvae: a level sees all levels above":                  hvaeLoss(hvae.Config{Data: 3, Latents: []int{1, 2, 1}, General: true, Observation: vae.GaussianLearned}),
	"hvae: levels that share their networks":               hvaeLoss(hvae.Config{Data: 3, Latents: []int{1, 1, 1}, Shared: true, Observation: vae.Gaussian}),
	"vdm: three latents, noise head, learned schedule":     vdmLoss(param.Eps, false),
	"vdm: infinitely many steps, v head, learned schedule": vdmLoss(param.V, true),
	"ar: MADE": func(scope *model.Scope, batch []*Node) *Node {
		return ar.Model{Logits: func(x *Node) *Node {
			return nets.MADE(scope.At("made"), x, nets.GlorotUniform, Tanh, 6)
		}}.Loss(Round(batch[0]))
	},
}

func vaeLoss(c vae.Config) fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		return vae.New(scope, c).Loss(waves{}, batch[0], 1, 2)
	}
}

func hvaeLoss(c hvae.Config) fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		return hvae.New(scope, c).Loss(waves{}, batch[0], Scalar(batch[0].Graph(), batch[0].DType(), .7), 2)
	}
}

// vdmLoss is minus the bound's estimate with three latents, or infinitely many, and a learned schedule.
func vdmLoss(kind param.Kind, continuous bool) fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		learned := vdm.LearnedSNR{Omega: nets.Monotone{Start: -4, End: 4, Hidden: 2}}
		p := process.Process{Schedule: learned.Schedule(scope.At("omega")), TMax: 1}
		head := vdm.Head{Kind: kind, Net: func(xt, t *Node) *Node {
			return nets.MLP(scope.At("net"), Concatenate([]*Node{xt, t}, 1), nets.GlorotUniform, Tanh, 3, 3)
		}}
		m := vdm.VDM{
			ReverseStep: sampler.ReverseStep{Process: p, Denoise: head.Denoiser(p)},
			Times:       []float64{0, .4, 1},
			Decode: func(x1 *Node) dist.LogProber {
				t := constant(x1.Graph(), 0)
				return dist.DiagNormal{Mean: Div(x1, p.Alpha(t)), LogStd: Sub(p.LogSigma(t), p.LogAlpha(t))}
			},
		}
		return ReduceAllMean(m.Loss(waves{}, batch[0], vdm.Objective{Head: head, Continuous: continuous}))
	}
}

// weight is a variable of x's dtype.
func weight(scope *model.Scope, x *Node, name string, dims ...int) *Node {
	return scope.VariableWithShape(name, shapes.Make(x.DType(), dims...)).NodeValue(x.Graph())
}

// latent is a linear-Gaussian model and a q(z|x), all of whose constants are weights, with x's first column.
func latent(scope *model.Scope, x *Node) (oracle.LinearGaussian, dist.DiagNormal, *Node) {
	w := func(name string) *Node { return weight(scope, x, name, 1, 1) }
	x = Slice(x, AxisRange(), AxisRange(0, 1))
	q := dist.DiagNormal{Mean: Add(Mul(w("slope"), x), w("shift")), LogStd: Add(w("q_log_std"), MulScalar(x, .1))}
	return oracle.LinearGaussian{A: w("a"), B: w("b"), LogStd: w("log_s")}, q, x
}

// waves is noise without chance: the same numbers on every backend and in every call.
type waves struct{}

func (waves) RandomNormal(g *Graph, s shapes.Shape) *Node {
	flat := Iota(g, shapes.Make(s.DType, s.Size()), 0)
	return Reshape(MulScalar(Sin(AddScalar(MulScalar(flat, 1.7), .4)), 1.3), s.Dimensions...)
}

func (w waves) RandomUniform(g *Graph, s shapes.Shape) *Node {
	return AddScalar(MulScalar(w.RandomNormal(g, s), .38), .5)
}

var _ noise.Source = waves{}

// noisy is a score network of three numbers.
var noisy = ncsn.Config{Dim: 3, Levels: []float64{2, 1, .5}, DataStd: 1, Hidden: []int{4}}

// scoreLoss is a loss of that network at σ = 1.
func scoreLoss(loss score.Loss) fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		s := noisy.Score(scope)
		return ReduceAllMean(loss(waves{}, func(x *Node) *Node { return s(x, Const(x.Graph(), [][]float64{{1}})) }, batch[0]))
	}
}

func TestGradients(t *testing.T) {
	t.Parallel()
	batch := tensors.FromValue([][]float64{{.9, .1, .3}, {.2, .7, .6}, {.4, .8, .05}, {.6, .3, .95}})
	rows := map[string]bool{}
	for name, loss := range losses {
		rows[strings.Split(name, ":")[0]] = true
		t.Run("E0.19 "+name, func(t *testing.T) { checkGradient(t, loss, batch) })
	}
	for _, name := range modelPackages {
		check.T(t).True("E0.19 a row for every model: "+name, rows[name] || !exists(name), "a row, if there is a package")
	}
}

// checkGradient holds automatic differentiation in every weight against differences, at weights ½ sin(1), ½ sin(2), …
func checkGradient(t *testing.T, loss fit.Loss, batch *tensors.Tensor) {
	store := model.NewStore()
	var order []*model.Variable
	exec, err := model.NewExec(backendtest.Open(t), store, func(scope *model.Scope, x *Node) []*Node {
		value := loss(scope, []*Node{x})
		order = trainable(store)
		var weights []*Node
		for _, v := range order {
			weights = append(weights, v.NodeValue(x.Graph()))
		}
		return append([]*Node{value}, Gradient(value, weights...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer exec.Finalize()
	exec.MustCall(batch)
	var w []float64
	for _, v := range order {
		for range v.Shape().Size() {
			w = append(w, math.Sin(float64(len(w)+1))/2)
		}
	}
	at := func(w []float64) []*tensors.Tensor {
		for _, v := range order {
			n := v.Shape().Size()
			if err := v.SetValue(tensors.FromFlatDataAndDimensions(append([]float64{}, w[:n]...), v.Shape().Dimensions...)); err != nil {
				t.Fatal(err)
			}
			w = w[n:]
		}
		return exec.MustCall(batch)
	}
	var gradient []float64
	for _, g := range at(w)[1:] {
		gradient = append(gradient, check.Floats(g)...)
	}
	differences := check.Grad(func(w []float64) float64 { return check.Floats(at(w)[0])[0] }, w)
	check.T(t).Near("E0.19 the gradient in every weight", gradient, differences, 1e-8)
	check.T(t).True("E0.19 and there is one", len(w) > 0, "weights")
}

func trainable(store *model.Store) (vars []*model.Variable) {
	for v := range store.IterVariables() {
		if v.Trainable {
			vars = append(vars, v)
		}
	}
	sort.Slice(vars, func(i, j int) bool { return vars[i].Path() < vars[j].Path() })
	return vars
}
