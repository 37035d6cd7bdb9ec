// Command elbo draws the identity log p(x) = bound + KL while q moves from the prior to the posterior.
//
//	go -C docs/examples run ./elbo ../images/elbo.svg
package main

import (
	"fmt"
	"os"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/show"
)

const steps = 9 // laws q between the prior and the posterior

// parts returns the bound and KL(q ‖ posterior) of x = 2 for q on the way from the prior (t = 0) to the posterior (t = 1),
// [steps, 1], in nats, and log p(x).
func parts(t *Node) (bound, kl, evidence *Node) {
	m := oracle.NewLinearGaussian(t.Graph(), 1.5, 0.5, 0.25)
	x := AddScalar(ZerosLike(t), 2)
	posterior, prior := m.Posterior(x), m.Prior()
	between := func(from, to *Node) *Node { return Add(Mul(OneMinus(t), from), Mul(t, to)) }
	q := dist.DiagNormal{Mean: between(prior.Mean, posterior.Mean), LogStd: between(prior.LogStd, posterior.LogStd)}
	return m.Bound(q, x), dist.KL(q, posterior), m.Marginal().LogProb(x)
}

func main() {
	if err := draw(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func draw(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: elbo FILE.svg, found %d arguments", len(args))
	}
	b, err := backend.Open("")
	if err != nil {
		return err
	}
	t := make([][]float64, steps)
	for i := range t {
		t[i] = []float64{float64(i) / (steps - 1)}
	}
	out, err := CallOnceN(b, parts, t)
	if err != nil {
		return err
	}
	bound, kl, evidence := out[0].Value().([]float64), out[1].Value().([]float64), out[2].Value().([]float64)
	fig := show.Figure{
		Title: "Bound = log p(x) − KL, wherever q stands",
		X:     "q, from the prior to the posterior",
		Y:     "nats", Stacked: true,
	}
	down := make([]float64, steps)
	for i := range down {
		fig.Categories = append(fig.Categories, fmt.Sprintf("%.3g", t[i][0]))
		down[i] = -kl[i]
	}
	fig.Bars("log p(x)", evidence)
	fig.Bars("−KL(q ‖ posterior)", down)
	fig.Line("evidence lower bound", ramp(steps), bound)
	return fig.Save(args[0], "Bars of equal height for log p(x) with a shrinking part below, the KL; the bound rises along their lower ends to log p(x).")
}

// ramp returns 0, 1, ..., n−1, the places of the bars.
func ramp(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i)
	}
	return x
}
