package ebm_test

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// free is a network of two outputs that is not the gradient of anything.
func free(scope *model.Scope, x *Node) *Node {
	return nets.MLP(scope.At("free"), x, nets.GlorotUniform, Tanh, 16, 16, 2)
}
