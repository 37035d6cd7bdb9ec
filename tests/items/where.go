package main

import (
	"fmt"
	"slices"
	"strings"
)

// where answers a question: an ID, a symbol, a test's name, or a part of a claim, a formula or a source. It is "" when nothing fits.
func (p *project) where(query string) string {
	var out strings.Builder
	for _, it := range p.items {
		if p.asked(it, query) {
			out.WriteString(p.describe(it))
		}
	}
	for _, x := range p.errata {
		if x.id == query {
			fmt.Fprintf(&out, "%s  as noted: %s\n  holds    %s\n", x.id, x.noted, x.holds)
			out.WriteString(p.cellLines(x.id))
			for _, l := range p.chosen(x.id) {
				fmt.Fprintf(&out, "  %s %s: %s\n", map[bool]string{true: "✗", false: "✓"}[l.wrong], l.label, l.result)
			}
			out.WriteString("  items    " + strings.Join(x.items, ", ") + "\n")
		}
	}
	for _, s := range p.systems {
		if s.id == query {
			fmt.Fprintf(&out, "%s  %s\n  items    %s\n  fails    %s\n", s.id, s.name, s.items, s.failure)
			out.WriteString(p.symbolLines(s.symbols))
		}
	}
	if _, known := p.symbols[query]; known && out.Len() == 0 {
		return p.users(query)
	}
	return out.String()
}

// users lists the items whose tests or cells use a symbol that no item is the formula of.
func (p *project) users(symbol string) string {
	out := fmt.Sprintf("%s:%d  %s is no item's formula; items whose tests or cells use it:\n", p.symbols[symbol].file, p.symbols[symbol].line, symbol)
	for _, it := range p.items {
		if uses(most(p.tests[it.id], []string{symbol}), []string{symbol})+uses(most(p.cells[it.id], []string{symbol}), []string{symbol}) > 0 {
			out += it.id + "  " + it.claim + "\n"
		}
	}
	return out
}

// asked reports whether a question is about an item.
func (p *project) asked(it item, query string) bool {
	if startsWithID.FindString(query) == query {
		return it.id == query
	}
	ofSymbol := func(s string) bool { return s == query || strings.HasSuffix(s, "."+query) }
	ofTest := func(at place) bool { return at.name == query }
	text := strings.ToLower(it.claim + " " + it.formula + " " + it.source)
	return slices.ContainsFunc(it.symbols, ofSymbol) || slices.ContainsFunc(p.tests[it.id], ofTest) ||
		strings.Contains(text, strings.ToLower(query))
}

func (p *project) describe(it item) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s\n  formula  %s\n", it.id, it.claim, strings.Trim(it.formula, "$"))
	out.WriteString(p.symbolLines(it.symbols))
	for _, at := range once(p.tests[it.id]) {
		fmt.Fprintf(&out, "  test     %s:%d  %s\n", at.file, at.line, at.name)
	}
	out.WriteString(p.cellLines(it.id))
	fmt.Fprintf(&out, "  source   %s\n", it.source)
	for _, x := range p.errata {
		if slices.Contains(x.items, it.id) {
			fmt.Fprintf(&out, "  erratum  %s  as noted: %s\n", x.id, x.noted)
		}
	}
	return out.String()
}

func (p *project) symbolLines(symbols []string) string {
	var out strings.Builder
	for _, s := range symbols {
		fmt.Fprintf(&out, "  code     %s:%d  %s\n", p.symbols[s].file, p.symbols[s].line, s)
	}
	return out.String()
}

func (p *project) cellLines(id string) string {
	var out strings.Builder
	for _, at := range p.cells[id] {
		fmt.Fprintf(&out, "  cell     %s:%d  %s\n", at.file, at.line, at.name)
	}
	return out.String()
}

// once keeps the first place of each test.
func once(places []place) (all []place) {
	for _, at := range places {
		if !slices.ContainsFunc(all, func(o place) bool { return o.file == at.file && o.name == at.name }) {
			all = append(all, at)
		}
	}
	return all
}
