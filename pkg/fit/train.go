package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
)

// Train minimises loss over the store's weights by Adam (Kingma and Ba 2015; β₁ 0.9, β₂ 0.999, ε 1e-8).
//
// It starts a run: weights that the store holds are trained further, those that it lacks are drawn from c.Seed, and the
// optimiser's state starts at zero. At the end the store holds the last weights, and, with c.EMA, their averages beside
// them: see Averaged.
//
// A cancelled ctx ends the run after the current call with an error that wraps ctx's, the store holding the state so
// far. A loss or weight that is not finite ends it with a Diverged, the store holding the last good state.
// A batch that cannot be had ends it with its error, the store holding the state so far.
// Train writes no file: see LoadOrTrain.
func Train(ctx context.Context, b compute.Backend, store *model.Store, loss Loss, data Batches, c Config) (Report, error) {
	r, err := newRun(b, store, loss, data, c)
	if err == nil {
		err = r.train(ctx)
	}
	if err != nil {
		return r.report, fmt.Errorf("fit.Train: %w", err)
	}
	return r.report, nil
}

// train is the whole run, without files.
func (r *run) train(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	return r.loop(ctx, noSaver{})
}

// run is one run: its inputs, its program, and where it stands.
type run struct {
	b       compute.Backend
	store   *model.Store
	players Game // one without a name, but for Play
	data    Batches
	c       Config
	shapes  []shapes.Shape // of a batch
	steps   *block
	vars    []*model.Variable // the run's state
	report  Report
}

// saver keeps a run's state; Train has none.
type saver interface {
	due(step int) bool
	save(r *run) error
	where() string  // what holds the state
	advice() string // how to go on after a stop
}

type noSaver struct{}

func (noSaver) due(int) bool    { return false }
func (noSaver) save(*run) error { return nil }
func (noSaver) where() string   { return "the store" }
func (noSaver) advice() string {
	return "the store holds its weights (LoadOrTrain could go on from here)"
}

func newRun(b compute.Backend, store *model.Store, loss Loss, data Batches, c Config) (*run, error) {
	r := &run{b: b, store: store, players: single(loss, c), data: data}
	return r, r.start(c)
}

// start checks the plan, and looks at the shapes of a batch.
func (r *run) start(c Config) error {
	if err := c.check(r.b); err != nil {
		return err
	}
	r.c = c.withDefaults()
	first, err := r.data.Batch(0)
	if err != nil {
		return fmt.Errorf("batch 0: %w", err)
	}
	for _, t := range first {
		r.shapes = append(r.shapes, t.Shape())
	}
	return nil
}

// prepare gives the store a fresh optimiser and all weights, and makes the program (which compiles at its first call).
func (r *run) prepare() error {
	if err := dropOwn(r.store); err != nil {
		return err
	}
	if err := r.store.SetRNGStateFromSeed(r.c.Seed); err != nil {
		return err
	}
	var changed []*model.Variable
	convolves := false
	err := r.dryBuild(r.buildStep, func(g *graph.Graph) {
		for v := range r.store.IterVariables() {
			if v.InUseByGraph(g) {
				r.vars = append(r.vars, v)
			}
			if v.ChangedInGraph(g) {
				changed = append(changed, v)
			}
		}
		convolves = hasConvolution(g)
	})
	if err != nil {
		return err
	}
	if err := r.store.InitializeVariables(r.b, nil); err != nil {
		return err
	}
	if err := r.startAverages(); err != nil {
		return err
	}
	r.steps, err = newBlock(r, r.vars, changed, r.stepsPerCall(convolves))
	return err
}

// dryBuild builds the graph of one step, which makes its variables, hands it to look, and throws it away uncompiled.
func (r *run) dryBuild(build func(*graph.Graph, []*graph.Node) []*graph.Node, look func(*graph.Graph)) error {
	g := graph.NewGraph(r.b, "fit dry run")
	defer g.Finalize()
	return program.Catch(func() {
		model.SetStore(g, r.store)
		batch := make([]*graph.Node, len(r.shapes))
		for i, shape := range r.shapes {
			batch[i] = graph.Parameter(g, fmt.Sprintf("batch_%d", i), shape)
		}
		build(g, batch)
		look(g)
	})
}

// averaged reports whether the run keeps averages of any weights.
func (r *run) averaged() bool {
	return slices.ContainsFunc(r.players, func(p Player) bool { return p.EMA > 0 })
}

// startAverages sets each moving average to its weight.
func (r *run) startAverages() error {
	for _, v := range r.vars {
		if !v.Trainable || r.players[r.owner(v)].EMA == 0 {
			continue
		}
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return err
		}
		if err := r.average(v).SetValue(value); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) stepsPerCall(convolves bool) int {
	switch {
	case r.c.StepsPerCall > 0:
		return r.c.StepsPerCall
	case !backend.IsXLA(r.b) || convolves:
		return 1
	}
	return min(DefaultStepsPerCall, r.c.Steps)
}

