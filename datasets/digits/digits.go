package digits

import (
	_ "embed"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// The sizes of the set: the first TrainLen images are for training, the remaining TestLen for testing.
const (
	Len      = 1797
	TrainLen = 1500
	TestLen  = Len - TrainLen

	side   = 8
	levels = 16 // a pixel is 0..16
	record = side*side + 1
)

//go:generate go run encode.go digits.csv.gz

//go:embed digits.bin
var embedded []byte

// All returns the 1,797 digits in the order of the source: x in {0, 1/16, ..., 1}, labels 0..9.
func All() *datasets.Images {
	pixels, labels := make([]byte, 0, Len*side*side), make([]int32, 0, Len)
	for rest := embedded; len(rest) > 0; rest = rest[record:] {
		pixels = append(pixels, rest[:record-1]...)
		labels = append(labels, int32(rest[record-1]))
	}
	return must(datasets.NewImages("digits", side, side, 1, levels, pixels, labels))
}

// Train returns the training set, images 0 to 1,499 of All.
func Train() *datasets.Images { return must(All().Slice("digits/train", 0, TrainLen)) }

// Test returns the test set, images 1,500 to 1,796 of All.
func Test() *datasets.Images { return must(All().Slice("digits/test", TrainLen, Len)) }

// must is for errors that only a change of the embedded file can cause; its hash is tested.
func must(d *datasets.Images, err error) *datasets.Images {
	if err != nil {
		panic(err)
	}
	return d
}
