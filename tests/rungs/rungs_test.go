// Package rungs_test holds the order of the packages: a package of pkg/ imports only lower rungs, models never
// import each other, and the few that may see backends, layers or the notebook are named here.
package rungs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/lowerbound-ml/lowerbound/"

// rung is the height of each package of pkg/; side packages stand beside the ladder and name what they may import.
var rung = map[string]int{
	"internal/mathx": -1, "noise": 0, "dist": 1, "process": 2, "param": 3,
	"sde": 4, "score": 4, "elbo": 4, "guide": 4, "oracle": 4,
	"sampler": 5, "vae": 6, "hvae": 6, "vdm": 6, "ncsn": 6, "ebm": 6, "gan": 6, "ar": 6, "classifier": 6,
	"family": 7,
}

// side lists the packages beside the ladder, each with the packages of pkg/ that it may import.
var side = map[string][]string{
	"nets":                {"internal/mathx"},
	"backend":             {},
	"backend/backendtest": {"backend"},
	"internal/program":    {},
	"fit":                 {"backend", "internal/program"},
	"metric":              {},
	"check":               {"internal/mathx"},
	"show":                {"fit"},
}

// mayImport lists, for each outside package with a keeper, the only packages of pkg/ that may import it.
var mayImport = map[string][]string{
	"github.com/janpfeifer/gonb/gonbui":   {"show"},
	"github.com/gomlx/go-xla/compute/xla": {"backend"},
	"github.com/gomlx/compute/gobackend":  {"backend"},
	"github.com/gomlx/gomlx/ml/layers":    {"nets"},
	"github.com/gomlx/gomlx/ml/model":     {"internal/program", "nets", "fit", "sampler", "vae", "hvae", "vdm", "ncsn", "ebm", "gan", "ar", "classifier", "family"},
	"github.com/gomlx/gomlx/ml/train":     {"fit"},
}

type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestRungs(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		name, inPkg := strings.CutPrefix(p.ImportPath, module+"pkg/")
		if !inPkg {
			continue
		}
		seen++
		height, onLadder := rung[name]
		allowed, beside := side[name]
		if !onLadder && !beside {
			t.Errorf("pkg/%s has no rung: give it one here and in CONTRIBUTING.md", name)
			continue
		}
		for _, path := range p.Imports {
			imported, inside := strings.CutPrefix(path, module)
			imported, inside2 := strings.CutPrefix(imported, "pkg/")
			switch {
			case inside && !inside2:
				t.Errorf("pkg/%s imports %s: pkg/ stands without data sets and tests", name, path)
			case !inside:
				if keepers, kept := mayImport[path]; kept && !slices.Contains(keepers, name) {
					t.Errorf("pkg/%s imports %s, which only %v may", name, path, keepers)
				}
			case beside && !slices.Contains(allowed, imported):
				t.Errorf("pkg/%s imports pkg/%s; a side package may import %v", name, imported, allowed)
			case onLadder:
				lower, ok := rung[imported]
				if height == 6 && (imported == "nets" || imported == "fit") || height >= 5 && imported == "internal/program" {
					continue // a model wires the layers of nets, and trains by fit; a run and a model's function are programs
				}
				if name == "family" && (imported == "fit" || imported == "metric") {
					continue // it trains all models and judges them
				}
				if !ok || lower >= height {
					t.Errorf("pkg/%s (rung %d) imports pkg/%s (rung %d): only lower rungs", name, height, imported, lower)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("go list found %d packages of pkg/, expected at least 10", seen)
	}
}

// A graph builder that panics with a string is not caught by GoMLX, whose Exec then waits for itself for ever.
func TestBuildersPanicWithErrors(t *testing.T) {
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			if strings.HasPrefix(p.ImportPath, module+"pkg/") {
				checkPanics(t, filepath.Join(p.Dir, file))
			}
		}
	}
}

func checkPanics(t *testing.T, path string) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "panic" {
			return true
		}
		if isString(call.Args[0]) {
			t.Errorf("%s panics with a string; panic with fmt.Errorf or errors.New", files.Position(call.Pos()))
		}
		return true
	})
}

func isString(arg ast.Expr) bool {
	switch a := arg.(type) {
	case *ast.BasicLit:
		return a.Kind == token.STRING
	case *ast.BinaryExpr:
		return isString(a.X) || isString(a.Y)
	case *ast.CallExpr:
		s, ok := a.Fun.(*ast.SelectorExpr)
		return ok && (s.Sel.Name == "Sprintf" || s.Sel.Name == "Sprint")
	}
	return false
}

// The files stay small enough to read: at most 400 lines each, generated ones aside.
func TestFilesAreShort(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"pkg", "datasets"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			if lines := bytes.Count(text, []byte("\n")); lines > 400 {
				t.Errorf("%s has %d lines, at most 400", path, lines)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
