package sampler

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/sde"
)

// RK45 solves the ordinary equation dx = Drift(x, t) dt from time From to time To, whichever is later, by the pair of
// Dormand and Prince: a step has order 5, and an embedded solution of order 4 estimates its error. With a Divergence it also
// integrates ℓ = ∫ ∇·Drift dt, the log of the map's volume change, with which log p(x_From) = log p(x_To) + ℓ.
//
// A step of size h from x to x' is taken when its error e is at most 1 in the norm
//
//	max over x and ℓ of the root mean square over the batch of eᵢ/(Abs + Rel·max(|xᵢ|, |xᵢ'|))
//
// and tried again with a smaller one otherwise. The next size is h·min(10, max(0.2, 0.9·‖e‖^(−1/5))), and no larger than h
// after a step that was tried again. The whole batch takes the same steps. So Rel and Abs bound the error of a step; that of
// the whole path falls in proportion to them.
//
// Each step of the Run is one evaluation of the drift, the first slope and then the six of a step one after the other, so that the
// program holds the network once. The times are Count(n) with n the most evaluations to spend. The Run ends by itself at To, and is an
// error when n do not suffice. Solved reads the final state.
//
// Source: Dormand and Prince 1980, "A family of embedded Runge-Kutta formulae"; the control of the step size is that of
// Hairer, Nørsett and Wanner 1993, "Solving ordinary differential equations I", section II.4. Order 5.
type RK45 struct {
	SDE        sde.SDE // an ODE: no Diffusion
	From, To   float64
	Rel, Abs   float64    // the tolerances: Rel ≥ 0, Abs > 0, in units of x and of nats
	Divergence Divergence // nil: ℓ stays 0
}

// The tableau of Dormand and Prince 1980. Row i of rkA gives stage i from the slopes before it; row 6 is the solution of
// order 5, whose slope is the first of the next step. rkE is that solution less the one of order 4.
var (
	rkC = []float64{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1}
	rkA = [][]float64{
		{0, 0, 0, 0, 0, 0, 0},
		{1. / 5, 0, 0, 0, 0, 0, 0},
		{3. / 40, 9. / 40, 0, 0, 0, 0, 0},
		{44. / 45, -56. / 15, 32. / 9, 0, 0, 0, 0},
		{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729, 0, 0, 0},
		{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656, 0, 0},
		{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
	}
	rkE = []float64{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}
)

const (
	rkStages = 7
	// The bounds on the change of the step size, and its safety factor (Hairer, Nørsett and Wanner 1993, equation II.4.13).
	rkShrink, rkGrow, rkSafety = 0.2, 10, 0.9
	// The first step moves x by this share of its size, a path's length at most and a millionth of it at least (section II.4).
	rkFirst, rkLeast = 0.01, 1e-6
)

// rkState is what RK45 keeps in State.Aux, in this order.
type rkState struct {
	t, h   *Node // the time of x, and the size of the step under way, positive, which ends at To at the latest
	stage  *Node // the stage to come, 1 … 6, and 0 before the first slope
	taken  *Node // steps taken
	failed *Node // steps tried again
	limit  *Node // how much the step may grow: 1 after one that was tried again
	logDet *Node // ℓ, [batch]
	slopes *Node // of x and ℓ at the stages so far, 0 for those to come, [7, batch, d+1]
	drawn  *Node // by Divergence
}

func (r rkState) aux() []*Node {
	return []*Node{r.t, r.h, r.stage, r.taken, r.failed, r.limit, r.logDet, r.slopes, r.drawn}
}

func rkStateOf(a []*Node) rkState {
	return rkState{a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]}
}

// Init is Start without noise. It panics when Divergence draws.
func (s RK45) Init(x *Node) State { return s.Start(noise.Fixed(), x) }

// Start draws Divergence's directions. The drift is left to Step, so that the network is compiled in one program only.
func (s RK45) Start(src noise.Source, x *Node) State {
	zero := ScalarZero(x.Graph(), x.DType())
	r := rkState{t: s.constant(x, s.From), h: zero, stage: zero, taken: zero, failed: zero, limit: s.constant(x, rkGrow), drawn: zero}
	if s.Divergence != nil {
		r.drawn = s.Divergence.draw(src, x)
	}
	r.logDet = Zeros(x.Graph(), shapes.Make(x.DType(), x.Shape().Dimensions[0]))
	r.slopes = firstOf(ZerosLike(pack(x, r.logDet)))
	return State{X: x, Aux: r.aux()}
}

