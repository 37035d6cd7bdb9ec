package mnist

import (
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// requireFashion returns Fashion-MNIST from Debian's package. Without it the test is skipped, and fails in CI.
func requireFashion(t testing.TB) (train, test *datasets.Images) {
	t.Helper()
	if _, err := os.Stat(debian); err != nil {
		reason := fmt.Sprintf("%s is not there; install Debian's package dataset-fashion-mnist", debian)
		if os.Getenv("CI") == "true" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	train, test, err := Fashion(t.Context(), datasets.Source{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

// The whole of the real files: the published sizes, 6,000 and 1,000 images of each class, the mean pixel, and the
// bytes: Debian compresses the files anew, but unpacked they must be those that the authors' files unpack to. Sums from
//
//	gunzip -c train-images-idx3-ubyte.gz | sha256sum
//	python3 -c 'import gzip,sys; print(sum(gzip.open(sys.argv[1]).read()[16:]))' train-images-idx3-ubyte.gz
func TestFashion(t *testing.T) {
	train, test := requireFashion(t)
	checkPart(t, train, "fashion-mnist/train", 60000, 3431114169, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")
	checkPart(t, test, "fashion-mnist/test", 10000, 573469082, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b")
	if class := FashionClasses[train.Labels[0]]; class != "ankle boot" {
		t.Errorf("the first training image is a %q, want an ankle boot", class)
	}
}

func checkPart(t *testing.T, d *datasets.Images, name string, n, sum int, hash string) {
	t.Helper()
	if d.Len() != n || d.Size() != 784 || d.Name() != name {
		t.Errorf("%q: %d images of %d pixels, want %q, %d of 784", d.Name(), d.Len(), d.Size(), name, n)
	}
	var counts [Classes]int
	for _, label := range d.Labels {
		counts[label]++
	}
	for class, count := range counts {
		if count != n/Classes {
			t.Errorf("%s: %d images of class %d, want %d", name, count, class, n/Classes)
		}
	}
	for _, v := range d.Pixels {
		sum -= int(v)
	}
	if sum != 0 {
		t.Errorf("%s: the pixels sum to %d less than they should", name, sum)
	}
	file := idx(0x803, []uint32{uint32(n), Side, Side}, d.Pixels)
	if got := fmt.Sprintf("%x", sha256.Sum256(file)); got != hash {
		t.Errorf("%s: the images have the SHA-256 %s, want %s", name, got, hash)
	}
}

func BenchmarkFashionBatch(b *testing.B) {
	train, _ := requireFashion(b)
	for _, binarize := range []datasets.Binarization{datasets.Intensities, datasets.Static, datasets.Dynamic} {
		b.Run(binarize.String(), func(b *testing.B) {
			l := datasets.MustLoader(train, 128, 1, datasets.Options{Binarize: binarize})
			for step := 0; b.Loop(); step++ {
				if _, err := l.Batch(step); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFashionLoad(b *testing.B) {
	for b.Loop() {
		requireFashion(b)
	}
}
