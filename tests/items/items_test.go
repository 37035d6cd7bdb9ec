package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/equations.md, docs/errata.md and docs/systems.md")

var loaded = sync.OnceValues(func() (*project, error) { return load("../..") })

func opened(t *testing.T) *project {
	t.Helper()
	p, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mangled is LaTeX that GitHub's Markdown takes apart before it sets it: a backslash before punctuation, an underscore after a
// bracket, borders of tables, emphasis, tags.
var mangled = regexp.MustCompile(`\\[^A-Za-z]|[^A-Za-z0-9]_|[|*<>]`)

func TestEveryItemIsProvedAndShown(t *testing.T) {
	p := opened(t)
	if len(p.items) < 242 || len(p.errata) < 34 || len(p.systems) < 41 {
		t.Fatalf("docs/items.md has %d items, %d errata and %d systems, expected at least 242, 34 and 41", len(p.items), len(p.errata), len(p.systems))
	}
	listed := map[string]bool{}
	for _, it := range p.items {
		if listed[it.id] {
			t.Errorf("docs/items.md lists %s twice", it.id)
		}
		listed[it.id] = true
		if why := p.lacking(it); why != "" {
			t.Errorf("%s %s", it.id, why)
		}
		if !prose[it.id] {
			checkFormula(t, it)
			checkSymbols(t, p, it)
		}
	}
	for id, at := range p.tests {
		if !listed[id] && !strings.HasSuffix(id, ".0") { // .0 is no item: tests of check use it
			t.Errorf("%s:%d: %s is not in docs/items.md", at[0].file, at[0].line, id)
		}
	}
}

func checkFormula(t *testing.T, it item) {
	f := strings.TrimSuffix(strings.TrimPrefix(it.formula, "$"), "$")
	if len(f) != len(it.formula)-2 || strings.Contains(f, "$") {
		t.Errorf("%s: the formula %q is not one $...$", it.id, it.formula)
	}
	if bad := mangled.FindString(f); bad != "" {
		t.Errorf("%s: GitHub would not show %q as it is meant, in %s", it.id, bad, it.formula)
	}
	if strings.Count(f, "{") != strings.Count(f, "}") {
		t.Errorf("%s: braces do not match in %s", it.id, it.formula)
	}
}

func checkSymbols(t *testing.T, p *project, it item) {
	for _, s := range it.symbols {
		declared, ok := p.symbols[s]
		if !ok {
			t.Errorf("%s: pkg/ and datasets/ declare no %s", it.id, s)
		} else if !declared.documented {
			t.Errorf("%s: %s has no doc comment, %s:%d", it.id, s, declared.file, declared.line)
		}
		inUse := false
		for _, at := range append(p.tests[it.id], p.cells[it.id]...) {
			inUse = inUse || used(at, s)
		}
		if !inUse {
			t.Errorf("%s: neither its tests nor its cells use %s", it.id, s)
		}
	}
}

func TestEveryErratumIsShown(t *testing.T) {
	p := opened(t)
	for _, x := range p.errata {
		for _, side := range []string{" as written", " corrected"} {
			if len(p.cells[x.id+side]) == 0 {
				t.Errorf("%[1]s has no cell with a check whose text starts with %[1]s%[2]s", x.id, side)
			}
		}
		if len(p.runs[x.id]) == 0 {
			t.Errorf("%s: no executed notebook prints a number of it: run make notebooks", x.id)
		}
		for _, id := range x.items {
			if _, ok := p.item(id); !ok {
				t.Errorf("%s: its item %s is not in docs/items.md", x.id, id)
			}
		}
	}
}

func TestEverySystemIsDone(t *testing.T) {
	p := opened(t)
	for _, s := range p.systems {
		if why := p.open(s); why != "" {
			t.Errorf("%s is not done: %s", s.id, why)
		}
		for _, name := range s.symbols {
			if _, ok := p.symbols[name]; !ok {
				t.Errorf("%s: pkg/ and datasets/ declare no %s", s.id, name)
			}
		}
	}
}

func TestPagesAreCurrent(t *testing.T) {
	p := opened(t)
	if *update {
		if err := p.write(); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range p.pages() {
		text, err := os.ReadFile(filepath.Join(p.root, path))
		if err != nil || string(text) != want {
			t.Errorf("%s is not what the sources say (%v): run make index", path, err)
		}
	}
}

func TestWhere(t *testing.T) {
	p := opened(t)
	for query, wants := range map[string][]string{
		"E5.14":           {"E5.14  ", "vdm.VDM.ConsistencyKL", "pkg/vdm/forms.go:", "pkg/vdm/forms_test.go:", "notebooks/05-vdm-bound.md:", "Luo 2022", "X18"},
		"VDM.MatchingSNR": {"E5.21  "},
		"TestFormsOfGD":   {"E5.9  ", "E5.14  ", "E5.19  "},
		"X18":             {"≠", "E5.14"},
		"S14":             {"E5.9"},
		"sampler.DDIM":    {"pkg/sampler/ddim.go:", "no item's formula"},
		"anderson 1982":   {"E8.9  "},
	} {
		answer := p.where(query)
		for _, want := range wants {
			if !strings.Contains(answer, want) {
				t.Errorf("where %s says\n%s\nwithout %q", query, answer, want)
			}
		}
	}
	if answer := p.where("nobody wrote this"); answer != "" {
		t.Errorf("a question without an answer gets %q", answer)
	}
}
