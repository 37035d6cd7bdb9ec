package show

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// span is a range of data; it starts empty.
type span struct {
	lo, hi   float64
	log      bool
	grounded bool // no slack beyond 0, on which bars and areas stand
	exact    bool // no slack at all: heat maps fill their box
}

func newSpan(log bool) *span { return &span{lo: math.Inf(1), hi: math.Inf(-1), log: log} }

// shows reports whether v can stand on the axis.
func (s *span) shows(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!s.log || v > 0) }

func (s *span) include(values ...float64) {
	for _, v := range values {
		if s.shows(v) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
}

// limits returns the ends of the axis: those asked for, or the data's with 4 per cent of slack.
func (s *span) limits(asked [2]float64) (lo, hi float64) {
	if asked != [2]float64{} {
		return asked[0], asked[1]
	}
	if s.log {
		slack := math.Pow(s.hi/s.lo, .04)
		return s.lo / math.Max(slack, 1.05), s.hi * math.Max(slack, 1.05)
	}
	if lo, hi = s.lo, s.hi; s.exact {
		return lo, hi
	}
	slack := .04 * (hi - lo)
	if slack == 0 {
		slack = math.Max(.5, .1*math.Abs(hi))
	}
	if !(s.grounded && lo == 0) {
		lo -= slack
	}
	if !(s.grounded && hi == 0) {
		hi += slack
	}
	return lo, hi
}

// axis maps data to pixels.
type axis struct {
	lo, hi   float64 // data
	from, to float64 // pixels
	log      bool
}

func (a axis) at(v float64) float64 {
	lo, hi := a.lo, a.hi
	if a.log {
		v, lo, hi = math.Log(v), math.Log(lo), math.Log(hi)
	}
	return a.from + (v-lo)/(hi-lo)*(a.to-a.from)
}

// ticks returns about n positions at steps of 1, 2 or 5 times a power of ten; on a log axis whole powers of ten, and
// their multiples by 2 and 5 where there are fewer than three.
func (a axis) ticks(n float64) []float64 {
	if a.log {
		if out := a.powers(n); len(out) >= 2 {
			return out
		}
	}
	raw := (a.hi - a.lo) / n
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= raw*(1-1e-9) {
			step = m * unit
			break
		}
	}
	var out []float64
	if (a.hi-a.lo)/step < 2 && n < 20 {
		return a.ticks(1.5 * n) // so few that the scale could not be read
	}
	for k := math.Ceil(a.lo/step - 1e-9); k*step <= a.hi+1e-9*step; k++ {
		v, _ := strconv.ParseFloat(strconv.FormatFloat(k*step, 'g', 12, 64), 64)
		out = append(out, v+0) // −0 becomes 0
	}
	return out
}

func (a axis) powers(n float64) []float64 {
	lo, hi := math.Ceil(math.Log10(a.lo)-1e-9), math.Floor(math.Log10(a.hi)+1e-9)
	every := math.Max(1, math.Ceil((hi-lo)/n))
	var out []float64
	for k := lo; k <= hi; k += every {
		out = append(out, math.Pow(10, k))
	}
	if len(out) > 2 {
		return out
	}
	out = nil
	for k := lo - 1; k <= hi; k++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, k); a.lo <= v && v <= a.hi {
				out = append(out, v)
			}
		}
	}
	return out
}

// label prints a tick: powers of ten on a log axis, else the shortest decimals.
func (a axis) label(v float64) string {
	if k := math.Round(math.Log10(math.Abs(v))); a.log && math.Abs(v/math.Pow(10, k)-1) < 1e-9 && (k < -2 || k > 3) {
		return "10" + superscript(int(k))
	}
	return short(v)
}

var superscripts = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

func superscript(k int) string { return superscripts.Replace(strconv.Itoa(k)) }

// short prints a number for people: at most six digits, a true minus sign, 3×10⁻⁵.
func short(v float64) string {
	format := byte('f')
	if size := math.Abs(v); v != 0 && (size >= 1e5 || size < 1e-3) {
		format = 'e'
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	mantissa, exponent, scientific := strings.Cut(strconv.FormatFloat(rounded, format, -1, 64), "e")
	if scientific {
		k, _ := strconv.Atoi(exponent)
		mantissa = strings.TrimPrefix(mantissa+"×10"+superscript(k), "1×")
	}
	return strings.Replace(mantissa, "-", "−", 1)
}

// short3 is short after rounding to three digits.
func short3(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return short(rounded)
}

// check panics when the limits cannot be drawn.
func (a axis) check(name string) axis {
	if !(a.lo < a.hi) || math.IsInf(a.lo, 0) || math.IsInf(a.hi, 0) || a.log && a.lo <= 0 {
		panic(fmt.Errorf("show.Figure: the %s axis runs from %v to %v (log %v): expected finite values, lo < hi, positive on a log axis; are there any data?",
			name, a.lo, a.hi, a.log))
	}
	return a
}
