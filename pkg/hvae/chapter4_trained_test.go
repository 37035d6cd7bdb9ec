package hvae_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
)

// train fits the HVAE of c to data.
func train(t *testing.T, c hvae.Config, warmUp int, data datasets.Data, how fit.Config) *hvae.Model {
	t.Helper()
	loader, err := datasets.NewLoader(data, 256, how.Seed, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, report, err := hvae.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, warmUp, loader, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, KL warm-up %d: %d steps, last loss %.3f", c, warmUp, report.Steps, report.Losses[len(report.Losses)-1])
	return m
}

// The linear HVAE has the exact posterior in its family, and reaches the largest likelihood of its data.
func TestChapter4Trained(t *testing.T) {
	c := check.T(t)
	drawn := draws(t, 20_000, 471, func(src noise.Source, x *Node) []*Node { return []*Node{rough().Sample(src, x)} })[0]
	x, s2 := make([][]float64, len(drawn)), floats.Dot(drawn, drawn)/float64(len(drawn))
	for i, v := range drawn {
		x[i] = []float64{v}
	}
	config := hvae.Config{Data: 1, Latents: []int{1, 1}, Observation: dist.ObserveGaussian, Std: .3}
	m := train(t, config, 500, datasets.MustTable("CH", x), fit.Config{Steps: 3000, LearningRate: 1e-2, Schedule: fit.WarmupCosine{Warmup: 20}, ClipNorm: 1, Seed: 1})
	e, err := m.Evaluate(x, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	// log p of CH's own marginal, on the same draws: the difference has little noise.
	gap := make([]float64, len(x))
	for i, v := range drawn {
		gap[i] = -.5*math.Log(2*math.Pi*1.6614) - v*v/(2*1.6614) - e.Bound[i]
	}
	c.True("E4.7 trained, linear: the bound within .02 nats of CH's log p", math.Abs(check.Mean(gap)) < .02,
		fmt.Sprintf("gap %.4f ± %.4f nats", check.Mean(gap), check.SE(gap)))
	best := -.5*math.Log(2*math.Pi*s2) - .5
	c.True("E4.7 and not above the largest log p of a normal law", check.Mean(e.Bound) < best+5*check.SE(gap), fmt.Sprintf("%.4f, largest %.4f", check.Mean(e.Bound), best))
	c.True("E4.7 the importance-weighted value too", math.Abs(check.Mean(e.NLL)+best) < .02, fmt.Sprintf("%.4f", check.Mean(e.NLL)))
}

// CH's law of x depends on A₂² + V₁ alone, so a second level that nothing uses costs nothing.
func TestChapter4UnusedLevel(t *testing.T) {
	c, idle := check.T(t), oracle.Chain{A2: 0, V1: 1.2*1.2 + .5, A1: .9, V0: .09}
	h := hvae.HVAE{
		Encode:  []func(*Node) dist.DiagNormal{idle.PosteriorMiddle, idle.PosteriorTop},
		Decode:  []func([]*Node) dist.DiagNormal{hvae.Markov(idle.Middle)},
		Observe: hvae.Markov(func(z *Node) dist.Likelihood { return idle.Given(z) }),
	}
	out := draws(t, 1000, 51, func(src noise.Source, x *Node) []*Node {
		return []*Node{h.LogWeights(src, x, 1), h.Levels(src, x, 1).KL[1], exact().Levels(src, x, 1).KL[1]}
	})
	c.Near("E4.7 A₂ = 0 reaches log p(1) as well", out[0], logP, 1e-9)
	c.Near("E4.7 with a top level whose KL is 0", out[1], 0, 1e-12)
	c.Less("E4.7 where CH's own is not", .1, check.Mean(out[2]))
}

// rowsOf returns the points as [n][2].
func rowsOf(p *toys.Points) [][]float64 {
	out := make([][]float64, p.Len())
	for i := range out {
		out[i] = p.X[i][:]
	}
	return out
}

// size returns how many weights of a model have a path with the prefix.
func size(s *model.Store, prefix string) (n int) {
	for v := range s.IterVariables() {
		if strings.HasPrefix(v.Path(), prefix) {
			n += v.Shape().Size()
		}
	}
	return n
}

// One level against two on clusters of clusters. The one level has no fewer latents next to x, and no fewer weights in its decoder than
// the two levels have in both of theirs.
func TestChapter4TwoLevelsTrained(t *testing.T) {
	c, test := check.T(t), rowsOf(toys.NestedGaussians().Sample(4000, 2))
	evaluate := func(config hvae.Config) (*hvae.Model, hvae.Evaluation) {
		config.Data, config.Observation = 2, dist.ObserveGaussianLearned
		m := train(t, config, 1000, toys.NestedGaussians().Sample(20_000, 1),
			fit.Config{Steps: 4000, LearningRate: 5e-3, Schedule: fit.WarmupCosine{Warmup: 50}, ClipNorm: 5, Seed: 1})
		e, err := m.Evaluate(test, 20, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m, e
	}
	one, e1 := evaluate(hvae.Config{Latents: []int{4}, Hidden: []int{49, 49}})
	two, e2 := evaluate(hvae.Config{Latents: []int{4, 2}, Hidden: []int{32, 32}})
	c.Less("E4.10 weights of the two decoders of two levels, of the decoder of one", float64(size(two.Store, "/decoder")), float64(size(one.Store, "/decoder")))
	gain := floats.SubTo(make([]float64, len(test)), e2.Bound, e1.Bound)
	t.Logf("bounds %.3f and %.3f, gain of the second level %.3f ± %.3f nats; KLs %.3f and %.3f, %.3f", check.Mean(e1.Bound), check.Mean(e2.Bound),
		check.Mean(gain), check.SE(gain), check.Mean(e1.KL[0]), check.Mean(e2.KL[0]), check.Mean(e2.KL[1]))
	c.Less("E4.10 on clusters of clusters two levels are no worse than one, by 5 SE", -5*check.SE(gain), check.Mean(gain))
	c.Less("E4.10 the top level is in use", .5, check.Mean(e2.KL[1]))
	c.Less("E4.10 both are above one normal law, which a collapsed model is", -3.3, check.Mean(e1.Bound))
	entropy := math.Log(16) + 1 + math.Log(2*math.Pi) + 2*math.Log(.08) // of 16 clusters that do not overlap
	c.Less("E4.10 no bound is above minus the entropy", check.Mean(e2.Bound), -entropy)
}
