package fit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/ml/model"
)

// LoadOrTrain is Train with a memory: dir holds the run.
//
//   - A finished run is loaded, in milliseconds and without compiling; dir may be read-only.
//   - An unfinished one is taken up from its newest whole checkpoint and ends, bit for bit on the same backend, where
//     an uninterrupted run ends.
//   - Otherwise the run starts, and saves on the way.
//
// Afterwards the store holds the finished model: the averages if c.EMA, else the last weights, rounded if c.Half, the
// noise at c.Seed, and nothing of the optimiser. A first call and every later one leave the same store.
//
// Ctrl-C, a notebook's stop button (SIGINT), SIGTERM and a cancelled ctx save and end with an error that wraps
// context.Canceled: the same call goes on from there. So does one after a batch that could not be had. A checkpoint that is broken, or that belongs to another Config or
// network, is an error that names the file, what was expected and what was found; nothing of dir is lost.
// One process at a time trains in dir: for a second one the error says who has it.
func LoadOrTrain(ctx context.Context, b compute.Backend, dir string, store *model.Store, loss Loss, data Batches, c Config) (Report, error) {
	r, err := newRun(b, store, loss, data, c)
	if err == nil {
		err = r.loadOrTrain(ctx, dir)
	}
	if err != nil {
		return r.report, fmt.Errorf("fit.LoadOrTrain: %w", err)
	}
	return r.report, nil
}

// Load puts the weights of the finished run in dir into store, which must be new, in full width, and returns the run's report and
// its Config.Tag. It knows nothing of the network: compare the Tag with that of the network you mean to use, as the
// models' own Load do. LoadOrTrain instead holds the run against a loss and a whole Config.
func Load(dir string, store *model.Store) (Report, string, error) {
	folder := filepath.Join(dir, finalName)
	m, values, err := readFolder(folder)
	if err == nil && m.Kind != kindFinal {
		err = fmt.Errorf("%s holds a %q, expected a %q", folder, m.Kind, kindFinal)
	}
	if err != nil {
		return Report{}, "", fmt.Errorf("fit.Load: %w; LoadOrTrain makes a finished run", err)
	}
	for name, value := range values {
		if name == lossesName {
			continue
		}
		dtype := value.DType()
		if dtype.IsHalfPrecision() {
			dtype = dtypes.Float32
		}
		value, err := widen(value, dtype)
		if err == nil {
			at := strings.LastIndex(name, "/")
			_, err = store.Scope(name[:max(at, 1)]).CreateVariable(name[at+1:], value)
		}
		if err != nil {
			return Report{}, "", fmt.Errorf("fit.Load: %s of %s: %w", name, folder, err)
		}
	}
	report := Report{Steps: m.Step, Stopped: m.Stopped, Seconds: m.Seconds, Bytes: folderSize(folder), Loaded: true}
	report.takeCurve(values[lossesName])
	return report, m.Identity.Tag, store.SetRNGStateFromSeed(m.Identity.Seed)
}

func (r *run) loadOrTrain(ctx context.Context, dir string) error {
	k := &keeper{dir: dir, every: r.c.SaveEvery, keep: r.c.KeepN, saved: -1, good: map[int]bool{}, hook: r.c.hook}
	if done, err := r.load(k); done || err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	release, err := lock(dir)
	if err != nil {
		return err
	}
	defer release()
	if done, err := r.load(k); done || err != nil { // finished while this process came to the lock
		return err
	}
	if err := k.sweep(); err != nil {
		return err
	}
	return r.trainInto(ctx, k)
}

// load loads the finished run, if there is one.
func (r *run) load(k *keeper) (done bool, err error) {
	if _, err := os.Stat(filepath.Join(k.dir, finalName)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	vars, err := r.lossVars()
	if err != nil {
		return true, err
	}
	if err := k.loadFinal(r, vars); err != nil {
		return true, err
	}
	r.report.Loaded = true
	k.tidy()
	return true, nil
}

func (r *run) trainInto(ctx context.Context, k *keeper) error {
	if err := r.prepare(); err != nil {
		return err
	}
	if err := k.resume(r); err != nil {
		return err
	}
	if all := r.report.Losses; len(all) > 0 && r.c.Stop != nil && r.c.Stop(all) {
		r.report.Stopped = StoppedByRule // ended by its rule, and killed before it was finished
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := r.loop(ctx, k); err != nil {
		return err
	}
	return k.finish(r)
}
