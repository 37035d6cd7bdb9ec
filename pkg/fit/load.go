package fit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/gomlx/compute"
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
