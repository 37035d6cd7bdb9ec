package main

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// equationsPage is docs/equations.md: for each item its formula, function, test, cell and source.
func (p *project) equationsPage() string {
	var out strings.Builder
	out.WriteString("# Equations\n\nEach claim with its formula, the Go function that is that formula, the test that proves it, the notebook cell " +
		"that shows it, and where\nit comes from. `make index` writes this page from [items.md](items.md), `pkg/`, the tests and the notebooks, " +
		"and a test fails when one\nof them is missing. Backwards: `make where ID=E5.14`, `make where SYMBOL=vdm.VDM.Form2`.\n")
	items := slices.Clone(p.items)
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(key(a.id), key(b.id)) })
	last := -1
	for _, it := range items {
		if c := chapter(it.id); c != last {
			last = c
			fmt.Fprintf(&out, "\n## Chapter %d. %s\n\n| ID | claim | function | test | cell | source |\n|---|---|---|---|---|---|\n", c, p.titles[c])
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", it.id, claimCell(it), p.symbolLinks(it.symbols),
			testLink(most(p.tests[it.id], it.symbols)), cellLink(first(p.cells[it.id], it.symbols)), it.source)
	}
	return out.String()
}

func claimCell(it item) string {
	if prose[it.id] {
		return it.claim
	}
	return it.claim + "<br>" + it.formula
}

// most returns the first place whose code uses the most of the symbols: the test to look at.
func most(places []place, symbols []string) (best place) {
	least := -1
	for _, at := range places {
		if n := uses(at, symbols); n > least {
			least, best = n, at
		}
	}
	return best
}

// first returns the first place whose code uses one of the symbols, else the first: a cell is where its notebook introduces it.
func first(places []place, symbols []string) place {
	for _, at := range places {
		if uses(at, symbols) > 0 {
			return at
		}
	}
	return most(places, nil)
}

func uses(at place, symbols []string) (n int) {
	for _, s := range symbols {
		if used(at, s) {
			n++
		}
	}
	return n
}

func (p *project) symbolLinks(symbols []string) string {
	var links []string
	for _, s := range symbols {
		links = append(links, fmt.Sprintf("[`%s`](../%s)", s, p.symbols[s].file))
	}
	return cmp.Or(strings.Join(links, "<br>"), "—")
}

func testLink(at place) string {
	if at.file == "" {
		return "—"
	}
	return fmt.Sprintf("[%s](../%s)", cmp.Or(at.name, path.Base(at.file)), at.file)
}

// cellLink leads to the heading above a cell, in the executed notebook.
func cellLink(at place) string {
	if at.file == "" {
		return "—"
	}
	number, _, _ := strings.Cut(path.Base(at.file), "-")
	book := strings.TrimSuffix(at.file, ".md") + ".ipynb"
	return fmt.Sprintf("[%s: %s](../%s#%s)", number, strings.ReplaceAll(at.name, "|", `\|`), book, anchor(at.name))
}

// anchor is what JupyterLab calls a heading; GitHub, which shows a notebook as a picture, opens its first page.
func anchor(heading string) string {
	plain := strings.NewReplacer(" ", "-", "`", "", "**", "").Replace(heading)
	return strings.NewReplacer("(", "%28", ")", "%29", "$", "%24").Replace((&url.URL{Fragment: plain}).EscapedFragment())
}

// erratum is a row of the errata of docs/items.md: what the study notes say, what holds, and the items that show it.
type erratum struct {
	id, noted, holds string
	items            []string
}

// errataPage is docs/errata.md: the claims with the numbers that the executed cells printed.
func (p *project) errataPage() string {
	var out strings.Builder
	out.WriteString("# Errata of the study notes\n\nWhat the two study notes say, what holds instead, and what the executed cell printed: " +
		"✗ the claim as written against what is right,\n✓ the corrected claim. `make index` writes this page from [items.md](items.md) and the notebooks.\n\n" +
		"| ID | as noted | what holds | the numbers | item | cell |\n|---|---|---|---|---|---|\n")
	for _, x := range p.errata {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", x.id, x.noted, x.holds, p.numbers(x.id), strings.Join(x.items, ", "), cellLink(p.shown(x.id)))
	}
	return out.String()
}

// chosen returns the lines about an erratum of the first notebook that has both, the claim as written and the corrected one.
func (p *project) chosen(id string) (lines []line) {
	books := map[string][]line{}
	for _, l := range p.runs[id] {
		books[l.notebook] = append(books[l.notebook], l)
	}
	for _, l := range p.runs[id] {
		if b := books[l.notebook]; bothSides(b) {
			return b
		}
	}
	return p.runs[id]
}

func bothSides(lines []line) bool {
	isWrong := func(l line) bool { return l.wrong }
	isRight := func(l line) bool { return !l.wrong }
	return slices.ContainsFunc(lines, isWrong) && slices.ContainsFunc(lines, isRight)
}

// shown returns the section whose numbers an erratum's row has.
func (p *project) shown(id string) place {
	for _, at := range p.cells[id] {
		if lines := p.chosen(id); len(lines) > 0 && at.file == lines[0].notebook {
			return at
		}
	}
	return first(p.cells[id], nil)
}

func (p *project) numbers(id string) string {
	var parts []string
	for _, l := range p.chosen(id) {
		mark := map[bool]string{true: "✗", false: "✓"}[l.wrong]
		parts = append(parts, strings.ReplaceAll(fmt.Sprintf("%s %s: %s", mark, l.label, l.result), "|", `\|`))
	}
	return strings.Join(parts, "<br>")
}
