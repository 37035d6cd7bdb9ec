package guide

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// Scale is the guidance scale γ of ∇log p(x_t) + γ∇log p(y|x_t): 0 ignores the condition y, 1 is Bayes' rule, above 1 y counts
// for more than it should, and below 0 the samples flee from it. Everything that takes a Scale panics unless it is finite.
type Scale float64

// Convention is a way to write a guidance scale. They differ by 1, which is why they get mixed up.
type Convention int

// The conventions, as γ.
const (
	Bayes                   Convention = iota // γ
	HoSalimans                                // w: γ = 1 + w (Ho and Salimans 2022, equation 6)
	UnconditionalClassifier                   // s on an unconditional model: γ = s (Dhariwal and Nichol 2021, algorithms 1 and 2)
	ConditionalClassifier                     // s on a model that knows the class already: γ = 1 + s (ibid., table 4)
	Imagen                                    // w: γ = w (Saharia et al. 2022, equation 2)
	Diffusers                                 // guidance_scale: γ = max(1, guidance_scale), since its pipelines guide only above 1
)

// Conventions holds all of them.
var Conventions = [...]Convention{Bayes, HoSalimans, UnconditionalClassifier, ConditionalClassifier, Imagen, Diffusers}

// String names the convention and its letter.
func (c Convention) String() string {
	if c < Bayes || c > Diffusers {
		return fmt.Sprintf("Convention(%d)", int(c))
	}
	return [...]string{"Bayes γ", "Ho and Salimans w", "Dhariwal and Nichol s, unconditional model", "Dhariwal and Nichol s, conditional model",
		"Imagen w", "diffusers guidance_scale"}[c]
}

// offset returns γ less the convention's number. It panics when c is no Convention.
func (c Convention) offset(function string) float64 {
	switch c {
	case HoSalimans, ConditionalClassifier:
		return 1
	case Bayes, UnconditionalClassifier, Imagen, Diffusers:
		return 0
	}
	panic(fmt.Errorf("guide.%s: %s is no convention, expected Bayes, HoSalimans, UnconditionalClassifier, ConditionalClassifier, Imagen or Diffusers",
		function, c))
}

// From returns the Scale that a number of the given convention stands for. It panics unless the number is finite.
func From(c Convention, value float64) Scale {
	scale := Scale(value + c.offset("From"))
	scale.check("From")
	if c == Diffusers {
		scale = max(scale, 1)
	}
	return scale
}

// In returns the number that stands for γ in the given convention. It panics unless γ is finite, and for Diffusers below 1,
// where there is none.
func (s Scale) In(c Convention) float64 {
	offset := c.offset("Scale.In")
	s.check("Scale.In")
	if c == Diffusers && s < 1 {
		panic(fmt.Errorf("guide.Scale.In: γ = %g has no guidance_scale in diffusers, whose pipelines do not guide at 1 or below: expected γ ≥ 1", float64(s)))
	}
	return float64(s) - offset
}

// check panics unless γ is finite.
func (s Scale) check(function string) {
	if math.IsNaN(float64(s)) || math.IsInf(float64(s), 0) {
		panic(fmt.Errorf("guide.%s: the guidance scale γ = %g, expected a finite number, as 0 (ignores the condition), 1 (Bayes' rule) or 3",
			function, float64(s)))
	}
}

// at returns γ as a node that broadcasts with like.
func (s Scale) at(like *Node) *Node { return Scalar(like.Graph(), like.DType(), float64(s)) }
