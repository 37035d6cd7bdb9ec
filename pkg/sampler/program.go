package sampler

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

const (
	float32Type = dtypes.Float32
	float64Type = dtypes.Float64
)

// compiled is the compiled form of a Stepper for one shape of x. Weights are inputs that stay where they are.
type compiled struct {
	run    *Run
	x      shapes.Shape
	given  []shapes.Shape // of the inputs beside x
	check  func(times []float64) error
	steps  Stepper           // as built first: for what it says of a failed run, not for its nodes
	vars   []*model.Variable // the weights that a step reads
	aux    []shapes.Shape    // of State.Aux
	starts bool              // Init makes more than x
	loops  bool              // all steps in one call

	start, step, loop *graph.Exec
}

// newCompiled builds one step, without compiling it, to learn what it reads and carries.
func (r *Run) newCompiled(x shapes.Shape, given []shapes.Shape) (*compiled, error) {
	p := &compiled{run: r, x: x, given: given}
	g := graph.NewGraph(r.b, "sampler dry run")
	defer g.Finalize()
	lacks := program.Frozen(r.store)
	err := program.Catch(func() { p.look(g) })
	if lack := lacks(); lack != nil {
		return nil, lack
	}
	if err != nil {
		return nil, err
	}
	p.start, err = p.compile("start", p.buildStart)
	if err == nil {
		p.step, err = p.compile("step", p.buildStep)
	}
	if err == nil {
		p.loop, err = p.compile("loop", p.buildLoop)
	}
	return p, err
}

// look fills in what a step reads and carries.
func (p *compiled) look(g *graph.Graph) {
	r := p.run
	model.SetStore(g, r.store)
	var given []*graph.Node
	for i, shape := range p.given {
		given = append(given, graph.Parameter(g, fmt.Sprintf("given_%d", i), shape))
	}
	stepper := p.stepper(given)
	p.check, p.steps = stepper.Check, stepper
	x, rng := graph.Parameter(g, "x", p.x), graph.Parameter(g, "rng", graph.RNGStateShape)
	time := shapes.Make(p.x.DType)
	t, s := graph.Parameter(g, "t", time), graph.Parameter(g, "s", time)
	st, rng := first(stepper, x, rng)
	p.starts = st.X != x || len(st.Aux) > 0
	for _, a := range st.Aux {
		p.aux = append(p.aux, a.Shape())
	}
	p.advance(stepper, p.state(st), rng, t, s)
	for v := range r.store.IterVariables() {
		if v.InUseByGraph(g) {
			p.vars = append(p.vars, v)
		}
		if v.ChangedInGraph(g) {
			panic(fmt.Errorf("sampler.Stepper: a step changes the variable %s, expected one that leaves the store as it is", v.Path()))
		}
	}
	p.loops = r.b.Capabilities().Operations[compute.OpTypeDynamicSlice]
	for _, node := range g.Nodes() {
		p.loops = p.loops && node.Type() != graph.NodeTypeConvGeneral
	}
}

func (p *compiled) stepper(given []*graph.Node) Stepper {
	return p.run.build(p.run.store.RootScope(), given)
}

// state lists a State's nodes, after their shapes are checked.
func (p *compiled) state(st State) []*graph.Node {
	sameShape("X", st.X, p.x)
	if len(st.Aux) != len(p.aux) {
		panic(fmt.Errorf("sampler.Stepper: %d nodes of Aux after a step, expected %d as before it", len(st.Aux), len(p.aux)))
	}
	for i, a := range st.Aux {
		sameShape(fmt.Sprintf("Aux[%d]", i), a, p.aux[i])
	}
	return append([]*graph.Node{st.X}, st.Aux...)
}

// advance takes one step from scalar time t to s. It returns the state, the state of the noise, whether x is finite, and
// whether the Stepper is done.
func (p *compiled) advance(stepper Stepper, state []*graph.Node, rng, t, s *graph.Node) (next []*graph.Node, newRNG, finite, done *graph.Node) {
	ones := make([]int, p.x.Rank())
	for i := range ones {
		ones[i] = 1
	}
	src := noise.NewStream(rng)
	next = p.state(stepper.Step(src, State{state[0], state[1:]}, graph.Reshape(t, ones...), graph.Reshape(s, ones...)))
	done = graph.Const(rng.Graph(), false)
	if f, ok := stepper.(Finisher); ok {
		done = graph.Reshape(f.Done(State{next[0], next[1:]}))
	}
	return next, src.State(), graph.LogicalAll(graph.IsFinite(next[0])), done
}

