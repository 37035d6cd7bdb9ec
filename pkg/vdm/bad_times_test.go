package vdm_test

import (
	"math"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// A time between the indices of a discrete schedule has no α, and one outside the process's range no meaning.
func TestTimesThatDoNotExist(t *testing.T) {
	m := exact(d4, gd)
	m.Times = []float64{1, 2.5, 4}
	wantError(t, m.Validate(), "time 2 is 2.5", "indices", "round it")
	model := vdm.Model{Config: tiny, Backend: backend.MustOpen("go")}
	batch, _ := images{[]int{2, 4, 4, 1}}.Batch(0)
	for _, at := range []float64{-.1, 1.5, math.NaN()} {
		_, err := model.LossByTime(batch[0], []float64{.5, at}, 1)
		wantError(t, err, "vdm.Model.LossByTime: times[1] = ", "between TMin = 0 and TMax = 1")
	}
}
