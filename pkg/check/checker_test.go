package check

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// fake records what a Checker reports to a test.
type fake struct{ logged, errors []string }

func (f *fake) Helper()                      {}
func (f *fake) Logf(s string, args ...any)   { f.logged = append(f.logged, fmt.Sprintf(s, args...)) }
func (f *fake) Errorf(s string, args ...any) { f.errors = append(f.errors, fmt.Sprintf(s, args...)) }

// outcome runs one claim in a test and in a cell, and demands the same line from both.
func outcome(t *testing.T, claim func(Checker)) (passed bool, line string) {
	t.Helper()
	f := &fake{}
	claim(T(f))
	lines := slices.Concat(f.logged, f.errors)
	if len(lines) != 1 {
		t.Fatalf("a claim reported %q, expected one line", lines)
	}
	var out bytes.Buffer
	code := 0
	claim(Checker{out: &out, exit: func(c int) { code = c }})
	if out.String() != lines[0]+"\n" {
		t.Errorf("the cell printed %q, the test %q", out.String(), lines[0])
	}
	if wantCode := len(f.errors); code != wantCode {
		t.Errorf("exit status %d, expected %d: %s", code, wantCode, lines[0])
	}
	return len(f.errors) == 0, lines[0]
}

type claim struct {
	name  string
	ok    bool
	claim func(Checker)
	text  string // the line holds this
}

func runClaims(t *testing.T, claims []claim) {
	t.Helper()
	for _, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			passed, line := outcome(t, c.claim)
			if passed != c.ok || strings.HasPrefix(line, "✓") != c.ok {
				t.Errorf("passed = %v, expected %v: %s", passed, c.ok, line)
			}
			if !strings.Contains(line, c.text) {
				t.Errorf("%q does not hold %q", line, c.text)
			}
		})
	}
}

func nearClaim(name string, ok bool, got, want any, tol float64, text string) claim {
	return claim{name, ok, func(c Checker) { c.Near("E0.0", got, want, tol) }, text}
}

func TestNear(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	f32 := tensors.FromValue([][]float32{{1, 2}, {3, 4}})
	runClaims(t, []claim{
		nearClaim("equal", true, -1.827084, -1.827084, 0, "✓ E0.0   −1.827084 = −1.827084  |Δ| 0"),
		nearClaim("within", true, 1+1e-9, 1.0, 1e-9, "|Δ| 1e-09"),
		nearClaim("beyond", false, 1+3e-9, 1.0, 1e-9, "1.000000003 ≠ 1  |Δ| 3e-09, allowed 2e-09 = 1e-09·(1+|1|)"),
		nearClaim("relative part", true, 1e6+.5, 1e6, 1e-6, ""),
		nearClaim("beyond relative part", false, 1e6+2, 1e6, 1e-6, ""),
		nearClaim("types", true, float32(2), 2, 0, ""),
		nearClaim("NaN got", false, nan, 1.0, 10, "NaN ≠ 1"),
		nearClaim("NaN both", false, nan, nan, 10, ""),
		nearClaim("same infinity", true, -inf, -inf, 0, "−∞ = −∞  |Δ| 0"),
		nearClaim("finite against infinity", false, 1.0, inf, 10, ""),
		nearClaim("infinity against finite", false, inf, 1.0, 10, ""),
		nearClaim("opposite infinities", false, -inf, inf, 10, ""),
		nearClaim("worst entry", true, [][]float64{{1, 2.25}, {3, 4}}, [][]float64{{1, 2}, {3, 4.125}}, .1, "4 entries, worst at [0 1]: 2.25 = 2"),
		nearClaim("one of many", false, []float64{1, 2, 9, 4}, []float64{1, 2, 3, 4}, .1, "1 of 4 entries, worst at [2]: 9 ≠ 3"),
		nearClaim("NaN among many", false, []float64{1, nan}, []float64{1, 2}, .1, "1 of 2 entries, worst at [1]: NaN"),
		nearClaim("tensor", true, f32, [][]float64{{1, 2}, {3, 4}}, 0, "4 entries"),
		nearClaim("tensor, flat", true, f32, []float64{1, 2, 3, 4}, 0, "4 entries"),
		nearClaim("tensor, wrong", false, f32, []float64{1, 2, 3, 5}, 0, "worst at [1 1]: 4 ≠ 5"),
		nearClaim("scalar tensor", true, tensors.FromValue(2.5), 2.5, 0, "2.5 = 2.5"),
		nearClaim("one want for all", true, []float64{0, 1e-9}, 0, 1e-8, "2 entries"),
		nearClaim("one want not for all", false, []float64{0, 1}, 0, 1e-8, "1 of 2"),
		nearClaim("one got for many", false, 0.0, []float64{0, 0}, 1, "shape"),
		nearClaim("transposed", false, [][]float64{{1, 2}}, [][]float64{{1}, {2}}, 1, "got has shape [1 2], want has shape [2 1]"),
		nearClaim("empty", false, []float64{}, []float64{}, 1, "nothing to compare"),
		nearClaim("ragged", false, [][]float64{{1}, {1, 2}}, 1, 1, "unequal length"),
		nearClaim("no number", false, "1", 1, 1, "string"),
		nearClaim("nil", false, nil, 1, 1, "not a real number"),
		nearClaim("nil tensor", false, (*tensors.Tensor)(nil), 1, 1, "nil tensor"),
		nearClaim("integers that float64 cannot tell apart", false, []int64{1<<53 + 1}, []int64{1 << 53}, 0, "an integer beyond 2⁵³"),
		nearClaim("a large unsigned integer", false, uint64(1)<<60, uint64(1)<<60, 0, "an integer beyond 2⁵³"),
		nearClaim("the least integer", false, int64(math.MinInt64), 1, 0, "an integer beyond 2⁵³"),
		nearClaim("integers up to 2⁵³", true, []int64{-1 << 53}, []int64{-1 << 53}, 0, ""),
		nearClaim("negative tolerance", false, 1.0, 1.0, -1, "tolerance"),
		nearClaim("NaN tolerance", false, 1.0, 1.0, nan, "tolerance"),
		nearClaim("infinite tolerance", false, 1.0, 2.0, inf, "tolerance"),
	})
}

