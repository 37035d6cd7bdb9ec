package fit

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// tree is a model that is its name.
type tree string

func (n tree) String() string { return string(n) }

func (n tree) Check() error {
	if n == "" {
		return errors.New("a model without a name")
	}
	return nil
}

func (tree) Loss() Loss { return noisyLoss }

// A run of a setting is that of its loss, and is taken up by the same setting only.
func TestSetting(t *testing.T) {
	ctx, dir, c := context.Background(), t.TempDir(), runConfig
	_, first, err := LoadOrTrainSetting(ctx, onHost, dir, tree("oak"), line{8}, c)
	if err != nil || first.Loaded {
		t.Fatalf("error %v, loaded %t", err, first.Loaded)
	}
	want, _, err := loadOrTrain(t, onHost, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	again, report, err := LoadOrTrainSetting(ctx, onHost, dir, tree("oak"), line{8}, c)
	if err != nil || !report.Loaded {
		t.Errorf("the same setting: error %v, loaded %t", err, report.Loaded)
	}
	sameBits(t, "a setting's weights are its loss's", bits(t, want), bits(t, again))
	loaded, _, err := LoadSetting(dir, tree("oak"))
	if err != nil {
		t.Fatal(err)
	}
	sameBits(t, "LoadSetting", bits(t, want), bits(t, loaded))
	_, _, err = LoadOrTrainSetting(ctx, onHost, dir, tree("elm"), line{8}, c)
	expectError(t, "another setting's run", err, []string{"oak", "elm"})
	if _, _, err = LoadSetting(dir, tree("elm")); err == nil || !strings.Contains(err.Error(), `fit.LoadSetting: `+dir+` holds a run of ", oak", expected one of "elm"`) {
		t.Errorf("another setting's weights: error %v", err)
	}
	if _, _, err = LoadSetting(dir, tree("ak")); err == nil { // the end of a name is another name
		t.Error("the run of oak was loaded as one of ak")
	}
	for where, load := range map[string]func() error{
		"train": func() error { _, _, err := LoadOrTrainSetting(ctx, onHost, dir, tree(""), line{8}, c); return err },
		"load":  func() error { _, _, err := LoadSetting(dir, tree("")); return err },
	} {
		if err := load(); err == nil || err.Error() != "a model without a name" {
			t.Errorf("%s: error %v, expected Check's", where, err)
		}
	}
}
