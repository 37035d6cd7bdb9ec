package hvae_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/hvae"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// of evaluates fn of a new model of config c, with its first weights: one flat slice for each output.
func of(t *testing.T, c hvae.Config, fn func(h hvae.HVAE, in []*Node) []*Node, args ...any) [][]float64 {
	t.Helper()
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(4); err != nil {
		t.Fatal(err)
	}
	out, err := model.CallOnceN(backendtest.Open(t), store, func(scope *model.Scope, in []*Node) []*Node {
		return fn(hvae.New(scope, c), in)
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]float64, len(out))
	for i, o := range out {
		values[i] = check.Floats(o)
	}
	return values
}

// table returns [rows][columns] of varied numbers between −1 and 1.
func table(rows, columns, seed int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		for j := range columns {
			out[i] = append(out[i], math.Sin(float64(7*i+3*j+11*seed+1)))
		}
	}
	return out
}

// below evaluates p(x|z₁, …) and p(z₁|z₂, …) of a three-level model at one z₁ and z₂ and two z₃.
func below(t *testing.T, c hvae.Config) (first, second [][]float64) {
	both := of(t, c, func(h hvae.HVAE, z []*Node) []*Node {
		var out []*Node
		for _, z3 := range z[2:] {
			p1 := h.Decode[0]([]*Node{z[1], z3})
			out = append(out, h.Observe([]*Node{z[0], z[1], z3}).Expectation(), p1.Mean, p1.LogStd, h.Decode[1]([]*Node{z3}).Mean)
		}
		return out
	}, table(5, 3, 1), table(5, 2, 2), table(5, 2, 3), table(5, 2, 4))
	return both[:4], both[4:]
}

func TestChapter4Levels(t *testing.T) {
	c, config := check.T(t), hvae.Config{Data: 4, Latents: []int{3, 2, 2}, Hidden: []int{6}}
	t.Run("E4.2 Markovian: with z_{t+1} fixed, z_{t+2} changes no bit", func(t *testing.T) {
		a, b := below(t, config)
		for i, name := range []string{"p(x|z₁)", "the mean of p(z₁|z₂)", "its log σ"} {
			c.True("E4.2 "+name, slices.Equal(a[i], b[i]), fmt.Sprint(len(a[i]), " numbers, the same bits"))
		}
		c.Differ("E4.2 the level right below z₃ does change", a[3], b[3], .01)
	})
	t.Run("E4.1 general: a level sees all higher levels", func(t *testing.T) {
		config := config
		config.General = true
		a, b := below(t, config)
		for i, name := range []string{"p(x|z₁, z₂, z₃)", "p(z₁|z₂, z₃)"} {
			c.Differ("E4.1 z₃ moves "+name, a[i], b[i], .01)
		}
	})
	for _, latents := range [][]int{{3}, {3, 2}, {3, 2, 1}, {2, 2, 2, 2}} {
		t.Run(fmt.Sprintf("E4.1 T = %d", len(latents)), func(t *testing.T) { everyLevel(t, hvae.Config{Data: 4, Latents: latents, Hidden: []int{6}}) })
	}
	t.Run("E4.1 levels that share their networks", func(t *testing.T) {
		config := hvae.Config{Data: 4, Latents: []int{2, 2, 2}, Hidden: []int{6}, Shared: true}
		everyLevel(t, config)
		z := table(5, 2, 3)
		out := of(t, config, func(h hvae.HVAE, z []*Node) []*Node {
			return []*Node{h.Decode[0]([]*Node{z[0], z[0]}).Mean, h.Decode[1](z).Mean, h.Encode[1](z[0]).Mean, h.Encode[2](z[0]).Mean}
		}, z)
		c.Near("E4.1 one decoder", out[0], out[1], 0)
		c.Near("E4.1 one encoder", out[2], out[3], 0)
	})
}

// everyLevel holds the bound's terms of a model of networks against laws that are evaluated by gonum.
func everyLevel(t *testing.T, config hvae.Config) {
	c, top := check.T(t), len(config.Latents)-1
	args := []any{table(5, config.Data, 0)}
	for i, k := range config.Latents {
		args = append(args, table(5, k, i+5))
	}
	out := of(t, config, func(h hvae.HVAE, in []*Node) []*Node {
		levels := h.Levels(noise.Fixed(in[1:]...), in[0], 1)
		terms := []*Node{levels.Terms().Bound(), Reshape(h.LogWeights(noise.Fixed(in[1:]...), in[0], 1), -1), levels.Recon, levels.KL[top]}
		z := h.Path(noise.Fixed(in[1:]...), in[0])
		for t := range z { // q(z_t|z_{t−1}), p(z_t|z_{t+1}) and z_t
			q, p := h.Encode[t](append([]*Node{in[0]}, z...)[t]), h.Encode[0](in[0])
			p.Mean, p.LogStd = ZerosLike(q.Mean), ZerosLike(q.Mean)
			if t < top {
				p = h.Decode[t](z[t+1:])
			}
			terms = append(terms, q.Mean, q.Std(), p.Mean, p.Std(), z[t])
		}
		return terms
	}, args...)
	for row := range 5 {
		bound, logW := out[2][row], out[2][row]
		for t, k := range config.Latents {
			laws := out[4+5*t : 9+5*t]
			for i := row * k; i < (row+1)*k; i++ {
				q, p := distuv.Normal{Mu: laws[0][i], Sigma: laws[1][i]}, distuv.Normal{Mu: laws[2][i], Sigma: laws[3][i]}
				logW += p.LogProb(laws[4][i]) - q.LogProb(laws[4][i])
				if t == top {
					bound -= .5*(q.Sigma*q.Sigma+q.Mu*q.Mu-1) - math.Log(q.Sigma)
					continue
				}
				bound += p.LogProb(laws[4][i]) - q.LogProb(laws[4][i])
			}
		}
		c.Near("E4.1 the bound of a row, factor by factor", out[0][row], bound, 1e-9)
		c.Near("E4.1 its log-weight", out[1][row], logW, 1e-9)
	}
	c.Less("E4.1 the top term is a KL", 0, floats.Min(out[3]))
}

