package fit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/program"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// runConfig has everything that a checkpoint must carry: noise, averages, schedule, clipping.
var runConfig = Config{Steps: 40, LearningRate: 0.01, Seed: 3, EMA: 0.9, ClipNorm: 1, Schedule: WarmupCosine{Warmup: 5}, SaveEvery: 8, KeepN: 2}

// interrupted runs LoadOrTrain in dir until the batch of the given step is asked for, and checks that it says how to go on.
func interrupted(t *testing.T, b compute.Backend, dir string, step int, c Config) Report {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	data := function(func(k int) ([]*tensors.Tensor, error) {
		if k == step {
			cancel()
		}
		return line{8}.Batch(k)
	})
	r, err := LoadOrTrain(ctx, b, dir, model.NewStore(), noisyLoss, data, c)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "run it again") {
		t.Fatalf("interrupted at step %d: error %v, want one that says how to go on", step, err)
	}
	return r
}

// TestLoadGivesWhatTrainingGave: the first call and every later one leave the same store, to the bit.
func TestLoadGivesWhatTrainingGave(t *testing.T) {
	plain, half := runConfig, runConfig
	plain.EMA = 0
	half.Half = dtypes.BFloat16
	for name, c := range map[string]Config{"plain": plain, "averaged": runConfig, "half": half} {
		dir, b := t.TempDir(), onHost
		if name == "averaged" {
			b = backendtest.Open(t)
		}
		first, r1, err := loadOrTrain(t, b, dir, c)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(names(t, dir), " "); got != finalName {
			t.Errorf("%s: a finished run's directory holds %q, want only %q", name, got, finalName)
		}
		second, r2, err := loadOrTrain(t, b, dir, c)
		if err != nil {
			t.Fatal(err)
		}
		if r1.Loaded || !r2.Loaded || r2.Steps != 40 || r2.Compiles != 0 || r2.Stopped != StoppedBySteps || r2.Bytes != r1.Bytes {
			t.Errorf("%s: reports %+v, %+v", name, r1, r2)
		}
		for i, loss := range r1.Losses {
			near(t, r2.Losses[i], loss, 1e-7, "loss curve in float32", i)
		}
		sameBits(t, name, bits(t, first), bits(t, second))
	}
}

// TestFinishedIsWhatTrainGives: the finished weights are Train's averages, exactly or rounded to half width.
func TestFinishedIsWhatTrainGives(t *testing.T) {
	store, _ := train(t, onHost, noisyLoss, line{8}, runConfig)
	want, err := Averaged(store)
	if err != nil {
		t.Fatal(err)
	}
	loaded, _, err := loadOrTrain(t, onHost, t.TempDir(), runConfig)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/net/layer_2/dense/weights"
	for i, w := range values(t, want, path) {
		near(t, values(t, loaded, path)[i], w, 0, "weight", i)
	}
}

