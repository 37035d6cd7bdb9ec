package digits

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// The hash of digits.bin as encode.go wrote it.
const sum = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"

func TestHash(t *testing.T) {
	if got := fmt.Sprintf("%x", sha256.Sum256(embedded)); got != sum {
		t.Errorf("digits.bin has the SHA-256 %s, want %s; write it again with encode.go", got, sum)
	}
}

// The class counts are those that the UCI repository states for its test set (file optdigits.names);
// the sum of all pixels is what another reader of the source makes of it:
//
//	zcat digits.csv.gz | awk -F, '{for (i = 1; i < 65; i++) s += $i} END {print s}'
func TestAgainstSource(t *testing.T) {
	d := All()
	var counts [10]int
	total := 0.0
	for i, label := range d.Labels {
		counts[label]++
		for _, v := range d.At(i) {
			total += float64(v)
		}
	}
	if want := [10]int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; counts != want {
		t.Errorf("class counts %v, want %v", counts, want)
	}
	if sum := 16 * total; sum != 561718 {
		t.Errorf("the pixels sum to %v, want 561718", sum)
	}
}

func TestSplit(t *testing.T) {
	all, train, test := All(), Train(), Test()
	if all.Len() != 1797 || train.Len() != 1500 || test.Len() != 297 {
		t.Fatalf("%d digits, %d for training, %d for testing; want 1797, 1500, 297", all.Len(), train.Len(), test.Len())
	}
	for i := range Len {
		got, k := train, i
		if i >= TrainLen {
			got, k = test, i-TrainLen
		}
		if got.Labels[k] != all.Labels[i] || fmt.Sprint(got.At(k)) != fmt.Sprint(all.At(i)) {
			t.Fatalf("image %d of the split is not image %d of All", k, i)
		}
	}
}
