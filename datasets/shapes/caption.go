package shapes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
	"github.com/lowerbound-ml/lowerbound/datasets/internal/draw"
)

// CaptionWords are the words of the captions, and CaptionLength is the largest number of them in one.
var CaptionWords = []string{"small", "large", "square", "circle", "cross", "top", "bottom", "left", "right"}

// CaptionLength is the number of words of the longest caption, as "small square, top left".
const CaptionLength = 4

// word returns lower or upper, as v lies in the lower or the upper half of the range.
func (r Range) word(v float64, lower, upper string) string {
	if v < (r.Lo+r.Hi)/2 {
		return lower
	}
	return upper
}

// True returns whether all words of a caption are true of a shape: "small" and "large" of the halves of the law's range of sizes, "left" and
// "right", "top" and "bottom" of those of x and y, and the kinds of themselves. It returns an error that names an unknown word.
func (l Law) True(caption string, k Kind, f Factors) (bool, error) {
	whole := strings.Fields(strings.ReplaceAll(l.Describe(k, f), ",", ""))
	all := true
	for _, word := range strings.Fields(strings.ReplaceAll(caption, ",", "")) {
		if !slices.Contains(CaptionWords, word) {
			return false, fmt.Errorf("shapes.Law.True: unknown word %q in %q, expected words of %v", word, caption, CaptionWords)
		}
		all = all && slices.Contains(whole, word)
	}
	return all, nil
}

// Describe returns the whole caption of a shape, as "small square, top left".
func (l Law) Describe(k Kind, f Factors) string { return l.caption(k, f, true, true, true) }

// caption is "size kind, vertical horizontal" with the parts that are asked for.
func (l Law) caption(k Kind, f Factors, size, vertical, horizontal bool) string {
	text := k.String()
	if size {
		text = l.Size.word(f.Size, "small ", "large ") + text
	}
	if vertical || horizontal {
		text += ","
	}
	if vertical {
		text += l.Y.word(f.Y, " top", " bottom")
	}
	if horizontal {
		text += l.X.word(f.X, " left", " right")
	}
	return text
}

// Captioned are pictures with captions that are true of them. Each tells the kind, and the size, the vertical and the horizontal half each with
// probability ½. Gather gives x float32 [batch, Side, Side, 1] and the captions' words, int32 [batch, n].
type Captioned struct {
	*Pictures
	Captions []string
	words    []int32
	length   int
}

// Captioned draws n pictures as Sample does, with captions that are drawn from seed too. encode returns the indices of a caption's words, all
// in the same number, as nets.Vocabulary.Encode with the CaptionWords. It returns encode's error.
func (l Law) Captioned(n int, seed int64, encode func(caption string) ([]int32, error)) (*Captioned, error) {
	c := &Captioned{Pictures: l.Sample(n, seed)}
	rng := draw.Rand(seed, draw.Shapes, 1)
	for i, k := range c.Kinds {
		text := l.caption(k, c.Factors[i], coin(rng), coin(rng), coin(rng))
		words, err := encode(text)
		if err != nil {
			return nil, fmt.Errorf("shapes.Law.Captioned: picture %d: %w", i, err)
		}
		c.Captions, c.words, c.length = append(c.Captions, text), append(c.words, words...), len(words)
	}
	return c, nil
}

func coin(rng *rand.Rand) bool { return rng.Float64() < 0.5 }

// Name implements datasets.Data.
func (c *Captioned) Name() string { return "shapes with captions" }

// Gather implements datasets.Data.
func (c *Captioned) Gather(indices []int) ([]*tensors.Tensor, error) {
	x, err := datasets.Rows(c.x, indices, Side, Side, 1)
	if err != nil {
		return nil, fmt.Errorf("shapes: %w", err)
	}
	words, err := datasets.Rows(c.words, indices, c.length)
	return []*tensors.Tensor{x, words}, err
}
