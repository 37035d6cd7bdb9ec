// Items keeps the pages that lead from a formula to its function, its test and its cell, and answers which belong together.
//
//	go run ./tests/items -write              # docs/equations.md, docs/errata.md, docs/systems.md (make index)
//	go run ./tests/items E5.14               # all places of an item, an erratum or a system (make where ID=E5.14)
//	go run ./tests/items vdm.VDM.Form2       # the items of a function (make where SYMBOL=vdm.VDM.Form2)
//	go run ./tests/items TestFormsOfGD       # the items of a test
//	go run ./tests/items 'bar\alpha'         # the items whose claim, formula or source holds a text
//
// What people write is docs/items.md; the tests, the notebooks and the sources of pkg/ say the rest.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	root := flag.String("root", ".", "the project's `folder`")
	write := flag.Bool("write", false, "write the pages that are made from docs/items.md")
	flag.Parse()
	if err := command(*root, *write, strings.Join(flag.Args(), " ")); err != nil {
		fmt.Fprintln(os.Stderr, "items:", err)
		os.Exit(1)
	}
}

func command(root string, write bool, query string) error {
	p, err := load(root)
	switch {
	case err != nil:
		return err
	case write:
		return p.write()
	case query == "":
		return errors.New("nothing to do: name an item as E5.14, or a symbol as vdm.VDM.Form2, or give -write")
	}
	answer := p.where(query)
	if answer == "" {
		return fmt.Errorf("no item, erratum, system, symbol, test or text is %q: ask for one as E5.14, X18, S14, vdm.VDM.Form2, TestFormsOfGD", query)
	}
	fmt.Print(answer)
	return nil
}

// pages returns the text of each page that is made, by its path.
func (p *project) pages() map[string]string {
	return map[string]string{
		"docs/equations.md": p.equationsPage(),
		"docs/errata.md":    p.errataPage(),
		"docs/systems.md":   p.systemsPage(),
	}
}

func (p *project) write() error {
	for path, text := range p.pages() {
		if err := os.WriteFile(filepath.Join(p.root, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