func hasConvolution(g *graph.Graph) bool {
	for _, node := range g.Nodes() {
		if node.Type() == graph.NodeTypeConvGeneral {
			return true
		}
	}
	return false
}

// callTime is how long a call may take, so that Ctrl-C and progress need not wait: K shrinks to fit.
const callTime = time.Second

// loop trains from r.report.Steps to the end, saving on the way and when it is stopped.
func (r *run) loop(ctx context.Context, s saver) error {
	show := newThrottle(r)
	defer show.update(true)
	for r.report.Steps < r.c.Steps && r.report.Stopped == "" {
		if ctx.Err() != nil {
			if err := s.save(r); err != nil {
				return err
			}
			return fmt.Errorf("stopped after step %d of %d; %s: %w", r.report.Steps, r.c.Steps, s.advice(), stopCause(ctx))
		}
		n := min(r.steps.k, r.c.Steps-r.report.Steps, show.fitting(callTime))
		diverged, err := r.block(n)
		if err != nil {
			return errors.Join(err, r.keepDone(s))
		}
		show.update(false)
		if diverged != nil {
			diverged.Where = s.where()
			if err := s.save(r); err != nil {
				return err
			}
			return *diverged
		}
		if s.due(r.report.Steps) {
			if err := s.save(r); err != nil {
				return err
			}
		}
	}
	if r.report.Stopped == "" {
		r.report.Stopped = StoppedBySteps
	}
	return nil
}

// keepDone saves the steps done before a block that failed, which left the state as it was; before the first step there
// is nothing to keep.
func (r *run) keepDone(s saver) error {
	if r.report.Steps == 0 {
		return nil
	}
	return s.save(r)
}

// stopCause names the signal, if it was one, and wraps context.Canceled or DeadlineExceeded always.
func stopCause(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w (%w)", ctx.Err(), cause)
	}
	return ctx.Err()
}

// block runs n steps in one call and keeps as many as are good and wanted.
func (r *run) block(n int) (*Diverged, error) {
	batches, err := r.stacked(r.report.Steps, n)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	losses, ok, values, err := r.steps.run(batches, n)
	r.report.Compiles = r.steps.compiles
	if err != nil {
		return nil, err
	}
	keep, diverged := r.judge(losses, ok)
	if keep < n {
		discard(values)
		wanted := keep
		if values, keep, ok, err = r.replay(batches, keep, ok); err != nil {
			return nil, err
		}
		if keep < wanted && diverged == nil { // the step that Config.Stop would have ended at spoils the weights
			r.report.Stopped, diverged = "", &Diverged{}
		}
		if diverged != nil {
			player := blame(losses[keep], ok)
			*diverged = Diverged{Step: r.report.Steps + keep + 1, Loss: losses[keep][player], Player: r.players[player].Name}
		}
	}
	if values != nil {
		if err := r.steps.commit(values); err != nil {
			return nil, err
		}
	}
	r.report.Seconds += time.Since(start).Seconds()
	for _, row := range losses[:keep] {
		r.report.addLosses(row)
	}
	r.report.Steps += keep
	return diverged, nil
}

// judge returns how many of the steps to keep: up to the step that Config.Stop ends at, or to the last good one.
// ok says of each player whether its weights are finite after the last step.
func (r *run) judge(losses [][]float64, ok []bool) (keep int, diverged *Diverged) {
	all, good := r.report.Losses, !slices.Contains(ok, false)
	for i, row := range losses {
		if slices.ContainsFunc(row, infinite) {
			return i, &Diverged{}
		}
		all = append(all, row[0])
		if (good || i < len(losses)-1) && r.c.Stop != nil && r.c.Stop(all) {
			r.report.Stopped = StoppedByRule
			return i + 1, nil
		}
	}
	if !good {
		return len(losses) - 1, &Diverged{}
	}
	return len(losses), nil
}

// blame returns the player whose loss is not finite, or else the one whose weights are not.
func blame(losses []float64, ok []bool) int {
	if player := slices.IndexFunc(losses, infinite); player >= 0 {
		return player
	}
	return max(0, slices.Index(ok, false))
}

// replay runs the first n steps of a block again from the state before it, fewer if the weights are not finite after n.
// It returns nil values for 0 steps: the state is there already. bad says of each player whether its weights are finite after the
// step that follows.
func (r *run) replay(batches []*tensors.Tensor, n int, bad []bool) (values []*tensors.Tensor, kept int, _ []bool, err error) {
	for ; n > 0; n-- {
		_, ok, values, err := r.steps.run(batches, n)
		if err != nil || !slices.Contains(ok, false) {
			return values, n, bad, err
		}
		discard(values)
		bad = ok
	}
	return nil, 0, bad, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func infinite(x float64) bool { return !finite(x) }
