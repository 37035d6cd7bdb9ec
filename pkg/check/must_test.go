package check

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestMust(t *testing.T) {
	var out bytes.Buffer
	code := 0
	c := Checker{out: &out, exit: func(n int) { code = n }}
	if got := must(c, 3, nil); got != 3 || code != 0 || out.Len() != 0 {
		t.Errorf("without an error: %d, exit %d, %q", got, code, out.String())
	}
	must(c, 0, errors.New("no such file"))
	if code == 0 || !strings.Contains(out.String(), "✗") || !strings.Contains(out.String(), "no such file") {
		t.Errorf("with an error: exit %d, %q", code, out.String())
	}
}