func TestLessTrueDiffer(t *testing.T) {
	nan := math.NaN()
	differ := func(name string, ok bool, a, b any, atLeast float64, text string) claim {
		return claim{name, ok, func(c Checker) { c.Differ("X1", a, b, atLeast) }, text}
	}
	runClaims(t, []claim{
		{"less", true, func(c Checker) { c.Less("E", 1, 2) }, "1 < 2"},
		{"equal is not less", false, func(c Checker) { c.Less("E", 2, 2) }, "2 is not < 2"},
		{"NaN is not less", false, func(c Checker) { c.Less("E", nan, 2) }, ""},
		{"nothing is less than NaN", false, func(c Checker) { c.Less("E", 1, nan) }, ""},
		{"true", true, func(c Checker) { c.True("E", true, "5 of 5") }, "✓ E   5 of 5"},
		{"false", false, func(c Checker) { c.True("E", false, "4 of 5") }, "✗ E   4 of 5"},
		differ("differs", true, -.5, .25, .1, "as written −0.5 ≠ 0.25 as it must be  |Δ| 0.75"),
		differ("differs somewhere", true, []float64{1, 2}, []float64{1, 3}, .5, "2 ≠ 3"),
		differ("too little", false, .5, .55, .1, "expected more than 0.1"),
		differ("same", false, .5, .5, 0, "0.5 = 0.5"),
		differ("NaN", false, []float64{9, nan}, []float64{1, 1}, .1, "NaN shows nothing"),
		differ("infinite", true, math.Inf(1), 1.0, .1, "∞ ≠ 1"),
	})
}

