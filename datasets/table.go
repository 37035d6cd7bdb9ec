package datasets

import (
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"
)

// Table is a data set of rows of numbers in memory. Gather gives x float32 [batch, width].
type Table struct {
	name  string
	width int
	x     []float32
}

var _ Data = (*Table)(nil)

// NewTable copies rows, which all have one width. It returns an error when there are none, or when their widths differ.
func NewTable(name string, rows [][]float64) (*Table, error) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, fmt.Errorf("datasets.NewTable(%q): no numbers, want at least one row of one", name)
	}
	t := &Table{name: name, width: len(rows[0])}
	for i, row := range rows {
		if len(row) != t.width {
			return nil, fmt.Errorf("datasets.NewTable(%q): row %d has %d numbers, want %d as row 0", name, i, len(row), t.width)
		}
		for _, v := range row {
			t.x = append(t.x, float32(v))
		}
	}
	return t, nil
}

// MustTable is NewTable for notebooks and tests: it panics with NewTable's error.
func MustTable(name string, rows [][]float64) *Table {
	t, err := NewTable(name, rows)
	if err != nil {
		panic(err)
	}
	return t
}

// Name implements Data.
func (t *Table) Name() string { return t.name }

// Len implements Data: the number of rows.
func (t *Table) Len() int { return len(t.x) / t.width }

// Gather implements Data.
func (t *Table) Gather(indices []int) ([]*tensors.Tensor, error) {
	x, err := Rows(t.x, indices, t.width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	return []*tensors.Tensor{x}, nil
}
