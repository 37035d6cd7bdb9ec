// Package program holds what compiled programs that read the weights of a store have in common: package fit's training
// steps, and package sampler's runs.
package program

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Weights are variables that a program takes as inputs, which stay where they are: the program reads their values anew at
// each call, and gives none away.
type Weights struct {
	backend compute.Backend
	vars    []*model.Variable
	handles []graph.ParameterHandle
}

// NewWeights makes the variables inputs of one program on b.
func NewWeights(b compute.Backend, vars []*model.Variable) *Weights {
	return &Weights{b, vars, make([]graph.ParameterHandle, len(vars))}
}

// Inputs makes the variables parameters of the program's main function.
func (w *Weights) Inputs(g *graph.Graph) []*graph.Node {
	nodes := make([]*graph.Node, len(w.vars))
	for i, v := range w.vars {
		nodes[i] = v.NodeValue(g)
		w.handles[i] = nodes[i].GetParameterHandle()
	}
	return nodes
}

// Feed is the program's graph.SideParamsFn: it passes the values at each call.
func (w *Weights) Feed(_ *graph.Graph, buffers []compute.Buffer, donate []bool) error {
	for i, v := range w.vars {
		value, err := v.Value()
		if err != nil {
			return err
		}
		if buffers[w.handles[i]], err = value.Buffer(w.backend, 0); err != nil {
			return err
		}
		donate[w.handles[i]] = false
	}
	return nil
}

// Bind makes the nodes the variables' values in their graph, as in a loop's body.
func (w *Weights) Bind(nodes []*graph.Node) {
	for i, v := range w.vars {
		v.SetNodeValue(nodes[i])
	}
}

// Parameters declares a closure's parameters, one for each node of a loop's state: an XLA loop captures nothing, so that
// whatever its body reads travels in the state.
func Parameters(g *graph.Graph, state []*graph.Node) []*graph.Node {
	nodes := make([]*graph.Node, len(state))
	for i, s := range state {
		nodes[i] = graph.Parameter(g, fmt.Sprintf("state_%d", i), s.Shape())
	}
	return nodes
}

// At returns x[i], for a scalar node i.
func At(x, i *graph.Node) *graph.Node {
	dims := x.Shape().Dimensions
	start := []*graph.Node{i}
	for range dims[1:] {
		start = append(start, graph.Const(x.Graph(), int32(0)))
	}
	return graph.Reshape(graph.DynamicSlice(x, start, append([]int{1}, dims[1:]...)), dims[1:]...)
}

// Catch turns a graph builder's panic into an error, without the stack that GoMLX adds.
func Catch(f func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case error:
			err = e
		default:
			err = fmt.Errorf("%s", strings.TrimSpace(fmt.Sprint(e)))
		}
	}()
	f()
	return nil
}
