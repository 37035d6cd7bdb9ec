package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// project is all that the pages are made of.
type project struct {
	root    string
	titles  map[int]string // of the chapters
	items   []item
	errata  []erratum
	systems []system
	symbols map[string]symbol  // by name, as vdm.VDM.Form2
	tests   map[string][]place // where an item is proved, by its ID
	cells   map[string][]place // where an item or an erratum is shown, by its ID
	runs    map[string][]line  // what executed cells printed about an erratum, by its ID
}

// item is a row of a chapter of docs/items.md.
type item struct {
	id, claim, formula string
	symbols            []string
	source             string
}

// prose lists the items that are points of view: a notebook tells them, nothing computes them.
var prose = map[string]bool{"E1.6": true}

// place is a line of a file, what it is called there (a test, a heading), the code around it, and the packages that it imports.
type place struct {
	file    string
	line    int
	name    string
	code    string
	imports map[string]string
}

func load(root string) (*project, error) {
	p := &project{root: root}
	for _, read := range []func() error{p.readRows, p.readSymbols, p.readTests, p.readCells, p.readRuns} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *project) read(path string) (string, error) {
	text, err := os.ReadFile(filepath.Join(p.root, path))
	return string(text), err
}

// files returns the paths below the project that match a pattern, with slashes.
func (p *project) files(pattern string) []string {
	paths, err := filepath.Glob(filepath.Join(p.root, pattern))
	if err != nil {
		panic(err)
	}
	for i, path := range paths {
		rel, err := filepath.Rel(p.root, path)
		if err != nil {
			panic(err)
		}
		paths[i] = filepath.ToSlash(rel)
	}
	return paths
}

var (
	row   = regexp.MustCompile(`(?m)^\| ([EXS]\d+(?:\.\d+)?) \|.*\|$`)
	title = regexp.MustCompile(`(?m)^## Chapter (\d+)\. (.*)$`)
)

// readRows reads docs/items.md: the items, the errata and the systems.
func (p *project) readRows() error {
	text, err := p.read("docs/items.md")
	if err != nil {
		return err
	}
	p.titles = map[int]string{}
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		p.titles[key("E"+m[1]+".0")/1000] = m[2]
	}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		cells := split(m[0])
		want := map[byte]int{'E': 5, 'X': 4, 'S': 5}[m[1][0]]
		if len(cells) != want {
			return fmt.Errorf("docs/items.md: row %s has %d columns, expected %d: %s", m[1], len(cells), want, m[0])
		}
		switch m[1][0] {
		case 'E':
			p.items = append(p.items, item{cells[0], cells[1], cells[2], names(cells[3]), cells[4]})
		case 'X':
			p.errata = append(p.errata, erratum{cells[0], cells[1], cells[2], ids(cells[3])})
		case 'S':
			p.systems = append(p.systems, system{cells[0], cells[1], names(cells[2]), cells[3], cells[4]})
		}
	}
	return nil
}

// split takes a table's row apart; \| is no border.
func split(row string) []string {
	const bar = "\x00"
	cells := strings.Split(strings.Trim(strings.ReplaceAll(row, `\|`, bar), "|"), "|")
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), bar, `\|`)
	}
	return cells
}

// names returns what stands between backticks.
func names(cell string) (all []string) {
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			all = append(all, part)
		}
	}
	return all
}

var itemID = regexp.MustCompile(`E\d+\.\d+`)

func ids(text string) []string { return itemID.FindAllString(text, -1) }

// item returns the item of an ID.
func (p *project) item(id string) (item, bool) {
	for _, it := range p.items {
		if it.id == id {
			return it, true
		}
	}
	return item{}, false
}

// chapter is the number before the point of an item's ID.
func chapter(id string) int { return key(id) / 1000 }

// key orders E2.10 after E2.9.
func key(id string) int {
	var c, n int
	if _, err := fmt.Sscanf(id, "E%d.%d", &c, &n); err != nil {
		panic(fmt.Errorf("items.key: %q is no item: %w", id, err))
	}
	return c*1000 + n
}
