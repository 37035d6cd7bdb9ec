package sde_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// span is n equal steps of VP's times.
func span(n int) []float64 { return floats.Span(make([]float64, n+1), vpf.TMin, 1) }

// euler is the stochastic flow of VP by Euler maps along one path, for all rows of x.
func euler(x *Node, n int, seed int64) sde.StochasticFlow {
	one := Slice(x, AxisRange(0, 1))
	return sde.StochasticFlow{Rule: sde.Forward(vpf).Ito().Euler, Noise: sde.DrawBrownian(noise.FromSeed(x.Graph(), seed), one, span(n))}
}

// kept is Π(1 − β(t_i)h/2) over the steps from index s to index u of span(n): what an Euler map of VP keeps of a difference.
func kept(n, s, u int) float64 {
	product, times := 1.0, span(n)
	for i := s; i < u; i++ {
		product *= 1 - beta(times[i])*(times[i+1]-times[i])/2
	}
	return product
}

func TestStochasticFlow(t *testing.T) {
	const n, s, at, u = 64, 5, 20, 61
	starts := []float64{-1.5, .3, 2}
	out := call(t, func(x *Node) []*Node {
		flow := euler(x, n, 10)
		whole := append([]*Node{flow.Map(x, s, u), flow.Map(flow.Map(x, s, at), at, u), flow.Map(x, at, at)}, flow.Noise.Steps...)
		return append(whole, flow.Trajectory(x, s, u)[at-s])
	}, column(starts...))
	t.Run("E10.10 φ_{s,u} = φ_{t,u} ∘ φ_{s,t} on one path, exactly", func(t *testing.T) {
		check.T(t).Near("E10.10 the map and its two parts", out[0], out[1], 1e-9)
		check.T(t).Near("E10.10 φ_{t,t} is the identity", out[2], starts, 0)
	})
	t.Run("E10.10 the maps by hand: x Π(1−βh/2) and the noise that is left", func(t *testing.T) {
		by := func(x float64, to int) float64 { // the affine solution of the recursion
			x *= kept(n, s, to)
			for i := s; i < to; i++ {
				x += math.Sqrt(beta(span(n)[i])) * check.Floats(out[3+i])[0] * kept(n, i+1, to)
			}
			return x
		}
		var end, middle []float64
		for _, x := range starts {
			end, middle = append(end, by(x, u)), append(middle, by(x, at))
		}
		check.T(t).Near("E10.10 Map", out[0], end, 1e-9)
		check.T(t).Near("E10.10 Trajectory", out[3+n], middle, 1e-9)
	})
}

func TestTwoStartsContract(t *testing.T) {
	var h, miss []float64
	for _, n := range []int{32, 64, 128} {
		ends := floatsOf(t, func(x *Node) *Node { return euler(x, n, 11).Map(x, 0, n) }, column(-2, 1))
		product := kept(n, 0, n)
		check.T(t).Near("E10.10 two starts, one path: the difference shrinks by Π(1 − β_i dt/2)", ends[1]-ends[0], 3*product, 1e-9)
		h, miss = append(h, 1/float64(n)), append(miss, math.Abs((ends[1]-ends[0])/3-alpha(1)/alpha(vpf.TMin)))
	}
	check.T(t).Order("E10.10 which tends to e^{−B/2}", h, miss, 1, .15)
}

