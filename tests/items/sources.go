package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// symbol is an exported name of pkg/ or datasets/ and where it is declared.
type symbol struct {
	file       string
	line       int
	documented bool
}

// goFile is a parsed file.
type goFile struct {
	path, text string
	fset       *token.FileSet
	*ast.File
}

func (f goFile) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

// source returns the text of a node.
func (f goFile) source(n ast.Node) string {
	return f.text[f.fset.Position(n.Pos()).Offset:f.fset.Position(n.End()).Offset]
}

// parsed visits the Go files below the folders, either the tests or the others.
func (p *project) parsed(tests bool, visit func(goFile), folders ...string) error {
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(p.root, folder), func(at string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && strings.HasPrefix(d.Name(), "."):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") != tests:
				return nil
			}
			f, err := p.parse(at)
			if err == nil {
				visit(f)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *project) parse(at string) (goFile, error) {
	rel, err := filepath.Rel(p.root, at)
	if err != nil {
		return goFile{}, err
	}
	text, err := p.read(rel)
	if err != nil {
		return goFile{}, err
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	return goFile{filepath.ToSlash(rel), text, fset, file}, err
}

// readSymbols finds the exported names: functions, methods of exported types, types, constants and variables.
func (p *project) readSymbols() error {
	p.symbols = map[string]symbol{}
	return p.parsed(false, func(f goFile) {
		for _, d := range f.Decls {
			declared(d, func(name *ast.Ident, owner string, docs ...*ast.CommentGroup) {
				if name.IsExported() {
					documented := slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c.Text() != "" })
					p.symbols[f.Name.Name+"."+owner+name.Name] = symbol{f.path, f.line(name), documented}
				}
			})
		}
	}, "pkg", "datasets")
}

func declared(d ast.Decl, add func(name *ast.Ident, owner string, docs ...*ast.CommentGroup)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		add(d.Name, receiver(d), d.Doc)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				add(s.Name, "", s.Doc, d.Doc)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					add(n, "", s.Doc, s.Comment, d.Doc)
				}
			}
		}
	}
}

// receiver returns "VDM." for a method of VDM or *VDM, "" for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if i, ok := t.(*ast.IndexExpr); ok {
		t = i.X
	}
	if n, ok := t.(*ast.Ident); ok {
		return n.Name + "."
	}
	return ""
}

var startsWithID = regexp.MustCompile(`^E\d+\.\d+\b`)

// suite is what the tests of a folder have beside them: declarations by name, and the packages that they import.
type suite struct{ beside, packages map[string]string }

// readTests finds the string literals of tests that start with an item's ID, and the test that holds each. A place's code is that
// test, and what it uses of the other declarations of its folder's tests.
func (p *project) readTests() error {
	var files []goFile
	suites := map[string]suite{}
	err := p.parsed(true, func(f goFile) {
		dir := path.Dir(f.path)
		if dir == "tests/items" { // its IDs are questions
			return
		}
		if _, known := suites[dir]; !known {
			suites[dir] = suite{map[string]string{}, map[string]string{}}
		}
		maps.Copy(suites[dir].packages, imports(f.text))
		f.declarations(suites[dir].beside)
		files = append(files, f)
	}, "pkg", "datasets", "tests")
	p.tests = map[string][]place{}
	for _, f := range files {
		f.proofs(suites[path.Dir(f.path)], p.tests)
	}
	return err
}

// proofs adds the places of a file to those of each item.
func (f goFile) proofs(of suite, places map[string][]place) {
	for _, d := range f.Decls {
		name, code := "", ""
		if test, ok := d.(*ast.FuncDecl); ok {
			name = test.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if id := startOf(n); id != "" {
				if code == "" {
					code = closure(f.source(d), of.beside)
				}
				places[id] = append(places[id], place{f.path, f.line(n), name, code, of.packages})
			}
			return true
		})
	}
}

// startOf returns the item's ID that a string literal starts with, "" for other nodes.
func startOf(n ast.Node) string {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return startsWithID.FindString(s)
}

// declarations adds a file's declarations that are no tests, by each name that they declare.
func (f goFile) declarations(all map[string]string) {
	for _, d := range f.Decls {
		if test, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(test.Name.Name, "Test") {
			continue
		}
		declared(d, func(name *ast.Ident, _ string, _ ...*ast.CommentGroup) { all[name.Name] += f.source(d) + "\n" })
	}
}

// closure returns code and the declarations that it uses, and those that they use.
func closure(code string, beside map[string]string) string {
	seen := map[string]bool{}
	for grown := true; grown; {
		grown = false
		for _, word := range words.FindAllString(code, -1) {
			if more := beside[word]; more != "" && !seen[word] {
				seen[word], grown = true, true
				code += "\n" + more
			}
		}
	}
	return code
}

var (
	words    = regexp.MustCompile(`\b[A-Za-z_]\w*\b`)
	imported = regexp.MustCompile(`"github\.com/lowerbound-ml/lowerbound/(?:pkg|datasets)/(?:[a-z]+/)*([a-z]+)"`)
)

// imports returns the packages of the project that a text of Go imports, by name.
func imports(text string) map[string]string {
	all := map[string]string{}
	for _, m := range imported.FindAllStringSubmatch(text, -1) {
		all[m[1]] = m[0]
	}
	return all
}

// used reports whether the code of a place names a symbol: pkg.Name, or .Name for a method, where the package is imported.
func used(at place, symbol string) bool {
	parts := strings.Split(symbol, ".")
	pkg, name := parts[0], parts[len(parts)-1]
	inside := path.Base(path.Dir(at.file)) == pkg
	pattern := `\b` + pkg + `\.` + name + `\b`
	switch {
	case !inside && at.imports[pkg] == "":
		return false
	case len(parts) == 3:
		pattern = `\.` + name + `\b`
	case inside:
		pattern = `\b` + name + `\b`
	}
	return regexp.MustCompile(pattern).MatchString(at.code)
}