// firstSize returns the size of the first step, from y and its slope.
func (s RK45) firstSize(y, slope *Node) *Node {
	length := s.constant(y, math.Abs(s.To-s.From))
	h := MulScalar(Div(s.norm(y, y, y), s.norm(slope, y, y)), rkFirst)
	return Where(IsFinite(h), Mul(length, ClipScalar(Div(h, length), rkLeast, 1)), MulScalar(length, rkLeast))
}

// Step evaluates one stage, and after the last one takes the step or makes it smaller. It uses neither t nor u.
func (s RK45) Step(_ noise.Source, st State, _, _ *Node) State {
	r, x := rkStateOf(st.Aux), st.X
	g, dtype := x.Graph(), x.DType()
	now := Equal(Iota(g, shapes.Make(dtype, rkStages), 0), r.stage)
	of := func(table any) *Node { // the entries of this stage
		return ReduceSum(Where(now, ConstAsDType(g, dtype, table), ScalarZero(g, dtype)), 0)
	}
	y := pack(x, r.logDet)
	stage := Add(y, Mul(r.h, combine(of(rkA), r.slopes)))
	slope := s.slope(stage, s.after(r.t, Mul(of(rkC), r.h)), r.drawn, x)
	r.slopes = Where(now, BroadcastToDims(InsertAxes(slope, 0), r.slopes.Shape().Dimensions...), r.slopes)

	e := Mul(r.h, combine(ConstAsDType(g, dtype, rkE), r.slopes)) // means something after the last stage only
	starts := Equal(r.stage, ScalarZero(g, dtype))
	r.h = Where(starts, s.firstSize(y, slope), r.h)
	broken := LogicalAnd(BroadcastToDims(starts, y.Shape().Dimensions...), LogicalNot(IsFinite(slope)))
	y = Where(broken, slope, y) // a first slope that is not finite ends the run
	return s.decide(r, x, y, stage, slope, s.norm(e, y, stage))
}

// decide ends a step after its last stage: with next, whose slope is given, when the error is at most 1.
func (s RK45) decide(r rkState, x, y, next, slope, e *Node) State {
	complete, small := Equal(r.stage, s.constant(x, rkStages-1)), LessOrEqual(e, ScalarOne(e.Graph(), e.DType()))
	take, fail := LogicalAnd(complete, small), LogicalAnd(complete, LogicalNot(small))
	change := ClipScalar(MulScalar(Pow(e, s.constant(x, -1./5)), rkSafety), rkShrink, rkGrow)
	change = Where(IsFinite(e), Min(change, Where(small, r.limit, ScalarOne(e.Graph(), e.DType()))), s.constant(x, rkShrink))

	to := s.constant(x, s.To)
	arrives := GreaterOrEqual(r.h, Abs(Sub(to, r.t)))
	r.t = Where(take, Where(arrives, to, s.after(r.t, r.h)), r.t)
	r.h = Where(complete, Min(Mul(r.h, change), Abs(Sub(to, r.t))), r.h)
	r.stage = Where(complete, OnesLike(r.stage), OnePlus(r.stage))
	r.limit = Where(take, s.constant(x, rkGrow), Where(fail, OnesLike(r.limit), r.limit))
	r.taken, r.failed = Add(r.taken, ConvertDType(take, x.DType())), Add(r.failed, ConvertDType(fail, x.DType()))
	again := Squeeze(Slice(r.slopes, AxisElem(0)), 0)
	r.slopes = Where(complete, firstOf(Where(take, slope, again)), r.slopes)
	state := State{}
	state.X, r.logDet = unpack(Where(take, next, y), x)
	state.Aux = r.aux()
	return state
}

// slope returns Drift and ∇·Drift at y, like y, per unit of time on the way from From to To: negative towards falling times.
func (s RK45) slope(y, t, drawn, x *Node) *Node {
	at, zero := unpack(y, x)
	t = Reshape(t, slices.Repeat([]int{1}, x.Rank())...)
	var drift, div *Node
	if s.Divergence != nil {
		drift, div = s.Divergence.of(s.SDE, at, t, drawn)
	} else {
		drift, div = checkedDrift(s.SDE, at, t), ZerosLike(zero)
	}
	slope := pack(drift, div)
	if s.To < s.From {
		slope = Neg(slope)
	}
	return slope
}

// norm is the larger of the root mean squares, over x and over ℓ, of e/(Abs + Rel·max(|y|, |z|)).
func (s RK45) norm(e, y, z *Node) *Node {
	scale := AddScalar(MulScalar(Max(Abs(y), Abs(z)), s.Rel), s.Abs)
	square := Square(Div(e, scale))
	d := e.Shape().Dimensions[1] - 1
	mean := func(part SliceAxisSpec) *Node { return ReduceAllMean(Slice(square, AxisRange(), part)) }
	return Sqrt(Max(mean(AxisRange(0, d)), mean(AxisElem(d))))
}

