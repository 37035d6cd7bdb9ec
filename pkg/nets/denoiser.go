package nets

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Denoiser is a network on images that a denoising model can take: Patch and UNet.
//
//	net := func(xt, t *Node) *Node { return nets.PatchFashion.Apply(scope.At("net"), xt, t, nil) }
//	denoise := param.Bind(process, param.V, net)
type Denoiser interface {
	// Apply builds the network on x [batch, height, width, channels] at t [batch or 1, 1, 1, 1] and label [batch] or nil.
	Apply(scope *model.Scope, x, t, label *graph.Node) *graph.Node
	// Check returns an error that names the field when the network cannot be built.
	Check() error
	// Parameters returns the number of weights and biases.
	Parameters() int
	// FLOPs returns the operations of one evaluation on a batch.
	FLOPs(batch int) float64
	// String says what the network is and what it costs.
	String() string
}
