// Command doctor opens every GoMLX backend that it finds on this machine and multiplies two 2x2 matrices on each.
// It prints one line for each, installs nothing, and exits with 1 when none works or when GOMLX_BACKEND names one that does not.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

func main() {
	// A doctor looks, and changes nothing.
	if err := os.Setenv(backend.NoAutoInstall, "1"); err != nil {
		panic(err)
	}
	healthy := true
	chosen := backend.Find()
	for _, config := range configs(chosen.Config) {
		note := ""
		if config == chosen.Config {
			note = " (taken by default: " + chosen.Why + ")"
		}
		if err := try(config, note); err != nil {
			fmt.Printf("%-15s does not work%s: %v\n", "backend", note, err)
			healthy = healthy && config != chosen.Config
		}
	}
	if !healthy {
		os.Exit(1)
	}
}

// configs lists the backends to try, each once: the chosen one, each installed plugin, pure Go.
func configs(chosen string) []string {
	all := []string{chosen}
	for _, config := range append(backend.Installed(), backend.PureGo) {
		if config != chosen {
			all = append(all, config)
		}
	}
	return all
}

// try opens a backend and checks [[1 2] [3 4]]·[[5 6] [7 8]].
func try(config, note string) error {
	start := time.Now()
	b, err := backend.Open(config)
	if err != nil {
		return err
	}
	defer b.Finalize()
	product, err := graph.CallOnce(b, graph.MatMul,
		[][]float32{{1, 2}, {3, 4}}, [][]float32{{5, 6}, {7, 8}})
	if err != nil {
		return err
	}
	if got, want := fmt.Sprint(product.Value()), "[[19 22] [43 50]]"; got != want {
		return fmt.Errorf("the 2x2 product is %s, expected %s", got, want)
	}
	fmt.Printf("%-15s %-28s %-52s works, 2x2 product in %d ms%s\n", "backend", backend.Describe(b), near(config), time.Since(start).Milliseconds(), note)
	return nil
}

// near shortens the path of a plugin to what follows the working directory.
func near(config string) string {
	dir, err := os.Getwd()
	if err != nil {
		return config
	}
	return strings.Replace(config, dir+"/", "", 1)
}
