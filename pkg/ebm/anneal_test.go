package ebm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// apart is a mixture in the plane whose energy carries the constant 3: log Z = −3.
var apart = ebm.EBM{Energy: func(x *Node) *Node {
	m := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2, 1}, {2, -1}}, Vars: [][]float64{{.5, .2}, {.3, .6}}}
	return AddScalar(Neg(m.Law(x.Graph(), dtypes.Float64).LogProb(x)), 3)
}}

// TestAnneal holds AIS against exact constants over many seeds: every estimate within 5 of its own standard errors, and the squares
// of those ratios as χ² has them, so that the error bar is neither too narrow nor too wide.
func TestAnneal(t *testing.T) {
	c := check.T(t)
	const seeds, chains = 40, 1000
	for _, m := range []struct {
		name  string
		ais   ebm.AIS
		d     int
		logZ  float64
		times []float64
	}{
		{"(x²−1)² in six dimensions", ebm.AIS{EBM: well, Std: 1, Size: .05}, 6, 6 * math.Log(wellZ), ebm.Temperatures(10)},
		{"two modes in the plane", ebm.AIS{EBM: apart, Std: 2.5, Size: .2, Moves: 2}, 2, -3, ebm.Temperatures(20)},
	} {
		run := sampler.Of(backendtest.Open(t), m.ais)
		squares, ess := 0., 0.
		for seed := range int64(seeds) {
			p, err := ebm.Anneal(run, shape(chains, m.d), m.times, seed)
			if err != nil {
				t.Fatal(err)
			}
			z := (p.LogZ - m.logZ) / p.SE
			if !(math.Abs(z) <= check.MaxSE) {
				t.Errorf("%s, seed %d: %v, exact %g: %g standard errors away", m.name, seed, p, m.logZ, z)
			}
			squares, ess = squares+z*z, ess+p.ESS/seeds
			if !(p.Accepted > .2 && p.Accepted < 1) {
				t.Errorf("%s: a share of %g of the moves was accepted", m.name, p.Accepted)
			}
		}
		chi2 := distuv.ChiSquared{K: seeds}
		c.True(m.name+": the error bar covers", squares > chi2.Quantile(1e-6) && squares < chi2.Quantile(1-1e-6),
			fmt.Sprintf("Σz² = %.1f over %d seeds, effective sample size %.0f of %d", squares, seeds, ess, chains))
		c.Less(m.name+": at least a third of the chains count", chains/3, ess)
	}
}

// TestAnnealingHelps holds that each four times as many temperatures raise the effective sample size by half or more.
func TestAnnealingHelps(t *testing.T) {
	run, last := sampler.Of(backendtest.Open(t), ebm.AIS{EBM: apart, Std: 2.5, Size: .2}), 0.
	for _, n := range []int{1, 8, 64} {
		p, err := ebm.Anneal(run, shape(4000, 2), ebm.Temperatures(n), 1)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Less(fmt.Sprintf("half again the effective sample size with %d temperatures", n), 1.5*last, p.ESS)
		last = p.ESS
	}
}

// TestAISWeight holds the log-weight of one step by hand, and that it is taken before the move.
func TestAISWeight(t *testing.T) {
	a := ebm.AIS{EBM: well, Std: 2, Size: .1}
	out := backendtest.Call(t, func(x, t, s *Node) []*Node {
		st := a.Init(x)
		return []*Node{st.X, a.Step(noise.FromSeed(x.Graph(), 1), st, t, s).Aux[0]}
	}, [][]float64{{.3, -.5}, {1, 0}}, [][]float64{{.75}}, [][]float64{{.5}})
	c := check.T(t)
	c.Near("Init scales", out[0], [][]float64{{.6, -1}, {2, 0}}, 1e-15)
	weight := func(x, y float64) float64 {
		return .25 * (-wellFn(x) - wellFn(y) + (x*x+y*y)/8 + math.Log(2*math.Pi*4))
	}
	c.Near("(β'−β)(−f − log p₀)", out[1], []float64{weight(.6, -1), weight(2, 0)}, 1e-14)
}

func TestFromLogWeights(t *testing.T) {
	c := check.T(t)
	p, err := ebm.FromLogWeights([]float64{math.Log(1) - 900, math.Log(2) - 900, math.Log(6) - 900, math.Inf(-1)})
	if err != nil {
		t.Fatal(err)
	}
	w := []float64{1, 2, 6, 0}
	c.Near("the log of the mean", p.LogZ, math.Log(9./4)-900, 1e-15)
	c.Near("the standard error over the mean", p.SE, check.SE(w)/check.Mean(w), 1e-14)
	c.Near("(Σw)²/Σw²", p.ESS, 81./41, 1e-13)
	if p.Chains != 4 || p.String() != "log Z = -899.1891 ± 0.5844 (effective sample size 2 of 4 chains)" {
		t.Errorf("%d chains, %v", p.Chains, p)
	}
	for text, logW := range map[string][]float64{
		"1 weights, expected at least 2": {1},
		"of chain 2 is NaN":              {0, 1, math.NaN()},
		"of chain 1 is +Inf":             {0, math.Inf(1)},
		"all 2 weights are 0":            {math.Inf(-1), math.Inf(-1)},
	} {
		_, err := ebm.FromLogWeights(logW)
		wants(t, err, "ebm.FromLogWeights", text)
	}
}

func TestAISCheck(t *testing.T) {
	good := ebm.AIS{EBM: well, Std: 1, Size: .1}
	if err := good.Check([]float64{1, .2, 0}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(a *ebm.AIS)
		times  []float64
		text   string
	}{
		{func(a *ebm.AIS) { a.Std = 0 }, ebm.Temperatures(2), "Std = 0"},
		{func(a *ebm.AIS) { a.Size = -1 }, ebm.Temperatures(2), "Size = -1"},
		{func(a *ebm.AIS) { a.Moves = -1 }, ebm.Temperatures(2), "Moves = -1"},
		{func(*ebm.AIS) {}, []float64{1}, "1 times, expected at least 2"},
		{func(*ebm.AIS) {}, []float64{.9, 0}, "from 1 (the reference) to 0"},
		{func(*ebm.AIS) {}, []float64{1, .1}, "from 1 (the reference) to 0"},
		{func(*ebm.AIS) {}, []float64{1, .5, .5, 0}, "times[2] = 0.5 after 0.5"},
	} {
		a := good
		c.change(&a)
		_, err := ebm.Anneal(sampler.Of(backendtest.Open(t), a), shape(3, 1), c.times, 1)
		wants(t, err, "ebm.Anneal", "ebm.AIS", c.text)
	}
	_, err := ebm.Anneal(sampler.Of(backendtest.Open(t), well.Langevin(.01)), shape(3, 1), ebm.Temperatures(2), 1)
	wants(t, err, "ebm.Anneal", "carries no log-weights")
}
