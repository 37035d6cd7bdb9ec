package datasets_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/datasets/toys"
)

// numbered is n images of one pixel whose label is their position; pixel is the same in all.
func numbered(t testing.TB, n int, pixel byte) *datasets.Images {
	t.Helper()
	pixels, labels := make([]byte, n), make([]int32, n)
	for i := range n {
		pixels[i], labels[i] = pixel, int32(i)
	}
	d, err := datasets.NewImages("numbered", 1, 1, 1, 100, pixels, labels)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func labels(t testing.TB, l *datasets.Loader, step int) []int32 {
	t.Helper()
	batch, err := l.Batch(step)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[int32](batch[1])
}

func pixels(t testing.TB, l *datasets.Loader, step int) []float32 {
	t.Helper()
	batch, err := l.Batch(step)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](batch[0])
}

func TestEpochIsPermutation(t *testing.T) {
	data := numbered(t, 10, 0)
	all := []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	l := datasets.MustLoader(data, 3, 5, datasets.Options{KeepRest: true})
	var orders [][]int32
	for epoch := range 3 {
		var order []int32
		for k := range 4 {
			order = append(order, labels(t, l, 4*epoch+k)...)
		}
		if sorted := slices.Sorted(slices.Values(order)); !slices.Equal(sorted, all) {
			t.Errorf("epoch %d gives %v, not each example once", epoch, order)
		}
		orders = append(orders, order)
	}
	if slices.Equal(orders[0], orders[1]) || slices.Equal(orders[1], orders[2]) {
		t.Errorf("epochs share an order: %v", orders)
	}
}

// Without KeepRest, 10 examples in batches of 3 are 3 batches an epoch and step 3 opens epoch 1.
func TestIncompleteBatchIsDropped(t *testing.T) {
	data := numbered(t, 10, 0)
	l := datasets.MustLoader(data, 3, 5, datasets.Options{})
	whole := datasets.MustLoader(data, 3, 5, datasets.Options{KeepRest: true})
	if l.BatchesPerEpoch() != 3 || whole.BatchesPerEpoch() != 4 {
		t.Errorf("%d and %d batches an epoch, want 3 and 4", l.BatchesPerEpoch(), whole.BatchesPerEpoch())
	}
	if got, want := labels(t, l, 3), labels(t, whole, 4); !slices.Equal(got, want) {
		t.Errorf("the first batch of epoch 1 is %v, want %v", got, want)
	}
	if got := labels(t, whole, 3); len(got) != 1 {
		t.Errorf("the last batch has %d examples, want 1", len(got))
	}
}

// Batch is a pure function of the step: any order of calls and any other Loader of the same kind agree.
func TestBatchIsPure(t *testing.T) {
	data := digits.Train()
	for _, b := range []datasets.Binarization{datasets.Intensities, datasets.Static, datasets.Dynamic} {
		one := datasets.MustLoader(data, 64, 3, datasets.Options{Binarize: b})
		two := datasets.MustLoader(data, 64, 3, datasets.Options{Binarize: b})
		want := map[int][]float32{}
		for step := range 60 {
			want[step] = pixels(t, one, step)
		}
		for _, step := range []int{59, 0, 30, 22, 23, 24, 1} {
			if !slices.Equal(pixels(t, two, step), want[step]) || !slices.Equal(pixels(t, one, step), want[step]) {
				t.Errorf("%v: batch %d depends on the calls before it", b, step)
			}
		}
		other := datasets.MustLoader(data, 64, 4, datasets.Options{Binarize: b})
		if slices.Equal(pixels(t, other, 0), want[0]) {
			t.Errorf("%v: seeds 3 and 4 give the same batch", b)
		}
	}
}

// The first place of the shuffled order is uniform on n examples:
// χ² of N epochs' first examples against N/n each has n-1 degrees of freedom; 9 of them exceed 50 with p = 1e-7.
func TestShuffleIsUniform(t *testing.T) {
	const n, epochs = 10, 20000
	for _, place := range []int{0, 9} {
		l := datasets.MustLoader(numbered(t, n, 0), n, 11, datasets.Options{})
		var count [n]float64
		for epoch := range epochs {
			indices, err := l.Indices(epoch)
			if err != nil {
				t.Fatal(err)
			}
			count[indices[place]]++
		}
		chi2 := 0.0
		for _, c := range count {
			chi2 += (c - epochs/n) * (c - epochs/n) / (epochs / n)
		}
		if chi2 > 50 {
			t.Errorf("place %d: χ² = %.1f of 9 degrees of freedom, counts %v", place, chi2, count)
		}
	}
}

// Goroutines that ask for batches of several epochs at once get what one alone gets.
func TestConcurrentBatches(t *testing.T) {
	data := numbered(t, 100, 50)
	shared := datasets.MustLoader(data, 10, 3, datasets.Options{Binarize: datasets.Dynamic})
	alone := datasets.MustLoader(data, 10, 3, datasets.Options{Binarize: datasets.Dynamic})
	var want, got [200][]int32
	for step := range want {
		want[step] = labels(t, alone, step)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for step := worker; step < len(got); step += 4 {
				got[step] = labels(t, shared, step*77%len(got))
			}
		})
	}
	group.Wait()
	for step := range got {
		if !slices.Equal(got[step], want[step*77%len(got)]) {
			t.Fatalf("batch %d is %v, want %v", step*77%len(got), got[step], want[step*77%len(got)])
		}
	}
}

func TestSequential(t *testing.T) {
	l := datasets.MustLoader(numbered(t, 5, 0), 2, 1, datasets.Options{Sequential: true, KeepRest: true})
	for step, want := range [][]int32{{0, 1}, {2, 3}, {4}, {0, 1}} {
		if got := labels(t, l, step); !slices.Equal(got, want) {
			t.Errorf("batch %d is %v, want %v", step, got, want)
		}
	}
}

