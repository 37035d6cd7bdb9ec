package shapes

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

var _ datasets.Data = (*Pictures)(nil)

// near fails unless the mean of f over n draws is want within 5 standard errors.
func near(t *testing.T, what string, n int, want float64, f func(i int) float64) {
	t.Helper()
	var sum, square float64
	for i := range n {
		v := f(i)
		sum, square = sum+v, square+v*v
	}
	mean := sum / float64(n)
	se := math.Sqrt((square/float64(n) - mean*mean) / float64(n))
	if math.Abs(mean-want) > 5*se+1e-12 {
		t.Errorf("%s: %.6f, want %.6f within 5 x %.6f", what, mean, want, se)
	}
}

// The picture carries its factors: its mass is the shape's area, its centroid the centre. The samples place an
// edge to within half their distance, 1/16, so the mass is off by at most the edge's length / 16,
// and a moment about the centre by at most that times the size.
func TestPictureCarriesFactors(t *testing.T) {
	p := Standard().Sample(500, 1)
	for i, f := range p.Factors {
		var mass, mx, my float64
		for k, v := range p.At(i) {
			mass += float64(v)
			mx += float64(v) * (float64(k%Side) + 0.5 - f.X)
			my += float64(v) * (float64(k/Side) + 0.5 - f.Y)
		}
		edge := 8 * (f.Size + f.Size - f.Thickness) // of the square; the circle's and the cross's are no longer
		if off := math.Abs(mass - f.Area(p.Kinds[i])); off > edge/16 {
			t.Errorf("%v %+v: mass off by %.4f, want at most %.4f", p.Kinds[i], f, off, edge/16)
		}
		if off := math.Hypot(mx, my); off > edge*f.Size/16 {
			t.Errorf("%v %+v: first moment off by %.4f, want at most %.4f", p.Kinds[i], f, off, edge*f.Size/16)
		}
	}
}

// A square of size 2 and thickness 1 about (4, 4) fits the pixels: 12 of them are 1, all others 0, either way.
func TestSquareOnPixels(t *testing.T) {
	want := make([]float32, 64)
	for _, i := range []int{18, 19, 20, 21, 26, 29, 34, 37, 42, 43, 44, 45} {
		want[i] = 1
	}
	for _, antialias := range []bool{false, true} {
		if got := Draw(Square, Factors{4, 4, 2, 1}, antialias); !slices.Equal(got, want) {
			t.Errorf("anti-aliased %v: %v, want %v", antialias, got, want)
		}
	}
}

// Moving a picture by a whole pixel moves its pixels; exchanging x and y transposes it.
func TestDrawSymmetry(t *testing.T) {
	for k := range kinds {
		a := Draw(k, Factors{3.3, 4.1, 2.2, 1.1}, true)
		right := Draw(k, Factors{4.3, 4.1, 2.2, 1.1}, true)
		turned := Draw(k, Factors{4.1, 3.3, 2.2, 1.1}, true)
		for i := range 64 {
			if row, col := i/Side, i%Side; a[i] != turned[col*Side+row] || (col < 7 && math.Abs(float64(a[i]-right[i+1])) > 1e-6+1./8) {
				t.Errorf("%v: pixel (%d, %d) does not follow the shape", k, row, col)
			}
		}
	}
}

func TestAliasedIsBinary(t *testing.T) {
	law := Standard()
	law.Antialias = false
	p := law.Sample(200, 1)
	grey := 0
	for i := range p.Len() {
		for k, v := range p.At(i) {
			if v != 0 && v != 1 {
				t.Fatalf("pixel %d is %v", k, v)
			}
		}
		for _, v := range Draw(p.Kinds[i], p.Factors[i], true) {
			if v > 0 && v < 1 {
				grey++
			}
		}
	}
	if grey == 0 {
		t.Error("no anti-aliased picture has a grey pixel")
	}
}

// The factors are uniform on their ranges: mean (lo+hi)/2, variance (hi-lo)²/12; the kinds are equally likely.
func TestFactorLaw(t *testing.T) {
	const n = 20000
	law := Standard()
	p := law.Sample(n, 2)
	for name, c := range map[string]struct {
		r Range
		f func(i int) float64
	}{
		"x":         {law.X, func(i int) float64 { return p.Factors[i].X }},
		"y":         {law.Y, func(i int) float64 { return p.Factors[i].Y }},
		"size":      {law.Size, func(i int) float64 { return p.Factors[i].Size }},
		"thickness": {law.Thickness, func(i int) float64 { return p.Factors[i].Thickness }},
	} {
		mid, width := (c.r.Lo+c.r.Hi)/2, c.r.Hi-c.r.Lo
		near(t, "E "+name, n, mid, c.f)
		near(t, "Var "+name, n, width*width/12, func(i int) float64 { return (c.f(i) - mid) * (c.f(i) - mid) })
	}
	for k := range kinds {
		near(t, "P "+k.String(), n, 1./3, func(i int) float64 {
			if p.Kinds[i] == k {
				return 1
			}
			return 0
		})
	}
}

