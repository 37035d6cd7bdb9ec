package datasets_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

// three images of 2x1x2 with pixels 0..11, of 16 levels.
func three(t *testing.T) *datasets.Images {
	t.Helper()
	pixels := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16}
	d, err := datasets.NewImages("three", 2, 1, 2, 16, pixels, []int32{7, 8, 9})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGather(t *testing.T) {
	d := three(t)
	for _, c := range []struct {
		data *datasets.Images
		dims []int
	}{{d, []int{3, 4}}, {d.Spatial(), []int{3, 2, 1, 2}}} {
		batch, err := c.data.Gather([]int{2, 0, 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := batch[0].Shape().Dimensions; !slices.Equal(got, c.dims) {
			t.Errorf("x has the shape %v, want %v", got, c.dims)
		}
		last := []float32{8. / 16, 9. / 16, 10. / 16, 1}
		want := slices.Concat(last, []float32{0, 1. / 16, 2. / 16, 3. / 16}, last)
		if got := tensors.MustCopyFlatData[float32](batch[0]); !slices.Equal(got, want) {
			t.Errorf("x = %v, want %v", got, want)
		}
		if got := tensors.MustCopyFlatData[int32](batch[1]); !slices.Equal(got, []int32{9, 7, 9}) {
			t.Errorf("labels = %v, want [9 7 9]", got)
		}
	}
}

func TestSlice(t *testing.T) {
	s, err := three(t).Slice("tail", 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.At(1); !slices.Equal(got, []float32{0.5, 9. / 16, 10. / 16, 1}) || s.Len() != 2 || s.Name() != "tail" {
		t.Errorf("Slice(1, 3): %q of %d images, the second %v", s.Name(), s.Len(), got)
	}
}

func TestBadImages(t *testing.T) {
	d := three(t)
	_, range1 := d.Gather([]int{3})
	_, range2 := d.Gather([]int{-1})
	_, none := d.Gather(nil)
	_, slice := d.Slice("x", 2, 2)
	_, few := datasets.NewImages("few", 2, 2, 1, 255, make([]byte, 7), make([]int32, 2))
	_, bright := datasets.NewImages("bright", 1, 2, 1, 16, []byte{1, 2, 3, 17}, make([]int32, 2))
	_, rows := datasets.Rows([]float32{1, 2, 3}, []int{0}, 2)
	for _, c := range []struct {
		err  error
		want string
	}{
		{range1, "three: index 3 is outside 0..2"},
		{range2, "index -1 is outside 0..2"},
		{none, "no indices"},
		{slice, "[2, 2) of \"three\", want a part of [0, 3)"},
		{few, "7 pixels for 2 labels, want 8"},
		{bright, "pixel 1 of image 1 is 17, want at most 16"},
		{rows, "3 values are no whole number of rows"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", c.err, c.want)
		}
	}
}
