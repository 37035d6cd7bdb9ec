//go:build unix

package fit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// The test program runs itself as a child that trains in a directory and is killed on the way.
const (
	childDir  = "FIT_TEST_DIR"  // where the child trains; set: be the child
	childKill = "FIT_TEST_KILL" // the stage of writing, counted from 1, at which it kills itself; 0: never
	childSlow = "FIT_TEST_SLOW" // milliseconds that each batch takes
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		beChild(dir)
		return
	}
	os.Exit(m.Run())
}

func beChild(dir string) {
	killAt, _ := strconv.Atoi(os.Getenv(childKill))
	slow, _ := strconv.Atoi(os.Getenv(childSlow))
	stage, c := 0, runConfig
	c.hook = func(string) {
		if stage++; stage == killAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	data := function(func(step int) ([]*tensors.Tensor, error) {
		time.Sleep(time.Duration(slow) * time.Millisecond)
		return line{8}.Batch(step)
	})
	if _, err := LoadOrTrain(context.Background(), onHost, dir, model.NewStore(), noisyLoss, data, c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(dir string, killAt, slow int) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprint(childKill, "=", killAt), fmt.Sprint(childSlow, "=", slow))
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr
}

// uninterrupted returns the finished tensors of a run that nothing disturbed.
func uninterrupted(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	if _, _, err := loadOrTrain(t, onHost, dir, runConfig); err != nil {
		t.Fatal(err)
	}
	return finishedTensors(t, dir)
}

func finishedTensors(t *testing.T, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, finalName, dataFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names(t, dir), " "); got != finalName {
		t.Errorf("the finished directory holds %q", got)
	}
	return data
}

// TestKilledWhileWriting kills the run (SIGKILL) at each stage of each write in turn, the next child going on from what
// is left: the end is bit for bit that of an undisturbed run.
func TestKilledWhileWriting(t *testing.T) {
	want := uninterrupted(t)
	// From the 1st stage to the 7th the children come no further than a first checkpoint; from the 8th on each gets further.
	dir, kills := t.TempDir(), 0
	for killAt := 1; ; killAt++ {
		cmd, stderr := child(dir, killAt, 0)
		err := cmd.Run()
		if err == nil {
			break
		}
		if !killed(err) {
			t.Fatalf("child %d: %v: %s", killAt, err, stderr)
		}
		kills++
	}
	if kills < 10 {
		t.Errorf("only %d kills, want every stage of a write at least once", kills)
	}
	if !bytes.Equal(finishedTensors(t, dir), want) {
		t.Errorf("after %d kills the run ended elsewhere than an undisturbed one", kills)
	}
}

func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// TestKilledAnywhere kills children at scattered times, wherever they are.
func TestKilledAnywhere(t *testing.T) {
	want, dir, kills := uninterrupted(t), t.TempDir(), 0
	for delay := 15 * time.Millisecond; ; delay = delay * 10 / 9 {
		cmd, stderr := child(dir, 0, 3)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if !killed(err) {
			t.Fatalf("%v: %s", err, stderr)
		}
		kills++
	}
	t.Log(kills, "kills")
	if !bytes.Equal(finishedTensors(t, dir), want) {
		t.Errorf("after %d kills the run ended elsewhere than an undisturbed one", kills)
	}
}

// TestInterrupt: SIGINT saves and says how to go on; a second process meanwhile learns who trains.
func TestInterrupt(t *testing.T) {
	want, dir := uninterrupted(t), t.TempDir()
	cmd, stderr := child(dir, 0, 100)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for patience := 60 * time.Second; len(namesIfAny(dir)) < 2; patience -= 5 * time.Millisecond { // the lock and a checkpoint
		if patience < 0 {
			t.Fatal("no checkpoint after a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
	second, says := child(dir, 0, 0)
	if err := second.Run(); err == nil || !strings.Contains(says.String(), fmt.Sprintf("process %d on ", cmd.Process.Pid)) {
		t.Errorf("second process: %v, %q, want the number of the first, %d", err, says, cmd.Process.Pid)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(stderr.String(), "run it again to go on from there") {
		t.Errorf("interrupted: %v, %q", err, stderr)
	}
	steps, err := (&keeper{dir: dir}).steps()
	if err != nil || len(steps) == 0 || steps[0] >= runConfig.Steps {
		t.Errorf("checkpoints of steps %v, %v; want one before the end", steps, err)
	}
	if _, r, err := loadOrTrain(t, onHost, dir, runConfig); err != nil || r.Resumed != steps[0] {
		t.Errorf("resumed at %d, %v; want %v", r.Resumed, err, steps)
	}
	if !bytes.Equal(finishedTensors(t, dir), want) {
		t.Error("the interrupted run ended elsewhere than an undisturbed one")
	}
}

func namesIfAny(dir string) []os.DirEntry {
	entries, _ := os.ReadDir(dir)
	return entries
}

// TestFailedBatchLosesNothing: the steps before a batch that cannot be had are saved, and the run that goes on from them
// ends where an uninterrupted one does. Before the first step nothing is saved.
func TestFailedBatchLosesNothing(t *testing.T) {
	c := runConfig
	c.StepsPerCall = 1
	uninterrupted, _, err := loadOrTrain(t, onHost, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 13} {
		dir, calls := t.TempDir(), 0
		broken := function(func(step int) ([]*tensors.Tensor, error) {
			if calls++; step == at && calls > 1 { // the first call asks for a batch's shapes
				return nil, errors.New("the disk is gone")
			}
			return line{8}.Batch(step)
		})
		_, err := LoadOrTrain(context.Background(), onHost, dir, model.NewStore(), noisyLoss, broken, c)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("batch %d: the disk is gone", at)) {
			t.Fatalf("error %v, want that of batch %d", err, at)
		}
		if saved := slices.Contains(names(t, dir), fmt.Sprintf(stepFormat, at)); saved != (at > 0) {
			t.Errorf("after batch %d failed the directory holds %v", at, names(t, dir))
		}
		store, r, err := loadOrTrain(t, onHost, dir, c)
		if err != nil || r.Resumed != at {
			t.Fatalf("the second call: resumed at %d, %v; want %d", r.Resumed, err, at)
		}
		sameBits(t, "after a failed batch", bits(t, uninterrupted), bits(t, store))
	}
}
