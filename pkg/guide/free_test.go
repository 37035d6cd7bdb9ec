package guide_test

import (
	"fmt"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

func TestClassifierFree(t *testing.T) {
	xs, us := [][]float64{{-1, .4}, {.3, -.2}, {2, 1}, {.1, 0}}, column(1, 2, 1, 2)
	for name, p := range processes {
		t.Run("E9.14 "+name, func(t *testing.T) {
			scales := []guide.Scale{-1, .3, 2, 7}
			out := backendtest.Call(t, func(x, u *Node) (all []*Node) {
				cond, uncond := plane.Class(2), plane.All()
				for _, scale := range scales {
					free, gamma := guide.ClassifierFree(cond.Denoiser(p), uncond.Denoiser(p), scale), float64(scale)
					all = append(all, free(x, u), guide.Classifier(p, uncond.Denoiser(p), plane.LogPosterior(p, 2), scale)(x, u),
						param.ScoreOf(p, free)(x, u), Add(MulScalar(cond.Score(p)(x, u), gamma), MulScalar(uncond.Score(p)(x, u), 1-gamma)))
				}
				return all
			}, xs, us)
			for i, scale := range scales {
				of := fmt.Sprintf(" at γ = %g", float64(scale))
				check.T(t).Near("E9.14 guidance by the classifier ∇log p(x_t|y) − ∇log p(x_t)"+of, out[4*i], out[4*i+1], a64)
				check.T(t).Near("E9.15 γ∇log p(x_t|y) + (1−γ)∇log p(x_t)"+of, out[4*i+2], out[4*i+3], a64)
			}
		})
	}
	out := backendtest.Call(t, func(x *Node) []*Node {
		u, cond, uncond := at(x, 1), plane.Class(2).Denoiser(d4), plane.All().Denoiser(d4)
		one, nought := Scalar(x.Graph(), x.DType(), 1.), Scalar(x.Graph(), x.DType(), 0.)
		return []*Node{guide.ClassifierFree(cond, uncond, 0)(x, u), uncond(x, u), guide.ClassifierFree(cond, uncond, 1)(x, u), cond(x, u),
			guide.Combine(cond(x, u), uncond(x, u), nought), guide.Combine(cond(x, u), uncond(x, u), one)}
	}, xs)
	c := check.T(t)
	c.Near("E9.15 γ = 0 is the one part, bit for bit", out[0], out[1], 0)
	c.Near("E9.15 γ = 1 is the other", out[2], out[3], 0)
	c.Near("E9.15 so it is with γ as a node: 0", out[4], out[1], 0)
	c.Near("E9.15 and 1", out[5], out[3], 0)
}

// What each kind of network predicts converts for each y as it does without.
func TestConditionalKinds(t *testing.T) {
	xs, us, labels := column(-2, -.5, .3, 1.7), column(1, 2, 1, 2), []int32{plus, minus, 2, plus}
	for name, p := range processes {
		t.Run("E9.3 given y, "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(x, u, y *Node) (all []*Node) {
				exact := guide.Conditional(g2.Denoise(p))
				score := Concatenate([]*Node{row(g2.Class(plus).Score(p)(x, u), 0), row(g2.Class(minus).Score(p)(x, u), 1),
					row(g2.All().Score(p)(x, u), 2), row(g2.Class(plus).Score(p)(x, u), 3)}, 0)
				for _, kind := range param.Kinds {
					net := func(xt, t, y *Node) *Node { return param.Predict(p, kind, exact.Given(y))(xt, t) }
					bound := guide.Bind(p, kind, net)
					all = append(all, bound(x, u, y), exact(x, u, y), param.ScoreOf(p, bound.Given(y))(x, u), score)
				}
				return all
			}, xs, us, labels)
			for i, kind := range param.Kinds {
				check.T(t).Near("E9.3 x̂₀ of a network for "+kind.String(), out[4*i], out[4*i+1], a64)
				check.T(t).Near("E9.3 ∇log p(x_t|y), and ∇log p(x_t) for no label", out[4*i+2], out[4*i+3], a64)
			}
		})
	}
}

func row(x *Node, i int) *Node { return SliceAxis(x, 0, AxisRange(i, i+1)) }

// counted is a conditional denoiser that counts its evaluations in a graph, and the rows of each.
type counted struct {
	calls, rows int
	d           guide.Conditional
}

func (c *counted) call(xt, t, y *Node) *Node {
	c.calls, c.rows = c.calls+1, c.rows+xt.Shape().Dimensions[0]
	return c.d(xt, t, y)
}

