package fit

import (
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
)

// Frozen guards a store of trained weights while graphs run on it: GoMLX makes up the weights that a network asks for and
// a store does not have, and a figure of theirs means nothing. Call it before the graph runs, and the function that it
// returns afterwards: it takes out of the store what the run added, and returns an error if that was a weight.
func Frozen(store *model.Store) (restore func() error) { return program.Frozen(store) }
