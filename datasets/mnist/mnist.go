package mnist

import (
	"context"
	"fmt"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/input"
)

// The sizes of both sets.
const (
	Side     = 28
	Classes  = 10
	TrainLen = 60000
	TestLen  = 10000
)

// FashionClasses are the names of Fashion-MNIST's labels.
var FashionClasses = [Classes]string{"T-shirt/top", "trouser", "pullover", "dress", "coat",
	"sandal", "shirt", "sneaker", "bag", "ankle boot"}

// Digits returns MNIST, the handwritten digits (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied
// to document recognition"): 60,000 images for training, 10,000 for testing.
// It returns an error when a file cannot be found, downloaded or read, or is not of the sizes above.
func Digits(ctx context.Context, s datasets.Source) (train, test *datasets.Images, err error) {
	return load(ctx, s, digits)
}

// Fashion returns Fashion-MNIST, articles of clothing (Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a novel image
// dataset for benchmarking machine learning algorithms"): 60,000 images for training, 10,000 for testing.
// It returns an error as Digits does.
func Fashion(ctx context.Context, s datasets.Source) (train, test *datasets.Images, err error) {
	return load(ctx, s, fashion)
}

func load(ctx context.Context, s datasets.Source, set set) (train, test *datasets.Images, err error) {
	if train, err = set.read(ctx, s, "train", set.trainImages, set.trainLabels, TrainLen); err != nil {
		return nil, nil, err
	}
	if test, err = set.read(ctx, s, "test", set.testImages, set.testLabels, TestLen); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}

func (s set) read(ctx context.Context, source datasets.Source, part string, images, labels entry, n int) (*datasets.Images, error) {
	imagePath, err := source.Find(ctx, s.file(images))
	if err != nil {
		return nil, err
	}
	labelPath, err := source.Find(ctx, s.file(labels))
	if err != nil {
		return nil, err
	}
	d, err := ReadImages(s.name+"/"+part, imagePath, labelPath)
	if err != nil {
		return nil, err
	}
	if d.Len() != n || d.Height != Side || d.Width != Side {
		return nil, fmt.Errorf("mnist: %s: found %d images of %dx%d, expected %d of %dx%d",
			imagePath, d.Len(), d.Height, d.Width, n, Side, Side)
	}
	return d, nil
}

// ReadImages reads a pair of IDX files, plain or gzip'd: images [n, height, width] and labels [n] below 10.
// It returns an error that names the file when one is no such file or the two differ in n.
func ReadImages(name, images, labels string) (*datasets.Images, error) {
	dims, pixels, err := readFile(images, 3)
	if err != nil {
		return nil, err
	}
	count, classes, err := readFile(labels, 1)
	if err != nil {
		return nil, err
	}
	if count[0] != dims[0] {
		return nil, fmt.Errorf("mnist: %s: found %d labels, expected one for each of the %d images of %s",
			labels, count[0], dims[0], images)
	}
	ids := make([]int32, len(classes))
	for i, c := range classes {
		if c >= Classes {
			return nil, fmt.Errorf("mnist: %s: found the label %d at %d, expected 0..%d", labels, c, i, Classes-1)
		}
		ids[i] = int32(c)
	}
	return datasets.NewImages(name, dims[1], dims[2], 1, 255, pixels, ids)
}

func readFile(path string, axes int) ([]int, []byte, error) {
	file, err := input.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("mnist: %w", err)
	}
	defer file.Close()
	dims, data, err := ReadIDX(file, axes)
	if err != nil {
		return nil, nil, fmt.Errorf("mnist: %s: %w", path, err)
	}
	return dims, data, nil
}
