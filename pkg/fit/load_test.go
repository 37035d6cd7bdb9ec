package fit

import (
	"context"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
)

func TestLoadGivesWhatTrainingGave(t *testing.T) {
	for name, c := range map[string]Config{
		"plain": {Steps: 30, LearningRate: 0.01, Seed: 3},
		"ema":   {Steps: 30, LearningRate: 0.01, Seed: 3, EMA: 0.9},
		"half":  {Steps: 30, LearningRate: 0.01, Seed: 3, EMA: 0.9, Half: dtypes.BFloat16},
	} {
		dir := t.TempDir()
		first, second := model.NewStore(), model.NewStore()
		r1, err := LoadOrTrain(context.Background(), backendtest.Open(t), dir, first, noisyLoss, line{8}, c)
		if err != nil {
			t.Fatal(err)
		}
		r2, err := LoadOrTrain(context.Background(), backendtest.Open(t), dir, second, noisyLoss, line{8}, c)
		if err != nil {
			t.Fatal(err)
		}
		if r1.Loaded || !r2.Loaded || r1.Steps != 30 || r2.Steps != 30 {
			t.Errorf("%s: reports %+v, %+v", name, r1, r2)
		}
		sameBits(t, name, bits(t, first), bits(t, second))
	}
}

func sameBits(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d variables, want %d", what, len(got), len(want))
	}
	for path := range want {
		if got[path] != want[path] {
			t.Errorf("%s: %s = %.40s…, want %.40s…", what, path, got[path], want[path])
		}
	}
}