func TestBatched(t *testing.T) {
	xs, us, labels := column(-2, -.5, .3), column(1, 2, 1), []int32{plus, minus, plus}
	exact := guide.Conditional(g2.Denoise(d4))
	for _, scale := range []guide.Scale{-.5, 0, 1, 3} {
		out := backendtest.Call(t, func(x, u, y *Node) []*Node {
			null := guide.NullClass(2)(y)
			nulls := BroadcastToDims(null, 3)
			gamma := func(*Node) *Node { return Scalar(x.Graph(), x.DType(), float64(scale)) }
			one := at(x, 2)
			return []*Node{
				guide.ClassifierFree(exact.Given(y), exact.Given(null), scale)(x, u),
				guide.Batched(exact, y, null, scale)(x, u), guide.Batched(exact, y, nulls, scale)(x, u), guide.BatchedAt(exact, y, null, gamma)(x, u),
				guide.ClassifierFree(exact.Given(y), exact.Given(null), scale)(x, one), guide.Batched(exact, y, null, scale)(x, one),
				guide.Batched(exact, row(y, 0), null, scale)(x, u), guide.ClassifierFree(g2.Class(plus).Denoiser(d4), g2.All().Denoiser(d4), scale)(x, u)}
		}, xs, us, labels)
		c := check.T(t)
		for i, name := range []string{"one null for all", "a null for each", "γ as a node"} {
			c.Near(fmt.Sprintf("E9.19 γ = %g in one call: %s", float64(scale), name), out[i+1], out[0], a64)
		}
		c.Near("E9.19 with one time for all", out[5], out[4], a64)
		c.Near("E9.19 with one label for all", out[6], out[7], a64)
	}
	t.Run("E9.19 the cost", func(t *testing.T) {
		const steps, n = 5, 3
		for _, cost := range []struct {
			scale             guide.Scale
			free, calls, rows int
		}{{0, steps, steps, steps * n}, {1, steps, steps, steps * n}, {3, 2 * steps, steps, 2 * steps * n}} {
			apart, together := &counted{d: exact}, &counted{d: exact}
			backendtest.Call(t, func(x, y *Node) (*Node, *Node) {
				null := guide.NullClass(2)(y)
				walk := func(d param.Denoiser) *Node {
					chain := sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: d4, Denoise: d}}
					st := chain.Init(x)
					for i := range steps {
						st = chain.Step(noise.FromSeed(x.Graph(), 1), st, at(x, 4-float64(i)*.5), at(x, 3.5-float64(i)*.5))
					}
					return st.X
				}
				return walk(guide.ClassifierFree(guide.Conditional(apart.call).Given(y), guide.Conditional(apart.call).Given(null), cost.scale)),
					walk(guide.Batched(together.call, y, null, cost.scale))
			}, xs, labels)
			c := check.T(t)
			c.Near(fmt.Sprintf("E9.19 γ = %g: evaluations in %d steps", float64(cost.scale), steps), apart.calls, cost.free, 0)
			c.Near("E9.19 batched: calls", together.calls, cost.calls, 0)
			c.Near("E9.19 batched: rows", []int{together.rows, apart.rows}, cost.rows, 0)
		}
	})
}

// Any condition: a number for each row, as a network of images has an image.
func TestBatchedOfImages(t *testing.T) {
	out := backendtest.Call(t, func(x, u, y *Node) (*Node, *Node) {
		net := func(xt, t, y *Node) *Node { return Add(Mul(xt, t), Square(y)) }
		null := Zeros(x.Graph(), shapes1(y))
		return guide.Batched(net, y, null, 2.5)(x, u), guide.ClassifierFree(guide.Conditional(net).Given(y), guide.Conditional(net).Given(null), 2.5)(x, u)
	}, [][][]float64{{{1, 2}}, {{3, 4}}}, [][][]float64{{{1}}, {{2}}}, [][][]float64{{{-1, .5}}, {{.3, 2}}})
	check.T(t).Near("E9.19 with images as conditions", out[0], out[1], a64)
}

func TestFreeErrors(t *testing.T) {
	wide := func(xt, _ *Node) *Node { return Concatenate([]*Node{xt, xt}, -1) }
	d := func(xt, _ *Node) *Node { return xt }
	wantPanic(t, guide.ClassifierFree(wide, d, 2), "guide.Combine: the prediction with the condition has shape (Float64)[2, 2] and the one without (Float64)[2, 1]")
	exact := guide.Conditional(g2.Denoise(vp))
	labels := func(x *Node, values ...int32) *Node { return Const(x.Graph(), values) }
	wantPanic(t, func(x, u *Node) *Node { return guide.Batched(exact, labels(x, 1, 0, 1), labels(x, 2), 3)(x, u) },
		"guide.Batched: the condition has shape (Int32)[3] and x_t (Float64)[2, 1]", "each of the 2 examples")
	wantPanic(t, func(x, u *Node) *Node { return guide.Batched(exact, labels(x, 1), labels(x, 2, 2, 2), 3)(x, u) },
		"guide.Batched: the condition has shape (Int32)[3]")
	wantPanic(t, func(x, u *Node) *Node { return guide.Batched(exact, labels(x, 1, 0, 1), labels(x, 2), 1)(x, u) },
		"guide.Conditional.Given: the condition has shape (Int32)[3]")
}
