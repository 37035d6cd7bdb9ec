package guide_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
)

// One γ in the ways in which it is written.
func ExampleScale_In() {
	scale := guide.From(guide.HoSalimans, 2)
	for _, c := range guide.Conventions {
		fmt.Printf("%-44s %g\n", c, scale.In(c))
	}
	// Output:
	// Bayes γ                                      3
	// Ho and Salimans w                            2
	// Dhariwal and Nichol s, unconditional model   3
	// Dhariwal and Nichol s, conditional model     2
	// Imagen w                                     3
	// diffusers guidance_scale                     3
}

// Two classes, N(−2, 1) and N(2, 1), seen at ᾱ = ½ and x_t = 0: what is x₀, if it is of the right class?
func ExampleClassifierFree() {
	half, y := kept(.5), 1
	for _, scale := range []guide.Scale{0, 1, 3} {
		d := guide.ClassifierFree(g2.Class(y).Denoiser(half), g2.All().Denoiser(half), scale)
		out, err := CallOnce(backend.MustOpen(backend.PureGo), func(x *Node) *Node { return d(x, OnesLike(x)) }, [][]float64{{0}})
		if err != nil {
			panic(err)
		}
		fmt.Printf("γ = %g: %.2f\n", float64(scale), check.Floats(out)[0])
	}
	// Output:
	// γ = 0: 0.00
	// γ = 1: 1.00
	// γ = 3: 3.00
}
