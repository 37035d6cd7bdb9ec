package backend

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// NoAutoInstall is the environment variable that, when set to anything, forbids fetching a plugin.
const NoAutoInstall = "GOMLX_NO_AUTO_INSTALL"

// PureGo is the configuration of GoMLX's pure-Go backend.
const PureGo = "go"

// Mend is the command that errors of this package advise.
const Mend = "make setup"

// Choice is a backend configuration and the reason it was taken.
type Choice struct {
	Config string // as in GOMLX_BACKEND: "go", "xla:cpu", "xla:/path/to/plugin.so"
	Why    string // one phrase: "named by GOMLX_BACKEND", "the plugin of /src/.venv"
}

// Open opens the backend that config names, as "go", "xla:cpu" or "xla:/path/to/plugin.so".
// An empty config stands for the order of the package's comment: GOMLX_BACKEND first, pure Go last.
// Falling to pure Go is said in one line on standard error.
//
// It returns an error that names the configuration, the plugin's path and the command that mends it
// when a backend that was named, by config or by GOMLX_BACKEND, cannot be opened.
func Open(config string) (compute.Backend, error) { return open(config, os.Stderr) }

// MustOpen is Open for notebooks and tests: it panics with Open's error.
func MustOpen(config string) compute.Backend {
	b, err := Open(config)
	if err != nil {
		panic(err)
	}
	return b
}

func open(config string, notice io.Writer) (compute.Backend, error) {
	choice := Choice{Config: config, Why: "named by the caller"}
	if config == "" {
		choice = Find()
	}
	b, err := openConfig(choice.Config)
	if err != nil {
		return nil, fmt.Errorf("backend.Open(%q), %s: %w; run %q, or unset %s to let the library choose",
			choice.Config, choice.Why, err, Mend, compute.ConfigEnvVar)
	}
	if choice.Config == PureGo && os.Getenv(compute.ConfigEnvVar) == "" && config == "" {
		fmt.Fprintf(notice, "backend: running on pure Go, which is slow: %s; %q installs XLA\n", choice.Why, Mend)
	}
	return b, nil
}

// Find returns what Open("") opens, and why. It may fetch a plugin (step 4 of the package's comment).
func Find() Choice {
	if config := os.Getenv(compute.ConfigEnvVar); config != "" {
		return Choice{config, "named by " + compute.ConfigEnvVar}
	}
	return findXLA()
}

// Installed lists the configurations of all XLA plugins on this machine, in the environment's folders and in the nearest
// .venv, whether they work or not. It fetches nothing; a program built with CGO_ENABLED=0 finds none.
func Installed() []string { return installed() }

func openConfig(config string) (compute.Backend, error) {
	name, options, _ := strings.Cut(config, ":")
	switch name {
	case PureGo:
		return gobackend.New(options)
	case "xla", "stablehlo", "shlo", "hlo":
		return openXLA(options)
	}
	return nil, fmt.Errorf("unknown backend %q: expected %q or \"xla:<plugin name or path>\"", name, PureGo)
}

// IsXLA reports whether b compiles with XLA.
func IsXLA(b compute.Backend) bool { return b.Name() == "xla" }

// Describe returns one phrase for people, as "XLA on cpu, 1 device" or "pure Go".
func Describe(b compute.Backend) string {
	if !IsXLA(b) {
		return "pure Go"
	}
	return describeXLA(b)
}
