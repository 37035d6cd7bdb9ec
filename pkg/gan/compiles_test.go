package gan_test

import (
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
)

// Each method compiles once for a number of rows, whatever the seed, and again after Finalize.
func TestCompilesOnce(t *testing.T) {
	c := check.T(t)
	m, err := gan.NewModel(backend.MustOpen(backend.PureGo), gan.Config{Data: 2, Latent: 3, G: []int{4}, D: []int{4}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	use := func(n int) {
		for seed := range int64(2) {
			x, err := m.Sample(n, seed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Logits(x); err != nil {
				t.Fatal(err)
			}
		}
	}
	use(5)
	c.Near("two methods", m.Compiles(), 2, 0)
	use(6)
	c.Near("another number of rows", m.Compiles(), 4, 0)
	m.Finalize()
	use(5)
	c.Near("after Finalize", m.Compiles(), 6, 0)
}
