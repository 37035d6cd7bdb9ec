package sampler

import (
	"fmt"
	"iter"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Run draws samples by a Stepper. It keeps what it compiled for each shape of x and of the inputs given, and reads the weights of its store anew
// at every call, so that one Run serves while a model trains. It is not for concurrent use.
type Run struct {
	b        compute.Backend
	store    *model.Store
	build    func(scope *model.Scope, given []*graph.Node) Stepper
	programs map[string]*compiled
	compiles int
}

// New returns a Run on b of the Stepper that build makes of the networks of store. build is called once for each graph.
// A step leaves the store as it is.
func New(b compute.Backend, store *model.Store, build func(scope *model.Scope) Stepper) *Run {
	return NewGiven(b, store, func(scope *model.Scope, given []*graph.Node) Stepper {
		if len(given) > 0 {
			panic(fmt.Errorf("sampler.Run: %d inputs given to a Stepper that takes none, expected none: make the Run by NewGiven", len(given)))
		}
		return build(scope)
	})
}

// NewGiven is New for a Stepper that depends on inputs beside x, as a condition or a scale of guidance. build gets a node for each
// of the tensors that a call of Sample, SampleState or Path is given, the same at every step: other values compile nothing.
func NewGiven(b compute.Backend, store *model.Store, build func(scope *model.Scope, given []*graph.Node) Stepper) *Run {
	return &Run{b: b, store: store, build: build, programs: map[string]*compiled{}}
}

// Of returns a Run on b of a Stepper without networks, as one with a denoiser of package oracle.
func Of(b compute.Backend, s Stepper) *Run {
	return New(b, model.NewStore(), func(*model.Scope) Stepper { return s })
}

// Finalize frees what the Run compiled. The Run can be used again, and compiles anew.
func (r *Run) Finalize() {
	for _, p := range r.programs {
		p.finalize()
	}
	clear(r.programs)
}

// Compiles returns how many graphs the Run has compiled: for each shape of x at most the start, the step and the loop, and the loop
// again for each further 1024 times.
func (r *Run) Compiles() int { return r.compiles }

// Point is x_t on a path.
type Point struct {
	Step int             // steps done: 0 is the start
	T    float64         // t
	X    *tensors.Tensor // x_t, on the device; it is freed when the loop goes on, so Copy what you keep
}

// Copy returns x_t in the host's memory, for as long as you want it.
func (p Point) Copy() (*tensors.Tensor, error) { return p.X.LocalClone() }

// Sample takes x at times[0] to times[len-1] and returns the last x, of x's shape (the caller's own x stays). The steps'
// noise comes from seed. given are the inputs of a Run by NewGiven; they stay the caller's too.
//
// On a backend with loops (XLA) all steps are one call, compiled once for up to 1023 steps, once more for up to 2047, and
// so on. On pure Go, and for a network with convolutions (which XLA's CPU runs many times slower inside a loop), each
// step is a call, as in Path; the result is the same to rounding.
//
// It returns an error when the times do not suit the Stepper, the store lacks weights, the Stepper changes a shape, or
// when x is not finite: the step and the row are named.
func (r *Run) Sample(x *tensors.Tensor, times []float64, seed int64, given ...*tensors.Tensor) (*tensors.Tensor, error) {
	last, err := r.last(x, times, seed, given)
	if err != nil {
		return nil, fmt.Errorf("sampler.Run.Sample: %w", err)
	}
	for _, a := range last.Aux {
		a.MustFinalizeAll()
	}
	return last.X, nil
}

// Final is the state in which a run ends, on the device; Finalize frees it.
type Final struct {
	X     *tensors.Tensor
	Aux   []*tensors.Tensor // as the Stepper's State.Aux
	Steps int               // taken: fewer than there are times for when a Finisher was done
}

// Finalize frees the state.
func (f Final) Finalize() {
	for _, t := range append([]*tensors.Tensor{f.X}, f.Aux...) {
		t.MustFinalizeAll()
	}
}

// SampleState is Sample, and returns the whole state after the last step: a chain's acceptances, its log-weights, the
// evaluations that an adaptive solver took.
func (r *Run) SampleState(x *tensors.Tensor, times []float64, seed int64, given ...*tensors.Tensor) (Final, error) {
	last, err := r.last(x, times, seed, given)
	if err != nil {
		return Final{}, fmt.Errorf("sampler.Run.SampleState: %w", err)
	}
	return last, nil
}

// last runs all steps.
func (r *Run) last(x *tensors.Tensor, times []float64, seed int64, given []*tensors.Tensor) (Final, error) {
	p, err := r.program(x, times, given)
	if err != nil {
		return Final{}, err
	}
	sample := p.sample
	if !p.loops {
		sample = func(x *tensors.Tensor, times []float64, seed int64, given []*tensors.Tensor) (int, []*tensors.Tensor, error) {
			return p.walk(x, times, seed, given, func(Point) bool { return true })
		}
	}
	steps, state, err := sample(x, times, seed, given)
	if err != nil {
		return Final{}, err
	}
	return Final{state[0], state[1:], steps}, nil
}

// Path takes the steps that Sample takes, and yields every x_t: the start, and x after each step. Each step is a call of one
// compiled function, and the state stays on the device. A loop that stops early ends the run and frees its state. It
// yields an error last, and only one, where Sample returns one.
func (r *Run) Path(x *tensors.Tensor, times []float64, seed int64, given ...*tensors.Tensor) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		p, err := r.program(x, times, given)
		if err == nil {
			var last []*tensors.Tensor
			_, last, err = p.walk(x, times, seed, given, func(p Point) bool { return yield(p, nil) })
			p.free(nil, last)
		}
		if err != nil {
			yield(Point{}, fmt.Errorf("sampler.Run.Path: %w", err))
		}
	}
}

