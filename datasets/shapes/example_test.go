package shapes_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/shapes"
)

func ExampleDraw() {
	x := shapes.Draw(shapes.Circle, shapes.Factors{X: 4, Y: 4, Size: 3, Thickness: 1}, true)
	for row := range shapes.Side {
		fmt.Print("|")
		for _, v := range x[row*shapes.Side : (row+1)*shapes.Side] {
			fmt.Printf("%c", " .:*#"[int(4*v)])
		}
		fmt.Println("|")
	}
	// Output:
	// |        |
	// |  :**:  |
	// | ::  :: |
	// | *    * |
	// | *    * |
	// | ::  :: |
	// |  :**:  |
	// |        |
}

func ExampleTiny() {
	law := shapes.LinesAndCorners()
	fmt.Printf("%d patterns, entropy %.3f nats\n", len(law.Patterns), law.Entropy())
	fmt.Printf("p(top row) = %.4f, p(empty) = %.6f\n", law.Prob(0b000_000_111), law.Prob(0))
	// Output:
	// 12 patterns, entropy 3.320 nats
	// p(top row) = 0.0695, p(empty) = 0.000005
}
