package ncsn_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/toys"
	"github.com/lowerbound-ml/lowerbound/pkg/ncsn"
)

// The levels for eight Gaussians in the plane, and the Langevin steps for ten of them at each level.
func Example() {
	var x [][]float64
	for _, p := range toys.EightGaussians().Sample(500, 1).X {
		x = append(x, p[:])
	}
	c, err := ncsn.ConfigFor(x, .05)
	if err != nil {
		panic(err)
	}
	ratio := c.Levels[0] / c.Levels[1]
	eps, err := ncsn.StepSize(ratio, .05, 10)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d levels from %.1f to %.2f\n", len(c.Levels), c.Levels[0], c.Levels[len(c.Levels)-1])
	fmt.Printf("after 10 steps the variance of a level is %.2f of its own; it began at %.2f\n", ncsn.FinalVariance(ratio, eps, .05, 10), ratio*ratio)
	// Output:
	// 11 levels from 5.3 to 0.05
	// after 10 steps the variance of a level is 1.13 of its own; it began at 2.54
}
