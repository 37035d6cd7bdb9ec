package main

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	heading = regexp.MustCompile(`^#{1,4} (.*)$`)
	literal = regexp.MustCompile("[\"`](E\\d+\\.\\d+)\\b")
	xid     = regexp.MustCompile("[\"`](?:E\\d+\\.\\d+ )?(X\\d+)\\b")
	side    = regexp.MustCompile("[\"`](?:E\\d+\\.\\d+ )?(X\\d+ (?:as written|corrected))\\b")
)

// section is what stands below a heading of a notebook, up to the next one: its code, and the items and errata that it shows. Of an
// erratum it shows "X1", "X1 as written" and "X1 corrected".
type section struct {
	name string
	line int
	code string
	ids  map[string]bool
	text string
}

// sections takes the text of a notebook's .md apart.
func sections(text string) []section {
	all := []section{{name: "top", line: 1, ids: map[string]bool{}}}
	fence, code := false, false
	for n, l := range strings.Split(text, "\n") {
		s := &all[len(all)-1]
		switch {
		case strings.HasPrefix(l, "```"):
			fence = !fence
			code = fence && strings.HasPrefix(l, "```{code-cell}")
		case !fence && heading.MatchString(l):
			all = append(all, section{name: heading.FindStringSubmatch(l)[1], line: n + 1, ids: map[string]bool{}})
		case code:
			s.code += l + "\n"
			for _, re := range []*regexp.Regexp{literal, xid, side} {
				for _, m := range re.FindAllStringSubmatch(l, -1) {
					s.ids[m[1]] = true
				}
			}
		default:
			s.text += l + "\n"
		}
	}
	return all
}

// readCells finds the notebooks' sections that show an item or an erratum.
func (p *project) readCells() error {
	p.cells = map[string][]place{}
	for _, path := range p.files("notebooks/*.md") {
		text, err := p.read(path)
		if err != nil {
			return err
		}
		for _, s := range sections(text) {
			for id := range s.ids {
				p.cells[id] = append(p.cells[id], place{path, s.line, s.name, s.code, imports(text)})
			}
			for id := range prose {
				if strings.Contains(s.text, id) {
					p.cells[id] = append(p.cells[id], place{path, s.line, s.name, s.code, imports(text)})
				}
			}
		}
	}
	return nil
}

// line is a claim that an executed cell printed about an erratum.
type line struct {
	notebook string // its .md
	wrong    bool   // the claim as it is written, which fails
	label    string
	result   string
}

var printed = regexp.MustCompile(`^✓ (?:E\d+\.\d+ )?(X\d+)[,:]? (.*?)   (.*)$`)

// readRuns finds what the executed notebooks printed about errata.
func (p *project) readRuns() error {
	p.runs = map[string][]line{}
	for _, path := range p.files("notebooks/*.ipynb") {
		outputs, err := p.outputs(path)
		if err != nil {
			return err
		}
		for _, l := range outputs {
			if m := printed.FindStringSubmatch(l); m != nil {
				p.runs[m[1]] = append(p.runs[m[1]], claim(strings.TrimSuffix(path, ".ipynb")+".md", m[2], m[3]))
			}
		}
	}
	return nil
}

// noise is what a number is printed with and a page can do without: how many entries there were, distances.
var noise = regexp.MustCompile(`^\d+ entries, worst at \[\d+(?:,\d+)*\]: |  (?:\|Δ\||z) .*$`)

// claim reads a line of package check: "as written −1 ≠ 1 as it must be  |Δ| 2", or "1 = 1  |Δ| 1e-16".
func claim(notebook, label, result string) line {
	result = noise.ReplaceAllString(result, "")
	short := strings.TrimSuffix(strings.TrimPrefix(result, "as written "), " as it must be")
	wrong := short != result || strings.HasPrefix(label, "as written")
	for _, start := range []string{"as written", "corrected"} {
		label = strings.TrimLeft(strings.TrimPrefix(label, start), ",: ")
	}
	return line{notebook, wrong, label, short}
}

// outputs returns the lines that a notebook's cells printed.
func (p *project) outputs(path string) (lines []string, err error) {
	text, err := p.read(path)
	if err != nil {
		return nil, err
	}
	var nb struct {
		Cells []struct {
			Outputs []struct {
				Text any `json:"text"`
			} `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal([]byte(text), &nb); err != nil {
		return nil, err
	}
	for _, c := range nb.Cells {
		for _, o := range c.Outputs {
			lines = append(lines, strings.Split(joined(o.Text), "\n")...)
		}
	}
	return lines, nil
}

// joined returns the text of an output, which nbformat keeps as a string or a list of them.
func joined(text any) string {
	if parts, ok := text.([]any); ok {
		var out strings.Builder
		for _, part := range parts {
			s, _ := part.(string)
			out.WriteString(s)
		}
		return out.String()
	}
	s, _ := text.(string)
	return s
}
