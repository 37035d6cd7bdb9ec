package cifar_test

import (
	"bytes"
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets/cifar"
)

// A file of one record, a red ship: the label 8, then the red, the green and the blue plane.
func ExampleReadBatch() {
	file := append([]byte{8}, bytes.Repeat([]byte{255}, 1024)...)
	file = append(file, make([]byte, 2048)...)
	batch, err := cifar.ReadBatch(bytes.NewReader(file), 1)
	fmt.Println(cifar.ClassNames[batch.Labels[0]], batch.Pixels[:6], err)
	_, err = cifar.ReadBatch(bytes.NewReader(file), 2)
	fmt.Println(err)
	// Output:
	// ship [255 0 0 255 0 0] <nil>
	// found 3073 bytes of data, expected 6146: the file is truncated
}
