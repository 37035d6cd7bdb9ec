package sampler_test

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// g2 is two classes, x|y ~ N(2y, 1), y = ±1.
var g2 = oracle.Labelled{Prior: []float64{1, 1}, Classes: []oracle.Mixture{
	{Weights: []float64{1}, Means: [][]float64{{-2}}, Vars: [][]float64{{1}}}, {Weights: []float64{1}, Means: [][]float64{{2}}, Vars: [][]float64{{1}}}}}

// guided is the law of the class y = 1 of g2, whose denoiser and score are made of the unconditional denoiser by guidance with γ = 1.
type guided struct {
	oracle.Data // the class's own law, for what else a sampler asks of it
	by          func(p process.Process) param.Denoiser
}

func (g guided) Denoiser(p process.Process) param.Denoiser { return g.by(p) }
func (g guided) Score(p process.Process) param.ScoreFn     { return param.ScoreOf(p, g.by(p)) }

// guidances are the three ways to the class.
var guidances = map[string]func(p process.Process) param.Denoiser{
	"by a classifier": func(p process.Process) param.Denoiser {
		return guide.Classifier(p, g2.All().Denoiser(p), g2.LogPosterior(p, 1), 1)
	},
	"classifier-free": func(p process.Process) param.Denoiser { // γ = 1 as a node, so that both parts are evaluated
		return func(xt, t *Node) *Node {
			y := Const(xt.Graph(), []int32{1})
			return guide.BatchedAt(g2.Denoise(p), y, guide.NullClass(2)(y), OnesLike)(xt, t)
		}
	},
}

// Every sampler takes a guided denoiser, and reaches p(x|y).
func TestGuidedConformance(t *testing.T) {
	const rows, shares = 2000, 500 // of draws D ≤ 0.06, of quantiles D ≤ 0.01
	class := law{g2.Class(1), []float64{1}, []float64{2}, []float64{1}}
	for how, by := range guidances {
		for name, c := range conformingSamplers {
			t.Run("E9.7 "+how+": "+name, func(t *testing.T) {
				t.Parallel()
				p := conformingProcesses["VP"]
				if name == "annealed Langevin" {
					p = conformingProcesses["VE"]
				}
				step, times := c.make(t, p, guided{class.data, by})
				a1, s1 := alphaSigma(t, p, p.TMax)
				a0, s0 := alphaSigma(t, p, p.TMin)
				run := sampler.Of(onHost, step)
				defer run.Finalize()
				if c.kind == smooth {
					x := check.Floats(sample(t, run, class.quantiles(shares, a1, s1), times, 5))
					check.T(t).Less("the law at TMin, distance of distribution functions", apart(x, class.cdf(a0, s0)), .01)
					return
				}
				x := check.Floats(sample(t, run, class.draw(rows, a1, s1), times, 5))
				check.T(t).KS("the law at TMin", x, class.cdf(a0, s0), 1e-6)
			})
		}
	}
}
