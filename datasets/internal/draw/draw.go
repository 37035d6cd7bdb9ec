// Package draw gives the data sets their random streams.
package draw

import (
	"encoding/binary"
	"math/rand/v2"
)

// Purpose separates streams that share a seed: equal seeds with two purposes give independent streams.
type Purpose uint64

// The purposes of the data sets' streams.
const (
	Shuffle Purpose = iota + 1 // the order of an epoch; index: the epoch
	Static                     // static binarisation; index: the example
	Dynamic                    // dynamic binarisation; index: the step
	Points                     // 2-D toys; index: 0
	Shapes                     // drawn shapes; index: 0
)

// Source returns the ChaCha8 stream of (seed, purpose, index), the 32-byte key of which they are a part.
// Streams of different keys are independent for every practical purpose.
func Source(seed int64, purpose Purpose, index int) *rand.ChaCha8 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[0:], uint64(seed))
	binary.LittleEndian.PutUint64(key[8:], uint64(purpose))
	binary.LittleEndian.PutUint64(key[16:], uint64(index))
	return rand.NewChaCha8(key)
}

// Rand is Source as a *rand.Rand.
func Rand(seed int64, purpose Purpose, index int) *rand.Rand {
	return rand.New(Source(seed, purpose, index))
}
