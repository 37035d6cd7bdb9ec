package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"
)

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output, FailedBuild string
	Elapsed                                    float64 // seconds
}

// outcome is what the events of one go test amount to.
type outcome struct {
	killer string        // the first test that failed, subtests before their parents; none when all passed
	hung   bool          // it ran past the limit
	took   time.Duration // the tests, without their compilation

	last   string // the last test that began: what a crash ended
	failed bool   // the package failed, with or without a test's name
	built  bool
	output strings.Builder // of the compiler, and of go itself
}

// goTest runs the tests of s until one fails. The error is go's own, or the compiler's.
func (h *harness) goTest(ctx context.Context, s suite, limit time.Duration, args ...string) (*outcome, error) {
	args = append([]string{"test", "-json", "-failfast", "-vet=off", "-count=1", "-timeout", limit.String(), "-run", s.run}, args...)
	cmd := exec.CommandContext(ctx, "go", append(args, s.pkg)...)
	cmd.Dir = h.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the library without C is the library on pure Go
	if s.xla {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out := &outcome{built: true}
	cmd.Stderr = &out.output
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return out, err
	}
	if err := cmd.Start(); err != nil {
		return out, err
	}
	for lines := bufio.NewReader(stdout); err == nil; {
		var line []byte
		line, err = lines.ReadBytes('\n')
		out.read(line)
	}
	status := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: %w", s.pkg, ctx.Err())
	case !out.built:
		return out, fmt.Errorf("%s does not compile:\n%s", s.pkg, out.output.String())
	case status == nil:
		return out, nil
	case !out.failed:
		return out, errors.Join(fmt.Errorf("go test %s: %w", s.pkg, status), errors.New(out.output.String()))
	}
	out.killer = path.Base(s.pkg) + " " + cmp.Or(out.killer, out.last, "as a whole")
	return out, nil
}

// read takes in one line; what is no event is output.
func (o *outcome) read(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		o.output.Write(line)
		return
	}
	switch e.Action {
	case "build-fail":
		o.built = false
	case "build-output":
		o.output.WriteString(e.Output)
	case "run":
		o.last = e.Test
	case "output":
		o.hung = o.hung || strings.HasPrefix(e.Output, "panic: test timed out after")
	case "pass":
		if e.Test == "" {
			o.took = time.Duration(e.Elapsed * float64(time.Second))
		}
	case "fail":
		o.built = o.built && e.FailedBuild == ""
		o.failed = o.failed || e.Test == ""
		if o.killer == "" {
			o.killer = e.Test
		}
	}
}
