package nets

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Text is an encoder of captions: a function of words w [batch, Length], integers, with the features of each caption, [batch, Dim]:
//
//	hᵢ = E[wᵢ] + P(i);  h ← h + attention(norm(h));  the mean of hᵢ over i, times W, plus b
//
// E is a table with a row for each word and one for no word (Vocabulary.None), P the fixed features of the place i, and W, b start
// by GlorotUniform and at 0. The attention lets a word's features depend on the words beside it; P lets them depend on their order.
// Source: Vaswani et al. 2017, "Attention is all you need", section 3, one layer without its feed-forward half; Reed et al. 2016,
// "Generative adversarial text to image synthesis", for pictures given a caption.
type Text struct {
	Vocabulary
	Dim, Heads int // features, a multiple of 4 and of Heads
}

// Check returns an error that names the field when the encoder cannot be built.
func (e Text) Check() error {
	if e.Dim < 4 || e.Heads < 1 || e.Dim%4 != 0 || e.Dim%e.Heads != 0 {
		return fmt.Errorf("nets.Text: Dim = %d and Heads = %d, expected a multiple of 4 and of Heads", e.Dim, e.Heads)
	}
	return e.Vocabulary.Check()
}

// Apply builds the encoder of words, integers [batch, Length] from 0 to None(), with the weights in scope, which have like's dtype.
// An index outside that range counts as a zero vector. nil stands for one empty caption, with the result [1, Dim].
// It panics when the Text is not a valid one, and when words is no such node.
func (e Text) Apply(scope *model.Scope, words, like *graph.Node) *graph.Node {
	if err := e.Check(); err != nil {
		panic(err)
	}
	if words == nil {
		words = graph.FillScalar(like.Graph(), shapes.Make(dtypes.Int32, 1, e.Length), float64(e.None()))
	}
	if words.Rank() != 2 || !words.DType().IsInt() || words.Shape().Dimensions[1] != e.Length {
		panic(fmt.Errorf("nets.Text: words are %s, expected integers [batch, %d]: see Vocabulary.Encode", words.Shape(), e.Length))
	}
	batch := words.Shape().Dimensions[0]
	table := weights(scope.In("words"), like, GlorotUniform, e.None()+1, e.Dim)
	rows := graph.MatMul(graph.Reshape(graph.OneHot(words, e.None()+1, like.DType()), -1, e.None()+1), table)
	places := graph.ConstAsDType(like.Graph(), like.DType(), [][][]float64{PatchPositions(1, e.Length, e.Dim)})
	h := graph.Add(graph.Reshape(rows, batch, e.Length, e.Dim), places)
	mixed := attention(scope.In("attention"), graph.Reshape(layerNorm(h), -1, e.Dim), batch, e.Heads, GlorotUniform)
	h = graph.Add(h, graph.Reshape(mixed, batch, e.Length, e.Dim))
	return dense(scope.In("out"), graph.ReduceMean(h, 1), GlorotUniform, e.Dim)
}

// layers lists the encoder's affine maps.
func (e Text) layers() []layer {
	return append(attentionLayers(e.Dim, e.Length), layer{in: e.None() + 1, out: e.Dim, rows: e.Length},
		layer{in: e.Dim, out: e.Dim, rows: 1, bias: true})
}
