package fit

import (
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
)

// Averaged returns a copy of a store that was trained with Config.EMA, in which the moving averages stand in place of
// the weights and the optimiser's state is gone. The store itself is left as it is.
// It returns an error when the store holds no averages.
func Averaged(store *model.Store) (*model.Store, error) {
	copied, err := store.Clone()
	if err != nil {
		return nil, fmt.Errorf("fit.Averaged: %w", err)
	}
	if err := useAverages(copied); err != nil {
		return nil, fmt.Errorf("fit.Averaged: %w", err)
	}
	return copied, dropOwn(copied)
}

// useAverages replaces each weight that has an average by it.
func useAverages(store *model.Store) error {
	found := false
	for average := range store.IterVariables() {
		path, is := strings.CutPrefix(average.Path(), averageScope)
		if !is {
			continue
		}
		value, err := average.MustValue().LocalClone()
		if err != nil {
			return err
		}
		if err := store.GetVariable(path).SetValue(value); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fmt.Errorf("the store holds no averages; train with Config.EMA > 0, as 0.999")
	}
	return nil
}

// dropOwn removes the optimiser's state from the store.
func dropOwn(store *model.Store) error {
	for path := range program.Paths(store) {
		if !isOwn(path) {
			continue
		}
		if err := store.DeleteVariable(path); err != nil {
			return err
		}
	}
	return nil
}
