package datasets_test

import (
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
)

func ExampleNewLoader() {
	loader, err := datasets.NewLoader(digits.Train(), 128, 1, datasets.Options{Binarize: datasets.Dynamic})
	if err != nil {
		panic(err)
	}
	batch, err := loader.Batch(0)
	if err != nil {
		panic(err)
	}
	fmt.Println(loader.Name(), loader.BatchesPerEpoch(), "batches an epoch")
	fmt.Println("x", batch[0].Shape(), "labels", batch[1].Shape())
	// Output:
	// digits/train 11 batches an epoch
	// x (Float32)[128, 64] labels (Int32)[128]
}
