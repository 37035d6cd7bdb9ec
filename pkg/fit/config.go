package fit

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

// Loss builds the objective of one training step: a scalar of float32 or float64, to be minimised.
// batch holds one node per tensor of Batches.Batch. The scope is the store's root and also the step's source of noise.
type Loss func(scope *model.Scope, batch []*graph.Node) *graph.Node

// Batches is the training data. Batch is a pure function of step = 0, 1, 2, …, so that a run that resumes at step k
// sees the batches that it would have seen. Every step's tensors have the same shapes. fit reads the tensors
// and leaves them alone.
type Batches interface {
	Batch(step int) ([]*tensors.Tensor, error)
}

// Config says how to train. Only Steps and LearningRate have no default.
type Config struct {
	Steps        int      // optimiser steps of the whole run
	LearningRate float64  // η, Adam's base step size
	Schedule     Schedule // factor of η by step; nil is Constant{}
	EMA          float64  // decay d of the weights' moving average, in [0, 1); 0 keeps none. See Averaged.
	ClipNorm     float64  // largest global L2 norm of the gradient; 0 does not clip
	Seed         int64    // of the weights that the store lacks and of all noise in the loss

	// StepsPerCall is the number K of steps in one call of the compiled program. 0 chooses: 20 on XLA, 1 on pure Go
	// (which cannot loop over a training step) and 1 for a loss with convolutions (which XLA runs slowly
	// inside a loop). K changes the speed and when the run can react, not the result.
	StepsPerCall int

	// Stop ends the run early when it returns true. It is called after each step with the losses of all steps so
	// far and must be a pure function of them. See Plateau.
	Stop func(losses []float64) bool

	// Progress, if not nil, is called about ten times a second and after the last step. See Bar.
	Progress Progress

	// The rest is for LoadOrTrain alone.

	// Tag names what the compiled program cannot show, as "beta=4, digits": it is part of the run's identity.
	Tag string
	// SaveEvery is the number of steps between checkpoints; 0 chooses a tenth of Steps.
	SaveEvery int
	// KeepN is the number of valid checkpoints kept while training; 0 chooses 2.
	KeepN int
	// Half, when Float16 or BFloat16, stores the finished run's weights in half the width.
	Half dtypes.DType

	hook func(stage string) // tests: called between the writes of a checkpoint
}

// DefaultStepsPerCall is K on XLA when Config.StepsPerCall is 0.
const DefaultStepsPerCall = 20

func (c Config) withDefaults() Config {
	if c.Schedule == nil {
		c.Schedule = Constant{}
	}
	if c.SaveEvery == 0 {
		c.SaveEvery = max(1, (c.Steps+9)/10)
	}
	if c.KeepN == 0 {
		c.KeepN = 2
	}
	if c.hook == nil {
		c.hook = func(string) {}
	}
	return c
}

func (c Config) check(b compute.Backend) error {
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("fit: Config.%s = %v, expected %s", field, value, want)
	}
	switch {
	case c.Steps < 1:
		return wrong("Steps", c.Steps, "1 or more")
	case !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0):
		return wrong("LearningRate", c.LearningRate, "a positive number, as 1e-3")
	case !(c.EMA >= 0 && c.EMA < 1):
		return wrong("EMA", c.EMA, "a decay in [0, 1), as 0.999, or 0 for none")
	case !(c.ClipNorm >= 0) || math.IsInf(c.ClipNorm, 0):
		return wrong("ClipNorm", c.ClipNorm, "a positive norm, or 0 for none")
	case c.StepsPerCall < 0:
		return wrong("StepsPerCall", c.StepsPerCall, "1 or more, or 0 to choose")
	case c.StepsPerCall > 1 && !backend.IsXLA(b):
		return wrong("StepsPerCall", c.StepsPerCall, "0 or 1 on pure Go, which has no gradient inside a loop")
	case c.SaveEvery < 0:
		return wrong("SaveEvery", c.SaveEvery, "1 or more steps, or 0 to choose")
	case c.KeepN < 0:
		return wrong("KeepN", c.KeepN, "1 or more, or 0 to choose")
	case c.Half != dtypes.InvalidDType && c.Half != dtypes.Float16 && c.Half != dtypes.BFloat16:
		return wrong("Half", c.Half, "Float16, BFloat16 or nothing")
	}
	return nil
}
