package guide_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// pair is two numbers that know of each other; its second given that its first is 2 is N(−.2, .36).
var pair = oracle.Correlated{Mean: []float64{1, -1}, Cov: mat.NewSymDense(2, []float64{1, .8, .8, 1})}

// firstIs is the knowledge of the first of two numbers.
func firstIs(y float64) guide.Known {
	return guide.Pixels([]bool{true, false}, guide.Values([][]float64{{y, 77}}))
}

// A and A⁺ of both kinds: A A⁺ y = y, and x − A⁺A x is at right angles to all A⁺y, so that Consistent moves the least.
func TestKnown(t *testing.T) {
	image := make([]float64, 2*4*6*1)
	other := make([]float64, len(image))
	for i := range image {
		image[i], other[i] = math.Sin(float64(3*i)), math.Cos(float64(i*i))
	}
	keep := make([]bool, 4*6)
	for i := range keep {
		keep[i] = i%3 == 0
	}
	x, z := tensors.FromFlatDataAndDimensions(image, 2, 4, 6, 1), tensors.FromFlatDataAndDimensions(other, 2, 4, 6, 1)
	out := backendtest.Call(t, func(x, z *Node) []*Node {
		var results []*Node
		for _, make := range []func(of *Node) guide.Known{
			func(of *Node) guide.Known { return guide.Pixels(keep, func(*Node) *Node { return of }) },
			func(of *Node) guide.Known {
				means := guide.CellMeans(2, nil).Measure(of)
				return guide.CellMeans(2, func(*Node) *Node { return means })
			},
		} {
			k := make(z)
			d := guide.Consistent(func(xt, _ *Node) *Node { return xt }, k)
			moved := d(x, nil)
			y := k.Y(x)
			rest := Sub(x, k.Lift(k.Measure(x)))
			results = append(results, k.Measure(k.Lift(y)), y, k.Measure(moved), y,
				ReduceAllSum(Mul(rest, k.Lift(y))), ReduceAllSum(Mul(Sub(moved, x), rest)), k.Missing(moved))
		}
		return results
	}, x, z)
	c := check.T(t)
	for i, name := range []string{"pixels", "means of cells"} {
		o := out[7*i:]
		c.Near(name+": A A⁺ y = y", o[0], o[1], 1e-12)
		c.Near(name+": a consistent estimate has A x̂₀ = y", o[2], o[3], 1e-12)
		c.Near(name+": A⁺y is at right angles to what A does not see", o[4], 0, 1e-12)
		c.Near(name+": and so is the move", o[5], 0, 1e-12)
		c.Near(name+": nothing is missing", o[6], 0, 1e-12)
	}
	seen := backendtest.Call(t, func(x, z *Node) *Node { return guide.Pixels(keep, func(*Node) *Node { return z }).Y(x) }, x, z)
	flat, here := check.Floats(seen[0]), 0.0
	for i, v := range flat {
		if want := other[i]; keep[i%24] {
			here += math.Abs(v - want)
		} else {
			here += math.Abs(v)
		}
	}
	c.Near("pixels that are not known are not looked at", here, 0, 0)
}

func TestReconstruction(t *testing.T) {
	xs, us := [][]float64{{-1, .4}, {.3, -.2}, {2, 1}, {.1, 0}}, column(1, 2, 1, 2)
	a := mat.NewDense(1, 2, []float64{1, 0})
	given := pair.Given(a, []float64{2})
	for name, p := range processes {
		out := backendtest.Call(t, func(x, u *Node) []*Node {
			known, d := firstIs(2), pair.Denoiser(p)
			exact := known
			exact.Var = pair.MeasuredVar(p, []float64{1, 0})
			alpha := p.Alpha(u)
			// Ho's formula, with the gradient by hand: x̂₀ = m + G(x_t − αm), and ∇‖y − x̂₀₁‖² = −2(y − x̂₀₁) G₁, a row of a symmetric matrix.
			var gains []*Node
			for i := range 2 {
				e := Concatenate([]*Node{MulScalar(OnesLike(u), float64(1-i)), MulScalar(OnesLike(u), float64(i))}, -1)
				gains = append(gains, SliceAxis(Sub(d(Add(x, e), u), d(x, u)), -1, AxisElem(0)))
			}
			miss := AddScalar(Neg(SliceAxis(d(x, u), -1, AxisElem(0))), 2)
			written := Add(d(x, u), Mul(MulScalar(Mul(alpha, miss), 1.7), Concatenate(gains, -1)))
			return []*Node{guide.Reconstruction(p, d, exact, 1)(x, u), given.Denoiser(p)(x, u), guide.Reconstruction(p, d, known, 1.7)(x, u), written,
				guide.Reconstruction(p, d, known, 0)(x, u), d(x, u)}
		}, xs, us)
		c := check.T(t)
		c.Near("with Var(y|x_t) it is E[x_0|x_t, y], "+name, out[0], out[1], a64)
		c.Near("x̂₀ − (wα/2)∇‖y − A x̂₀‖², "+name, out[2], out[3], a64)
		c.Near("γ = 0 is the denoiser, "+name, out[4], out[5], 0)
	}
}

