package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// harness runs the tests of the module at root with one file replaced.
type harness struct {
	root     string
	temp     string // holds the mutated files
	limit    time.Duration
	quick    bool // try the first suite only
	packages []goPackage
	mu       sync.Mutex
	passing  map[suite]func() (time.Duration, error) // baseline of each suite, run once
}

// A mutant hangs when its tests take longer than the limit and slower times what they take without it, so that a busy
// machine is not taken for a hang. The tests without it have patience.
const (
	slower   = 10
	patience = 30 * time.Minute
)

// suite is the tests of a package that match run, all when it is empty.
type suite struct {
	pkg, run string
	xla      bool
}

// String names the package by its last element, and run where there is one.
func (s suite) String() string {
	if s.run == "" {
		return path.Base(s.pkg)
	}
	return path.Base(s.pkg) + " -run " + s.run
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath                         string
	Dir                                string
	Deps, TestImports, XTestImports    []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// result is what became of a mutant: killed by a test, hung (and so killed), survived, or an error.
type result struct {
	mutant
	killer string // the first test that failed, none when the mutant survived
	hung   bool
	tried  []suite // what ran
	err    error
	took   time.Duration
}

// moduleRoot returns the directory of the go.mod that dir belongs to.
func moduleRoot(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list -m in %s: %w", dir, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// newHarness reads the packages below pkg/ of the module at root. Mutated files go to temp; limit is the
// least time after which a mutant hangs.
func newHarness(ctx context.Context, root, temp string, limit time.Duration) (*harness, error) {
	h := &harness{root: root, temp: temp, limit: limit, passing: map[suite]func() (time.Duration, error){}}
	cmd := exec.CommandContext(ctx, "go", "list", "-json", "./pkg/...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list ./pkg/... in %s: %w", root, err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for decoder.More() {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			return nil, fmt.Errorf("go list ./pkg/...: %w", err)
		}
		h.packages = append(h.packages, p)
	}
	return h, nil
}

// suites returns the tests that can see m: those of its package that it names, all of its package, then those of the
// packages that depend on it, in the order of their height.
func (h *harness) suites(m mutant) ([]suite, error) {
	dir := filepath.Join(h.root, filepath.FromSlash(path.Dir(m.File)))
	own := slices.IndexFunc(h.packages, func(p goPackage) bool { return p.Dir == dir })
	if own < 0 {
		return nil, fmt.Errorf("%s: no package in %s", m.id(), dir)
	}
	target := h.packages[own].ImportPath
	all := []suite{{target, "", m.XLA}}
	if m.Test != "" {
		all = []suite{{target, m.Test, m.XLA}, {target, "", m.XLA}}
	}
	if h.quick {
		return all[:1], nil
	}
	var dependents []goPackage
	for i, p := range h.packages {
		if i != own && h.sees(p, target) {
			dependents = append(dependents, p)
		}
	}
	slices.SortStableFunc(dependents, func(a, b goPackage) int { return len(a.Deps) - len(b.Deps) })
	for _, p := range dependents {
		all = append(all, suite{p.ImportPath, "", m.XLA})
	}
	return all, nil
}

// sees says whether p's tests contain target: by p's own imports, or by those of its tests.
func (h *harness) sees(p goPackage, target string) bool {
	if len(p.TestGoFiles)+len(p.XTestGoFiles) == 0 {
		return false
	}
	if slices.Contains(p.Deps, target) {
		return true
	}
	for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
		i := slices.IndexFunc(h.packages, func(q goPackage) bool { return q.ImportPath == imported })
		if imported == target || i >= 0 && slices.Contains(h.packages[i].Deps, target) {
			return true
		}
	}
	return false
}

// run tries the mutants, jobs at a time, and yields the results in their order. It ends when ctx does.
func (h *harness) run(ctx context.Context, mutants []mutant, jobs int) func(yield func(result) bool) {
	done := make([]chan result, len(mutants))
	for i := range done {
		done[i] = make(chan result, 1)
	}
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range mutants {
			next <- i
		}
	}()
	for range max(jobs, 1) {
		go func() {
			for i := range next {
				done[i] <- h.try(ctx, mutants[i])
			}
		}()
	}
	return func(yield func(result) bool) {
		for _, d := range done {
			if r := <-d; ctx.Err() != nil || !yield(r) {
				return
			}
		}
	}
}

// try applies one mutant and runs the suites that see it until a test fails.
func (h *harness) try(ctx context.Context, m mutant) (r result) {
	start := time.Now()
	r.mutant = m
	defer func() { r.took = time.Since(start) }()
	overlay, err := h.overlay(m)
	if err != nil {
		r.err = err
		return r
	}
	suites, err := h.suites(m)
	if err != nil {
		r.err = err
		return r
	}
	for _, s := range suites {
		limit, err := h.baseline(ctx, s)
		if err != nil {
			r.err = err
			return r
		}
		r.tried = append(r.tried, s)
		out, err := h.goTest(ctx, s, limit, "-overlay", overlay)
		if err != nil || out.killer != "" {
			r.killer, r.hung, r.err = out.killer, out.hung, err
			return r
		}
	}
	return r
}

// overlay writes the mutated file, and returns the file that has go test read it in the original's place.
func (h *harness) overlay(m mutant) (string, error) {
	text, err := m.apply(h.root)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(h.temp, "")
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, path.Base(m.File))
	original := filepath.Join(h.root, filepath.FromSlash(m.File))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	file := filepath.Join(dir, "overlay.json")
	return file, errors.Join(err, os.WriteFile(mutated, []byte(text), 0o600), os.WriteFile(file, replace, 0o600))
}

// baseline runs a suite without any mutant, once, and returns how long a mutant's may take. Where it fails, a failure says
// nothing about a mutant.
func (h *harness) baseline(ctx context.Context, s suite) (time.Duration, error) {
	h.mu.Lock()
	run, ok := h.passing[s]
	if !ok {
		run = sync.OnceValues(func() (time.Duration, error) {
			out, err := h.goTest(ctx, s, patience)
			switch {
			case err != nil:
			case out.hung:
				err = fmt.Errorf("%s runs longer than %s without any mutant: take a quieter machine", out.killer, patience)
			case out.killer != "":
				err = fmt.Errorf("%s fails without any mutant: mend it first", out.killer)
			}
			return h.limit + slower*out.took, err
		})
		h.passing[s] = run
	}
	h.mu.Unlock()
	return run()
}
