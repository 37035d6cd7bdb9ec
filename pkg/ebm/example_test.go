package ebm_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// The energy (x²−1)² in each of two directions: four wells. Quadrature gives log Z to ten digits, annealed importance sampling with
// an error bar, which covers it.
func Example() {
	b := backend.MustOpen("")
	m := ebm.EBM{Energy: func(x *Node) *Node { return ReduceSum(Square(AddScalar(Square(x), -1)), -1) }}
	logZ, err := ebm.LogZ(b, m, ebm.Box{Lo: []float64{-5, -5}, Hi: []float64{5, 5}}, 1e-10)
	if err != nil {
		panic(err)
	}
	run := sampler.Of(b, ebm.AIS{EBM: m, Std: 1, Size: 0.05})
	z, err := ebm.Anneal(run, shape(4000, 2), ebm.Temperatures(20), 1)
	if err != nil {
		panic(err)
	}
	fmt.Printf("log Z by quadrature %.6f\n", logZ)
	fmt.Println("AIS within five of its standard errors:", -5*z.SE < z.LogZ-logZ && z.LogZ-logZ < 5*z.SE)
	fmt.Println("and that is below 0.05:", z.SE < 0.05)
	// Output:
	// log Z by quadrature 1.359852
	// AIS within five of its standard errors: true
	// and that is below 0.05: true
}
