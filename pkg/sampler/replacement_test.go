package sampler_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// couple is two numbers that know of each other; its second given that its first is 2 is N(−.2, .36).
var couple = oracle.Correlated{Mean: []float64{1, -1}, Cov: mat.NewSymDense(2, []float64{1, .8, .8, 1})}

// firstIs is the knowledge of the first of two numbers.
func firstIs(y float64) guide.Known {
	return guide.Pixels([]bool{true, false}, guide.Values([][]float64{{y, 77}}))
}

// One step by hand: the known part is α_s y + σ_s ε, the other what the Stepper made of it; back to t it is noised as a whole.
func TestReplacementStep(t *testing.T) {
	out := backendtest.Call(t, func(x *Node) []*Node {
		at := func(t float64) *Node { return ConstAs(x, [][]float64{{t}}) }
		draw := func(v ...float64) *Node { return ConstAs(x, [][]float64{v}) }
		e1, e2, e3, e4, e5 := draw(.3, -1), draw(1.2, .4), draw(-.7, .9), draw(.1, -.2), draw(.5, .6)
		plain := sampler.DDIM{Process: d4, Denoise: couple.Denoiser(d4), Eta: 1}
		step := func(r int, noises ...*Node) *Node {
			replaced := sampler.Replacement{Stepper: plain, Process: d4, Known: firstIs(2), Repeats: r}
			return replaced.Step(noise.Fixed(noises...), sampler.State{X: x}, at(3), at(2)).X
		}
		byHand := func(x, stepNoise, own *Node) *Node {
			moved := plain.Step(noise.Fixed(stepNoise), sampler.State{X: x}, at(3), at(2)).X
			first := Add(MulScalar(d4.Alpha(at(2)), 2), Mul(d4.Sigma(at(2)), Slice(own, AxisRange(), AxisElem(0))))
			return Concatenate([]*Node{first, Slice(moved, AxisRange(), AxisElem(1))}, 1)
		}
		once := byHand(x, e1, e2)
		twice := byHand(d4.Transition(once, at(2), at(3)).Sample(noise.Fixed(e3)), e4, e5)
		last := sampler.Replacement{Stepper: plain, Process: d4, Known: firstIs(2)}.Step(noise.Fixed(e1, e2), sampler.State{X: x}, at(1), at(0)).X
		end := plain.Step(noise.Fixed(e1), sampler.State{X: x}, at(1), at(0)).X
		return []*Node{step(0, e1, e2), once, step(1, e1, e2), step(2, e1, e2, e3, e4, e5), twice, last, end}
	}, [][]float64{{.3, -1.1}})
	c := check.T(t)
	c.Near("one step", out[0], out[1], a64)
	c.Near("0 repeats are 1", out[2], out[1], a64)
	c.Near("two", out[3], out[4], a64)
	c.Near("at the end what is known is there without noise", out[5], []float64{2, check.Floats(out[6])[1]}, a64)
}

// What replacement draws of the unknown number, against p(x₂|x₁ = 2) = N(−.2, .36), and how repeats help.
func TestReplacementBias(t *testing.T) {
	const n, steps = 4000, 50
	start, times, c := sampler.Prior(shapes.Make(dtypes.Float64, n, 2), 1, 31), logSNRGrid(t, vp, steps), check.T(t)
	second := func(repeats int) (xs []float64) {
		plain := sampler.DDIM{Process: vp, Denoise: couple.Denoiser(vp), Eta: 1}
		run := sampler.Of(backendtest.Open(t), sampler.Replacement{Stepper: plain, Process: vp, Known: firstIs(2), Repeats: repeats})
		defer run.Finalize()
		x, first := check.Floats(sample(t, run, start, times, 32)), []float64(nil)
		for i := range n {
			first, xs = append(first, x[2*i]), append(xs, x[2*i+1])
		}
		a0, _ := alphaSigma(t, vp, vp.TMin)
		c.Near("what is known", first, 2*a0, a64)
		return xs
	}
	// One pass exactly: x₂ is affine in itself, in the fresh noise of the known part, and in the step's own noise.
	mean, variance := 0.0, 1.0
	for i := range steps {
		a, s := alphaSigma(t, vp, times[i])
		as, ss := alphaSigma(t, vp, times[i+1])
		// the rows of αΣ(α²Σ+σ²I)⁻¹ for x₂, by the 2×2 inverse
		diagonal, off := a*a+s*s, a*a*.8
		det := diagonal*diagonal - off*off
		of1, of2 := a*(.8*diagonal-off)/det, a*(diagonal-.8*off)/det
		forgotten := 1 - math.Pow(a/s, 2)/math.Pow(as/ss, 2)
		keep, take := as*(1-forgotten)/a, as*forgotten
		m1, v1 := 2*a, s*s
		if i == 0 { // the start is not replaced
			m1, v1 = 0, 1
		}
		slope := keep + take*of2
		mean = slope*mean + take*(-1+of1*(m1-a)+of2*a)
		variance = slope*slope*variance + take*take*of1*of1*v1
		if i < steps-1 {
			variance += ss * ss * forgotten
		}
	}
	once := second(1)
	c.MC("one pass: the mean, by the recursion of the moments", once, mean, .012)
	squares := make([]float64, n)
	for i, x := range once {
		squares[i] = (x - mean) * (x - mean)
	}
	c.MC("one pass: the variance", squares, variance, .012)
	c.Less("one pass is far from p(x_0|y): its mean is below −.2 by more than", .3, -.2-mean)
	c.Less("5 passes: nearer by a factor of 2", math.Abs(check.Mean(second(5))+.2), math.Abs(mean+.2)/2)
	c.Less("20 passes: within .07", math.Abs(check.Mean(second(20))+.2), .07)
}

func TestReplacementErrors(t *testing.T) {
	plain := sampler.DDIM{Process: vp, Denoise: couple.Denoiser(vp)}
	x := tensors.FromValue([][]float64{{0, 0}})
	plane := func(known guide.Known) sampler.Replacement {
		return sampler.Replacement{Stepper: plain, Process: vp, Known: known}
	}
	negative := plane(firstIs(1))
	negative.Repeats = -1
	three, wide := guide.Values([][]float64{{1, 2}, {1, 2}, {3, 4}}), guide.Values([][]float64{{1, 2}})
	for want, r := range map[string]sampler.Replacement{
		"sampler.Replacement: Repeats = -1":                                             negative,
		"guide.Pixels: 3 numbers to keep or not, and x of shape (Float64)[1, 2]":        plane(guide.Pixels(make([]bool, 3), wide)),
		"guide.Known: y has shape (Float64)[3, 2] and A x (Float64)[1, 2] for x of sha": plane(guide.Pixels(make([]bool, 2), three)),
		"mathx.CellMeans: cells of 2×2 pixels and x of shape (Float64)[1, 2]":           plane(guide.CellMeans(2, wide)),
	} {
		_, err := sampler.Of(onHost, r).Sample(x, vp.Grid(5), 1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	err := sampler.Replacement{Stepper: sampler.RK45{}, Process: vp}.Check(vp.Grid(3))
	if err == nil || !strings.Contains(err.Error(), "Stepper is a sampler.RK45") {
		t.Errorf("error %v, want one of a stepper that chooses its times", err)
	}
	if err := plane(firstIs(1)).Check([]float64{1}); err == nil || !strings.Contains(err.Error(), "sampler.CheckTimes") {
		t.Errorf("error %v, want that of the times", err)
	}
}
