package nets_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/nets"
)

// threeWords is a small vocabulary with captions of up to two words.
var threeWords = nets.Vocabulary{Words: []string{"small", "square", "left"}, Length: 2}

func TestVocabulary(t *testing.T) {
	for caption, want := range map[string][]int32{"": {3, 3}, "square": {1, 3}, "Small square.": {0, 1}, " left,  small": {2, 0}} {
		if got, err := threeWords.Encode(caption); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %v, error %v; want %v", caption, got, err, want)
		}
	}
	for caption, want := range map[string][]string{
		"small triangle":    {`unknown word "triangle"`, "small, square, left"},
		"small square left": {"3 words", "at most 2"},
	} {
		_, err := threeWords.Encode(caption)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: error %v, want one with %q", caption, err, part)
			}
		}
	}
	for want, v := range map[string]nets.Vocabulary{
		"0 Words":                {Length: 1},
		"Length = 0":             {Words: []string{"a"}},
		`Words[1] = "a"`:         {Words: []string{"a", "a"}, Length: 1},
		`Words[0] = "Up"`:        {Words: []string{"Up"}, Length: 1},
		`Words[1] = "two words"`: {Words: []string{"a", "two words"}, Length: 1},
		`Words[0] = ""`:          {Words: []string{""}, Length: 1},
	} {
		if _, err := v.Encode("a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// numbers returns the weights of one variable.
func numbers(t *testing.T, store *model.Store, path string) []float64 {
	t.Helper()
	v := store.GetVariable(path)
	if v == nil {
		t.Fatalf("no variable %s", path)
	}
	return tensors.MustCopyFlatData[float64](v.MustValue())
}

// TestText holds the encoder against its definition, word by word: the table's row plus the place, attention over the normalised
// words, the mean, and the last product.
func TestText(t *testing.T) {
	e := nets.Text{Vocabulary: threeWords, Dim: 8, Heads: 2}
	store, b := seeded(t, 5), pureGo(t)
	exec := model.MustNewExec(b, store, e.Apply)
	captions := [][]int32{{0, 1}, {1, 0}, {2, 3}, {3, 3}}
	exec.MustCall(captions, 0.)
	perturb(t, store, .5)
	got := tensors.MustCopyFlatData[float64](exec.MustCall(captions, 0.)[0])
	for i, caption := range captions {
		for k, want := range encoded(t, store, e, caption) {
			near(t, got[i*e.Dim+k], want, 1e-12, "caption", caption, "feature", k)
		}
	}
	if slices.Equal(got[:8], got[8:16]) {
		t.Error("the order of the words does not matter")
	}
	none := tensors.MustCopyFlatData[float64](model.MustCallOnce(b, store, func(s *model.Scope, like *graph.Node) *graph.Node { return e.Apply(s, nil, like) }, 0.))
	for k, v := range none {
		near(t, v, got[3*8+k], 1e-12, "no caption and the empty one, feature", k)
	}
}

// encoded is the definition of Text.
func encoded(t *testing.T, store *model.Store, e nets.Text, caption []int32) []float64 {
	t.Helper()
	dim, n := e.Dim, e.Length
	table, places := numbers(t, store, "/words/weights"), nets.PatchPositions(1, n, dim)
	h, normed := make([][]float64, n), make([][]float64, n)
	for i, w := range caption {
		h[i] = make([]float64, dim)
		mean, variance := 0.0, 0.0
		for k := range dim {
			h[i][k] = table[int(w)*dim+k] + places[i][k]
			mean += h[i][k] / float64(dim)
		}
		for _, v := range h[i] {
			variance += (v - mean) * (v - mean) / float64(dim)
		}
		for _, v := range h[i] {
			normed[i] = append(normed[i], (v-mean)/math.Sqrt(variance+1e-6))
		}
	}
	affine := func(x []float64, path string) []float64 {
		w, bias := numbers(t, store, path+"/weights"), numbers(t, store, path+"/biases")
		y := slices.Clone(bias)
		for i, v := range x {
			for j := range y {
				y[j] += v * w[i*len(y)+j]
			}
		}
		return y
	}
	mean := make([]float64, dim)
	for i := range n {
		q := affine(normed[i], "/attention/qkv")
		mixed, width := make([]float64, dim), dim/e.Heads
		for head := range e.Heads {
			total, sum := 0.0, make([]float64, width)
			for j := range n {
				kv, score := affine(normed[j], "/attention/qkv"), 0.0
				for k := range width {
					score += q[head*width+k] * kv[dim+head*width+k]
				}
				weight := math.Exp(score / math.Sqrt(float64(width)))
				total += weight
				for k := range width {
					sum[k] += weight * kv[2*dim+head*width+k]
				}
			}
			for k := range width {
				mixed[head*width+k] = sum[k] / total
			}
		}
		for k, v := range affine(mixed, "/attention/out") {
			mean[k] += (h[i][k] + v) / float64(n)
		}
	}
	return affine(mean, "/out")
}

func TestTextErrors(t *testing.T) {
	e := nets.Text{Vocabulary: threeWords, Dim: 8, Heads: 2}
	with := func(change func(*nets.Text)) nets.Text { e := e; change(&e); return e }
	for want, bad := range map[string]nets.Text{
		"Dim = 6":    with(func(e *nets.Text) { e.Dim = 6 }),
		"Heads = 3":  with(func(e *nets.Text) { e.Heads = 3 }),
		"Length = 0": with(func(e *nets.Text) { e.Length = 0 }),
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	_, err := model.CallOnce(pureGo(t), model.NewStore(), func(s *model.Scope, words *graph.Node) *graph.Node {
		return e.Apply(s, words, graph.Const(words.Graph(), 0.))
	}, [][]int32{{0, 1, 2}})
	if err == nil || !strings.Contains(err.Error(), "expected integers [batch, 2]") {
		t.Errorf("error %v, want one with the shape", err)
	}
}
