package vdm_test

import (
	"fmt"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
	"github.com/lowerbound-ml/lowerbound/pkg/vdm"
)

// The forms of the bound on log p(1) for data N(1, 0.5), a chain of four steps and the best denoiser, and the estimate of
// a training step, which looks at one random time.
func Example() {
	p := process.Process{Schedule: process.NewDiscrete(.1, .2, .3, .4), TMax: 4}
	data := oracle.Gaussian{Mean: []float64{1}, Var: []float64{.5}}
	m := bestModel(p, []float64{1, 2, 3, 4}, data)
	m.ReverseStep = sampler.ReverseStep{Process: p, Denoise: data.Denoiser(p)}
	head := vdm.Head{Kind: param.Eps, Net: param.Predict(p, param.Eps, m.Denoise)}
	out, err := CallOnceN(backend.MustOpen(""), func(g *Graph) []*Node {
		src := noise.FromSeed(g, 1)
		x := m.Path(src, Ones(g, vdmShape(100_000, 1)))
		return []*Node{
			m.Form0(x), m.Form1(x).Sum(), m.Form2(x).Bound(), m.Form3(x).Bound(),
			Neg(m.Loss(src, x[0], vdm.Objective{Head: head})),
		}
	})
	if err != nil {
		panic(err)
	}
	for _, bound := range out {
		fmt.Printf("%.1f ", check.Mean(check.Floats(bound)))
	}
	// Output: -0.8 -0.8 -0.8 -0.8 -0.8
}
