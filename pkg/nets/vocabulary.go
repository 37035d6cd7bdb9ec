package nets

import (
	"fmt"
	"slices"
	"strings"
)

// Vocabulary is a closed list of words, of which a caption has at most Length. The zero Vocabulary stands for none.
type Vocabulary struct {
	Words  []string // lower case, each once
	Length int      // words of the longest caption
}

// Empty returns whether v is the zero Vocabulary: a network without captions.
func (v Vocabulary) Empty() bool { return len(v.Words) == 0 && v.Length == 0 }

// Check returns an error that names the field when no caption can be encoded.
func (v Vocabulary) Check() error {
	if len(v.Words) == 0 || v.Length < 1 {
		return fmt.Errorf("nets.Vocabulary: %d Words and Length = %d, expected at least 1 of both", len(v.Words), v.Length)
	}
	for i, word := range v.Words {
		if word == "" || len(split(word)) != 1 || split(word)[0] != word {
			return fmt.Errorf("nets.Vocabulary: Words[%d] = %q, expected a word in lower case without commas", i, word)
		}
		if slices.Index(v.Words, word) != i {
			return fmt.Errorf("nets.Vocabulary: Words[%d] = %q stands there twice, expected each word once", i, word)
		}
	}
	return nil
}

// None is the index that stands for no word, one past the last word's.
func (v Vocabulary) None() int { return len(v.Words) }

// Encode returns the indices of a caption's words in their order, [Length], filled up with None. Commas, full stops and capital letters
// do not count: "Small square, left" has three words. The empty caption is None everywhere.
// It returns an error that names a word that is not in the vocabulary, with those that are, or the number of words when they are too many.
func (v Vocabulary) Encode(caption string) ([]int32, error) {
	if err := v.Check(); err != nil {
		return nil, err
	}
	words := split(caption)
	if len(words) > v.Length {
		return nil, fmt.Errorf("nets.Vocabulary.Encode: %q has %d words, expected at most %d", caption, len(words), v.Length)
	}
	indices := slices.Repeat([]int32{int32(v.None())}, v.Length)
	for i, word := range words {
		at := slices.Index(v.Words, word)
		if at < 0 {
			return nil, fmt.Errorf("nets.Vocabulary.Encode: unknown word %q in %q, expected words of: %s", word, caption, strings.Join(v.Words, ", "))
		}
		indices[i] = int32(at)
	}
	return indices, nil
}

// split returns the words of a caption in lower case.
func split(caption string) []string {
	return strings.FieldsFunc(strings.ToLower(caption), func(r rune) bool { return strings.ContainsRune(" ,.\t\n", r) })
}

// String names the vocabulary: it is what makes a checkpoint fit.
func (v Vocabulary) String() string {
	return fmt.Sprintf("captions of up to %d words of %s", v.Length, strings.Join(v.Words, " "))
}
