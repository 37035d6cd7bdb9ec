package metric

import (
	"fmt"
	"math"
)

// Independent returns the bits per dimension of a code that knows how often each of the d numbers of an example has each of
// the levels, and nothing of how the numbers go together: the cross-entropy of the test examples,
//
//	−1/(n d) Σ log₂ [ (1 + how many of train have that level there) / (levels + how many there are in train) ]
//
// with each level counted once more, so that none has the probability 0 (Laplace's rule of succession). What a model saves over it
// is what the numbers of an example tell about one another. train and test hold examples of d levels 0 … levels−1, one after
// the other. It returns an error when d or levels is below 1, there is no whole example, or a level is too large, naming its place.
func Independent(train, test []byte, d, levels int) (float64, error) {
	if err := checkLevels(d, levels, train, test); err != nil {
		return 0, fmt.Errorf("metric.Independent: %w", err)
	}
	counts := make([]int, d*levels)
	for i, v := range train {
		counts[i%d*levels+int(v)]++
	}
	bits, total := 0.0, float64(levels+len(train)/d)
	for i, v := range test {
		bits -= math.Log2(float64(1+counts[i%d*levels+int(v)]) / total)
	}
	return bits / float64(len(test)), nil
}

// checkLevels returns an error unless all sets are examples of d levels.
func checkLevels(d, levels int, sets ...[]byte) error {
	if d < 1 || levels < 1 {
		return fmt.Errorf("%d numbers of %d levels, expected at least 1 of both", d, levels)
	}
	for _, set := range sets {
		if len(set) == 0 || len(set)%d != 0 {
			return fmt.Errorf("%d numbers, expected a multiple of %d, those of an example", len(set), d)
		}
		for i, v := range set {
			if int(v) >= levels {
				return fmt.Errorf("number %d of example %d is %d, expected a level below %d", i%d, i/d, v, levels)
			}
		}
	}
	return nil
}
