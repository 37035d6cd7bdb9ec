package program

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/ml/model"
)

// Frozen guards a store of trained weights while graphs are built and run on it: see fit.Frozen.
func Frozen(store *model.Store) (restore func() error) {
	known := Paths(store)
	return func() error {
		var added []string
		for path := range Paths(store) {
			if !known[path] {
				added = append(added, path)
			}
		}
		for _, path := range added {
			if err := store.DeleteVariable(path); err != nil {
				return err
			}
		}
		added = slices.DeleteFunc(added, func(path string) bool { return path == model.RootScopePath+model.RNGStateVariableName })
		if len(added) == 0 {
			return nil
		}
		slices.Sort(added)
		return fmt.Errorf("the store lacks %d weights of the network, as %s: train it first, or load the run that fits the Config", len(added), added[0])
	}
}

// Paths returns the paths of a store's variables.
func Paths(store *model.Store) map[string]bool {
	all := map[string]bool{}
	for v := range store.IterVariables() {
		all[v.Path()] = true
	}
	return all
}
