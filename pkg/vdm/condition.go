package vdm

import (
	"fmt"
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
)

// Condition is what pictures are asked for, one entry a picture. The field of the Config's kind is set, and no other.
type Condition struct {
	Labels   []int       // with Config.Classes: 0 … Classes−1, and Classes for none
	Captions []string    // with Config.Caption; the empty caption for none
	Coarse   [][]float64 // with Config.Coarse = k: rows of Height/k·Width/k·Channels intensities in [0, 1]
}

// Len returns the number of pictures asked for.
func (y Condition) Len() int { return max(len(y.Labels), len(y.Captions), len(y.Coarse)) }

// checkCondition returns an error that names the fields of the condition when there is no such model.
func (c Config) checkCondition() error {
	kinds := 0
	for _, set := range []bool{c.Classes > 0, !c.Caption.Empty(), c.Coarse != 0} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return fmt.Errorf("vdm.Config: Classes = %d, Caption of %d words, Coarse = %d, expected one kind of condition: leave the others 0",
			c.Classes, len(c.Caption.Words), c.Coarse)
	case c.Coarse < 0 || c.Coarse == 1 || c.Coarse > 1 && (c.Height%c.Coarse != 0 || c.Width%c.Coarse != 0):
		return fmt.Errorf("vdm.Config: Coarse = %d for images of %d × %d, expected 2 or more that divides both, or 0 for none",
			c.Coarse, c.Height, c.Width)
	case !(c.Drop >= 0 && c.Drop < 1):
		return fmt.Errorf("vdm.Config: Drop = %g, expected a share from 0 to below 1", c.Drop)
	case c.Drop > 0 && kinds == 0:
		return fmt.Errorf("vdm.Config: Drop = %g without a condition, expected Classes, Caption or Coarse, or Drop = 0", c.Drop)
	}
	return nil
}

// conditionName is what String says of captions, coarse pictures and dropping; of a model without them nothing.
func (c Config) conditionName() (name string) {
	if !c.Caption.Empty() {
		name += fmt.Sprintf(", %s", c.Caption)
	}
	if c.Coarse > 0 {
		name += fmt.Sprintf(", coarse by %d", c.Coarse)
	}
	if c.Drop > 0 {
		name += fmt.Sprintf(", drop %g", c.Drop)
	}
	return name
}

// conditional returns whether there is a condition at all.
func (c Config) conditional() bool { return c.Classes > 0 || !c.Caption.Empty() || c.Coarse > 0 }

// given returns the condition of a batch whose images are x0, nil for a model without.
func (c Config) given(batch []*Node, x0 *Node) *Node {
	switch {
	case c.Coarse > 0:
		return mathx.CellMeans(x0, c.Coarse)
	case !c.conditional():
		return nil
	case len(batch) < 2 && c.Classes > 0:
		panic(fmt.Errorf("vdm.Config.Loss: a batch without labels, expected integers from 0 to %d: set Classes to 0, or give them", c.Classes))
	case len(batch) < 2:
		panic(fmt.Errorf("vdm.Config.Loss: a batch without captions, expected integers [batch, %d]: leave Caption empty, or give them", c.Caption.Length))
	}
	return batch[1]
}

// shown hides a share Drop of the conditions.
func (c Config) shown(src noise.Source, y *Node) *Node {
	if y == nil || c.Drop == 0 {
		return y
	}
	return guide.Drop(src, y, c.null(y), c.Drop)
}

// null returns the condition that stands for none, of y's shape.
func (c Config) null(y *Node) *Node {
	switch {
	case c.Classes > 0:
		return FillScalar(y.Graph(), y.Shape(), float64(c.Classes))
	case c.Coarse > 0:
		return ZerosLike(y)
	}
	return FillScalar(y.Graph(), y.Shape(), float64(c.Caption.None()))
}

// enlarged returns the coarse pictures y at the size of xt, a grey of 0 for nil.
func (c Config) enlarged(xt, y *Node) *Node {
	if y == nil {
		return ZerosLike(xt)
	}
	d := xt.Shape().Dimensions
	want := []int{d[0], c.Height / c.Coarse, c.Width / c.Coarse, c.Channels}
	if !y.DType().IsFloat() || !slices.Equal(y.Shape().Dimensions, want) {
		panic(fmt.Errorf("vdm.Config.Build: coarse pictures are %s, expected floats %v, since x_t is %s", y.Shape(), want, xt.Shape()))
	}
	return mathx.Enlarge(y, c.Coarse)
}

