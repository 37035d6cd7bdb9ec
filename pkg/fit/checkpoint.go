package fit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Names inside a run's directory.
const (
	finalName  = "final"
	stepFormat = "step-%010d"
	lossesName = "losses" // a tensor that is no variable: those begin with "/"
)

// keeper saves a run's checkpoints in a directory. It implements saver.
type keeper struct {
	dir   string
	every int
	keep  int
	saved int          // step of the last checkpoint written or read; -1 before
	good  map[int]bool // steps whose checkpoint this process wrote or read whole
	hook  func(string)
}

func (k *keeper) where() string     { return k.dir }
func (k *keeper) advice() string    { return "run it again to go on from there, the state is in " + k.dir }
func (k *keeper) due(step int) bool { return step/k.every > k.saved/k.every || k.saved < 0 }

func (k *keeper) path(step int) string { return filepath.Join(k.dir, fmt.Sprintf(stepFormat, step)) }

// save writes the whole state of the run, unless that step is saved already.
func (k *keeper) save(r *run) error {
	step := r.report.Steps
	if k.saved == step {
		return nil
	}
	values := []named{{lossesName, r.report.curve()}}
	if step == 0 {
		values = nil
	}
	for _, v := range r.vars {
		values = append(values, named{v.Path(), v.MustValue()})
	}
	m := manifest{Format: formatName, Kind: kindCheckpoint, Step: step, Seconds: r.report.Seconds, Identity: r.identity()}
	if err := writeFolder(k.dir, filepath.Base(k.path(step)), m, values, k.hook); err != nil {
		return fmt.Errorf("checkpoint of step %d: %w", step, err)
	}
	k.saved, k.good[step] = step, true
	return k.prune(k.keep)
}

// steps lists the steps that have a checkpoint's folder, newest first.
func (k *keeper) steps() (steps []int, err error) {
	names, err := os.ReadDir(k.dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range names {
		step := 0
		if n, _ := fmt.Sscanf(entry.Name(), stepFormat, &step); n == 1 && entry.Name() == fmt.Sprintf(stepFormat, step) {
			steps = append(steps, step)
		}
	}
	slices.SortFunc(steps, func(a, b int) int { return b - a })
	return steps, nil
}

// prune removes old checkpoints past the newest keep valid ones. A broken one never counts and is never removed.
func (k *keeper) prune(keep int) error {
	steps, err := k.steps()
	if err != nil {
		return err
	}
	valid := 0
	for _, step := range steps {
		if !k.good[step] {
			_, _, err := readFolder(k.path(step))
			k.good[step] = err == nil
		}
		if !k.good[step] {
			continue
		}
		if valid++; valid > keep {
			if err := k.remove(step); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a checkpoint; the rename first means that a kill leaves no half of one.
func (k *keeper) remove(step int) error {
	temp := filepath.Join(k.dir, tempPrefix+"removed-"+filepath.Base(k.path(step)))
	if err := os.Rename(k.path(step), temp); err != nil {
		return err
	}
	k.hook("checkpoint renamed to be removed")
	delete(k.good, step)
	return os.RemoveAll(temp)
}

// sweep removes what killed processes left half written. The caller holds the lock.
func (k *keeper) sweep() error {
	left, err := filepath.Glob(filepath.Join(k.dir, tempPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// tidy removes what a process left that was killed after the run was finished. The finished run is whole without it,
// so a directory that is read-only, or in another process's hands, stays as it is.
func (k *keeper) tidy() {
	entries, err := os.ReadDir(k.dir)
	if err != nil || !slices.ContainsFunc(entries, isLeft) {
		return
	}
	release, err := lock(k.dir)
	if err != nil {
		return
	}
	defer release()
	_ = errors.Join(k.sweep(), k.prune(0))
}

// isLeft reports whether the name is one that a run uses only while it trains.
func isLeft(entry os.DirEntry) bool {
	name := entry.Name()
	return name == lockFile || strings.HasPrefix(name, tempPrefix) || strings.HasPrefix(name, "step-")
}

// resume puts the newest valid checkpoint's state into the run. Broken ones are passed over and reported; when
// there are only broken ones, or the newest valid one is of another run, that is an error.
func (k *keeper) resume(r *run) error {
	steps, err := k.steps()
	if err != nil {
		return err
	}
	for _, step := range steps {
		m, values, err := readFolder(k.path(step))
		if err != nil {
			r.report.Skipped = append(r.report.Skipped, err)
			continue
		}
		if err := r.adopt(k.path(step), m, values, r.vars); err != nil {
			return err
		}
		r.report.Steps, r.report.Resumed, r.report.Seconds = m.Step, m.Step, m.Seconds
		k.saved, k.good[step] = step, true
		return nil
	}
	if len(r.report.Skipped) > 0 {
		return fmt.Errorf("no checkpoint of %s is whole; remove the directory to train anew: %w", k.dir, errors.Join(r.report.Skipped...))
	}
	return nil
}

// adopt checks that a checkpoint is of this run and holds exactly the variables vars, then gives them its values.
func (r *run) adopt(dir string, m manifest, values map[string]*tensors.Tensor, vars []*model.Variable) error {
	path := filepath.Join(dir, manifestFile)
	const advice = "train in another directory, or remove this one"
	if d := difference(r.identity(), m.Identity); d != "" {
		return fmt.Errorf("%s belongs to another run: %s; %s", path, d, advice)
	}
	known := map[string]bool{lossesName: true}
	for _, v := range vars {
		known[v.Path()] = true
		value, found := values[v.Path()]
		if !found {
			return fmt.Errorf("%s belongs to another network: expected variable %s %s, found none; %s", path, v.Path(), v.Shape(), advice)
		}
		if want := v.Shape(); !slices.Equal(want.Dimensions, value.Shape().Dimensions) || !sameKind(r, v, value) {
			return fmt.Errorf("%s belongs to another network: expected variable %s %s, found %s; %s", path, v.Path(), want, value.Shape(), advice)
		}
	}
	for name := range values {
		if !known[name] {
			return fmt.Errorf("%s belongs to another network: found variable %s %s, expected none; %s", path, name, values[name].Shape(), advice)
		}
	}
	for _, v := range vars {
		value, err := widen(values[v.Path()], v.DType())
		if err != nil {
			return err
		}
		if err := v.SetValue(value); err != nil {
			return err
		}
	}
	r.report.takeCurve(values[lossesName])
	return nil
}
