package sampler_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/show"
)

func TestFrame(t *testing.T) {
	rows := func(x *tensors.Tensor, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		label, rows := sampler.Point{T: .25, X: x}.Frame()
		return fmt.Sprint(label, rows)
	}
	c := check.T(t)
	c.True("float64 [2, 3]", rows(tensors.FromAnyValue([][]float64{{1, 2, 3}, {4, 5, 6}})) == "t = 0.25[[1 2 3] [4 5 6]]", "rows")
	c.True("float32 images [2, 1, 2, 1]", rows(tensors.FromAnyValue([][][][]float32{{{{1}, {2}}}, {{{3}, {4}}}})) == "t = 0.25[[1 2] [3 4]]", "rows")
}

// TestStripOfAPath shows a whole run by one call.
func TestStripOfAPath(t *testing.T) {
	p := process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	run := sampler.Of(backend.MustOpen(backend.PureGo), sampler.DDIM{Process: p, Denoise: oracle.Points{{2, 0}}.Denoiser(p)})
	path := run.Path(tensors.FromValue([][]float64{{-1, 1}, {3, 0}}), p.Grid(4), 1)
	strip, err := show.Strip(show.Grid{Title: "t", ImageHeight: 1, ImageWidth: 2}, 5, path, sampler.Point.Frame)
	if err != nil {
		t.Fatal(err)
	}
	c := check.T(t)
	c.True("the times", fmt.Sprint(strip.ColumnLabels) == "[t = 4.00 t = 3.00 t = 2.00 t = 1.00 t = 0.00]", fmt.Sprint(strip.ColumnLabels))
	c.Near("each row starts at its noise", append(strip.Images[0], strip.Images[5]...), []float64{-1, 1, 3, 0}, 0)
	c.Near("and ends at the data", append(strip.Images[4], strip.Images[9]...), []float64{2, 0, 2, 0}, 1e-12)
}
