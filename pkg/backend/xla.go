//go:build cgo

package backend

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/installer"
	"github.com/gomlx/go-xla/pjrt"
)

func init() { xla.EnableAutoInstall(false) } // Find installs, in its place in the order; opening never does.

// findXLA walks steps 2 to 5 of the package's comment.
func findXLA() Choice {
	plugins := pjrt.AvailablePlugins()
	for _, name := range xla.DefaultPlugins {
		for _, found := range slices.Sorted(maps.Keys(plugins)) { // sorted: of two versions, always the same one
			if found == name || strings.HasPrefix(found, name+"_v") {
				return Choice{"xla:" + found, "installed at " + plugins[found]}
			}
		}
	}
	dir, err := os.Getwd()
	if err == nil {
		if path := venvPlugin(dir); path != "" {
			return Choice{"xla:" + path, "the plugin of the project's .venv"}
		}
	}
	if _, forbidden := os.LookupEnv(NoAutoInstall); forbidden {
		return Choice{PureGo, "no XLA plugin is installed and " + NoAutoInstall + " forbids fetching one"}
	}
	if err := installer.AutoInstall("", true, installer.Quiet); err != nil {
		return Choice{PureGo, "no XLA plugin is installed and none could be fetched (" + firstLine(err) + ")"}
	}
	return Choice{"xla:cpu", "fetched by go-xla's installer"}
}

// installed lists the plugins of steps 2 and 3.
func installed() []string {
	var configs []string
	for name := range pjrt.AvailablePlugins() {
		configs = append(configs, "xla:"+name)
	}
	if dir, err := os.Getwd(); err == nil {
		if path := venvPlugin(dir); path != "" {
			configs = append(configs, "xla:"+path)
		}
	}
	slices.Sort(configs)
	return configs
}

// venvPlugin returns the path of the CPU plugin in the nearest .venv at or above dir, or "".
func venvPlugin(dir string) string {
	for {
		paths, _ := filepath.Glob(filepath.Join(dir, ".venv", "lib", "python3*", "site-packages", "*", "pjrt_c_api_cpu*_plugin.so"))
		if len(paths) > 0 {
			slices.Sort(paths)
			return paths[len(paths)-1]
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// openXLA opens one device on the CPU: XLA's default of four on two cores only divides them.
func openXLA(plugin string) (compute.Backend, error) {
	name, _, _ := strings.Cut(plugin, ",")
	if name == "" {
		name = "cpu"
		plugin = name + plugin
	}
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err != nil {
			return nil, fmt.Errorf("PJRT plugin: %w", err)
		}
	} else if dir, err := os.Getwd(); err == nil && name == "cpu" && !hasNamed(pjrt.AvailablePlugins()) {
		if path := venvPlugin(dir); path != "" {
			plugin = path + strings.TrimPrefix(plugin, name)
			name = path
		}
	}
	var options pjrt.NamedValuesMap
	if strings.Contains(filepath.Base(name), "cpu") {
		options = pjrt.NamedValuesMap{"cpu_device_count": int64(1)}
	}
	b, err := xla.NewWithOptions(plugin, options)
	if err != nil {
		return nil, fmt.Errorf("PJRT plugin %q, looked for in %s=%q: %s", name, pjrtPath, os.Getenv(pjrtPath), firstLine(err))
	}
	return b, nil
}

// hasNamed reports whether a plugin can be found by name: those opened by path before are listed under their path.
func hasNamed(plugins map[string]string) bool {
	for name := range plugins {
		if !filepath.IsAbs(name) {
			return true
		}
	}
	return false
}

const pjrtPath = "PJRT_PLUGIN_LIBRARY_PATH"

func describeXLA(b compute.Backend) string {
	platform := "cpu"
	if x, ok := b.(*xla.Backend); ok && x.IsCUDA() {
		platform = "cuda"
	}
	devices := fmt.Sprintf("%d devices", b.NumDevices())
	if b.NumDevices() == 1 {
		devices = "1 device"
	}
	return fmt.Sprintf("XLA on %s, %s", platform, devices)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
