package ebm_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/ebm"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
)

// train trains c for a test.
func train(t *testing.T, c ebm.Config, data fit.Batches, steps int) *ebm.Model {
	t.Helper()
	m, report, err := ebm.LoadOrTrain(context.Background(), backendtest.Open(t), t.TempDir(), c, data,
		fit.Config{Steps: steps, LearningRate: 1e-2, Schedule: fit.WarmupCosine{Warmup: 20}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v in %.1f s", report, report.Seconds)
	return m
}

// fromWell draws from the law of well in one direction, by rejection from U(−2.4, 2.4).
func fromWell(r *rand.Rand) []float64 {
	for {
		if x := 4.8*r.Float64() - 2.4; r.Float64() < math.Exp(-wellFn(x)) {
			return []float64{x}
		}
	}
}

// TestWellTrained learns f = (x²−1)² from draws: up to a constant, where draws come. E x² of its samples is theirs.
func TestWellTrained(t *testing.T) {
	c := check.T(t)
	m := train(t, ebm.Config{Data: 1, Hidden: []int{32, 32}, Std: 1.5, Steps: 5, Size: .05, Adjusted: true, Chains: 1000}, draws{n: 400, d: 1, draw: fromWell}, 500)
	box := ebm.Box{Lo: []float64{-8}, Hi: []float64{8}}
	logZ, err := m.LogZ(box, 1e-5)
	if err != nil {
		t.Fatal(err)
	}
	const n = 100
	xs := make([][]float64, n) // for the trapezium rule on [−2.2, 2.2]
	for i := range xs {
		xs[i] = []float64{-2.2 + 4.4*float64(i)/(n-1)}
	}
	logP, err := m.LogProb(xs, logZ)
	if err != nil {
		t.Fatal(err)
	}
	square, kl, x2 := 0., 0., 0.
	for i := range n {
		exact := -wellFn(xs[i][0]) - math.Log(wellZ)
		p, gap := math.Exp(exact)*4.4/(n-1), logP[i]-exact
		square, kl = square+p*gap*gap, kl-p*gap
		x2 += math.Exp(logP[i]) * 4.4 / (n - 1) * xs[i][0] * xs[i][0]
	}
	c.Less("E7.1 f is learned up to a constant: root of the mean squared gap under p, in nats", math.Sqrt(square), .1)
	c.Less("E7.1 and KL(p‖p_θ), in nats", kl, .01)
	c.Near("E x² of the trained law, within 5%", x2/wellX2, 1, .025)
	x, err := m.Sample(4000, ebm.Sampling{Steps: 300, Adjusted: true}, 5)
	if err != nil {
		t.Fatal(err)
	}
	squares := make([]float64, len(x))
	for i := range x {
		squares[i] = x[i][0] * x[i][0]
	}
	c.MC("E x² of its samples", squares, x2, .012)
}

const ringRadius, ringStd = 1.5, .25

// fromRing draws a point at a normal distance around ringRadius from the origin.
func fromRing(r *rand.Rand) []float64 {
	sin, cos := math.Sincos(2 * math.Pi * r.Float64())
	radius := ringRadius + ringStd*r.NormFloat64()
	return []float64{radius * cos, radius * sin}
}

// ringLogProb is its density: that of the radius over the length of the circle.
func ringLogProb(x []float64) float64 {
	radius := math.Hypot(x[0], x[1])
	z := (radius - ringRadius) / ringStd
	return -z*z/2 - math.Log(ringStd*math.Sqrt(2*math.Pi)) - math.Log(2*math.Pi*radius)
}

// TestRingTrained learns a ring in the plane, and holds quadrature, AIS and samples of the trained model against one another.
func TestRingTrained(t *testing.T) {
	c := check.T(t)
	m := train(t, ebm.Config{Data: 2, Hidden: []int{48, 48}, Steps: 5, Size: .02, Adjusted: true, Chains: 1000}, draws{n: 400, d: 2, draw: fromRing}, 700)
	logZ, err := m.LogZ(ebm.Box{Lo: []float64{-10, -10}, Hi: []float64{10, 10}}, 1e-5)
	if err != nil {
		t.Fatal(err)
	}
	r, rows := rand.New(rand.NewPCG(1, 2)), make([][]float64, 20_000)
	for i := range rows {
		rows[i] = fromRing(r)
	}
	logP, err := m.LogProb(rows, logZ)
	if err != nil {
		t.Fatal(err)
	}
	kl := make([]float64, len(rows))
	for i := range rows {
		kl[i] = ringLogProb(rows[i]) - logP[i]
	}
	c.Less("KL(p‖p_θ) in nats, with 5 standard errors", check.Mean(kl)+5*check.SE(kl), .1)

	z, err := m.Anneal(2000, 60, 3)
	if err != nil {
		t.Fatal(err)
	}
	c.Less("log Z by AIS and by quadrature, in standard errors", math.Abs(z.LogZ-logZ)/z.SE, check.MaxSE)
	c.Less("which are small", z.SE, .06)

	x, err := m.Sample(2000, ebm.Sampling{Steps: 300, Adjusted: true}, 5)
	if err != nil {
		t.Fatal(err)
	}
	radii := make([]float64, len(x))
	for i := range x {
		radii[i] = math.Hypot(x[i][0], x[i][1])
	}
	c.Near("the mean radius of its samples, within 3%", check.Mean(radii)/ringRadius, 1, .015)
}