// flow returns mean and variance of both numbers when the probability flow of a denoiser that is affine starts at N(0, I), exactly but for
// the steps: the map of three points.
func flow(t *testing.T, d param.Denoiser) (mean, variance [2]float64) {
	t.Helper()
	step := sampler.Heun{SDE: sde.Forward(vp).ProbabilityFlow(param.ScoreOf(vp, d)), Process: vp}
	run := sampler.Of(backendtest.Open(t), step)
	defer run.Finalize()
	times, err := sampler.LogSNRGrid(backendtest.Open(t), vp, 200)
	if err != nil {
		t.Fatal(err)
	}
	x, err := run.Sample(tensors.FromValue([][]float64{{0, 0}, {1, 0}, {0, 1}}), times, 1)
	if err != nil {
		t.Fatal(err)
	}
	rows := x.Value().([][]float64)
	for i := range 2 {
		mean[i] = rows[0][i]
		variance[i] = math.Pow(rows[1][i]-rows[0][i], 2) + math.Pow(rows[2][i]-rows[0][i], 2)
	}
	return mean, variance
}

// What each way of conditioning an unconditional model draws, against p(x₀|y) = N(−.2, .36) of the number that is not known.
func TestBiasOfConditioning(t *testing.T) {
	known, d, c := firstIs(2), pair.Denoiser(vp), check.T(t)
	exact := known
	exact.Var = pair.MeasuredVar(vp, []float64{1, 0})
	first := mat.NewDense(1, 2, []float64{1, 0})
	alpha := check.Floats(backendtest.Call(t, vp.Alpha, vp.TMin)[0])[0]
	truth, width := flow(t, pair.Given(first, []float64{2}).Denoiser(vp))
	c.Near("the exact denoiser given y", []float64{truth[1], width[1]}, []float64{-.2 * alpha, .36}, 1e-3)
	mean, variance := flow(t, guide.Reconstruction(vp, d, exact, 1))
	c.Near("reconstruction with Var(y|x_t) draws the same: means", mean[:], truth[:], 1e-8)
	c.Near("and variances", variance[:], width[:], 1e-8)
	off := map[string]float64{}
	for name, d := range map[string]param.Denoiser{
		"γ = 1": guide.Reconstruction(vp, d, known, 1), "γ = 2": guide.Reconstruction(vp, d, known, 2),
		"γ = 5": guide.Reconstruction(vp, d, known, 5), "consistency": guide.Consistent(d, known),
	} {
		mean, variance := flow(t, d)
		off[name] = mean[1] - truth[1]
		t.Logf("%s: mean %.4f, variance %.4f", name, mean[1], variance[1])
		c.Near(name+": what is known", mean[0], 2*alpha, .01)
		if name == "γ = 5" {
			c.Less("γ = 5: a variance that is too small", variance[1], .32)
		} else {
			c.Less(name+": a variance that is too large", .4, variance[1])
		}
	}
	c.Less("with V = σ²/α² and γ = 1 the mean is far off", off["γ = 1"], -.4)
	c.Less("γ = 2 is nearer", off["γ = 1"]+.15, off["γ = 2"])
	c.Near("γ = 5 has it", off["γ = 5"], 0, .01)
	c.Less("consistency alone is farther off than all", off["consistency"], off["γ = 1"])
}
