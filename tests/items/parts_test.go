package main

import (
	"slices"
	"strings"
	"testing"
)

// The checks of this package can fail: each finds what is wrong with a page that is made for it.

func TestMangledFormulas(t *testing.T) {
	for formula, bad := range map[string]bool{
		`x_t=\sqrt{\alpha_t}x_0`: false, `\mathbb E_q[\log p(x\mid z)]`: false, `\lbrace q_\phi\rbrace`: false,
		`\mathbb{E}_q`: true, `a\,b`: true, `p(x|z)`: true, `a<b`: true, `a*b`: true, `\{q\}`: true, `(x)_t`: true,
	} {
		if mangled.MatchString(formula) != bad {
			t.Errorf("mangled %q is %v, expected %v", formula, !bad, bad)
		}
	}
}

func TestDeadLinks(t *testing.T) {
	p := opened(t)
	for target, dead := range map[string]bool{
		"docs/items.md": false, "docs/items.md#errata": false, "pkg": false,
		"docs/item.md": true, "docs/items.md#erratum": true, "../README.md": true,
		"notebooks/02-elbo.ipynb#E2.2-The-bound": false, "notebooks/02-elbo.ipynb#E2.2": true,
	} {
		if why := p.dead("README.md", target); (why != "") != dead {
			t.Errorf("the link %s from README.md: %q, expected it to be dead: %v", target, why, dead)
		}
	}
}

func TestLackingViews(t *testing.T) {
	whole := item{id: "E5.9", formula: "$x$", symbols: []string{"vdm.VDM.Form0"}, source: "a paper"}
	p := &project{tests: map[string][]place{"E5.9": {{}}}, cells: map[string][]place{"E5.9": {{}}, "E1.6": {{}}}}
	without := func(change func(it *item)) item { it := whole; change(&it); return it }
	for _, c := range []struct {
		it   item
		want string
	}{
		{whole, ""}, {item{id: "E1.6"}, ""},
		{without(func(it *item) { it.id = "E5.8" }), "cell"}, {without(func(it *item) { it.formula = "" }), "formula"},
		{without(func(it *item) { it.symbols = nil }), "symbol"}, {without(func(it *item) { it.source = "" }), "source"},
	} {
		if why := p.lacking(c.it); !strings.Contains(why, c.want) || (why == "") != (c.want == "") {
			t.Errorf("%+v lacks %q, expected %q", c.it, why, c.want)
		}
	}
	p.tests = nil
	if why := p.lacking(whole); !strings.Contains(why, "test") {
		t.Errorf("an item without a test lacks %q", why)
	}
}

func TestUsed(t *testing.T) {
	at := place{file: "pkg/vdm/forms_test.go", code: "m.Form2(x); Levels(256); param.Bind(p)", imports: map[string]string{"param": "param"}}
	for symbol, want := range map[string]bool{
		"vdm.VDM.Form2": true, "vdm.VDM.Form": false, "vdm.Levels": true, "param.Bind": true, "param.Bin": false, "hvae.Levels": false,
	} {
		if used(at, symbol) != want {
			t.Errorf("the code uses %s: %v, expected %v", symbol, !want, want)
		}
	}
}

func TestClaims(t *testing.T) {
	for _, c := range []struct {
		label, result string
		want          line
	}{
		{"as written, from +∞ to −∞", "as written −1 ≠ 1 as it must be  |Δ| 2", line{"", true, "from +∞ to −∞", "−1 ≠ 1"}},
		{"corrected: one is the slope", "2 entries, worst at [0]: 4 = 4  |Δ| 4e-09", line{"", false, "one is the slope", "4 = 4"}},
		{"as written, F rises", "2.5 < 4.9", line{"", true, "F rises", "2.5 < 4.9"}},
		{"corrected, σ²", "0.252 ± 0.0018 (40000 samples), expected 0.25  z 1.18", line{"", false, "σ²", "0.252 ± 0.0018 (40000 samples), expected 0.25"}},
	} {
		if got := claim("", c.label, c.result); got != c.want {
			t.Errorf("claim(%q, %q) = %+v, expected %+v", c.label, c.result, got, c.want)
		}
	}
}

func TestGates(t *testing.T) {
	p := &project{items: []item{{id: "E3.2"}, {id: "E3.3"}, {id: "E3.10"}, {id: "E3.4"}}}
	got := p.gates(system{items: "E3.3–E3.5, E4.1"})
	if want := []string{"E3.3", "E3.4", "E3.5", "E4.1"}; !slices.Equal(got, want) {
		t.Errorf("gates are %v, expected %v", got, want)
	}
}
