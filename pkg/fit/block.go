package fit

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
)

// block is the compiled form of up to K training steps. It takes the values of vars, which it leaves untouched, and
// returns new ones: the caller keeps both until it has seen the losses, which is how a bad step is undone.
// (go-xla lets no output reuse an input's memory, so that keeping the old values costs nothing more.)
type block struct {
	exec     *graph.Exec
	k        int
	vars     []*model.Variable // everything that a step reads
	changed  []*model.Variable // what a step writes
	weights  *program.Weights  // vars as inputs
	compiles int
}

func newBlock(r *run, vars, changed []*model.Variable, k int) (*block, error) {
	p := &block{k: k, vars: vars, changed: changed, weights: program.NewWeights(r.b, vars)}
	build := p.buildOne
	if k > 1 {
		build = p.buildLoop
	}
	exec, err := graph.NewExecCanonical(r.b, func(g *graph.Graph, args []*graph.Node) []*graph.Node {
		p.compiles++
		model.SetStore(g, r.store)
		return build(r, g, args)
	}, -1, -1, false, true, true)
	if err != nil {
		return nil, err
	}
	exec.SetSideParamsHook(p.weights.Feed)
	p.exec = exec.WithName("fit")
	return p, nil
}

// run runs n of the K steps on the stacked batches. It returns the losses of the n steps, one for each player, whether
// all weights of each player are finite after them, and the new values of p.changed.
func (p *block) run(batches []*tensors.Tensor, n int) (losses [][]float64, finite []bool, values []*tensors.Tensor, err error) {
	args := make([]any, 0, len(batches)+1)
	for _, b := range batches {
		args = append(args, b)
	}
	if p.k > 1 {
		args = append(args, int32(n))
	}
	out, _, err := p.exec.CallWithGraph(args...)
	if err != nil {
		return nil, nil, nil, err
	}
	flat, err := tensors.CopyFlatData[float64](out[0])
	if err == nil {
		finite, err = tensors.CopyFlatData[bool](out[1])
	}
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range n {
		losses = append(losses, flat[i*len(finite):(i+1)*len(finite)])
	}
	return losses, finite, out[2:], nil
}

// commit makes the values those of p.changed, and frees the old ones.
func (p *block) commit(values []*tensors.Tensor) error {
	for i, v := range p.changed {
		if err := v.SetValue(values[i]); err != nil {
			return err
		}
	}
	return nil
}

// discard frees values that are not to be used.
func discard(values []*tensors.Tensor) {
	for _, v := range values {
		v.MustFinalizeAll()
	}
}

// outputs returns losses, one flag "all weights finite" for each player, and the changed variables.
func (p *block) outputs(r *run, g *graph.Graph, losses *graph.Node) []*graph.Node {
	out, finite := []*graph.Node{losses, nil}, make([]*graph.Node, len(r.players))
	for i := range finite {
		finite[i] = graph.Const(g, true)
	}
	for _, v := range p.changed {
		value := v.NodeValue(g)
		if i := r.owner(v); v.Trainable {
			finite[i] = graph.LogicalAnd(finite[i], graph.LogicalAll(graph.IsFinite(value)))
		}
		out = append(out, value)
	}
	out[1] = graph.Stack(finite, 0)
	return out
}

// lossRow returns the losses of one step as [1, players].
func lossRow(losses []*graph.Node) *graph.Node {
	parts := make([]*graph.Node, len(losses))
	for i, loss := range losses {
		parts[i] = graph.Reshape(graph.ConvertDType(loss, dtypes.Float64), 1, 1)
	}
	return graph.Concatenate(parts, 1)
}

// buildOne is the program of one step: no loop.
func (p *block) buildOne(r *run, g *graph.Graph, batch []*graph.Node) []*graph.Node {
	p.weights.Inputs(g)
	return p.outputs(r, g, lossRow(r.buildStep(g, batch)))
}

// buildLoop is the program of n <= K steps, as a While whose body is the whole training step.
//
//	state: i, n, losses [K, players], the variables, the batches stacked [K, batch, …]
//	while i < n: losses[i], variables = step(variables, batches[i]); i++
//
// Everything a step reads travels in the state, since an XLA loop captures nothing. For the same reason the main function
// makes its constants with graph.Const: graph.Scalar and what uses it (graph.Zeros, graph.AddScalar …) keep one node per
// value for the whole graph, which the body would then capture. n is an argument, so that a last partial block compiles
// nothing anew.
func (p *block) buildLoop(r *run, g *graph.Graph, args []*graph.Node) []*graph.Node {
	batches, n := args[:len(args)-1], args[len(args)-1]
	none := make([][]float64, p.k)
	for i := range none {
		none[i] = make([]float64, len(r.players))
	}
	state := []*graph.Node{graph.Const(g, int32(0)), n, graph.Const(g, none)}
	first := len(state)
	state = append(append(state, p.weights.Inputs(g)...), batches...)

	cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := program.Parameters(g, state)
		return []*graph.Node{graph.LessThan(s[0], s[1])}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := program.Parameters(g, state)
		i, stacked := s[0], s[first+len(p.vars):]
		p.weights.Bind(s[first:])
		batch := make([]*graph.Node, len(stacked))
		for j, x := range stacked {
			batch[j] = program.At(x, i)
		}
		losses := lossRow(r.buildStep(g, batch))
		s[0], s[2] = graph.OnePlus(i), graph.DynamicUpdateSlice(s[2], losses, []*graph.Node{i, graph.Const(g, int32(0))})
		for j, v := range p.vars {
			s[first+j] = v.NodeValue(g)
		}
		return s
	})
	result := graph.While(cond, body, state...)
	p.weights.Bind(result[first:])
	return p.outputs(r, g, result[2])
}
