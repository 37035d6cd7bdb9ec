package metric_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/metric"
)

func TestIndependent(t *testing.T) {
	c := check.T(t)
	// Two numbers of three levels. First number: levels 0, 0, 1; second: 2, 2, 2.
	got, err := metric.Independent([]byte{0, 2, 0, 2, 1, 2}, []byte{0, 2, 2, 0}, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("by hand: 3/6, 4/6, 1/6, 1/6", got, -(math.Log2(3./6)+math.Log2(4./6)+2*math.Log2(1./6))/4, 1e-15)

	// Of many draws it is the entropy of the numbers, each alone: here the second repeats the first, and is no free lunch.
	rng, drawn := rand.New(rand.NewPCG(1, 2)), make([]byte, 0, 400_000)
	for range cap(drawn) / 2 {
		v := byte(0)
		if rng.Float64() < .2 {
			v = 1
		}
		drawn = append(drawn, v, v)
	}
	got, err = metric.Independent(drawn, drawn, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	c.Near("the entropy of a coin of 0.2", got, -.2*math.Log2(.2)-.8*math.Log2(.8), 6e-3) // 5 standard errors of the share are .0045, its slope is 2

	for want, call := range map[string]func() (float64, error){
		"metric.Independent: 0 numbers of 2 levels, expected at least 1 of both":       func() (float64, error) { return metric.Independent([]byte{1}, []byte{1}, 0, 2) },
		"metric.Independent: 3 numbers, expected a multiple of 2, those of an example": func() (float64, error) { return metric.Independent([]byte{1, 1, 1}, []byte{1, 1}, 2, 2) },
		"metric.Independent: 0 numbers, expected a multiple of 2, those of an example": func() (float64, error) { return metric.Independent([]byte{1, 1}, nil, 2, 2) },
		"metric.Independent: number 1 of example 1 is 2, expected a level below 2":     func() (float64, error) { return metric.Independent([]byte{1, 1, 0, 2}, []byte{1, 1}, 2, 2) },
	} {
		if _, err := call(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
