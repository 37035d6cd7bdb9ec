package process_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// identity has λ = t, so that a test may name any log-SNR. Its SNR rises, which the formulas do not mind.
var identity = process.Process{Schedule: process.Learned(func(t *Node) *Node { return t })}

func ratio(got, want []float64) []float64 {
	return floats.DivTo(make([]float64, len(got)), got, want)
}

func TestLogSNR(t *testing.T) {
	t.Run("E5.43 λ = −ω comes back", func(t *testing.T) {
		far := []float64{-300, -40, -30, -10, -1e-3, 1e-3, 10, 30, 40, 300}
		check.T(t).Near("λ", ratio(eval(t, identity.LogSNR, far...), far), 1, 1e-12)
		omega := floats.Span(make([]float64, 41), -10, 10)
		check.T(t).Near("SNR", ratio(eval(t, identity.SNR, omega...), apply(math.Exp, omega)), 1, a64)
	})
	t.Run("E5.45 α² = sigmoid(λ) and σ² = sigmoid(−λ), also at |λ| = 30", func(t *testing.T) {
		at := []float64{-30, -5, 0, 5, 30}
		exact := func(x float64) float64 { // logistic without overflow or cancellation
			if x < 0 {
				return math.Exp(x) / (1 + math.Exp(x))
			}
			return logistic(x)
		}
		opposite := apply(func(x float64) float64 { return exact(-x) }, at)
		check.T(t).Near("α²", ratio(square(eval(t, identity.Alpha, at...)), apply(exact, at)), 1, 1e-13)
		check.T(t).Near("σ²", ratio(square(eval(t, identity.Sigma, at...)), opposite), 1, 1e-13)
		check.T(t).Differ("the naive 1−α² loses its digits", (1-exact(30))/exact(-30), 1, 1e-5)
	})
	t.Run("E5.47 the SNR drop by expm1", func(t *testing.T) {
		for _, steps := range []int{10, 100, 1000} {
			p := process.Process{Schedule: process.LogSNRLinear{Max: 10, Min: -10}, TMax: 1}
			grid := p.Grid(steps)
			drop := backendtest.Floats(t, p.SNRDrop, column(grid[1:]), column(grid[:steps]))
			want := make([]float64, steps)
			for i := range want {
				at := 10 - 20*grid[i+1] // λ_s; the drop to t is 20·(t−s)
				want[i] = math.Exp(at) * -math.Expm1(-20*(grid[i]-grid[i+1]))
			}
			check.T(t).Near("over Go's own expm1", ratio(drop, want), 1, 1e-12)
			sum := eval(t, p.SNR, 0, 1)
			check.T(t).Near("drops add up", floats.Sum(drop), sum[0]-sum[1], 1e-12)
		}
	})
	t.Run("E5.4 the variance is preserved", func(t *testing.T) {
		for _, c := range all() {
			if c.name == "VE" || c.name == "SubVP" {
				continue
			}
			one := func(t *Node) *Node { return Add(Square(c.p.Alpha(t)), Square(c.p.Sigma(t))) }
			check.T(t).Near(c.name+" α²+σ²", eval(t, one, append(times(c.p, 19), c.p.TMin, c.p.TMax)...), 1, 1e-14)
		}
	})
}

// Where σ or α nearly vanishes, the schedules follow the first term of their series.
func TestEnds(t *testing.T) {
	at := func(name string) process.Process {
		for _, c := range all() {
			if c.name == name {
				return c.p
			}
		}
		panic(name)
	}
	const tiny = 1e-13
	c0 := math.Pi / 2 / 1.008
	for _, c := range []struct {
		name string
		want float64
	}{
		{"VP", .1 * tiny}, {"SubVP", math.Pow(.1*tiny, 2)}, {"VE", 1e-4 * 2 * math.Log(5000) * tiny},
		{"Cosine", 2 * math.Tan(.008*c0) * c0 * tiny},
	} {
		sigma := eval(t, at(c.name).Sigma, tiny)[0]
		check.T(t).Near(c.name+" σ² near t = 0", sigma*sigma/c.want, 1, 2e-10) // what the next term of the series leaves
	}
	near1 := 1 - 0x1p-40
	alpha := eval(t, at("Cosine").Alpha, near1)[0]
	check.T(t).Near("Cosine α near t = 1", alpha*math.Cos(.008*c0)/(c0*0x1p-40), 1, 1e-12)
}

// A schedule whose SNR does not fall is rejected, and the error names the place.
func TestValidate(t *testing.T) {
	b := backendtest.Open(t)
	wave := process.Learned(func(t *Node) *Node { return Sub(Sin(MulScalar(t, 6)), t) }) // λ rises from t = 0 to .234
	for _, c := range []struct {
		name       string
		schedule   process.Schedule
		tMin, tMax float64
		want       string
	}{
		{"E5.38 rising", wave, 0, 1, "at t = 0.001"},
		{"E5.38 rising later", wave, .3, 1.5, "at t = 0.81"}, // 6 cos 6t = 1 at t = (2π−1.4033)/6 = .8133; falls before, rises after
		{"E5.38 flat", process.VP{}, .1, 1, "to +Inf"},
		{"E5.38 a time before 0", process.VP{BetaMin: .1, BetaMax: 20}, -.1, 1, "from 2.368"},
		{"E5.38 past the chain's end", process.DDPM(4, .1, .4), 0, 6, "expected two of its indices 0 … 4"},
		{"E5.38 between two indices", process.DDPM(4, .1, .4), 0, .5, "expected two of its indices 0 … 4"},
		{"E5.38 before the chain", process.DDPM(4, .1, .4), -1, 4, "expected two of its indices 0 … 4"},
		{"TMin after TMax", process.VP{BetaMin: .1, BetaMax: 20}, 1, .1, "TMin < TMax"},
		{"no schedule", nil, 0, 1, "expected a schedule"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := process.New(b, c.schedule, c.tMin, c.tMax)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New gives %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := process.New(b, process.DDPM(1000, 1e-4, .02), 0, 1000); err != nil {
		t.Errorf("E5.38 DDPM's own schedule: %v", err)
	}
	for name, logSNR := range map[string][]float64{
		"two infinite": {-1, math.Inf(1), math.Inf(1)}, "two equal": {-1, 2, 2}, "NaN inside": {-1, math.NaN(), 2},
		"NaN at the end": {math.NaN(), 1, 2}, "too few": {1, 2},
	} {
		if err := process.CheckLogSNR([]float64{2, 1, 0}, logSNR); err == nil {
			t.Errorf("E5.38 %s: %v is accepted", name, logSNR)
		}
	}
	if err := process.CheckLogSNR([]float64{0, 1, 2}, []float64{1, 2, 3}); err == nil {
		t.Error("rising times are accepted")
	}
	if err := process.CheckLogSNR([]float64{2, 1, 0}, []float64{math.Inf(-1), 1, math.Inf(1)}); err != nil {
		t.Errorf("infinite ends: %v", err)
	}
}
