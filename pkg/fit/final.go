package fit

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// finish writes the finished run's folder: the variables that the loss uses (averages in place of weights when the run
// keeps them) and the loss curve; then it brings the store to exactly what a later load gives,
// and removes the checkpoints.
func (k *keeper) finish(r *run) error {
	if r.averaged() {
		if err := useAverages(r.store); err != nil {
			return err
		}
	}
	values := []named{{lossesName, narrowLosses(r.report.curve())}}
	for _, v := range r.modelVars() {
		value, err := narrow(v.MustValue(), v, r.c.Half)
		if err != nil {
			return err
		}
		values = append(values, named{v.Path(), value})
	}
	m := manifest{Format: formatName, Kind: kindFinal, Step: r.report.Steps, Stopped: r.report.Stopped,
		Seconds: math.Round(r.report.Seconds*10) / 10, Identity: r.identity()}
	if err := writeFolder(k.dir, finalName, m, values, k.hook); err != nil {
		return fmt.Errorf("finished run: %w", err)
	}
	if err := k.loadFinal(r, r.modelVars()); err != nil {
		return err
	}
	return errors.Join(dropOwn(r.store), k.prune(0))
}

// modelVars are the run's variables without the optimiser's state and that of the noise, which starts from the seed again.
func (r *run) modelVars() (vars []*model.Variable) {
	for _, v := range r.vars {
		if !isOwn(v.Path()) && v.Path() != noisePath {
			vars = append(vars, v)
		}
	}
	return vars
}

// loadFinal gives the variables the finished run's values.
func (k *keeper) loadFinal(r *run, vars []*model.Variable) error {
	dir := filepath.Join(k.dir, finalName)
	m, values, err := readFolder(dir)
	if err != nil {
		return fmt.Errorf("%w; remove %s to train again", err, dir)
	}
	if err := r.adopt(dir, m, values, vars); err != nil {
		return err
	}
	r.report.Steps, r.report.Stopped, r.report.Seconds = m.Step, m.Stopped, m.Seconds
	r.report.Bytes = folderSize(dir)
	return r.store.SetRNGStateFromSeed(r.c.Seed)
}

// lossVars builds the losses, without gradients, and returns the variables that it uses. Nothing is compiled.
func (r *run) lossVars() (vars []*model.Variable, err error) {
	err = r.dryBuild(r.buildLosses, func(g *graph.Graph) {
		for v := range r.store.IterVariables() {
			if v.InUseByGraph(g) && v.Path() != noisePath {
				vars = append(vars, v)
			}
		}
	})
	return vars, err
}

// isHalved reports whether a variable is stored in half the width: trained weights of float32.
func isHalved(v *model.Variable) bool { return v.Trainable && v.DType() == dtypes.Float32 }

// narrow returns the value in the dtype half when v is to be halved. A weight too large for float16 is an error.
func narrow(value *tensors.Tensor, v *model.Variable, half dtypes.DType) (*tensors.Tensor, error) {
	if half == dtypes.InvalidDType || !isHalved(v) {
		return value, nil
	}
	x, err := tensors.CopyFlatData[float32](value)
	if err != nil {
		return nil, err
	}
	dims := value.Shape().Dimensions
	if half == dtypes.BFloat16 {
		return tensors.FromFlatDataAndDimensions(bfloat16.FromFloat32s(x...), dims...), nil
	}
	out := make([]float16.Float16, len(x))
	for i, w := range x {
		if out[i] = float16.FromFloat32(w); !finite(out[i].Float64()) {
			return nil, fmt.Errorf("weight %g of %s does not fit float16: train in another directory with Config.Half BFloat16, or without it", w, v.Path())
		}
	}
	return tensors.FromFlatDataAndDimensions(out, dims...), nil
}

// widen is narrow's inverse, but for the rounding.
func widen(value *tensors.Tensor, dtype dtypes.DType) (*tensors.Tensor, error) {
	if value.DType() == dtype {
		return value, nil
	}
	out := make([]float32, value.Size())
	err := value.ConstFlatData(func(flat any) {
		switch x := flat.(type) {
		case []float16.Float16:
			for i, v := range x {
				out[i] = v.Float32()
			}
		case []bfloat16.BFloat16:
			for i, v := range x {
				out[i] = v.Float32()
			}
		}
	})
	return tensors.FromFlatDataAndDimensions(out, value.Shape().Dimensions...), err
}

// sameKind reports whether a stored value has the dtype that the variable v is stored in.
func sameKind(r *run, v *model.Variable, value *tensors.Tensor) bool {
	return value.DType() == v.DType() || (isHalved(v) && r.c.Half != dtypes.InvalidDType && value.DType() == r.c.Half)
}

// narrowLosses keeps the curve in float32: it is for the eye.
func narrowLosses(curve *tensors.Tensor) *tensors.Tensor {
	losses := lossesOf(curve)
	out := make([]float32, len(losses))
	for i, l := range losses {
		out[i] = float32(l)
	}
	return tensors.FromFlatDataAndDimensions(out, curve.Shape().Dimensions...)
}

func lossesOf(t *tensors.Tensor) (losses []float64) {
	if t == nil {
		return nil
	}
	t.MustConstFlatData(func(flat any) {
		switch x := flat.(type) {
		case []float64:
			losses = append(losses, x...)
		case []float32:
			for _, l := range x {
				losses = append(losses, float64(l))
			}
		}
	})
	return losses
}
