package toys_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/toys"
)

func Example() {
	law := toys.EightGaussians()
	points := law.Sample(8000, 1)
	fmt.Println(points.Len(), "points of", len(law.Means), "components with standard deviation", law.StdDevs[0])
	near := 0
	for i, x := range points.X {
		μ := law.Means[points.Label[i]]
		if dx, dy := x[0]-μ[0], x[1]-μ[1]; dx*dx+dy*dy < 1 {
			near++
		}
	}
	fmt.Println(near, "of them lie within 1 of their component's mean")
	// Output:
	// 8000 points of 8 components with standard deviation 0.2
	// 8000 of them lie within 1 of their component's mean
}