// builder makes a graph of the inputs and the weights.
type builder func(g *graph.Graph, in []*graph.Node, weights *program.Weights) []*graph.Node

// compile returns an Exec of build that compiles at its first call.
func (p *compiled) compile(name string, build builder) (*graph.Exec, error) {
	weights := program.NewWeights(p.run.b, p.vars)
	exec, err := graph.NewExecCanonical(p.run.b, func(g *graph.Graph, in []*graph.Node) []*graph.Node {
		p.run.compiles++
		model.SetStore(g, p.run.store)
		return build(g, in, weights)
	}, -1, -1, false, true, true)
	if err != nil {
		return nil, err
	}
	exec.SetSideParamsHook(weights.Feed)
	return exec.WithName("sampler " + name), nil
}

// first returns the state before the first step, and the state of the noise.
func first(stepper Stepper, x, rng *graph.Node) (State, *graph.Node) {
	s, ok := stepper.(Starter)
	if !ok {
		return stepper.Init(x), rng
	}
	src := noise.NewStream(rng)
	return s.Start(src, x), src.State()
}

// buildStart is the program of the first state: x, the noise's state and what is given to the noise's state, x and Aux.
func (p *compiled) buildStart(g *graph.Graph, in []*graph.Node, weights *program.Weights) []*graph.Node {
	weights.Inputs(g)
	st, rng := first(p.stepper(in[2:]), in[0], in[1])
	return append([]*graph.Node{rng}, p.state(st)...)
}

// buildStep is the program of one step: t, s, the noise's state, x and Aux, what is given to finite, done, the noise's state, x and Aux.
func (p *compiled) buildStep(g *graph.Graph, in []*graph.Node, weights *program.Weights) []*graph.Node {
	weights.Inputs(g)
	end := len(in) - len(p.given)
	next, rng, finite, done := p.advance(p.stepper(in[end:]), in[3:end], in[2], in[0], in[1])
	return append([]*graph.Node{finite, done, rng}, next...)
}

// buildLoop is the program of all steps, as a While: the number of steps n, the times [capacity], the noise's state, x and Aux,
// what is given to the number of steps taken, finite, done, x and Aux.
//
//	state: i, finite, done, n, times, the noise's state, x and Aux, what is given, the weights
//	while i < n and finite and not done: x = step(x, times[i], times[i+1]); i++
//
// As in package fit, everything travels in the state, since an XLA loop captures nothing, and the main function makes no
// graph.Scalar, which would be one node for the main function and the body.
func (p *compiled) buildLoop(g *graph.Graph, in []*graph.Node, weights *program.Weights) []*graph.Node {
	state := append([]*graph.Node{graph.Const(g, int32(0)), graph.Const(g, true), graph.Const(g, false)}, in...)
	const i, finite, done, n, times, rng, first = 0, 1, 2, 3, 4, 5, 6
	after := len(state) // the weights begin
	end := after - len(p.given)
	state = append(state, weights.Inputs(g)...)

	cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := program.Parameters(g, state)
		return []*graph.Node{graph.LogicalAnd(graph.LessThan(s[i], s[n]), graph.LogicalAnd(s[finite], graph.LogicalNot(s[done])))}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := program.Parameters(g, state)
		weights.Bind(s[after:])
		from, to := program.At(s[times], s[i]), program.At(s[times], graph.OnePlus(s[i]))
		var next []*graph.Node
		next, s[rng], s[finite], s[done] = p.advance(p.stepper(s[end:after]), s[first:end], s[rng], from, to)
		s[i] = graph.OnePlus(s[i])
		copy(s[first:], next)
		return s
	})
	out := graph.While(cond, body, state...)
	return append([]*graph.Node{out[i], out[finite], out[done]}, out[first:end]...)
}

// initial returns the noise's state, x and Aux before the first step, x itself where Init adds nothing to it.
func (p *compiled) initial(x *tensors.Tensor, seed int64, given []*tensors.Tensor) ([]*tensors.Tensor, error) {
	rng, err := rngState(seed)
	if err != nil || !p.starts {
		return []*tensors.Tensor{rng, x}, err
	}
	defer rng.MustFinalizeAll()
	return p.start.Call(arguments([]any{x, rng}, given)...)
}