// after returns the time h beyond t, and To at the latest.
func (s RK45) after(t, h *Node) *Node {
	if s.To < s.From {
		return Max(Sub(t, h), s.constant(t, s.To))
	}
	return Min(Add(t, h), s.constant(t, s.To))
}

func (s RK45) constant(like *Node, v float64) *Node { return Scalar(like.Graph(), like.DType(), v) }

// pack returns x [batch, event...] and ℓ [batch] as one [batch, d+1].
func pack(x, l *Node) *Node {
	n := x.Shape().Dimensions[0]
	return Concatenate([]*Node{Reshape(x, n, -1), Reshape(l, n, 1)}, 1)
}

// unpack is the inverse of pack, with x of like's shape.
func unpack(y, like *Node) (x, l *Node) {
	d := y.Shape().Dimensions[1] - 1
	x = Reshape(Slice(y, AxisRange(), AxisRange(0, d)), like.Shape().Dimensions...)
	return x, Reshape(Slice(y, AxisRange(), AxisElem(d)), -1)
}

// combine returns Σᵢ wᵢ slopesᵢ.
func combine(w, slopes *Node) *Node { return ReduceSum(Mul(Reshape(w, -1, 1, 1), slopes), 0) }

// firstOf returns slopes of which only the first is known.
func firstOf(slope *Node) *Node {
	first := InsertAxes(slope, 0)
	rest := slices.Clone(first.Shape().Dimensions)
	rest[0] = rkStages - 1
	return Concatenate([]*Node{first, Zeros(slope.Graph(), shapes.Make(slope.DType(), rest...))}, 0)
}

// Done returns whether x is at To.
func (s RK45) Done(st State) *Node {
	t := rkStateOf(st.Aux).t
	return Equal(t, s.constant(t, s.To))
}

// Check returns an error for an SDE with noise, equal times, and tolerances that nothing meets.
func (s RK45) Check(times []float64) error {
	switch {
	case s.SDE.Drift == nil || s.SDE.Diffusion != nil:
		return fmt.Errorf("sampler.RK45: an equation with noise: %t, expected an ODE, as sde.SDE.ProbabilityFlow", s.SDE.Diffusion != nil)
	case s.From == s.To || !finite(s.From) || !finite(s.To):
		return fmt.Errorf("sampler.RK45: from t = %g to %g, expected two times", s.From, s.To)
	case !(s.Rel >= 0 && s.Abs > 0) || !finite(s.Rel+s.Abs):
		return fmt.Errorf("sampler.RK45: Rel = %g and Abs = %g, expected Rel of 0 or more and Abs above 0", s.Rel, s.Abs)
	case len(times) < 2:
		return fmt.Errorf("sampler.RK45: %d times, expected Count(n) with n the most evaluations", len(times))
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Solved is what became of a path.
type Solved struct {
	T             float64   // the time reached
	Size          float64   // of the step under way there, 0 at the end
	Taken, Failed int       // steps taken, and steps tried again with a smaller size
	Evaluations   int       // of the drift
	LogDet        []float64 // ℓ of each row, 0 without a Divergence
}

// Solved reads Final.Aux.
func (s RK45) Solved(aux []*tensors.Tensor) Solved {
	scalar := func(i int) float64 { return mathx.Floats(aux[i])[0] }
	out := Solved{T: scalar(0), Size: scalar(1), Taken: int(scalar(3)), Failed: int(scalar(4)), LogDet: mathx.Floats(aux[6])}
	out.Evaluations = (rkStages-1)*(out.Taken+out.Failed) + int(scalar(2))
	return out
}

// Explain says how far the path came, or where the drift is not finite.
func (s RK45) Explain(aux []*tensors.Tensor, row int) string {
	if row >= 0 {
		return fmt.Sprintf("the drift there is not finite at t = %g, before any step: start where the schedule and the score are finite", s.From)
	}
	r := s.Solved(aux)
	return fmt.Sprintf("t = %g is reached on the way from %g to %g, where the step size is %.3g, after %d evaluations: %d steps were taken and "+
		"%d tried again. Raise the tolerances Rel = %g and Abs = %g, allow more evaluations, or look at the drift near that time",
		r.T, s.From, s.To, r.Size, r.Evaluations, r.Taken, r.Failed, s.Rel, s.Abs)
}