// TestRandomSequence is X26: maps that draw their noise anew have the right laws, and are no flow.
func TestRandomSequence(t *testing.T) {
	const n, at, rows = 32, 12, 20_000
	out := call(t, func(x *Node) []*Node {
		fresh := func(x *Node, from, to int, seed int64) *Node { // each row and each call its own path
			rule := sde.Forward(vpf).Ito().Euler
			w := sde.DrawBrownian(noise.FromSeed(x.Graph(), seed), x, span(n))
			return sde.StochasticFlow{Rule: rule, Noise: w}.Map(x, from, to)
		}
		return []*Node{fresh(x, 0, n, 1), fresh(fresh(x, 0, at, 2), at, n, 3)}
	}, column(make([]float64, rows)...))
	variance := 0.0 // of the end, from 0
	for i := range n {
		keep := kept(n, i+1, n)
		variance += beta(span(n)[i]) * (1 - vpf.TMin) / n * keep * keep
	}
	whole, parts, apart := check.Floats(out[0]), check.Floats(out[1]), make([]float64, rows)
	for i := range whole {
		apart[i] = (whole[i] - parts[i]) * (whole[i] - parts[i])
		whole[i], parts[i] = whole[i]*whole[i], parts[i]*parts[i]
	}
	check.T(t).MC("E10.10 X26 the whole way has the law of the flow: its variance", whole, variance, .02)
	check.T(t).MC("E10.10 X26 so have the two parts", parts, variance, .02)
	check.T(t).MC("E10.10 X26 but they end elsewhere: the mean square of the difference is twice the variance", apart, 2*variance, .05)
}

func TestBrownianPath(t *testing.T) {
	c, times := check.T(t), []float64{.2, .3, .7, .8, 1}
	out := call(t, func(x *Node) []*Node {
		all := Const(x.Graph(), [][][]float64{{{1}}, {{2}}, {{-3}}, {{4}}})
		w, back := sde.DrawBrownian(noise.Fixed(all), x, times), sde.DrawBrownian(noise.Fixed(all), x, []float64{1, .9, .5, .4, .2})
		half := w.Coarsen(2)
		return []*Node{w.Steps[1], back.Steps[1], w.Between(1, 3), w.Between(2, 2), half.Steps[0], half.Steps[1], Const(x.Graph(), half.Times)}
	}, column(0))
	get := func(i int) float64 { return check.Floats(out[i])[0] }
	r := math.Sqrt
	c.Near("a step is √dt ε", get(0), 2*r(.4), 1e-14)
	c.Near("towards falling times √|dt| ε", get(1), 2*r(.4), 1e-14)
	c.Near("Between sums", get(2), 2*r(.4)-3*r(.1), 1e-14)
	c.Near("an empty sum", get(3), 0, 0)
	c.Near("Coarsen sums neighbours", []float64{get(4), get(5)}, []float64{r(.1) + 2*r(.4), -3*r(.1) + 4*r(.2)}, 1e-14)
	c.Near("and keeps their times", check.Floats(out[6]), []float64{.2, .7, 1}, 0)
	w := func(x *Node) sde.Brownian { return sde.DrawBrownian(noise.FromSeed(x.Graph(), 1), x, times) }
	for want, build := range map[string]func(x *Node) *Node{
		"sde.DrawBrownian: times[2] = 0.5 after":   func(x *Node) *Node { return sde.DrawBrownian(nil, x, []float64{0, 1, .5}).Steps[0] },
		"sde.Brownian.Between: from time 3 to":     func(x *Node) *Node { return w(x).Between(3, 2) },
		"sde.Brownian.Coarsen: k = 3 for 4 steps":  func(x *Node) *Node { return w(x).Coarsen(3).Steps[0] },
		"sde.Brownian.Map: from time 0 to time 5":  func(x *Node) *Node { return sde.StochasticFlow{Noise: w(x)}.Map(x, 0, 5) },
		"sde.Brownian.Map: from time -1 to time 2": func(x *Node) *Node { return sde.StochasticFlow{Noise: w(x)}.Map(x, -1, 2) },
		"sde.Brownian.Map: 0 times for 0 steps":    func(x *Node) *Node { return sde.StochasticFlow{}.Map(x, 0, 0) },
		"sde.Particle: diffusion constant 0":       func(x *Node) *Node { return sde.Particle(0).Drift(x, x) },
	} {
		if _, err := CallOnce(pureGo(t), build, column(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