// arguments appends tensors to the arguments of a call.
func arguments(args []any, more []*tensors.Tensor) []any {
	for _, t := range more {
		args = append(args, t)
	}
	return args
}

// capacity is what the number of times is rounded up to, so that the loop is compiled once for many numbers.
const capacity = 1024

// sample runs all steps in one call, and returns the number of steps taken and the state after them.
func (p *compiled) sample(x *tensors.Tensor, times []float64, seed int64, given []*tensors.Tensor) (int, []*tensors.Tensor, error) {
	state, err := p.initial(x, seed, given)
	if err != nil {
		return 0, nil, err
	}
	defer p.free(x, state)
	args := arguments([]any{int32(len(times) - 1), p.times(times)}, state)
	out, err := p.loop.Call(arguments(args, given)...)
	if err != nil {
		return 0, nil, err
	}
	defer p.free(nil, out[:3])
	steps, last := int(tensors.ToScalar[int32](out[0])), out[3:]
	if err := p.judge(out[1], out[2], last, steps, times); err != nil {
		p.free(nil, last)
		return 0, nil, err
	}
	return steps, last, nil
}

// judge returns an error when the last step made x not finite, or was the last and left a Finisher unfinished.
func (p *compiled) judge(finite, done *tensors.Tensor, state []*tensors.Tensor, steps int, times []float64) error {
	if !tensors.ToScalar[bool](finite) {
		return p.diverged(state, steps, times)
	}
	_, finishes := p.steps.(Finisher)
	if finishes && steps == len(times)-1 && !tensors.ToScalar[bool](done) {
		return fmt.Errorf("not done after %d steps%s", steps, p.explain(state, -1))
	}
	return nil
}

// explain returns what the Stepper has to say, behind a colon.
func (p *compiled) explain(state []*tensors.Tensor, row int) string {
	if e, ok := p.steps.(Explainer); ok {
		return ": " + e.Explain(state[1:], row)
	}
	return ""
}

// times returns the times in x's dtype, padded to a multiple of capacity.
func (p *compiled) times(times []float64) any {
	padded := make([]float64, (len(times)+capacity-1)/capacity*capacity)
	copy(padded, times)
	return shapes.CastAsDType(padded, p.x.DType)
}

// walk runs the steps one by one. visit sees each x_t and says whether to go on. walk returns the number of steps taken and
// the state after them, which is then the caller's to free, or nil after an early stop; everything else it frees.
func (p *compiled) walk(x *tensors.Tensor, times []float64, seed int64, given []*tensors.Tensor, visit func(Point) bool) (int, []*tensors.Tensor, error) {
	state, err := p.initial(x, seed, given)
	if err != nil {
		return 0, nil, err
	}
	defer func() { p.free(x, state) }()
	over := false
	for i := 0; visit(Point{i, times[i], state[1]}); i++ {
		if over || i == len(times)-1 {
			last := state[1:]
			state = state[:1]
			return i, last, nil
		}
		next, err := p.one(state, given, times[i], times[i+1])
		if err != nil {
			return 0, nil, err
		}
		p.free(x, state)
		flags := next[:2]
		state = next[2:]
		over = tensors.ToScalar[bool](flags[1])
		err = p.judge(flags[0], flags[1], state[1:], i+1, times)
		p.free(nil, flags)
		if err != nil {
			return 0, nil, err
		}
	}
	return 0, nil, nil
}

// one takes one step.
func (p *compiled) one(state, given []*tensors.Tensor, t, s float64) ([]*tensors.Tensor, error) {
	args := arguments([]any{shapes.CastAsDType(t, p.x.DType), shapes.CastAsDType(s, p.x.DType)}, state)
	return p.step.Call(arguments(args, given)...)
}

// free frees tensors, except the caller's own x.
func (p *compiled) free(x *tensors.Tensor, state []*tensors.Tensor) {
	for _, s := range state {
		if s != x {
			s.MustFinalizeAll()
		}
	}
}

func (p *compiled) finalize() {
	for _, exec := range []*graph.Exec{p.start, p.step, p.loop} {
		exec.Finalize()
	}
}