// TestHalfWidth: float32 weights lose at most half a unit of the kept digits, and the files half their size.
func TestHalfWidth(t *testing.T) {
	loss := func(scope *model.Scope, batch []*graph.Node) *graph.Node {
		return halfSquare(nets.MLP(scope.In("net"), graph.ConvertDType(batch[0], dtypes.Float32), nets.HeUniform, graph.Tanh, 300, 1),
			graph.ConvertDType(batch[1], dtypes.Float32))
	}
	run := func(dir string, half dtypes.DType) (*model.Store, Report) {
		store := model.NewStore()
		r, err := LoadOrTrain(context.Background(), onHost, dir, store, loss, line{8}, Config{Steps: 3, LearningRate: 0.01, Half: half})
		if err != nil {
			t.Fatal(err)
		}
		return store, r
	}
	full, fullReport := run(t.TempDir(), dtypes.InvalidDType)
	for half, digits := range map[dtypes.DType]float64{dtypes.Float16: 0x1p-11, dtypes.BFloat16: 0x1p-8} {
		dir := t.TempDir()
		store, r := run(dir, half)
		shipped := model.NewStore()
		again, tag, err := Load(dir, shipped)
		if want := values(t, store, "/net/layer_1/dense/weights"); err != nil || tag != "" || again.Steps != 3 || again.Bytes != r.Bytes ||
			!slices.Equal(values(t, shipped, "/net/layer_1/dense/weights"), want) {
			t.Errorf("%s: Load gives %v, tag %q, error %v, or other weights", half, again, tag, err)
		}
		changed := false
		for i, w := range values(t, full, "/net/layer_1/dense/weights") {
			got := values(t, store, "/net/layer_1/dense/weights")[i]
			if diff := got - w; diff > digits*abs(w) || diff < -digits*abs(w) {
				t.Errorf("%s: weight %g became %g", half, w, got)
			}
			changed = changed || got != w
		}
		if !changed {
			t.Errorf("%s: no weight was rounded", half)
		}
		if saved := fullReport.Bytes - r.Bytes; saved < 2300 || saved > 2450 { // 1201 weights, 2 bytes each
			t.Errorf("%s: %d bytes, %d at full width", half, r.Bytes, fullReport.Bytes)
		}
	}
	_, err := narrow(tensors.FromValue([]float32{1e6}), full.GetVariable("/net/layer_1/dense/weights"), dtypes.Float16)
	if err == nil || !strings.Contains(err.Error(), "does not fit float16") {
		t.Errorf("1e6 in float16: error %v", err)
	}
}

func abs(x float64) float64 { return max(x, -x) }

