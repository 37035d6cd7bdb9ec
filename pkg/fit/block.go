package fit

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// program is the compiled form of up to K training steps. It takes the values of vars, which it leaves untouched, and
// returns new ones: the caller keeps both until it has seen the losses, which is how a bad step is undone.
// (go-xla lets no output reuse an input's memory, so that keeping the old values costs nothing more.)
type program struct {
	backend  compute.Backend
	exec     *graph.Exec
	k        int
	vars     []*model.Variable // everything that a step reads
	changed  []*model.Variable // what a step writes
	handles  []graph.ParameterHandle
	compiles int
}

func newProgram(r *run, vars, changed []*model.Variable, k int) (*program, error) {
	p := &program{backend: r.b, k: k, vars: vars, changed: changed, handles: make([]graph.ParameterHandle, len(vars))}
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
	exec.SetSideParamsHook(p.feed)
	p.exec = exec.WithName("fit")
	return p, nil
}

// feed passes the variables' values to the program without giving them away.
func (p *program) feed(_ *graph.Graph, buffers []compute.Buffer, donate []bool) (err error) {
	for i, v := range p.vars {
		value, err := v.Value()
		if err != nil {
			return err
		}
		if buffers[p.handles[i]], err = value.Buffer(p.backend, 0); err != nil {
			return err
		}
		donate[p.handles[i]] = false
	}
	return nil
}

// run runs n of the K steps on the stacked batches. It returns the losses of the n steps, whether
// all weights are finite after them, and the new values of p.changed.
func (p *program) run(batches []*tensors.Tensor, n int) (losses []float64, finite bool, values []*tensors.Tensor, err error) {
	args := make([]any, 0, len(batches)+1)
	for _, b := range batches {
		args = append(args, b)
	}
	if p.k > 1 {
		args = append(args, int32(n))
	}
	out, _, err := p.exec.CallWithGraph(args...)
	if err != nil {
		return nil, false, nil, err
	}
	if losses, err = tensors.CopyFlatData[float64](out[0]); err != nil {
		return nil, false, nil, err
	}
	return losses[:n], tensors.ToScalar[bool](out[1]), out[2:], nil
}

// commit makes the values those of p.changed, and frees the old ones.
func (p *program) commit(values []*tensors.Tensor) error {
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

// inputs makes the variables parameters of the program's main function.
func (p *program) inputs(g *graph.Graph) []*graph.Node {
	nodes := make([]*graph.Node, len(p.vars))
	for i, v := range p.vars {
		nodes[i] = v.NodeValue(g)
		p.handles[i] = nodes[i].GetParameterHandle()
	}
	return nodes
}

// outputs returns losses as float64, one flag "all weights finite", and the changed variables.
func (p *program) outputs(g *graph.Graph, losses *graph.Node) []*graph.Node {
	out := []*graph.Node{graph.ConvertDType(losses, dtypes.Float64), nil}
	finite := graph.Const(g, true)
	for _, v := range p.changed {
		value := v.NodeValue(g)
		if v.Trainable {
			finite = graph.LogicalAnd(finite, graph.LogicalAll(graph.IsFinite(value)))
		}
		out = append(out, value)
	}
	out[1] = finite
	return out
}

// buildOne is the program of one step: no loop.
func (p *program) buildOne(r *run, g *graph.Graph, batch []*graph.Node) []*graph.Node {
	p.inputs(g)
	loss := r.buildStep(g, batch)
	return p.outputs(g, graph.Reshape(loss, 1))
}

// buildLoop is the program of n <= K steps, as a While whose body is the whole training step.
//
//	state: i, n, losses [K], the variables, the batches stacked [K, batch, …]
//	while i < n: losses[i], variables = step(variables, batches[i]); i++
//
// Everything a step reads travels in the state, since an XLA loop captures nothing. For the same reason the main function
// makes its constants with graph.Const: graph.Scalar and what uses it (graph.Zeros, graph.AddScalar …) keep one node per
// value for the whole graph, which the body would then capture. n is an argument, so that a last partial block compiles
// nothing anew.
func (p *program) buildLoop(r *run, g *graph.Graph, args []*graph.Node) []*graph.Node {
	batches, n := args[:len(args)-1], args[len(args)-1]
	state := []*graph.Node{graph.Const(g, int32(0)), n, graph.Const(g, make([]float64, p.k))}
	first := len(state)
	state = append(append(state, p.inputs(g)...), batches...)

	cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := parameters(g, state)
		return []*graph.Node{graph.LessThan(s[0], s[1])}
	})
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
		s := parameters(g, state)
		i, stacked := s[0], s[first+len(p.vars):]
		p.bind(s[first:])
		batch := make([]*graph.Node, len(stacked))
		for j, x := range stacked {
			batch[j] = at(x, i)
		}
		loss := graph.ConvertDType(r.buildStep(g, batch), dtypes.Float64)
		s[0], s[2] = graph.OnePlus(i), graph.DynamicUpdateSlice(s[2], graph.Reshape(loss, 1), []*graph.Node{i})
		for j, v := range p.vars {
			s[first+j] = v.NodeValue(g)
		}
		return s
	})
	result := graph.While(cond, body, state...)
	p.bind(result[first:])
	return p.outputs(g, result[2])
}

// bind makes the nodes the variables' values in the graph.
func (p *program) bind(nodes []*graph.Node) {
	for i, v := range p.vars {
		v.SetNodeValue(nodes[i])
	}
}

// parameters declares a closure's parameters, one for each node of the state.
func parameters(g *graph.Graph, state []*graph.Node) []*graph.Node {
	nodes := make([]*graph.Node, len(state))
	for i, s := range state {
		nodes[i] = graph.Parameter(g, fmt.Sprintf("state_%d", i), s.Shape())
	}
	return nodes
}

// at returns x[i], for a scalar node i.
func at(x, i *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	start := []*graph.Node{i}
	for range dims[1:] {
		start = append(start, graph.Const(x.Graph(), int32(0)))
	}
	sizes := append([]int{1}, dims[1:]...)
	return graph.Reshape(graph.DynamicSlice(x, start, sizes), dims[1:]...)
}
