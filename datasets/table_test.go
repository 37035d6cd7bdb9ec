package datasets_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

func TestTable(t *testing.T) {
	table := datasets.MustTable("numbers", [][]float64{{1, 2}, {3, 4}, {5, 6}})
	batch, err := table.Gather([]int{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := tensors.MustCopyFlatData[float32](batch[0]); !slices.Equal(got, []float32{5, 6, 1, 2}) || len(batch) != 1 || table.Len() != 3 {
		t.Errorf("rows 2 and 0 of %d are %v, in %d tensors", table.Len(), got, len(batch))
	}
	_, outside := table.Gather([]int{3})
	_, empty := datasets.NewTable("empty", nil)
	_, ragged := datasets.NewTable("ragged", [][]float64{{1, 2}, {3}})
	for err, want := range map[error]string{outside: "numbers: ", empty: "no numbers", ragged: "row 1 has 1 numbers, want 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