// TestResume: interrupted anywhere, twice, with any K, a run ends where an uninterrupted one does, to the bit.
func TestResume(t *testing.T) {
	long := runConfig
	long.Steps = 60
	for _, m := range modes(t) {
		want, whole, err := loadOrTrain(t, m.b, t.TempDir(), long)
		if err != nil {
			t.Fatal(err)
		}
		c, dir := long, t.TempDir()
		c.StepsPerCall = m.k
		first := interrupted(t, m.b, dir, 3, c)
		second := interrupted(t, m.b, dir, 29, c)
		if second.Resumed != first.Steps || first.Steps < 4 || second.Steps < 30 {
			t.Errorf("K = %d: stopped at %d, resumed at %d, stopped at %d", m.k, first.Steps, second.Resumed, second.Steps)
		}
		got, r, err := loadOrTrain(t, m.b, dir, c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Resumed != second.Steps || len(r.Losses) != len(whole.Losses) {
			t.Errorf("K = %d: report %+v", m.k, r)
		}
		for i, loss := range whole.Losses {
			near(t, r.Losses[i], loss, 0, "loss", i)
		}
		sameBits(t, "resumed", bits(t, want), bits(t, got))
	}
}

// TestStopSurvivesAKill: a run ended by its rule and killed before it was finished does not train on.
func TestStopSurvivesAKill(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.Stop = func(losses []float64) bool { return len(losses) == 16 }
	c.hook = func(stage string) {
		if matches, _ := filepath.Glob(filepath.Join(dir, "step-*16")); len(matches) == 1 {
			panic("killed")
		}
	}
	err := program.Catch(func() { loadOrTrain(t, onHost, dir, c) })
	if err == nil || err.Error() != "killed" {
		t.Fatalf("error %v, want the kill", err)
	}
	c.hook = nil
	_, r, err := loadOrTrain(t, onHost, dir, c)
	if err != nil || r.Steps != 16 || r.Stopped != StoppedByRule {
		t.Errorf("after the kill: %d steps, stopped %q, error %v", r.Steps, r.Stopped, err)
	}
}

// damage changes one file of a checkpoint.
type damage func(t *testing.T, folder string)

func flip(file string, at int) damage {
	return func(t *testing.T, folder string) {
		edit(t, filepath.Join(folder, file), func(data []byte) []byte {
			data[at] ^= 1
			return data
		})
	}
}

func truncate(file string) damage {
	return func(t *testing.T, folder string) {
		edit(t, filepath.Join(folder, file), func(data []byte) []byte { return data[:len(data)/2] })
	}
}

func replace(old, new string) damage {
	return func(t *testing.T, folder string) {
		edit(t, filepath.Join(folder, manifestFile), func(data []byte) []byte {
			if !strings.Contains(string(data), old) {
				t.Fatalf("no %q in the manifest", old)
			}
			return []byte(strings.Replace(string(data), old, new, 1))
		})
	}
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(data), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var damages = map[string]struct {
	do   damage
	want []string // in the error
}{
	"bit of a tensor":    {flip(dataFile, 400), []string{dataFile, "expected SHA-256", "found"}},
	"first bit":          {flip(dataFile, 0), []string{dataFile, "losses", "expected SHA-256", "found"}},
	"truncated tensors":  {truncate(dataFile), []string{dataFile, "expected", "bytes, found"}},
	"truncated manifest": {truncate(manifestFile), []string{manifestFile, "expected a checkpoint's manifest", "found"}},
	"empty manifest": {func(t *testing.T, f string) {
		edit(t, filepath.Join(f, manifestFile), func([]byte) []byte { return nil })
	}, []string{manifestFile, "found 0 bytes"}},
	"edited step":  {replace(`"step": `, `"step": 1`), []string{manifestFile, "expected a text of SHA-256", "found a changed one"}},
	"edited dims":  {replace(`"dims": [`, `"dims": [ `), []string{manifestFile, "found a changed one"}},
	"other format": {replace(formatName, "somebody else's"), []string{manifestFile, formatName, "somebody else's"}},
	"no tensors":   {func(t *testing.T, f string) { os.Remove(filepath.Join(f, dataFile)) }, []string{dataFile, "no such file"}},
}

// TestBrokenFinal: each damage to a finished run is an error that names the file; nothing is changed or trained.
func TestBrokenFinal(t *testing.T) {
	c := runConfig
	c.Steps = 4
	whole := t.TempDir()
	if _, _, err := loadOrTrain(t, onHost, whole, c); err != nil {
		t.Fatal(err)
	}
	for name, d := range damages {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		d.do(t, filepath.Join(dir, finalName))
		_, _, err := loadOrTrain(t, onHost, dir, c)
		expectError(t, name, err, d.want)
		if got := strings.Join(names(t, dir), " "); got != finalName {
			t.Errorf("%s: the directory now holds %q", name, got)
		}
	}
}

func expectError(t *testing.T, name string, err error, want []string) {
	t.Helper()
	for _, text := range append(want, "fit.LoadOrTrain: ") {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, want one with %q", name, err, text)
		}
	}
}

// TestBrokenCheckpoint: the newest whole one is taken, the broken one is reported and stays, and the run still ends where it should.
func TestBrokenCheckpoint(t *testing.T) {
	c := runConfig
	c.StepsPerCall = 1
	want, _, err := loadOrTrain(t, onHost, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bit of a tensor", "truncated manifest", "no tensors"} {
		dir := t.TempDir()
		interrupted(t, onHost, dir, 27, c) // checkpoints of 24 and 28
		damages[name].do(t, filepath.Join(dir, "step-0000000028"))
		got, r, err := loadOrTrain(t, onHost, dir, c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Resumed != 24 || len(r.Skipped) != 1 {
			t.Errorf("%s: resumed at %d, skipped %v, want 24 and one", name, r.Resumed, r.Skipped)
		}
		sameBits(t, name, bits(t, want), bits(t, got))
		if got := strings.Join(names(t, dir), " "); got != "final step-0000000028" {
			t.Errorf("%s: the directory holds %q, want the finished run and the broken checkpoint", name, got)
		}
	}
}

// TestOnlyBrokenCheckpoints: that is an error, not a silent new start.
func TestOnlyBrokenCheckpoints(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.StepsPerCall, c.KeepN = 1, 1
	interrupted(t, onHost, dir, 27, c)
	damages["bit of a tensor"].do(t, filepath.Join(dir, "step-0000000028"))
	_, _, err := loadOrTrain(t, onHost, dir, c)
	expectError(t, "only broken ones", err, []string{"step-0000000028", dataFile, "expected SHA-256", "remove the directory"})
	if got := strings.Join(names(t, dir), " "); got != "step-0000000028" {
		t.Errorf("the directory now holds %q", got)
	}
}

// TestPruning: KeepN counts whole checkpoints only; a broken one whose place is needed is moved aside.
func TestPruning(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.StepsPerCall = 1
	interrupted(t, onHost, dir, 19, c) // 16 and 20
	flip(dataFile, 9)(t, filepath.Join(dir, "step-0000000020"))
	interrupted(t, onHost, dir, 19, c) // 16 again, then 20 anew
	if got, want := strings.Join(names(t, dir), " "), "step-0000000016 step-0000000020 step-0000000020.broken-1"; got != want {
		t.Errorf("after the broken one was replaced: %q, want %q", got, want)
	}
	flip(dataFile, 9)(t, filepath.Join(dir, "step-0000000020"))
	interrupted(t, onHost, dir, 23, c) // from 16, saves 24
	if got, want := strings.Join(names(t, dir), " "), "step-0000000016 step-0000000020 step-0000000020.broken-1 step-0000000024"; got != want {
		t.Errorf("a broken one in between: %q, want two whole ones, %q", got, want)
	}
}

// TestDivergedIsSaved: the last good state of a run that diverged lies in its directory.
func TestDivergedIsSaved(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.StepsPerCall = 1
	bad := function(func(step int) ([]*tensors.Tensor, error) {
		batch, err := line{8}.Batch(step)
		if step == 13 {
			tensors.MustMutableFlatData(batch[0], func(x []float64) { x[0] /= 0 * x[0] })
		}
		return batch, err
	})
	_, err := LoadOrTrain(context.Background(), onHost, dir, model.NewStore(), noisyLoss, bad, c)
	var diverged Diverged
	if !errors.As(err, &diverged) || diverged.Step != 14 || diverged.Where != dir {
		t.Errorf("error %v, want Diverged at step 14 with the state in the directory", err)
	}
	if m, _, err := readFolder(filepath.Join(dir, "step-0000000013")); err != nil || m.Step != 13 {
		t.Errorf("checkpoint of step 13: %v", err)
	}
}

// TestLock: a second process learns who trains here.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = loadOrTrain(t, onHost, dir, runConfig)
	host, _ := os.Hostname()
	expectError(t, "held", err, []string{lockFile, "process " + strconv.Itoa(os.Getpid()), host, "since 2"})
	release()
	if again, err := lock(dir); err != nil {
		t.Error(err)
	} else {
		again()
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the directory holds %v after the release", got)
	}
}

// TestKilledAfterTheEnd: what a process leaves that is killed between the finished run and the pruning is cleared by the next load.
func TestKilledAfterTheEnd(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.hook = func(stage string) {
		if _, err := os.Stat(filepath.Join(dir, finalName)); err == nil {
			panic("killed")
		}
	}
	if err := program.Catch(func() { _, _, _ = loadOrTrain(t, onHost, dir, c) }); err == nil || len(names(t, dir)) < 3 {
		t.Fatalf("error %v, directory %v; want a kill that leaves checkpoints", err, names(t, dir))
	}
	c.hook = nil
	if _, r, err := loadOrTrain(t, onHost, dir, c); err != nil || !r.Loaded {
		t.Errorf("report %+v, error %v", r, err)
	}
	if got := strings.Join(names(t, dir), " "); got != finalName {
		t.Errorf("the directory holds %q", got)
	}
}