func TestBadInput(t *testing.T) {
	x, z := table(5, 4, 0), table(5, 2, 1)
	good := hvae.Config{Data: 4, Latents: []int{2, 2}, Hidden: []int{6}}
	with := func(edit func(c *hvae.Config)) hvae.Config {
		c := good
		edit(&c)
		return c
	}
	for _, bad := range []struct {
		c    hvae.Config
		want string
	}{
		{with(func(c *hvae.Config) { c.Latents = nil }), "Latents is empty (T = 0)"},
		{with(func(c *hvae.Config) { c.Latents = []int{2, 0} }), "Latents is [2 0], expected sizes of at least 1"},
		{with(func(c *hvae.Config) { c.Data = 0 }), "Data is 0"},
		{with(func(c *hvae.Config) { c.Hidden = []int{-1} }), "Hidden is [-1]"},
		{with(func(c *hvae.Config) { c.Std = -1 }), "Std is -1"},
		{with(func(c *hvae.Config) { c.Observation = 9 }), "Observation is Observation(9)"},
		{with(func(c *hvae.Config) { c.Latents, c.Shared = []int{2, 3}, true }), "Shared with Latents [2 3], expected equal sizes"},
		{with(func(c *hvae.Config) { c.General, c.Shared = true, true }), "Shared and General"},
	} {
		_, err := hvae.NewModel(backendtest.Open(t), bad.c, 1)
		expectError(t, err, "hvae.NewModel: hvae.Config: "+bad.want)
	}
	for want, fn := range map[string]func(h hvae.HVAE, x, z *Node) *Node{
		"hvae.New: Encode got x of shape (Float64)[5, 2], expected [batch, 4]":   func(h hvae.HVAE, x, z *Node) *Node { return h.LogPosterior(z, []*Node{z, z}) },
		"hvae.New: Encode got z_1 of shape (Float64)[5, 4], expected [batch, 2]": func(h hvae.HVAE, x, z *Node) *Node { return h.Encode[1](x).Mean },
		"hvae.New: Decode got z_2 of shape (Float64)[5, 4], expected [batch, 2]": func(h hvae.HVAE, x, z *Node) *Node { return h.LogJoint(x, []*Node{z, x}) },
		"hvae.New: the law below level 2 got 2 levels, expected 1: z_2":          func(h hvae.HVAE, x, z *Node) *Node { return h.Decode[0]([]*Node{z, z}).Mean },
		"hvae.HVAE.LogJoint: 1 levels of latents, expected z₁ … z_T with T = 2":  func(h hvae.HVAE, x, z *Node) *Node { return h.LogJoint(x, []*Node{z}) },
		"hvae.HVAE.LogPosterior: 3 levels":                                       func(h hvae.HVAE, x, z *Node) *Node { return h.LogPosterior(x, []*Node{z, z, z}) },
		"hvae.HVAE.Descend: 0 levels given, expected the highest 1 to 2":         func(h hvae.HVAE, x, z *Node) *Node { return h.Descend(noise.Fixed())[0] },
		"hvae.HVAE.Levels: 0 draws of q, expected at least 1":                    func(h hvae.HVAE, x, z *Node) *Node { return h.Terms(noise.Fixed(), x, 0).Bound() },
		"hvae.HVAE.Levels: 1 laws in Encode and 1 in Decode, expected T ≥ 1 and T−1": func(h hvae.HVAE, x, z *Node) *Node {
			h.Encode = h.Encode[:1]
			return h.Terms(noise.Fixed(), x, 1).Bound()
		},
		"hvae.HVAE.LogJoint: Observe is nil": func(h hvae.HVAE, x, z *Node) *Node {
			h.Observe = nil
			return h.LogJoint(x, []*Node{z, z})
		},
	} {
		_, err := model.CallOnce(backendtest.Open(t), model.NewStore(), func(scope *model.Scope, x, z *Node) *Node {
			return fn(hvae.New(scope, good), x, z)
		}, x, z)
		expectError(t, err, want)
	}
}

func expectError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, expected one with %q", err, want)
	}
}