// Bits of intensity p are 1 with the frequency p within 5 standard errors, under both binarisations.
func TestBinarizationFrequency(t *testing.T) {
	const n = 200000
	for _, b := range []datasets.Binarization{datasets.Static, datasets.Dynamic} {
		for _, pixel := range []byte{0, 3, 50, 97, 100} {
			l := datasets.MustLoader(numbered(t, n, pixel), n, 2, datasets.Options{Binarize: b})
			ones, p := 0.0, float64(pixel)/100
			for _, bit := range pixels(t, l, 0) {
				if bit != 0 && bit != 1 {
					t.Fatalf("%v: a bit is %v", b, bit)
				}
				ones += float64(bit)
			}
			if se := math.Sqrt(p * (1 - p) / n); math.Abs(ones/n-p) > 5*se {
				t.Errorf("%v: frequency %.5f of intensity %v, want within 5 x %.5f", b, ones/n, p, se)
			}
		}
	}
}

// Neighbouring pixels are drawn independently: both are 1 with the frequency p² within 5 standard errors,
// for pairs that share 64 random bits and for pairs that do not.
func TestBinarizationIsIndependent(t *testing.T) {
	const n, p = 200000, 0.5
	data, err := datasets.NewImages("grey", 1, n, 1, 100, bytes.Repeat([]byte{50}, n), []int32{0})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []datasets.Binarization{datasets.Static, datasets.Dynamic} {
		bits := pixels(t, datasets.MustLoader(data, 1, 2, datasets.Options{Binarize: b}), 0)
		for offset := range 2 {
			both, pairs := 0.0, 0.0
			for k := offset; k+1 < n; k += 2 {
				both, pairs = both+float64(bits[k]*bits[k+1]), pairs+1
			}
			if se := math.Sqrt(p * p * (1 - p*p) / pairs); math.Abs(both/pairs-p*p) > 5*se {
				t.Errorf("%v, offset %d: both bits are 1 with the frequency %.5f, want %v within 5 x %.5f", b, offset, both/pairs, p*p, se)
			}
		}
	}
}

// Static bits belong to the example, whatever its batch and place; dynamic bits at p = 1/2 differ in half of the examples
// from one epoch to the next.
func TestBinarizationOverEpochs(t *testing.T) {
	const n, batches = 10000, 100
	differ := func(b datasets.Binarization) (count float64) {
		l := datasets.MustLoader(numbered(t, n, 50), n/batches, 2, datasets.Options{Binarize: b})
		var bits [2][n]float32 // by epoch and example
		for step := range 2 * batches {
			examples := labels(t, l, step)
			for k, bit := range pixels(t, l, step) {
				bits[step/batches][examples[k]] = bit
			}
		}
		for i := range n {
			if bits[0][i] != bits[1][i] {
				count++
			}
		}
		return count
	}
	if d := differ(datasets.Static); d != 0 {
		t.Errorf("static bits of %v examples changed between epochs", d)
	}
	if d, se := differ(datasets.Dynamic), math.Sqrt(n)/2; math.Abs(d-n/2) > 5*se {
		t.Errorf("%v of %d dynamic bits changed, want %d within 5 x %.0f", d, n, n/2, se)
	}
}

// Iter gives epoch 0, then epoch 1, as GoMLX's trainer calls it; it agrees with Batch.
func TestIter(t *testing.T) {
	l := datasets.MustLoader(numbered(t, 10, 0), 3, 5, datasets.Options{})
	step := 0
	for range 2 {
		for batch, err := range l.Iter() {
			if err != nil {
				t.Fatal(err)
			}
			got := tensors.MustCopyFlatData[int32](batch.Labels[0])
			if want := labels(t, l, step); !slices.Equal(got, want) || len(batch.Inputs) != 1 {
				t.Errorf("batch %d: labels %v, want %v; %d inputs, want 1", step, got, want, len(batch.Inputs))
			}
			step++
		}
	}
	if step != 6 {
		t.Errorf("two epochs gave %d batches, want 6", step)
	}
}

func TestBadLoaders(t *testing.T) {
	data := numbered(t, 10, 0)
	_, small := datasets.NewLoader(data, 0, 1, datasets.Options{})
	_, large := datasets.NewLoader(data, 11, 1, datasets.Options{})
	_, kind := datasets.NewLoader(data, 1, 1, datasets.Options{Binarize: 9})
	_, toy := datasets.NewLoader(toys.Segment{A: [2]float64{2, 2}, B: [2]float64{3, 3}}.Sample(5, 1), 1, 1,
		datasets.Options{Binarize: datasets.Dynamic})
	_, step := datasets.MustLoader(data, 2, 1, datasets.Options{}).Batch(-1)
	for _, c := range []struct {
		err  error
		want string
	}{
		{small, "batch of 0, want 1..10"}, {large, "batch of 11, want 1..10"}, {kind, "Binarization(9), want"},
		{toy, "want an intensity in [0, 1]"}, {step, "a step is at least 0"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	pixels := make([]byte, 60000*784)
	for i := range pixels {
		pixels[i] = byte(i * i % 251)
	}
	data, err := datasets.NewImages("benchmark", 28, 28, 1, 255, pixels, make([]int32, 60000))
	if err != nil {
		b.Fatal(err)
	}
	for _, binarize := range []datasets.Binarization{datasets.Intensities, datasets.Static, datasets.Dynamic} {
		b.Run(binarize.String(), func(b *testing.B) {
			l := datasets.MustLoader(data, 128, 1, datasets.Options{Binarize: binarize})
			for step := 0; b.Loop(); step++ {
				if _, err := l.Batch(step); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
