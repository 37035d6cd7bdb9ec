package main

import (
	"context"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// halfGo is the file of testdata/fixture that the tests mutate.
const halfGo = "pkg/half/half.go"

func fixture(t *testing.T, limit time.Duration) *harness {
	t.Helper()
	root, err := filepath.Abs("testdata/fixture")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOWORK", "off")
	h, err := newHarness(t.Context(), root, t.TempDir(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTry(t *testing.T) {
	h := fixture(t, time.Minute)
	for _, c := range []struct {
		name, from, to string
		killer, err    string
	}{
		{"killed by its own package", "x * 0.5", "x", "half TestOf/of_3", ""},
		{"killed by a dependent", "x / 3", "x / 2", "twice TestThird", ""},
		{"an equivalent mutant survives", "x * 0.5", "x / 2", "", ""},
		{"a crash is a kill", "return x * 0.5", "panic(x)", "half TestOf/of_3", ""},
		{"no such text", "x * 0.25", "x", "", "pkg/half/half.go 0 times, expected once"},
		{"text found twice", "return x", "return -x", "", "pkg/half/half.go 2 times, expected once"},
		{"nothing changes", "x / 3", "x / 3", "", "a new text that differs"},
		{"a compile error is no kill", "x / 3", "y / 3", "", "undefined: y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := h.try(t.Context(), mutant{Name: "test", File: halfGo, Old: c.from, New: c.to})
			if c.err == "" && r.err != nil || c.err != "" && (r.err == nil || !strings.Contains(r.err.Error(), c.err)) {
				t.Errorf("error %v, want one with %q", r.err, c.err)
			}
			if r.killer != c.killer || r.hung {
				t.Errorf("killed by %q (hung: %t), want %q", r.killer, r.hung, c.killer)
			}
		})
	}
}

func TestHangs(t *testing.T) {
	h := fixture(t, time.Second)
	r := h.try(t.Context(), mutant{Name: "loop", File: halfGo, Old: "n /= 2", New: "n /= 1"})
	if r.err != nil || !r.hung || r.killer != "half TestLog2" {
		t.Errorf("killed by %q (hung: %t), %v; want half TestLog2 hung", r.killer, r.hung, r.err)
	}
}

// Where the tests fail by themselves no mutant can be judged.
func TestBaseline(t *testing.T) {
	h := fixture(t, time.Minute)
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(h.root)); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(root, "pkg/half/wrong_test.go")
	if err := os.WriteFile(wrong, []byte("package half\nimport \"testing\"\nfunc TestWrong(t *testing.T) { t.Fail() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := newHarness(t.Context(), root, t.TempDir(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r := h.try(t.Context(), mutant{Name: "test", File: halfGo, Old: "x * 0.5", New: "x"})
	if r.err == nil || !strings.Contains(r.err.Error(), "half TestWrong fails without any mutant") || r.killer != "" {
		t.Errorf("killed by %q, error %v; want TestWrong's", r.killer, r.err)
	}
}

// The table names each mutant with its change and killer, and a survivor or an error makes it fail.
func TestReport(t *testing.T) {
	dead := result{mutant: mutant{Name: "dead", File: halfGo, Bug: "half for all"}, killer: "half TestOf"}
	hung := result{mutant: mutant{Name: "hung", File: halfGo}, killer: "half TestLog2", hung: true}
	alive := result{mutant: mutant{Name: "alive", File: halfGo, Old: "a", New: "b"}, tried: []suite{{"fixture/half", "TestOf", false}, {pkg: "fixture/half"}, {pkg: "fixture/twice"}}}
	broken := result{mutant: mutant{Name: "broken", File: halfGo}, err: context.DeadlineExceeded}
	for _, c := range []struct {
		results []result
		fails   bool
		want    []string
	}{
		{[]result{dead, hung}, false, []string{"dead", "half for all", "half TestOf", "time limit, in half TestLog2",
			"2 mutants: 1 killed, 1 hung, 0 survived, 0 in error"}},
		{[]result{dead, alive}, true, []string{"SURVIVED half/alive", "[half -run TestOf half twice]", "- a", "+ b", "1 survived"}},
		{[]result{broken}, true, []string{"ERROR half/broken: context deadline exceeded", "1 in error"}},
	} {
		var out strings.Builder
		if err := report(&out, slices.Values(c.results)); (err != nil) != c.fails {
			t.Errorf("error %v of\n%s", err, out.String())
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in\n%s", want, out.String())
			}
		}
	}
}

// The results come in the order of the mutants, however many run at a time, and -quick leaves the dependents out.
func TestRun(t *testing.T) {
	h := fixture(t, time.Minute)
	h.quick = true
	mutants := in(halfGo, "", mutant{Name: "third", Old: "x / 3", New: "x / 2"}, mutant{Name: "missing", Old: "absent"},
		mutant{Name: "of", Old: "x * 0.5", New: "x"})
	results := slices.Collect(h.run(t.Context(), mutants, 2))
	if len(results) != 3 || results[0].killer != "" || results[1].err == nil || results[2].killer == "" {
		t.Errorf("%v, want a survivor, an error and a kill", results)
	}
}

func TestChoose(t *testing.T) {
	mutants := in(halfGo, "", mutant{Name: "third"}, mutant{Name: "of"})
	if chosen, err := choose(mutants, "^half/th"); err != nil || len(chosen) != 1 || chosen[0].Name != "third" {
		t.Errorf("%v, %v; want third", chosen, err)
	}
	for _, bad := range []string{"(", "^twice/"} {
		if _, err := choose(mutants, bad); err == nil {
			t.Errorf("-run %s is accepted", bad)
		}
	}
}

// Every mutant of the table fits the source as it is: found once, still Go, with a name and a bug of its own.
func TestTable(t *testing.T) {
	root, err := moduleRoot(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.id()] || m.Name == "" || m.Bug == "" {
			t.Errorf("%s: a second one, or without a name or bug", m.id())
		}
		seen[m.id()] = true
		text, err := m.apply(root)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), m.File, text, 0); err != nil {
			t.Errorf("%s is no Go: %v", m.id(), err)
		}
	}
	if len(all) < 60 {
		t.Errorf("%d mutants, expected at least 60", len(all))
	}
}
