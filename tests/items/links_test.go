package main

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```[^\n]*$")
	inline  = regexp.MustCompile("`[^`\n]*`|\\$[^$\n]*\\$")
	linked  = regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)|(?:src|href)="([^"]+)"`)
	outside = regexp.MustCompile(`^[a-z]+:`)
)

// TestLinks follows every relative link of the pages and the notebooks' sources: the file is there, and the heading in it.
func TestLinks(t *testing.T) {
	p := opened(t)
	count := 0
	for _, page := range markdown(t, p) {
		text, err := p.read(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linked.FindAllStringSubmatch(prosePart(text), -1) {
			target := m[1] + m[2]
			if outside.MatchString(target) {
				continue
			}
			count++
			if why := p.dead(page, target); why != "" {
				t.Errorf("%s: the link %s is dead: %s", page, target, why)
			}
		}
	}
	if count < 1000 {
		t.Errorf("only %d links were found", count)
	}
}

// markdown returns the project's pages: all .md but those of tools' own folders.
func markdown(t *testing.T, p *project) (pages []string) {
	err := filepath.WalkDir(p.root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && at != p.root && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			rel, err := filepath.Rel(p.root, at)
			pages = append(pages, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// prosePart is a page without its code; a cell's code may write links too, but not to files.
func prosePart(text string) string {
	return inline.ReplaceAllString(fenced.ReplaceAllString(text, ""), "")
}

// dead says why a link of a page leads nowhere, "" when it leads somewhere.
func (p *project) dead(page, target string) string {
	file, fragment, _ := strings.Cut(target, "#")
	file, err := url.PathUnescape(file)
	if err != nil {
		return err.Error()
	}
	to := page
	if file != "" {
		to = path.Join(path.Dir(page), file)
	}
	if _, err := os.Stat(filepath.Join(p.root, to)); err != nil {
		return to + " is not there"
	}
	if fragment == "" {
		return ""
	}
	return p.missing(to, fragment)
}

// missing says that no heading of a page has an anchor.
func (p *project) missing(page, fragment string) string {
	of := slug
	if strings.HasSuffix(page, ".ipynb") {
		page, of = strings.TrimSuffix(page, ".ipynb")+".md", anchor
	}
	text, err := p.read(page)
	if err != nil {
		return err.Error()
	}
	for _, l := range strings.Split(text, "\n") {
		if m := heading.FindStringSubmatch(l); m != nil && of(m[1]) == fragment {
			return ""
		}
	}
	return page + " has no such heading"
}

// slug is what GitHub calls a heading.
func slug(heading string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ' || r == '-':
			out.WriteRune('-')
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			out.WriteRune(r)
		}
	}
	return out.String()
}
