package cifar

import (
	"context"
	"fmt"
	"io"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/input"
)

// The sizes of the set.
const (
	Side     = 32
	Channels = 3
	Classes  = 10
	TrainLen = 5 * perFile
	TestLen  = perFile

	plane   = Side * Side
	record  = 1 + Channels*plane // a label, then the red, the green and the blue plane, each row by row
	perFile = 10000
)

// ClassNames are the names of the labels.
var ClassNames = [Classes]string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

var (
	trainFiles = []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	testFiles  = []string{"test_batch.bin"}
)

// archive is the file that CIFAR-10 is published as.
var archive = datasets.File{Set: "cifar-10", Name: "cifar-10-binary.tar.gz", Also: []string{"cifar-10-binary.tar"},
	BaseURL: "https://www.cs.toronto.edu/~kriz/", Size: 170052171,
	SHA256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"}

// Load returns CIFAR-10: 50,000 images for training, 10,000 for testing. With s.Dir named, the folder may hold the
// archive, or the unpacked .bin files, or their folder cifar-10-batches-bin.
// It returns an error when the files cannot be found, downloaded or read, or are not of the sizes above.
func Load(ctx context.Context, s datasets.Source) (train, test *datasets.Images, err error) {
	return load(ctx, s, perFile)
}

func load(ctx context.Context, s datasets.Source, n int) (train, test *datasets.Images, err error) {
	batches, err := find(ctx, s, n)
	if err != nil {
		return nil, nil, err
	}
	if train, err = join("cifar-10/train", batches, trainFiles); err != nil {
		return nil, nil, err
	}
	test, err = join("cifar-10/test", batches, testFiles)
	return train, test, err
}

func find(ctx context.Context, s datasets.Source, n int) (map[string]Batch, error) {
	if folder := unpacked(s.Dir); folder != "" {
		return readFolder(folder, n)
	}
	path, err := s.Find(ctx, archive)
	if err != nil {
		return nil, err
	}
	return readArchive(path, n)
}

// Batch is the content of one .bin file.
type Batch struct {
	Pixels []byte  // [n, 32, 32, 3]
	Labels []int32 // [n]
}

// ReadBatch reads a .bin file of n records, to its end; a record is a label and the red, green and blue plane.
// It returns an error that says what was expected and what was found when the file is shorter, longer,
// or has a label above 9.
func ReadBatch(r io.Reader, n int) (Batch, error) {
	data, err := input.Exactly(r, n*record)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{Pixels: make([]byte, n*Channels*plane), Labels: make([]int32, n)}
	for i := range n {
		r := data[i*record : (i+1)*record]
		if r[0] >= Classes {
			return Batch{}, fmt.Errorf("found the label %d in record %d, expected 0..%d", r[0], i, Classes-1)
		}
		b.Labels[i] = int32(r[0])
		channelsLast(b.Pixels[i*Channels*plane:(i+1)*Channels*plane], r[1:])
	}
	return b, nil
}

// channelsLast turns [3, 32, 32] into [32, 32, 3].
func channelsLast(out, planes []byte) {
	for k := range plane {
		for c := range Channels {
			out[Channels*k+c] = planes[c*plane+k]
		}
	}
}

func join(name string, batches map[string]Batch, files []string) (*datasets.Images, error) {
	var all Batch
	for _, file := range files {
		all.Pixels = append(all.Pixels, batches[file].Pixels...)
		all.Labels = append(all.Labels, batches[file].Labels...)
	}
	return datasets.NewImages(name, Side, Side, Channels, 255, all.Pixels, all.Labels)
}
