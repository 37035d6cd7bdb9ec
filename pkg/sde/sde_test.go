package sde_test

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// TestForward holds f x and g of VP at t = .5 against −½βx and √β with β = .1+19.9t.
func TestForward(t *testing.T) {
	p := process.Process{Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 0, TMax: 1}
	got := backendtest.Floats(t, func(x, at *Node) *Node {
		s := sde.Forward(p)
		return Concatenate([]*Node{s.Drift(x, at), Square(s.Diffusion(at))}, 0)
	}, [][]float64{{2}}, [][]float64{{.5}})
	check.T(t).Near("VP's drift and diffusion", got, []float64{-10.05, 10.05}, 1e-12)
}
