package backend

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

func TestNamedBackendNeverFallsBack(t *testing.T) {
	const missing = "/nowhere/pjrt_c_api_cpu_plugin.so"
	for _, test := range []struct {
		name, config, env string
		want              []string // what the error must hold
	}{
		{"plugin that is not there, by GOMLX_BACKEND", "", "xla:" + missing, []string{compute.ConfigEnvVar, Mend}},
		{"plugin that is not there, by the caller", "xla:" + missing, "", []string{"named by the caller", missing, Mend}},
		{"the caller wins over GOMLX_BACKEND", "xla:" + missing, "go", []string{"named by the caller", missing}},
		{"unknown backend, by GOMLX_BACKEND", "", "quantum", []string{"quantum", compute.ConfigEnvVar, Mend}},
		{"unknown backend, by the caller", "quantum", "", []string{`unknown backend "quantum"`, Mend}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(compute.ConfigEnvVar, test.env)
			var said bytes.Buffer
			b, err := open(test.config, &said)
			if err == nil {
				t.Fatalf("opened %s instead of an error", Describe(b))
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %q", err, want)
				}
			}
			if said.Len() > 0 {
				t.Errorf("said %q, expected the error alone", said.String())
			}
		})
	}
}

func TestEnvironmentWins(t *testing.T) {
	t.Setenv(compute.ConfigEnvVar, PureGo)
	if got, want := Find(), (Choice{PureGo, "named by " + compute.ConfigEnvVar}); got != want {
		t.Errorf("Find() = %v, want %v", got, want)
	}
	var said bytes.Buffer
	b, err := open("", &said)
	if err != nil {
		t.Fatal(err)
	}
	if IsXLA(b) || said.Len() > 0 {
		t.Errorf("opened %s and said %q; expected pure Go, which was asked for, and silence", Describe(b), said.String())
	}
}

func TestMustOpenPanics(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "quantum") {
			t.Errorf("recovered %v, expected Open's error", err)
		}
	}()
	MustOpen("quantum")
}
