package sde_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// TestBrownian draws dx = dw from 0 over [0, 1], 4000 paths of 128 steps.
func TestBrownian(t *testing.T) {
	const n, paths = 128, 4000
	brownian := sde.SDE{Drift: func(x, _ *Node) *Node { return ZerosLike(x) }, Diffusion: OnesLike}
	times := floats.Span(make([]float64, n+1), 0, 1)
	out := call(t, func(x *Node) []*Node { return brownian.Path(sliced(x, 83, n), x, times) }, make2(paths))
	w := make([][]float64, n+1)
	for i := range w {
		w[i] = check.Floats(out[i])
	}
	var all, neighbours, quadratic, coarse, end []float64
	for p := range paths {
		squares, halves, last := 0.0, 0.0, 0.0
		for i := range n {
			d := w[i+1][p] - w[i][p]
			squares += d * d
			if i > 0 {
				neighbours = append(neighbours, d*last*n)
			}
			if i%8 == 0 {
				halves += math.Pow(w[i+8][p]-w[i][p], 2)
				all = append(all, d*math.Sqrt(n))
			}
			last = d
		}
		quadratic, coarse, end = append(quadratic, squares), append(coarse, halves), append(end, w[n][p])
	}
	t.Run("E8.3 increments are N(0, dt)", func(t *testing.T) {
		check.T(t).KS("over √dt", all, distuv.UnitNormal.CDF, 1e-7)
		check.T(t).KS("w(1)", end, distuv.UnitNormal.CDF, 1e-7)
	})
	t.Run("E8.3 and independent", func(t *testing.T) {
		check.T(t).MC("neighbours' product over dt", neighbours, 0, .002)
		var halves []float64
		for p := range paths {
			halves = append(halves, 2*w[n/2][p]*(w[n][p]-w[n/2][p]))
		}
		check.T(t).MC("two halves", halves, 0, .02)
	})
	t.Run("E8.3 quadratic variation over [0, 1]", func(t *testing.T) {
		check.T(t).MC("Σ(Δw)²", quadratic, 1, .003)
		// Its variance over paths is 2/n: a number in the limit. (χ²_n)² has the fourth cumulant 48n, over n⁴.
		for steps, values := range map[float64][]float64{n: quadratic, n / 8: coarse} {
			spread := make([]float64, paths)
			for i, v := range values {
				spread[i] = (v - 1) * (v - 1) * steps / 2
			}
			check.T(t).MC("its variance, in units of 2/n", spread, 1, .06)
		}
	})
}

// make2 is n rows of one zero.
func make2(n int) [][]float64 { return column(make([]float64, n)...) }

// TestPath takes the steps one by one, and an ODE needs no noise.
func TestPath(t *testing.T) {
	times, back := []float64{.1, .3, .2 + .3}, sde.Forward(vpf).Reverse(gd.Score(vpf))
	falling := []float64{.5, .3, .1}
	out := call(t, func(x *Node) []*Node {
		forward := sde.Forward(vpf)
		paths := append(forward.Path(sliced(x, 1, 2), x, times), back.Path(sliced(x, 2, 2), x, falling)...)
		paths = append(paths, forward.ProbabilityFlow(gd.Score(vpf)).Path(nil, x, falling)...)
		at := func(t float64) *Node { return Const(x.Graph(), [][]float64{{t}}) }
		flow, src, src2 := forward.ProbabilityFlow(gd.Score(vpf)), sliced(x, 1, 2), sliced(x, 2, 2)
		x1 := forward.Step(x, at(.1), at(.3)).Sample(src)
		y1 := back.Step(x, at(.5), at(.3)).Sample(src2)
		z1 := flow.Step(x, at(.5), at(.3)).Mean
		return append(paths, x, x1, forward.Step(x1, at(.3), at(.5)).Sample(src), x, y1, back.Step(y1, at(.3), at(.1)).Sample(src2),
			x, z1, flow.Step(z1, at(.3), at(.1)).Mean)
	}, column(.4, -1, 2))
	for i := range 9 {
		check.T(t).Near("a path's points", out[i], out[9+i], 1e-14)
	}
}