func TestMonteCarlo(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	normals := make([]float64, 10_000) // N(2, 3²): SE 0.03
	for i := range normals {
		normals[i] = 2 + 3*rng.NormFloat64()
	}
	phi := func(mean, std float64) func(float64) float64 {
		return func(x float64) float64 { return .5 * math.Erfc(-(x-mean)/std/math.Sqrt2) }
	}
	counts := func(p ...float64) []float64 {
		out := make([]float64, 3)
		for range 3000 {
			u := rng.Float64()
			switch {
			case u < p[0]:
				out[0]++
			case u < p[0]+p[1]:
				out[1]++
			default:
				out[2]++
			}
		}
		return out
	}
	expected := []float64{1500, 900, 600}
	chi := func(observed []float64) func(Checker) {
		return func(c Checker) { c.ChiSquare("E", observed, expected, 1e-6) }
	}
	runClaims(t, []claim{
		{"MC", true, func(c Checker) { c.MC("E", normals, 2, .04) }, "± 0.03 (10000 samples), expected 2  z"},
		{"MC biased by 0.2", false, func(c Checker) { c.MC("E", normals, 2.2, .04) }, "more than 5 SE away"},
		{"MC without power", false, func(c Checker) { c.MC("E", normals, 2, .02) }, "draw more samples"},
		{"MC without variance", true, func(c Checker) { c.MC("E", []float64{.1, .1, .1}, .1+1e-15, .04) }, "z 0"},
		{"MC without variance, wrong", false, func(c Checker) { c.MC("E", []float64{.1, .1, .1}, .2, .04) }, ""},
		{"MC of one sample", false, func(c Checker) { c.MC("E", []float64{2}, 2, .04) }, ""},
		{"MC of NaN", false, func(c Checker) { c.MC("E", []float64{2, math.NaN()}, 2, 4) }, ""},
		{"KS", true, func(c Checker) { c.KS("E", normals, phi(2, 3), 1e-6) }, "10000 samples"},
		{"KS, wrong mean", false, func(c Checker) { c.KS("E", normals, phi(2.3, 3), 1e-6) }, "D "},
		{"KS, wrong mean on the other side", false, func(c Checker) { c.KS("E", normals, phi(1.7, 3), 1e-6) }, "D "},
		{"KS, wrong width", false, func(c Checker) { c.KS("E", normals, phi(2, 3.6), 1e-6) }, "D "},
		{"KS of NaN", false, func(c Checker) { c.KS("E", []float64{math.NaN()}, phi(0, 1), 1e-6) }, ""},
		{"KS of NaN among many", false, func(c Checker) { c.KS("E", append([]float64{math.NaN()}, normals...), phi(2, 3), 1e-6) }, "D "},
		{"KS of nothing", false, func(c Checker) { c.KS("E", nil, phi(0, 1), 1e-6) }, "draw more samples"},
		{"KS of 7 samples", false, func(c Checker) { c.KS("E", normals[:7], phi(2, 3), 1e-6) }, "draw more samples"},
		{"KS of 8 samples", true, func(c Checker) { c.KS("E", normals[:8], phi(2, 3), 1e-6) }, "8 samples"},
		{"KS that never fails", false, func(c Checker) { c.KS("E", normals, phi(2, 3), 0) }, "draw more samples"},
		{"chi-square", true, chi(counts(.5, .3, .2)), "2 degrees of freedom"},
		{"chi-square, wrong law", false, chi(counts(.4, .4, .2)), "p "},
		{"chi-square, other sum", false, chi([]float64{1500, 900, 700}), "sum to 3100"},
		{"chi-square, small cell", false, func(c Checker) { c.ChiSquare("E", []float64{1, 9}, []float64{2, 8}, 1e-6) }, "merge cells"},
	})
}

func TestOrder(t *testing.T) {
	h := []float64{.1, .05, .025, .0125}
	square := []float64{.01, .0025, .000625, .00015625}
	runClaims(t, []claim{
		{"second order", true, func(c Checker) { c.Order("E", h, square, 2, .01) }, "order 2, expected 2 ± 0.01"},
		{"not first order", false, func(c Checker) { c.Order("E", h, square, 1, .5) }, "order 2"},
		{"no error", false, func(c Checker) { c.Order("E", h, []float64{1, 1, 1, 0}, 2, .5) }, "positive"},
		{"two points", false, func(c Checker) { c.Order("E", h[:2], square[:2], 2, .5) }, "at least 3"},
	})
}

func TestAgainstGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x, y := make([]float64, 50), make([]float64, 50)
	for i := range x {
		x[i], y[i] = 1e6+rng.NormFloat64(), rng.ExpFloat64()
	}
	c := T(t)
	mean, std := stat.MeanStdDev(x, nil)
	c.Near("mean", Mean(x), mean, 1e-15)
	c.Near("SE, far from 0", SE(x), std/math.Sqrt(50), 1e-12)
	_, slope := stat.LinearRegression(x, y, nil, false)
	_, line := outcome(t, func(c Checker) { c.Order("E", exps(x), exps(y), slope, 1e-9) })
	c.True("slope", strings.HasPrefix(line, "✓"), line)
	for _, shift := range []float64{0, 5, 20} {
		observed, expected := []float64{30 + shift, 40 - shift, 50, 20}, []float64{30, 40, 45, 25}
		p := distuv.ChiSquared{K: 3}.Survival(stat.ChiSquare(observed, expected))
		_, line := outcome(t, func(c Checker) { c.ChiSquare("E", observed, expected, 1e-6) })
		c.True("p", strings.Contains(line, "p "+format(p, 2)), line)
	}
}

// exps returns e^(x−mean), whose logarithms have the slopes of x.
func exps(x []float64) []float64 {
	out := centred(x)
	for i, v := range out {
		out[i] = math.Exp(v)
	}
	return out
}

func TestChiSquareP(t *testing.T) {
	// With 2 degrees of freedom p = exp(−χ²/2): here χ² = 100/50 + 100/50 = 4 over three cells.
	_, line := outcome(t, func(c Checker) { c.ChiSquare("E", []float64{60, 40, 50}, []float64{50, 50, 50}, 1e-6) })
	if want := fmt.Sprintf("χ² 4 with 2 degrees of freedom, p %.2g", math.Exp(-2)); !strings.Contains(line, want) {
		t.Errorf("%q does not hold %q", line, want)
	}
}
