package digits_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/digits"
)

func Example() {
	train := digits.Train()
	fmt.Println(train.Len(), "training images, the first is a", train.Labels[0])
	x := train.At(0)
	for row := range 8 {
		fmt.Print("|")
		for _, v := range x[8*row : 8*row+8] {
			fmt.Printf("%c", " .:*#"[int(4*v)])
		}
		fmt.Println("|")
	}
	// Output:
	// 1500 training images, the first is a 0
	// |  .*:   |
	// |  **:*. |
	// |  *  :: |
	// | .*  :: |
	// | .:  :: |
	// | .:  *. |
	// |  *.:*  |
	// |  .*:   |
}
