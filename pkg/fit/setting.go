package fit

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
)

// Setting is the configuration of a model, from which all of its run follows but the data and the recipe.
type Setting interface {
	fmt.Stringer  // what tells one model from another: it ends the Tag of its runs
	Check() error // why there is no such model, naming the setting, or nil
	Loss() Loss
}

// LoadOrTrainSetting is LoadOrTrain of s.Loss on a new store, which it returns, with s as a part of the run's identity: a run of another
// setting in dir is an error. So is an s that does not pass its Check. With an error of LoadOrTrain the store holds what it left.
func LoadOrTrainSetting(ctx context.Context, b compute.Backend, dir string, s Setting, data Batches, c Config) (*model.Store, Report, error) {
	if err := s.Check(); err != nil {
		return nil, Report{}, err
	}
	store := model.NewStore()
	c.Tag = fmt.Sprintf("%s, %s", c.Tag, s)
	report, err := LoadOrTrain(ctx, b, dir, store, s.Loss(), data, c)
	return store, report, err
}

// LoadSetting is Load of a finished run of s, whatever data and recipe it had, into a new store, which it returns. It returns an error
// when s does not pass its Check, and when dir holds no whole finished run, or one of another setting.
func LoadSetting(dir string, s Setting) (*model.Store, Report, error) {
	if err := s.Check(); err != nil {
		return nil, Report{}, err
	}
	store := model.NewStore()
	report, tag, err := Load(dir, store)
	if err == nil && !strings.HasSuffix(tag, ", "+s.String()) {
		err = fmt.Errorf("fit.LoadSetting: %s holds a run of %q, expected one of %q: take the Config that it was trained with", dir, tag, s)
	}
	return store, report, err
}
