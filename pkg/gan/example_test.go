package gan_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/pkg/gan"
)

// Fakes that all lie at the data's mean fool every discriminator that is linear in x. One that sees x² as well catches them.
func Example() {
	data := gan.Points{X: [][]float64{{-2}, {-1}, {1}, {2}}}
	fakes := gan.Points{X: [][]float64{{0}}}
	for _, see := range []gan.Features{gan.Linear, gan.Quadratic} {
		best, err := gan.Best(see, data, fakes)
		if err != nil {
			panic(err)
		}
		fmt.Printf("V = %.4f, accuracy %.0f %%\n", best.Value+0, 100*best.Accuracy)
	}
	// Output:
	// V = -1.3863, accuracy 50 %
	// V = -0.0000, accuracy 100 %
}
