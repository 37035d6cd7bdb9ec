package sampler_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// halving halves x until all of it is below 1; Aux counts its steps.
type halving struct{}

func (halving) Init(x *Node) sampler.State {
	return sampler.State{X: x, Aux: []*Node{ScalarZero(x.Graph(), x.DType())}}
}

func (halving) Step(_ noise.Source, st sampler.State, _, _ *Node) sampler.State {
	return sampler.State{X: MulScalar(st.X, .5), Aux: []*Node{OnePlus(st.Aux[0])}}
}

func (halving) Check([]float64) error { return nil }

func (halving) Done(st sampler.State) *Node {
	return LessThan(ReduceAllMax(st.X), ScalarOne(st.X.Graph(), st.X.DType()))
}

func (halving) Explain(aux []*tensors.Tensor, row int) string {
	return fmt.Sprintf("halved %g times, row %d", tensors.ToScalar[float64](aux[0]), row)
}

// TestFinisher holds a Stepper that ends by itself: 12 needs 4 halvings to .75, however many times are left, and 3 are an
// error that says how far it got.
func TestFinisher(t *testing.T) {
	for name, b := range backends(t) {
		run := sampler.Of(b, halving{})
		x := tensors.FromValue([][]float64{{12}, {3}})
		for _, n := range []int{4, 9} {
			last, err := run.SampleState(x, sampler.Count(n), 1)
			if err != nil {
				t.Fatal(err)
			}
			got := append(check.Floats(last.X), check.Floats(last.Aux[0])...)
			check.T(t).Near(fmt.Sprintf("%s, %d times", name, n), append(got, float64(last.Steps)), []float64{.75, .1875, 4, 4}, 0)
			last.Finalize()
			points := path(t, run, x, sampler.Count(n), 1)
			check.T(t).Near(name+": as many points", float64(len(points)), 5., 0)
		}
		_, err := run.Sample(x, sampler.Count(3), 1)
		if want := "not done after 3 steps: halved 3 times, row -1"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, 3 steps: error %v, want one with %q", name, err, want)
		}
		run.Finalize()
	}
}
