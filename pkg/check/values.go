package check

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Floats returns the entries of x in row-major order: x is a number, slices of numbers to any depth, or a tensor of a
// real dtype. It panics, naming the type, when x is anything else or ragged.
func Floats(x any) []float64 {
	a, err := arrayOf(x)
	if err != nil {
		panic(fmt.Errorf("check.Floats: %w", err))
	}
	return a.flat
}

// array is a row-major array of float64.
type array struct {
	flat []float64
	dims []int
}

func arrayOf(x any) (array, error) {
	if t, ok := x.(*tensors.Tensor); ok {
		if t == nil {
			return array{}, fmt.Errorf("a nil tensor")
		}
		if t.Ok() && (t.DType() == dtypes.Float64 || t.DType() == dtypes.Float32) {
			return array{mathx.Floats(t), t.Shape().Dimensions}, nil
		}
		value, err := t.ValueSafe()
		if err != nil {
			return array{}, err
		}
		x = value
	}
	var a array
	if err := a.add(reflect.ValueOf(x), 0); err != nil {
		return array{}, fmt.Errorf("%w in a %T: expected a number, slices of numbers or a tensor of a real dtype", err, x)
	}
	return a, nil
}

// add appends v's entries; depth is the number of slices that v lies in.
func (a *array) add(v reflect.Value, depth int) error {
	if v.IsValid() && (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) {
		return a.addSlice(v, depth)
	}
	if depth != len(a.dims) {
		return fmt.Errorf("slices of unequal depth")
	}
	f, ok := number(v)
	if !ok {
		return fmt.Errorf("not a real number, or an integer beyond 2⁵³,")
	}
	a.flat = append(a.flat, f)
	return nil
}

func (a *array) addSlice(v reflect.Value, depth int) error {
	switch {
	case depth == len(a.dims) && len(a.flat) == 0:
		a.dims = append(a.dims, v.Len())
	case depth >= len(a.dims) || a.dims[depth] != v.Len():
		return fmt.Errorf("slices of unequal length")
	}
	for i := range v.Len() {
		if err := a.add(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// whole is the integer up to which float64 holds every one: of larger ones two could look the same.
const whole = 1 << 53

// number converts any real number that float64 holds; the 16-bit floats of GoMLX have a method Float32.
func number(v reflect.Value) (float64, bool) {
	if !v.IsValid() {
		return 0, false
	}
	if v.CanInterface() {
		if half, ok := v.Interface().(interface{ Float32() float32 }); ok {
			return float64(half.Float32()), true
		}
	}
	switch {
	case v.Kind() == reflect.Interface:
		return number(v.Elem())
	case v.CanFloat():
		return v.Float(), true
	case v.CanInt() && -whole <= v.Int() && v.Int() <= whole:
		return float64(v.Int()), true
	case v.CanUint() && v.Uint() <= whole:
		return float64(v.Uint()), true
	}
	return 0, false
}

// pair returns got and want entry by entry, with got's shape.
func pair(got, want any) (g, w array, err error) {
	if g, err = arrayOf(got); err != nil {
		return g, w, fmt.Errorf("got: %w", err)
	}
	if w, err = arrayOf(want); err != nil {
		return g, w, fmt.Errorf("want: %w", err)
	}
	switch {
	case len(g.flat) == 0 || len(w.flat) == 0:
		err = fmt.Errorf("nothing to compare: got has shape %v, want has shape %v", g.dims, w.dims)
	case len(w.dims) == 0:
		w = array{slices.Repeat(w.flat, len(g.flat)), g.dims}
	case slices.Equal(g.dims, w.dims):
	case len(g.flat) == len(w.flat) && (len(g.dims) == 1 || len(w.dims) == 1):
	default:
		err = fmt.Errorf("got has shape %v, want has shape %v", g.dims, w.dims)
	}
	return g, w, err
}

// delta returns |got−want|, 0 for equal infinities, NaN where either is NaN.
func delta(got, want float64) float64 {
	if got == want {
		return 0
	}
	return math.Abs(got - want)
}

func near(got, want any, tol float64) (ok bool, text string) {
	g, w, err := pair(got, want)
	if err != nil {
		return false, err.Error()
	}
	if !(tol >= 0) || math.IsInf(tol, 1) {
		return false, fmt.Sprintf("tolerance %v: expected a finite number >= 0", tol)
	}
	worst, excess, failed := 0, math.Inf(-1), 0
	for i, want := range w.flat {
		d := delta(g.flat[i], want)
		over := d - tol*(1+math.Abs(want))
		if math.IsInf(want, 0) || math.IsNaN(d) { // an infinity is near itself alone, NaN near nothing
			over = math.Inf(1)
			if d == 0 {
				over = -tol
			}
		}
		if over > 0 {
			failed++
		}
		if over > excess {
			worst, excess = i, over
		}
	}
	return failed == 0, describe(g, w, worst, failed, tol)
}

func describe(g, w array, worst, failed int, tol float64) string {
	got, want := g.flat[worst], w.flat[worst]
	d, where := delta(got, want), ""
	if len(g.flat) > 1 {
		where = fmt.Sprintf("%d entries, worst at %v: ", len(g.flat), index(worst, g.dims))
	}
	if failed == 0 {
		return fmt.Sprintf("%s%s = %s  |Δ| %s", where, num(got), num(want), size(d))
	}
	if len(g.flat) > 1 {
		where = fmt.Sprintf("%d of %s", failed, where)
	}
	return fmt.Sprintf("%s%s ≠ %s  |Δ| %s, allowed %s = %s·(1+|%s|)",
		where, exact(got), exact(want), size(d), size(tol*(1+math.Abs(want))), size(tol), num(want))
}

func differ(asWritten, right any, atLeast float64) (ok bool, text string) {
	a, r, err := pair(asWritten, right)
	if err != nil {
		return false, err.Error()
	}
	at, most := 0, -1.0
	for i := range r.flat {
		d := delta(a.flat[i], r.flat[i])
		if math.IsNaN(d) {
			return false, fmt.Sprintf("as written %s, as it must be %s: NaN shows nothing", num(a.flat[i]), num(r.flat[i]))
		}
		if d > most {
			at, most = i, d
		}
	}
	sign := "≠"
	if most == 0 {
		sign = "="
	}
	text = fmt.Sprintf("as written %s %s %s as it must be  |Δ| %s", num(a.flat[at]), sign, num(r.flat[at]), num(most))
	if atLeast >= 0 && most > atLeast {
		return true, text
	}
	return false, fmt.Sprintf("%s, expected more than %s", text, num(atLeast))
}

// index converts a row-major position to one index per axis.
func index(i int, dims []int) []int {
	out := make([]int, len(dims))
	for axis := len(dims) - 1; axis >= 0; axis-- {
		out[axis], i = i%dims[axis], i/dims[axis]
	}
	return out
}

// num prints seven digits, exact all of them, size one: a difference is told by its order of magnitude.
func num(v float64) string   { return format(v, 7) }
func exact(v float64) string { return format(v, -1) }
func size(v float64) string  { return format(v, 1) }

func format(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'g', digits, 64)
	s = strings.Replace(strings.TrimPrefix(s, "+"), "Inf", "∞", 1)
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		return "−" + rest
	}
	return s
}
