package shapes

import (
	"math"
	"strings"
	"testing"
)

// A ring carries its centre and its mean radius, to within a twentieth of a pixel.
func TestMeasure(t *testing.T) {
	for _, f := range []Factors{{4, 4, 3, 1}, {3.2, 4.7, 2.5, .8}, {4.6, 3.9, 2, 1.2}} {
		x := []float64{}
		for _, v := range Draw(Circle, f, true) {
			x = append(x, float64(v))
		}
		got := Measure(x)
		s, r := f.Size, f.Size-f.Thickness
		radius := 2. / 3 * (s*s*s - r*r*r) / (s*s - r*r)
		if math.Hypot(got.X-f.X, got.Y-f.Y) > .05 || math.Abs(got.Radius-radius) > .05 {
			t.Errorf("%+v measures %+v", f, got)
		}
	}
	one := make([]float64, 64)
	one[2*Side+5], one[0] = 3, -1
	if got := Measure(one); got != (Measured{5.5, 2.5, 0}) {
		t.Errorf("one pixel measures %+v", got)
	}
	for want, x := range map[string][]float64{"3 intensities": {1, 2, 3}, "no intensity": make([]float64, 64)} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("panic %v, want one with %q", err, want)
				}
			}()
			Measure(x)
		}()
	}
}
