package fit

import (
	"context"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// TestForeign: a checkpoint of another configuration or network, finished or not, names what differs and stays.
func TestForeign(t *testing.T) {
	finished, unfinished := t.TempDir(), t.TempDir()
	short := runConfig
	short.Steps = 4
	if _, _, err := loadOrTrain(t, onHost, finished, short); err != nil {
		t.Fatal(err)
	}
	c := short
	c.StepsPerCall = 1
	interrupted(t, onHost, unfinished, 1, c)
	for want, change := range map[string]func(*Config){
		"expected Steps 5, found Steps 4":                         func(c *Config) { c.Steps = 5 },
		"expected LearningRate 0.02, found LearningRate 0.01":     func(c *Config) { c.LearningRate = 0.02 },
		"expected Seed 9, found Seed 3":                           func(c *Config) { c.Seed = 9 },
		"expected EMA 0, found EMA 0.9":                           func(c *Config) { c.EMA = 0 },
		"expected ClipNorm 2, found ClipNorm 1":                   func(c *Config) { c.ClipNorm = 2 },
		"expected Schedule fit.Constant{}, found Schedule fit.Wa": func(c *Config) { c.Schedule = Constant{} },
		`expected Tag "beta=4", found Tag ""`:                     func(c *Config) { c.Tag = "beta=4" },
		`expected Half "Float16", found Half ""`:                  func(c *Config) { c.Half = dtypes.Float16 },
		"expected early stop true, found early stop false":        func(c *Config) { c.Stop = func([]float64) bool { return false } },
	} {
		c := short
		change(&c)
		for _, dir := range []string{finished, unfinished} {
			before := names(t, dir)
			_, _, err := loadOrTrain(t, onHost, dir, c)
			expectError(t, want, err, []string{manifestFile, want})
			if after := names(t, dir); strings.Join(before, " ") != strings.Join(after, " ") {
				t.Errorf("%s: the directory held %v, now %v", want, before, after)
			}
		}
	}
}

func TestForeignNetwork(t *testing.T) {
	dir, c := t.TempDir(), runConfig
	c.Steps = 4
	if _, _, err := loadOrTrain(t, onHost, dir, c); err != nil {
		t.Fatal(err)
	}
	net := func(sizes ...int) Loss {
		return func(scope *model.Scope, batch []*graph.Node) *graph.Node {
			return halfSquare(nets.MLP(scope.In("net"), batch[0], nets.GlorotUniform, graph.Tanh, sizes...), batch[1])
		}
	}
	for want, loss := range map[string]Loss{
		"expected variable /net/layer_1/dense/weights (Float64)[2, 17], found (Float64)[2, 16]": net(17, 1),
		"expected variable /net/layer_3/dense/weights (Float64)[1, 1], found none":              net(16, 1, 1),
		"found variable /net/layer_2/dense/":                                                    net(16),
	} {
		_, err := LoadOrTrain(context.Background(), onHost, dir, model.NewStore(), loss, line{8}, c)
		expectError(t, want, err, []string{manifestFile, want})
	}
}