// tensor returns the condition as Build takes it, after it is checked against the Config.
func (c Config) tensor(y Condition) (*tensors.Tensor, error) {
	if err := c.checkKind(y); err != nil {
		return nil, err
	}
	switch {
	case c.Classes > 0:
		return c.labelTensor(y.Labels)
	case c.Coarse > 0:
		return c.coarseTensor(y.Coarse)
	}
	var words []int32
	for i, caption := range y.Captions {
		row, err := c.Caption.Encode(caption)
		if err != nil {
			return nil, fmt.Errorf("caption %d: %w", i, err)
		}
		words = append(words, row...)
	}
	return tensors.FromFlatDataAndDimensions(words, len(y.Captions), c.Caption.Length), nil
}

// checkKind returns an error unless just the Config's kind of condition is set.
func (c Config) checkKind(y Condition) error {
	for _, kind := range []struct {
		name string
		n    int
		asks bool
	}{{"Labels", len(y.Labels), c.Classes > 0}, {"Captions", len(y.Captions), !c.Caption.Empty()}, {"Coarse", len(y.Coarse), c.Coarse > 0}} {
		if kind.asks != (kind.n > 0) {
			return fmt.Errorf("a condition of %d Labels, %d Captions and %d Coarse pictures for a model of %s, expected %s: "+
				"set the field of the model's kind alone", len(y.Labels), len(y.Captions), len(y.Coarse), c, c.kind())
		}
	}
	if !c.conditional() {
		return fmt.Errorf("a model of %s has no condition: use Sample, or train one with Classes, Caption or Coarse", c)
	}
	return nil
}

// kind names the field of Condition that the model asks for.
func (c Config) kind() string {
	switch {
	case c.Classes > 0:
		return "Labels"
	case !c.Caption.Empty():
		return "Captions"
	case c.Coarse > 0:
		return "Coarse"
	}
	return "none"
}

func (c Config) labelTensor(labels []int) (*tensors.Tensor, error) {
	if err := guide.CheckLabels(labels, c.Classes); err != nil {
		return nil, err
	}
	flat := make([]int32, len(labels))
	for i, label := range labels {
		flat[i] = int32(label)
	}
	return tensors.FromFlatDataAndDimensions(flat, len(flat)), nil
}

// coarseTensor returns intensities as the model's values: the means of levels' values are those of their intensities, so rounded.
func (c Config) coarseTensor(rows [][]float64) (*tensors.Tensor, error) {
	size := c.Size() / (c.Coarse * c.Coarse)
	flat := make([]float32, 0, len(rows)*size)
	for i, row := range rows {
		if len(row) != size {
			return nil, fmt.Errorf("coarse picture %d has %d numbers, expected %d: the means of %d × %d pixels", i, len(row), size, c.Coarse, c.Coarse)
		}
		for j, u := range row {
			if !(u >= 0 && u <= 1) {
				return nil, fmt.Errorf("coarse picture %d holds %g at %d, expected intensities from 0 to 1", i, u, j)
			}
			flat = append(flat, float32(c.Levels.Between(u)))
		}
	}
	return tensors.FromFlatDataAndDimensions(flat, len(rows), c.Height/c.Coarse, c.Width/c.Coarse, c.Channels), nil
}

// given returns what SampleGiven hands to a run: nothing at γ = 0, the condition at γ = 1, else the condition and γ.
func (m *Model) given(y Condition, scale guide.Scale) ([]*tensors.Tensor, error) {
	c := m.Config
	if math.IsNaN(float64(scale)) || math.IsInf(float64(scale), 0) {
		return nil, fmt.Errorf("guidance scale γ = %g, expected a finite number, as 1 for Bayes", float64(scale))
	}
	if scale != 1 && c.Drop == 0 {
		return nil, fmt.Errorf("guidance scale γ = %g for a model of %s, which never saw a hidden condition, expected 1: train it with Drop above 0",
			float64(scale), c)
	}
	condition, err := c.tensor(y)
	switch {
	case err != nil:
		return nil, err
	case scale == 0:
		condition.MustFinalizeAll()
		return nil, nil
	case scale == 1:
		return []*tensors.Tensor{condition}, nil
	}
	return []*tensors.Tensor{condition, tensors.FromScalar(float32(scale))}, nil
}

// guided is the denoiser of what a run is given: nothing, a condition y, or y and a guidance scale γ.
func (c Config) guided(scope *model.Scope, given []*Node) param.Denoiser {
	net := func(xt, t, y *Node) *Node { return c.denoise(scope, xt, t, y) }
	switch len(given) {
	case 0:
		return c.Build(scope, nil).Denoise
	case 1:
		return c.Build(scope, given[0]).Denoise
	}
	return guide.BatchedAt(net, given[0], c.null(given[0]), func(*Node) *Node { return given[1] })
}

func finalize(list []*tensors.Tensor) {
	for _, t := range list {
		t.MustFinalizeAll()
	}
}
