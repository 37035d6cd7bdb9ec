//go:build !cgo

package backend

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

func TestWithoutCgo(t *testing.T) {
	t.Setenv(compute.ConfigEnvVar, "")
	var said bytes.Buffer
	b, err := open("", &said)
	if err != nil {
		t.Fatal(err)
	}
	if IsXLA(b) || strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "CGO_ENABLED=0") {
		t.Errorf("opened %s and said %q, expected pure Go and one line that names CGO_ENABLED=0", Describe(b), said.String())
	}
	if _, err := Open("xla:cpu"); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("Open(xla:cpu) = %v, expected an error that names CGO_ENABLED=0", err)
	}
}
