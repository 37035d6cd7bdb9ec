package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// system is a row of the systems of docs/items.md: what was named, the functions it is built of, the items that must hold, as
// "E3.6–E3.24", and how it fails, with the item that shows the failure.
type system struct {
	id, name string
	symbols  []string
	items    string
	failure  string
}

// gates returns the IDs of a system's items: ranges are taken in docs/items.md's order of numbers. An item that is not there stays.
func (p *project) gates(s system) (all []string) {
	for _, part := range strings.Split(s.items, ",") {
		found := ids(part)
		if len(found) == 2 {
			found = p.between(found[0], found[1])
		}
		all = append(all, found...)
	}
	return all
}

// between returns the items from one to another, and the two themselves whether they are listed or not.
func (p *project) between(from, to string) []string {
	all := []string{from}
	for _, it := range p.items {
		if key(it.id) > key(from) && key(it.id) < key(to) {
			all = append(all, it.id)
		}
	}
	return append(all, to)
}

// open returns what a system still lacks, "" when all its items are proved and shown.
func (p *project) open(s system) string {
	var lacks []string
	for _, id := range p.gates(s) {
		if it, ok := p.item(id); !ok {
			lacks = append(lacks, id+" is not in items.md")
		} else if why := p.lacking(it); why != "" {
			lacks = append(lacks, id+" "+why)
		}
	}
	return strings.Join(lacks, "; ")
}

// lacking says which of its views an item has not.
func (p *project) lacking(it item) string {
	switch {
	case len(p.cells[it.id]) == 0:
		return "has no notebook cell"
	case prose[it.id]:
		return ""
	case len(p.tests[it.id]) == 0:
		return "has no Go test"
	case it.formula == "" || len(it.symbols) == 0 || it.source == "":
		return "has no formula, symbol or source"
	}
	return ""
}

// systemsPage is docs/systems.md: each system with its code, tests, cells, its failure, and whether it is done.
func (p *project) systemsPage() string {
	var out strings.Builder
	out.WriteString("# Systems\n\nEach system that the study notes name, and where it stands: its code, the tests and notebooks of its items, and the " +
		"failure that is\nshown along with it. It is done when every one of its items is proved by a test and shown by a cell. `make index` writes this\n" +
		"page from [items.md](items.md).\n\n| ID | system | items | code | tests | notebooks | what fails | status |\n|---|---|---|---|---|---|---|---|\n")
	for _, s := range p.systems {
		status := "done"
		if why := p.open(s); why != "" {
			status = "open: " + why
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", s.id, s.name, s.items, p.symbolLinks(s.symbols),
			fileLinks(p.gates(s), p.tests), fileLinks(p.gates(s), p.cells), p.failureCell(s), status)
	}
	return out.String()
}

// fileLinks links the files in which items are proved or shown: as few as hold one place of each item.
func fileLinks(gates []string, places map[string][]place) string {
	var files []string
	for _, id := range gates {
		has := func(at place) bool { return slices.Contains(files, at.file) }
		if len(places[id]) > 0 && !slices.ContainsFunc(places[id], has) {
			files = append(files, places[id][0].file)
		}
	}
	for i, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".md")
		if strings.HasSuffix(f, ".md") {
			f = strings.TrimSuffix(f, ".md") + ".ipynb"
		} else {
			name = path.Base(path.Dir(f)) + "/" + name
		}
		files[i] = fmt.Sprintf("[%s](../%s)", name, f)
	}
	return strings.Join(files, "<br>")
}

// failureCell is what fails, with a link to the cell that shows it: of the first item's sections the one that it names, else the first.
func (p *project) failureCell(s system) string {
	shown := ids(s.failure)
	if len(shown) == 0 {
		return s.failure
	}
	at := first(p.cells[shown[0]], nil)
	for _, c := range p.cells[shown[0]] {
		if strings.Contains(s.failure, c.name) {
			at = c
		}
	}
	return s.failure + "<br>" + cellLink(at)
}
