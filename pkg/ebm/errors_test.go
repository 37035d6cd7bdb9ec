package ebm_test

import (
	"context"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

func TestConfigCheck(t *testing.T) {
	good := ebm.Config{Data: 2, Hidden: []int{4}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for text, change := range map[string]func(c *ebm.Config){
		"Data = 0":                  func(c *ebm.Config) { c.Data = 0 },
		"Hidden = [], expected one": func(c *ebm.Config) { c.Hidden = nil },
		"Hidden = [4 0]":            func(c *ebm.Config) { c.Hidden = []int{4, 0} },
		"Std = -1":                  func(c *ebm.Config) { c.Std = -1 },
		"Std = +Inf":                func(c *ebm.Config) { c.Std = math.Inf(1) },
		"Negatives = Negatives(3)":  func(c *ebm.Config) { c.Negatives = 3 },
		"Steps = -1":                func(c *ebm.Config) { c.Steps = -1 },
		"Size = NaN":                func(c *ebm.Config) { c.Size = math.NaN() },
		"Chains = -1":               func(c *ebm.Config) { c.Chains = -1 },
		"Restart = 1.5":             func(c *ebm.Config) { c.Restart = 1.5 },
		"Noise = -0.1":              func(c *ebm.Config) { c.Noise = -.1 },
		"Penalty = -1":              func(c *ebm.Config) { c.Penalty = -1 },
	} {
		c := good
		change(&c)
		wants(t, c.Check(), "ebm.Config: "+text)
		_, err := ebm.NewModel(backendtest.Open(t), c, 1)
		wants(t, err, "ebm.NewModel: ebm.Config: "+text)
		_, _, err = ebm.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, normals(2, 2, 1), fit.Config{Steps: 1, LearningRate: 1})
		wants(t, err, "ebm.LoadOrTrain: ebm.Config: "+text)
	}
}

// TestConfigString holds that a checkpoint of another model or another way to train does not fit.
func TestConfigString(t *testing.T) {
	base := ebm.Config{Data: 2, Hidden: []int{4}}
	if other := (ebm.Config{Data: 2, Hidden: []int{4}, Std: 2, Steps: 20, Size: .01}); base.String() != other.String() {
		t.Errorf("%q is not %q: both are the defaults", base, other)
	}
	seen := map[string]bool{base.String(): true}
	for i, c := range []ebm.Config{
		{Data: 1, Hidden: []int{4}}, {Data: 2, Hidden: []int{5}}, {Data: 2, Hidden: []int{4}, Std: 1},
		{Data: 2, Hidden: []int{4}, Negatives: ebm.FromData}, {Data: 2, Hidden: []int{4}, Steps: 3},
		{Data: 2, Hidden: []int{4}, Size: .1}, {Data: 2, Hidden: []int{4}, Adjusted: true}, {Data: 2, Hidden: []int{4}, Chains: 9},
		{Data: 2, Hidden: []int{4}, Restart: .1}, {Data: 2, Hidden: []int{4}, Noise: .1}, {Data: 2, Hidden: []int{4}, Penalty: .1},
	} {
		if seen[c.String()] {
			t.Errorf("configuration %d is %q, as one before it", i, c)
		}
		seen[c.String()] = true
	}
}

// TestLogZErrors holds what a quadrature says that cannot be right.
func TestLogZErrors(t *testing.T) {
	b := backendtest.Open(t)
	line := func(lo, hi float64) ebm.Box { return ebm.Box{Lo: []float64{lo}, Hi: []float64{hi}} }
	of := func(f func(x *Node) *Node) ebm.EBM {
		return ebm.EBM{Energy: func(x *Node) *Node { return ReduceSum(f(x), -1) }}
	}
	jump := of(func(x *Node) *Node {
		return Where(GreaterThan(x, MulScalar(OnesLike(x), .1234)), Square(x), OnePlus(Square(x)))
	})
	for _, c := range []struct {
		text string
		m    ebm.EBM
		box  ebm.Box
		tol  float64
	}{
		{"one or two dimensions: in more AIS", well, ebm.Box{Lo: []float64{0, 0, 0}, Hi: []float64{1, 1, 1}}, 1e-8},
		{"expected finite limits", well, line(1, 0), 1e-8},
		{"expected finite limits", well, line(0, math.Inf(1)), 1e-8},
		{"a tolerance of 0", well, line(-5, 5), 0},
		{"the density at the edge of the box, x = [0.5]", well, line(-5, .5), 1e-8},
		{"exp(−f) has no finite integral", of(func(x *Node) *Node { return Log1p(Abs(x)) }), line(-5, 5), 1e-6},
		{"still moved by", jump, line(-6, 6), 1e-9},
		{"the energy is NaN at x = [", of(Log), line(-5, 5), 1e-6},
		{"exp(−f) is 0 at all 64 points", of(func(x *Node) *Node { return AddScalar(Square(x), math.Inf(1)) }), line(-5, 5), 1e-6},
		{"the energy of x (Float64)[8192, 1] has shape (Float64)[8192, 1]", ebm.EBM{Energy: Square}, line(-5, 5), 1e-6},
	} {
		_, err := ebm.LogZ(b, c.m, c.box, c.tol)
		wants(t, err, "ebm.LogZ", c.text)
	}
}

// TestLogZInTheLogarithm holds a Z that float64 cannot hold.
func TestLogZInTheLogarithm(t *testing.T) {
	for _, shift := range []float64{-2000, 2000} {
		m := ebm.EBM{Energy: func(x *Node) *Node { return AddScalar(parabola(2).Energy(x), shift) }}
		logZ, err := ebm.LogZ(backendtest.Open(t), m, ebm.Box{Lo: []float64{-7, -8}, Hi: []float64{8, 7}}, 1e-11)
		if err != nil {
			t.Fatal(err)
		}
		check.T(t).Near("log π − shift", logZ, math.Log(math.Pi)-shift, 1e-13)
	}
}

func TestBuilderErrors(t *testing.T) {
	b := backendtest.Open(t)
	wide := ebm.EBM{Energy: Square}
	for want, f := range map[string]func(x *Node) *Node{
		"ebm.EBM.LogProb: the energy of x (Float64)[3, 1] has shape (Float64)[3, 1], expected [3]": wide.LogProb,
		"ebm.EBM.Loss: the energy of x": func(x *Node) *Node { return wide.Loss(x, x) },
		"ebm.Walk: 0 steps":             func(x *Node) *Node { return ebm.Walk(noise.Fixed(), well.Langevin(.1), x, 0) },
	} {
		wants(t, backendtest.Err(t, f, [][]float64{{1}, {2}, {3}}), want)
	}
	for want, r := range map[string]ebm.Replay{
		"ebm.Replay: 2 chains for 3 negatives": {Size: 2, Std: 1},
		"from N(0, 0²)":                        {Size: 3},
		"restarted with probability 2":         {Size: 3, Std: 1, Restart: 2},
	} {
		_, err := model.CallOnce(b, model.NewStore(), func(scope *model.Scope, x *Node) *Node {
			return r.Draw(scope, noise.Fixed(), x, func(x *Node) *Node { return x })
		}, [][]float64{{1}, {2}, {3}})
		wants(t, err, want)
	}
	_, err := model.CallOnce(b, model.NewStore(), func(scope *model.Scope, x *Node) *Node {
		return ebm.Config{Data: 2, Hidden: []int{3}}.Build(scope).Energy(x)
	}, [][]float32{{1}})
	wants(t, err, "ebm.Config.Build: x has shape (Float32)[1, 1], expected [batch, 2]")
}

func TestModelErrors(t *testing.T) {
	b := backendtest.Open(t)
	c := ebm.Config{Data: 3, Hidden: []int{4}}
	m, err := ebm.NewModel(b, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	bare := &ebm.Model{Config: c, Store: model.NewStore(), Backend: b}
	for text, call := range map[string]func() error{
		"ebm.Model.Energy: no rows":                             func() error { _, err := m.Energy(nil); return err },
		"ebm.Model.Score: no rows":                              func() error { _, err := m.Score(nil); return err },
		"ebm.Model.LogProb: no rows":                            func() error { _, err := m.LogProb(nil, 0); return err },
		"ebm.Model.LogZ: a box of 1 dimensions":                 func() error { _, err := m.LogZ(ebm.Box{Lo: []float64{0}, Hi: []float64{1}}, 1); return err },
		"ebm.Model.LogZ: a box from":                            func() error { _, err := m.LogZ(ebm.Box{Lo: make([]float64, 3), Hi: make([]float64, 3)}, 1); return err },
		"ebm.Model.Anneal: 1 chains through 5 temperatures":     func() error { _, err := m.Anneal(1, 5, 1); return err },
		"ebm.Model.Sample: 0 chains of 5 steps of size 0.01":    func() error { _, err := m.Sample(0, ebm.Sampling{Steps: 5}, 1); return err },
		"ebm.Model.Sample: 2 chains of 0 steps":                 func() error { _, err := m.Sample(2, ebm.Sampling{}, 1); return err },
		"ebm.Model.Sample: 2 chains of 5 steps of size -1":      func() error { _, err := m.Sample(2, ebm.Sampling{Steps: 5, Size: -1}, 1); return err },
		"ebm.Model.Path: 2 chains of 0 steps":                   func() error { return last(m.Path(2, ebm.Sampling{}, 1)) },
		"ebm.Model.Energy: the store lacks 4 weights":           func() error { _, err := bare.Energy([][]float64{{1, 2, 3}}); return err },
		"ebm.Model.Sample: sampler.Run.Sample: the store lacks": func() error { _, err := bare.Sample(2, ebm.Sampling{Steps: 2}, 1); return err },
	} {
		wants(t, call(), text)
	}
}
