package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mutant is one bug: Old, found exactly once in File, becomes New.
type mutant struct {
	Name string // short, unique in its package
	File string // from the module's root, with slashes
	Test string // regexp of the tests of its package that run first, for speed; empty for all of them
	Old  string
	New  string
	Bug  string // what the change gets wrong, and who shipped it
	XLA  bool   // in code that runs on XLA only; the tests of the others run on pure Go, which compiles graphs at once
}

// in makes the mutants of one file, which the tests that match first are likely to kill.
func in(file, first string, mutants ...mutant) []mutant {
	for i := range mutants {
		mutants[i].File, mutants[i].Test = file, first
	}
	return mutants
}

// pkg is the mutant's package below pkg/.
func (m mutant) pkg() string { return strings.TrimPrefix(path.Dir(m.File), "pkg/") }

// id is the mutant's package and its name.
func (m mutant) id() string { return m.pkg() + "/" + m.Name }

// diff shows the change, one line for each of the old and new text's.
func (m mutant) diff() string {
	var b strings.Builder
	for _, side := range []struct{ sign, text string }{{"-", m.Old}, {"+", m.New}} {
		for line := range strings.Lines(side.text) {
			fmt.Fprintf(&b, "    %s %s\n", side.sign, strings.TrimSpace(line))
		}
	}
	return b.String()
}

// apply returns the mutated text of the mutant's file below root, or an error when Old is not there exactly once.
func (m mutant) apply(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.id(), err)
	}
	if n := strings.Count(string(text), m.Old); n != 1 || m.Old == m.New {
		return "", fmt.Errorf("%s: the old text is in %s %d times, expected once, and a new text that differs: bring the mutant up to date\n%s",
			m.id(), m.File, n, m.diff())
	}
	return strings.Replace(string(text), m.Old, m.New, 1), nil
}