// program returns the program for the shapes of x and of what is given, after the arguments are checked.
func (r *Run) program(x *tensors.Tensor, times []float64, given []*tensors.Tensor) (*compiled, error) {
	if x == nil || !x.Ok() {
		return nil, fmt.Errorf("x is no valid tensor, expected x at times[0]: see Prior")
	}
	if x.Rank() == 0 || x.DType() != float32Type && x.DType() != float64Type {
		return nil, fmt.Errorf("x is %s, expected [batch, …] of float32 or float64", x.Shape())
	}
	row, value, err := badRow(x)
	if err != nil {
		return nil, err
	}
	if row >= 0 {
		return nil, fmt.Errorf("row %d of the starting x holds %g, expected finite numbers", row, value)
	}
	inputs, err := shapesOf(given)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(x.Shape(), inputs)
	p, known := r.programs[key]
	if !known {
		if p, err = r.newCompiled(x.Shape(), inputs); err != nil {
			return nil, err
		}
		r.programs[key] = p
	}
	return p, p.check(times)
}

// shapesOf returns the shapes of what is given.
func shapesOf(given []*tensors.Tensor) (list []shapes.Shape, err error) {
	for i, t := range given {
		if t == nil || !t.Ok() {
			return nil, fmt.Errorf("input %d of %d is no valid tensor", i+1, len(given))
		}
		list = append(list, t.Shape())
	}
	return list, nil
}

// badRow returns the first row of x that is not finite and the value there, or −1.
func badRow(x *tensors.Tensor) (row int, value float64, err error) {
	row = -1
	perRow := x.Size() / max(1, x.Shape().Dimensions[0])
	err = x.ConstFlatData(func(flat any) {
		switch v := flat.(type) {
		case []float32:
			row, value = firstBad(v, perRow)
		case []float64:
			row, value = firstBad(v, perRow)
		}
	})
	return row, value, err
}

func firstBad[F float32 | float64](x []F, perRow int) (row int, value float64) {
	for i, v := range x {
		if value := float64(v); math.IsNaN(value) || math.IsInf(value, 0) {
			return i / perRow, value
		}
	}
	return -1, 0
}

// diverged is the error of a step that made x not finite.
func (p *compiled) diverged(state []*tensors.Tensor, step int, times []float64) error {
	row, value, err := badRow(state[0])
	if err != nil {
		return err
	}
	hint := p.explain(state, row)
	if hint == "" {
		hint = ": look at the denoiser's output there, and at the schedule at both times"
	}
	return fmt.Errorf("step %d of %d, from t = %g to %g: row %d of x is %g, expected finite numbers%s", step, len(times)-1,
		times[step-1], times[step], row, value, hint)
}

// rngState is the state that a run's noise starts from.
func rngState(seed int64) (*tensors.Tensor, error) { return graph.RNGStateFromSeed(seed) }

// sameShape panics unless a Stepper's output has the shape that it must have.
func sameShape(what string, got *graph.Node, want shapes.Shape) {
	if got == nil || !got.Shape().Equal(want) {
		shape := "nothing"
		if got != nil {
			shape = got.Shape().String()
		}
		panic(fmt.Errorf("sampler.Stepper: %s is %s after a step, expected %s as before it", what, shape, want))
	}
}
