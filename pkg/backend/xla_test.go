//go:build cgo

package backend

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
)

// childEnv makes this test program open the default backend, print what it found, and end: go-xla reads the folders of
// its plugins once, when a program starts, so that each order of search needs a program of its own.
const childEnv = "BACKEND_TEST_CHILD"

type found struct{ Config, Why, Opened, Err string }

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	choice := Find()
	f := found{Config: choice.Config, Why: choice.Why}
	if b, err := Open(""); err != nil {
		f.Err = err.Error()
	} else {
		f.Opened = Describe(b)
	}
	if err := json.NewEncoder(os.Stdout).Encode(f); err != nil {
		os.Exit(1)
	}
}

// search runs the child in dir, with plugins in the folder that PJRT_PLUGIN_LIBRARY_PATH names, and returns what it said.
func search(t *testing.T, dir, plugins string, env ...string) (f found, said string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Dir = dir
	child.Env = append(os.Environ(), childEnv+"=1", pjrtPath+"="+plugins, NoAutoInstall+"=1", compute.ConfigEnvVar+"=")
	child.Env = append(child.Env, env...)
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.Output()
	if err == nil {
		err = json.Unmarshal(out, &f)
	}
	if err != nil {
		t.Fatalf("the child: %v\n%s%s", err, out, stderr.String())
	}
	return f, stderr.String()
}

// plugin returns the path of a plugin that works on this machine.
func plugin(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	path := venvPlugin(dir)
	if path == "" {
		t.Skipf("no XLA plugin in a .venv above %s: run %q", dir, Mend)
	}
	return path
}

// link makes a folder that holds the plugin alone, at dir/sub.
func link(t *testing.T, plugin string, elements ...string) (path string) {
	t.Helper()
	path = filepath.Join(append(elements, filepath.Base(plugin))...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(plugin, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOrderOfSearch(t *testing.T) {
	real, top := plugin(t), t.TempDir()
	empty, below := filepath.Join(top, "empty"), filepath.Join(top, "project", "a", "b")
	for _, dir := range []string{empty, below} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	installed := link(t, real, top, "installed")
	venv := link(t, real, top, "project", ".venv", "lib", "python3.12", "site-packages", "wheel")
	const xla = "XLA on cpu, 1 device"
	for _, test := range []struct {
		name, dir, plugins string
		env                string
		config, opened     string
	}{
		{"GOMLX_BACKEND before an installed plugin", below, filepath.Dir(installed), compute.ConfigEnvVar + "=go", PureGo, "pure Go"},
		{"an installed plugin before the .venv's", below, filepath.Dir(installed), "", "xla:cpu", xla},
		{"the .venv's plugin from a folder two below", below, empty, "", "xla:" + venv, xla},
		{"xla:cpu stands for the .venv's plugin where none is installed", below, empty, compute.ConfigEnvVar + "=xla:cpu", "xla:cpu", xla},
		{"pure Go where there is no plugin", empty, empty, "", PureGo, "pure Go"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, said := search(t, test.dir, test.plugins, test.env)
			if got.Config != test.config || got.Opened != test.opened || got.Err != "" {
				t.Errorf("found %+v, expected config %q and backend %q", got, test.config, test.opened)
			}
			fallback := test.config == PureGo && test.env == ""
			if lines := strings.Count(said, "\n"); fallback != (lines == 1) || lines > 1 {
				t.Errorf("said %q; expected one line for pure Go that nobody named, and silence otherwise", said)
			}
			if fallback && (!strings.Contains(said, Mend) || !strings.Contains(said, NoAutoInstall)) {
				t.Errorf("said %q, expected the reason (%s) and %q", said, NoAutoInstall, Mend)
			}
		})
	}
}

func TestNamedPluginThatIsNotInstalled(t *testing.T) {
	empty := t.TempDir()
	for _, config := range []string{"xla:cpu", "xla:cuda", "xla"} {
		got, _ := search(t, empty, empty, compute.ConfigEnvVar+"="+config)
		for _, want := range []string{config, empty, Mend, compute.ConfigEnvVar} {
			if got.Opened != "" || !strings.Contains(got.Err, want) {
				t.Errorf("%s: opened %q with error %q, expected an error that names %q", config, got.Opened, got.Err, want)
			}
		}
	}
}

func TestBrokenPlugin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
	if err := os.WriteFile(path, []byte("not a library"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, _ := search(t, t.TempDir(), filepath.Dir(path), compute.ConfigEnvVar+"=xla:"+path)
	if got.Opened != "" || !strings.Contains(got.Err, path) || !strings.Contains(got.Err, Mend) {
		t.Errorf("found %+v, expected an error that names %s and %q", got, path, Mend)
	}
}

func TestOneDevice(t *testing.T) {
	b, err := open("xla:"+plugin(t), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintln(IsXLA(b), Describe(b)), "true XLA on cpu, 1 device\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
