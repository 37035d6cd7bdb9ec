package sampler_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// normalGiven is the denoiser of data N(m, v) for nodes m and v: E[x₀|x_t] = m + vα/(α²v + σ²)·(x_t − αm).
func normalGiven(m, v *Node) param.Denoiser {
	return func(xt, t *Node) *Node {
		alpha := vp.Alpha(t)
		gain := Div(Mul(v, alpha), Add(Mul(Square(alpha), v), Square(vp.Sigma(t))))
		return Add(m, Mul(gain, Sub(xt, Mul(alpha, m))))
	}
}

// starting is a Stepper that starts from x moved by what is given, and carries it along.
type starting struct {
	sampler.Stepper
	by *Node
}

func (s starting) Init(x *Node) sampler.State {
	return sampler.State{X: Add(x, s.by), Aux: []*Node{ZerosLike(x)}}
}

// A run that is given the law of its data draws as one that is built for that law, on both ways, and compiles once for all values.
func TestGiven(t *testing.T) {
	for name, b := range backends(t) {
		t.Run(name, func(t *testing.T) {
			c := check.T(t)
			run := sampler.NewGiven(b, model.NewStore(), func(_ *model.Scope, given []*Node) sampler.Stepper {
				return sampler.DDIM{Process: vp, Denoise: normalGiven(given[0], given[1]), Eta: .5, Last: sampler.LastX0}
			})
			x := sampler.Prior(shapes.Make(dtypes.Float64, 4, 1), 1, 3)
			times := vp.Grid(7)
			compiles := 0
			for i, law := range []oracle.Gaussian{{Mean: []float64{1}, Var: []float64{.5}}, {Mean: []float64{-2}, Var: []float64{.04}}} {
				given := []*tensors.Tensor{tensors.MustFromAnyValue([][]float64{law.Mean}), tensors.MustFromAnyValue([][]float64{law.Var})}
				want := check.Floats(check.Must(sampler.Of(b, sampler.DDIM{Process: vp, Denoise: law.Denoiser(vp), Eta: .5, Last: sampler.LastX0}).Sample(x, times, 5)))
				got := check.Floats(check.Must(run.Sample(x, times, 5, given...)))
				c.Near("Sample", got, want, 1e-10)
				var last []float64
				for p, err := range run.Path(x, times, 5, given...) {
					if err != nil {
						t.Fatal(err)
					}
					last = check.Floats(p.X)
				}
				c.Near("Path", last, want, 1e-10)
				if i == 0 {
					compiles = run.Compiles()
				}
			}
			c.Near("programs compiled for other values", run.Compiles(), compiles, 0)
			per := []float64{1, 2, 3, 4} // one mean a row
			rows := tensors.FromFlatDataAndDimensions(per, 4, 1)
			small := tensors.MustFromAnyValue([][]float64{{1e-12}})
			c.Near("a mean for each row", check.Floats(check.Must(run.Sample(x, times, 5, rows, small))), per, 1e-9)
		})
	}
}

// What is given reaches the first state and stays beside what a Stepper carries.
func TestGivenAtTheStart(t *testing.T) {
	for name, b := range backends(t) {
		t.Run(name, func(t *testing.T) {
			run := sampler.NewGiven(b, model.NewStore(), func(_ *model.Scope, given []*Node) sampler.Stepper {
				return starting{still{given[1]}, given[0]}
			})
			x := tensors.FromFlatDataAndDimensions([]float64{1, 2}, 2, 1)
			given := []*tensors.Tensor{tensors.MustFromAnyValue([][]float64{{10}}), tensors.MustFromAnyValue([][]float64{{.25}})}
			got := check.Floats(check.Must(run.Sample(x, []float64{1, .5, .25, .1}, 1, given...)))
			check.T(t).Near("x + 10 + 3/4", got, []float64{11.75, 12.75}, 1e-14)
		})
	}
}

// still adds a node at every step, and counts the steps.
type still struct{ add *Node }

func (s still) Init(x *Node) sampler.State { return sampler.State{X: x} }

func (s still) Step(_ noise.Source, st sampler.State, _, _ *Node) sampler.State {
	return sampler.State{X: Add(st.X, s.add), Aux: []*Node{AddScalar(st.Aux[0], 1)}}
}

func (still) Check([]float64) error { return nil }

func TestGivenErrors(t *testing.T) {
	x := sampler.Prior(shapes.Make(dtypes.Float64, 4, 1), 1, 3)
	run := sampler.Of(onHost, sampler.DDIM{Process: vp, Denoise: gd.Denoiser(vp)})
	_, err := run.Sample(x, vp.Grid(3), 1, tensors.MustFromAnyValue(1.))
	if err == nil || !strings.Contains(err.Error(), "1 inputs given to a Stepper that takes none") {
		t.Errorf("error %v, want one that says that the Stepper takes none", err)
	}
	_, err = run.Sample(x, vp.Grid(3), 1, nil)
	if err == nil || !strings.Contains(err.Error(), "input 1 of 1 is no valid tensor") {
		t.Errorf("error %v, want one that names the input", err)
	}
}
