package chapters_test

import (
	"math"
	"path/filepath"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/datasets/digits"
	"github.com/lowerbound-ml/lowerbound/datasets/mnist"
	"github.com/lowerbound-ml/lowerbound/datasets/shapes"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// conditional loads a conditional model that came with the notebooks.
func conditional(t *testing.T, c vdm.Config, path ...string) *vdm.Model {
	t.Helper()
	m, _, err := vdm.Load(backendtest.Open(t), filepath.Join(append([]string{"..", "..", "notebooks"}, path...)...), c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// repeat repeats each of the values n times.
func repeat[T any](n int, values ...T) (all []T) {
	for _, v := range values {
		for range n {
			all = append(all, v)
		}
	}
	return all
}

// The shipped models draw what they are asked for, as judged without them.
func TestConditions(t *testing.T) {
	t.Parallel()
	t.Run("E9.1 captions: a reader of shapes finds what they say", func(t *testing.T) {
		const each = 25
		law := shapes.Law{Kinds: []shapes.Kind{shapes.Square, shapes.Circle, shapes.Cross}, X: shapes.Range{Lo: 2.5, Hi: 5.5},
			Y: shapes.Range{Lo: 2.5, Hi: 5.5}, Size: shapes.Range{Lo: 1.5, Hi: 2.5}, Thickness: shapes.Range{Lo: .8, Hi: 1.2}, Antialias: true}
		words := nets.Vocabulary{Words: shapes.CaptionWords, Length: shapes.CaptionLength}
		c := vdm.Config{Height: 8, Width: 8, Channels: 1, Levels: 65, Net: "patch", Slabs: 3, Caption: words, Drop: .1}
		m, reader := conditional(t, c, "checkpoints", "cond-shapes"), law.Reader()
		captions := repeat(each, "small square, left", "large circle", "cross, top right", "small circle, bottom")
		x, err := m.SampleGiven(vdm.Condition{Captions: captions}, 2, vdm.Sampling{Steps: 20}, 1)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0.
		for i := range x {
			r := reader.Read(x[i])
			if check.Must(law.True(captions[i], r.Kind, r.Factors)) {
				kept++
			}
		}
		check.T(t).Less("E9.1 share of captions that hold; less than a sixth would by chance", .6, kept/float64(len(x)))
	})
	t.Run("E9.1 a small picture: small again, the drawn one is it", func(t *testing.T) {
		c := vdm.DigitsConfig
		c.Coarse = 2
		var y vdm.Condition
		for i := range 40 {
			y.Coarse = append(y.Coarse, halved(check.Floats(digits.Test().At(i)), 8))
		}
		x, err := conditional(t, c, "checkpoints", "cond-sharp").SampleGiven(y, 1, vdm.Sampling{Steps: 20, Eta: 1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		square := 0.
		for i := range x {
			for j, v := range halved(x[i], 8) {
				square += (v - y.Coarse[i][j]) * (v - y.Coarse[i][j]) / float64(16*len(x))
			}
		}
		check.T(t).Less("E9.1 root mean square distance of the means of cells", math.Sqrt(square), .06)
	})
	t.Run("E9.1 a class: a classifier of real clothes finds it", func(t *testing.T) {
		c := vdm.FashionConfig
		c.Classes, c.Drop = mnist.Classes, .1
		labels := repeat(2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
		x, err := conditional(t, c, "pretrained", "fashion-classes").SampleGiven(vdm.Condition{Labels: labels}, 3, vdm.Sampling{Steps: 15}, 1)
		if err != nil {
			t.Fatal(err)
		}
		right := 0.
		for i, class := range classes(t, x) {
			if class == float64(labels[i]) {
				right++
			}
		}
		check.T(t).Less("E9.1 share of clothes of the class that was asked for; a tenth by chance", .55, right/float64(len(x)))
	})
}

// halved returns the means of cells of 2 × 2 of a square picture.
func halved(x []float64, side int) []float64 {
	small := make([]float64, len(x)/4)
	for i, v := range x {
		small[i/side/2*(side/2)+i%side/2] += v / 4
	}
	return small
}

// classes are what the notebook's classifier of real clothes says of pictures.
func classes(t *testing.T, rows [][]float64) []float64 {
	t.Helper()
	store, flat := model.NewStore(), []float32{}
	if _, _, err := fit.Load(filepath.Join("..", "..", "notebooks", "checkpoints", "cond-judge"), store); err != nil {
		t.Fatal(err)
	}
	for _, v := range check.Floats(rows) {
		flat = append(flat, float32(v))
	}
	out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, x *Node) *Node {
		return ArgMax(nets.MLP(scope.At("judge"), x, nets.GlorotUniform, activation.Relu, 128, mnist.Classes), -1)
	}, tensors.FromFlatDataAndDimensions(flat, len(rows), 784))
	if err != nil {
		t.Fatal(err)
	}
	return check.Floats(out)
}
