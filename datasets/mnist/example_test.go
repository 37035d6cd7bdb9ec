package mnist_test

import (
	"bytes"
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/mnist"
)

// The magic number says: unsigned bytes (08), two axes; then the lengths 2 and 3, then the data.
func ExampleReadIDX() {
	file := []byte{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 22}
	dims, data, err := mnist.ReadIDX(bytes.NewReader(file), 2)
	fmt.Println(dims, data, err)
	_, _, err = mnist.ReadIDX(bytes.NewReader(file[:15]), 2)
	fmt.Println(err)
	// Output:
	// [2 3] [10 11 12 20 21 22] <nil>
	// found 3 bytes of data, expected 6: the file is truncated
}