func TestGather(t *testing.T) {
	p := Standard().Sample(10, 1)
	batch, err := p.Gather([]int{7, 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := tensors.MustCopyFlatData[float32](batch[0]); !slices.Equal(got, slices.Concat(p.At(7), p.At(2))) {
		t.Error("x is not pictures 7 and 2")
	}
	f := p.Factors[2]
	want := []float32{float32(f.X), float32(f.Y), float32(f.Size), float32(f.Thickness)}
	if got := tensors.MustCopyFlatData[float32](batch[1])[4:]; !slices.Equal(got, want) {
		t.Errorf("factors of the second are %v, want %v", got, want)
	}
	if got := tensors.MustCopyFlatData[int32](batch[2]); got[0] != int32(p.Kinds[7]) || got[1] != int32(p.Kinds[2]) {
		t.Errorf("kinds %v, want %v and %v", got, p.Kinds[7], p.Kinds[2])
	}
	if _, err := p.Gather([]int{10}); err == nil {
		t.Error("Gather(10) of 10 pictures gave no error")
	}
}

func TestDeterminism(t *testing.T) {
	one, again, other := Standard().Sample(50, 1), Standard().Sample(20, 1), Standard().Sample(50, 2)
	if !slices.Equal(one.x[:20*64], again.x) || slices.Equal(one.x, other.x) {
		t.Error("Sample is no function of the seed")
	}
	tiny := LinesAndCorners()
	if a, b := tiny.Sample(50, 1), tiny.Sample(20, 1); !slices.Equal(a.Pixels[:20*9], b.Pixels) {
		t.Error("Tiny.Sample is no function of the seed")
	}
}

// The 512 probabilities sum to 1; without flips they are 1/12 on the patterns and the entropy is log 12.
func TestTinyProb(t *testing.T) {
	law := LinesAndCorners()
	sum := 0.0
	for x := range Bits(TinyImages) {
		sum += law.Prob(x)
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the probabilities sum to %v", sum)
	}
	law.Flip = 0
	if h := law.Entropy(); math.Abs(h-math.Log(12)) > 1e-12 {
		t.Errorf("entropy %v without flips, want log 12 = %v", h, math.Log(12))
	}
	law.Flip = 0.5
	if h := law.Entropy(); math.Abs(h-9*math.Ln2) > 1e-12 {
		t.Errorf("entropy %v of coin flips, want 9 log 2 = %v", h, 9*math.Ln2)
	}
}

// Frequencies of 100,000 samples against Prob: χ² over the pictures expected at least 10 times, the rest pooled.
// The bound, degrees of freedom + 7 √(2·degrees of freedom), is exceeded with a probability below 1e-6.
func TestTinySample(t *testing.T) {
	const n = 100000
	law := LinesAndCorners()
	d := law.Sample(n, 3)
	var count [TinyImages]float64
	for i := range n {
		var x Bits
		for k, v := range d.Pixels[i*9 : (i+1)*9] {
			x |= Bits(v) << k
		}
		count[x]++
	}
	chi2, cells, restWant, restGot := 0.0, 0.0, 0.0, 0.0
	for x := range Bits(TinyImages) {
		want := n * law.Prob(x)
		if want < 10 {
			restWant, restGot = restWant+want, restGot+count[x]
			continue
		}
		chi2, cells = chi2+(count[x]-want)*(count[x]-want)/want, cells+1
	}
	chi2 += (restGot - restWant) * (restGot - restWant) / restWant
	if bound := cells + 7*math.Sqrt(2*cells); chi2 > bound || cells < 50 {
		t.Errorf("χ² = %.1f over %v cells, want at most %.1f", chi2, cells+1, bound)
	}
}

func TestBadParametersPanic(t *testing.T) {
	for want, f := range map[string]func(){
		"0 pictures": func() { Standard().Sample(0, 1) },
		"of 0 kinds": func() { Law{}.Sample(1, 1) },
		"Kind(7)":    func() { Draw(7, Factors{}, false) },
		"intensity 3 is NaN, want finite": func() {
			x := make([]float64, Side*Side)
			x[3] = math.NaN()
			Standard().Reader().Read(x)
		},
		"0 patterns":  func() { Tiny{}.Sample(1, 1) },
		"Flip = 1.5;": func() { Tiny{Patterns: []Bits{1}, Flip: 1.5}.Sample(1, 1) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			f()
		}()
	}
}
