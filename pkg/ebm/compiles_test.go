package ebm_test

import (
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
)

// Each method compiles at its first call, and for another size of a step, but neither for another seed, log Z nor number of steps.
func TestModelCompilesOnce(t *testing.T) {
	m, err := ebm.NewModel(backendtest.Open(t), ebm.Config{Data: 1, Hidden: []int{4}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Finalize()
	c, x := check.T(t), [][]float64{{1}, {2}}
	use := func(seed int64) int {
		must(t)(m.Energy(x))
		must(t)(m.LogProb(x, float64(seed)))
		_, err := m.Score(x)
		for _, adjusted := range []bool{false, true} {
			if _, again := m.Sample(2, ebm.Sampling{Steps: int(seed), Adjusted: adjusted}, seed); again != nil {
				err = again
			}
		}
		if again := last(m.Path(2, ebm.Sampling{Steps: 2}, seed)); again != nil {
			err = again
		}
		if _, again := m.Anneal(2, int(seed), seed); again != nil {
			err = again
		}
		if err != nil {
			t.Fatal(err)
		}
		return m.Compiles()
	}
	first := use(3)
	c.Near("compilations of a second use", use(4), first, 0)
	if _, err := m.Sample(2, ebm.Sampling{Steps: 3, Size: .02}, 1); err != nil {
		t.Fatal(err)
	}
	c.Less("another size compiles", float64(first), float64(m.Compiles()))
}
