package toys

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

var _ datasets.Data = (*Points)(nil)

const draws = 200000

// near fails unless the mean of f over p is want within 5 standard errors.
func near(t *testing.T, what string, p *Points, want float64, f func(i int) float64) {
	t.Helper()
	var sum, square float64
	for i := range p.X {
		v := f(i)
		sum, square = sum+v, square+v*v
	}
	n := float64(p.Len())
	mean := sum / n
	se := math.Sqrt((square/n - mean*mean) / n)
	if math.Abs(mean-want) > 5*se+1e-12 {
		t.Errorf("%s: %.6f, want %.6f within 5 x %.6f", what, mean, want, se)
	}
}

// moments holds mean and second moments of p against the exact ones, E[x] and E[x xᵀ] as (xx, xy, yy).
func moments(t *testing.T, p *Points, mean [2]float64, second [3]float64) {
	t.Helper()
	near(t, "E[x]", p, mean[0], func(i int) float64 { return p.X[i][0] })
	near(t, "E[y]", p, mean[1], func(i int) float64 { return p.X[i][1] })
	near(t, "E[x²]", p, second[0], func(i int) float64 { return p.X[i][0] * p.X[i][0] })
	near(t, "E[xy]", p, second[1], func(i int) float64 { return p.X[i][0] * p.X[i][1] })
	near(t, "E[y²]", p, second[2], func(i int) float64 { return p.X[i][1] * p.X[i][1] })
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Mean 0; E[x xᵀ] = (R²/2 + s²) I with R = 2, s = 0.2.
func TestEightGaussians(t *testing.T) {
	m := EightGaussians()
	p := m.Sample(draws, 1)
	moments(t, p, [2]float64{0, 0}, [3]float64{2.04, 0, 2.04})
	for k := range m.Means {
		near(t, fmt.Sprintf("P(component %d)", k), p, 1./8, func(i int) float64 { return indicator(int(p.Label[i]) == k) })
	}
	near(t, "E|x - μ|²", p, 2*0.2*0.2, func(i int) float64 {
		μ := m.Means[p.Label[i]]
		return (p.X[i][0]-μ[0])*(p.X[i][0]-μ[0]) + (p.X[i][1]-μ[1])*(p.X[i][1]-μ[1])
	})
}

// Mean 0; E[x xᵀ] = (1.8²/2 + 0.5²/2 + s²) I with s = 0.08. A group's centre is the mean of its points.
func TestNestedGaussians(t *testing.T) {
	m := NestedGaussians()
	p := m.Sample(draws, 5)
	second := (1.8*1.8+0.5*0.5)/2 + 0.08*0.08
	moments(t, p, [2]float64{0, 0}, [3]float64{second, 0, second})
	for group, sign := range [][2]float64{{1, 1}, {-1, 1}, {-1, -1}, {1, -1}} {
		for axis := range 2 {
			near(t, fmt.Sprintf("centre of group %d, axis %d, over 4", group, axis), p, 1.8/math.Sqrt2*sign[axis]/4, func(i int) float64 {
				return indicator(int(p.Label[i])/4 == group) * p.X[i][axis]
			})
		}
	}
}

// Weights 3:1 (not normalised), means (-1, 0) and (2, 1), standard deviations 0.5 and 0.1:
// E[x] = (-1/4, 1/4), E[x²] = .75·1.25 + .25·4.01, E[xy] = .25·2, E[y²] = .75·.25 + .25·1.01.
func TestMixtureWeights(t *testing.T) {
	m := Mixture{Weights: []float64{3, 1}, Means: [][2]float64{{-1, 0}, {2, 1}}, StdDevs: []float64{0.5, 0.1}}
	p := m.Sample(draws, 2)
	moments(t, p, [2]float64{-0.25, 0.25}, [3]float64{1.94, 0.5, 0.44})
	near(t, "P(component 1)", p, 0.25, func(i int) float64 { return float64(p.Label[i]) })
}

// With u ~ U(0, 1), E cos²(πu) = E sin²(πu) = 1/2, E cos = 0, E sin = 2/π, E[cos sin] = 0.
func TestTwoMoons(t *testing.T) {
	m := TwoMoons()
	p := m.Sample(draws, 3)
	s2, c := m.StdDev*m.StdDev, 2/math.Pi
	moments(t, p, [2]float64{0.5, 0.25}, [3]float64{1 + s2, 0.25 - c/2, 0.625 - c/2 + s2})
	near(t, "P(moon 1)", p, 0.5, func(i int) float64 { return float64(p.Label[i]) })
	curve(t, p, m.StdDev, func(i int) [2]float64 { return m.At(int(p.Label[i]), p.U[i]) })
	for _, c := range [][3]float64{{0, 1, 0}, {0.5, 0, 1}, {1, -1, 0}} {
		if got := m.At(0, c[0]); math.Hypot(got[0]-c[1], got[1]-c[2]) > 1e-15 {
			t.Errorf("At(0, %v) = %v, want (%v, %v)", c[0], got, c[1], c[2])
		}
	}
}

// curve: u is uniform and the distance to the point at u has the mean square 2s².
func curve(t *testing.T, p *Points, s float64, at func(i int) [2]float64) {
	t.Helper()
	near(t, "E[u]", p, 1./2, func(i int) float64 { return p.U[i] })
	near(t, "E[u²]", p, 1./3, func(i int) float64 { return p.U[i] * p.U[i] })
	near(t, "E|x - curve(u)|²", p, 2*s*s, func(i int) float64 {
		c := at(i)
		return (p.X[i][0]-c[0])*(p.X[i][0]-c[0]) + (p.X[i][1]-c[1])*(p.X[i][1]-c[1])
	})
}

// With t uniform on [a, b] and x = S t cos t, the antiderivatives of t cos t, t sin t, t² cos² t, t² cos t sin t
// and t² sin² t give the moments.
func TestSwissRoll(t *testing.T) {
	s := SwissRoll()
	p := s.Sample(draws, 4)
	mean := func(F func(t float64) float64) float64 { return (F(s.End) - F(s.Start)) / (s.End - s.Start) }
	c := mean(func(t float64) float64 { return math.Cos(t) + t*math.Sin(t) })
	d := mean(func(t float64) float64 { return math.Sin(t) - t*math.Cos(t) })
	// ∫ t² cos 2t = (t/2) cos 2t + (t²/2 - 1/4) sin 2t;  ∫ t² sin 2t = (t/2) sin 2t - (t²/2 - 1/4) cos 2t
	even := mean(func(t float64) float64 { return t/2*math.Cos(2*t) + (t*t/2-0.25)*math.Sin(2*t) })
	odd := mean(func(t float64) float64 { return t/2*math.Sin(2*t) - (t*t/2-0.25)*math.Cos(2*t) })
	cube := mean(func(t float64) float64 { return t * t * t / 3 })
	S, v := s.Scale, s.StdDev*s.StdDev
	moments(t, p, [2]float64{S * c, S * d},
		[3]float64{S*S*(cube+even)/2 + v, S * S * odd / 2, S*S*(cube-even)/2 + v})
	curve(t, p, s.StdDev, func(i int) [2]float64 { return s.At(p.U[i]) })
	if end := s.At(1); math.Abs(math.Hypot(end[0], end[1])-2) > 1e-15 {
		t.Errorf("the spiral ends at %v, want radius 2", end)
	}
}

// Covariance (B-A)(B-A)ᵀ/12 + s² I with B - A = (4, 2), mean 0.
func TestLine(t *testing.T) {
	l := Line()
	p := l.Sample(draws, 5)
	v := l.StdDev * l.StdDev
	moments(t, p, [2]float64{0, 0}, [3]float64{16./12 + v, 8. / 12, 4./12 + v})
	curve(t, p, l.StdDev, func(i int) [2]float64 { return l.At(p.U[i]) })
}

// E|x|² = Σ_k w_k (R_k² + s²); the angle is uniform; the weights are those asked for.
func TestRings(t *testing.T) {
	c := Circles{Weights: []float64{1, 2, 5}, Radii: []float64{0.5, 1, 2}, StdDev: 0.1}
	p := c.Sample(draws, 6)
	half := (0.25/8 + 2./8 + 4*5./8 + 0.01) / 2
	moments(t, p, [2]float64{0, 0}, [3]float64{half, 0, half})
	for k, w := range c.Weights {
		near(t, fmt.Sprintf("P(ring %d)", k), p, w/8, func(i int) float64 { return indicator(int(p.Label[i]) == k) })
	}
	near(t, "E(|x| - R)²", p, 0.01, func(i int) float64 {
		d := math.Hypot(p.X[i][0], p.X[i][1]) - c.Radii[p.Label[i]]
		return d * d
	})
	if d := Rings(); len(d.Sample(10, 1).U) != 10 || d.Radii[2] != 2 {
		t.Errorf("Rings() = %+v", d)
	}
}

// Every point lies on a dark square, the one its label names; squares have the probability 1/8;
// within a square both coordinates are uniform: mean 1/2 and mean square 1/3 of a side.
func TestCheckerboard(t *testing.T) {
	b := Checkerboard()
	p := b.Sample(draws, 7)
	for i, x := range p.X {
		if !b.On(x) || b.Square(x) != int(p.Label[i]) {
			t.Fatalf("point %v, label %d, lies on square %d, dark: %v", x, p.Label[i], b.Square(x), b.On(x))
		}
	}
	for _, k := range b.Dark() {
		near(t, fmt.Sprintf("P(square %d)", k), p, 1/b.Area(), func(i int) float64 { return indicator(int(p.Label[i]) == k) })
	}
	for axis := range 2 {
		within := func(i int) float64 { u := p.X[i][axis] + b.Half; return u - math.Floor(u) }
		near(t, "E[u]", p, 1./2, within)
		near(t, "E[u²]", p, 1./3, func(i int) float64 { return within(i) * within(i) })
	}
	if want := []int{0, 2, 5, 7, 8, 10, 13, 15}; !slices.Equal(b.Dark(), want) || b.Area() != 8 {
		t.Errorf("dark squares %v of area %v, want %v and 8", b.Dark(), b.Area(), want)
	}
	for _, x := range [][2]float64{{-1.5, -0.5}, {2, 0}, {2, -0.5}, {-0.5, 2}, {0, -2.1}, {math.NaN(), 0}} {
		if b.On(x) {
			t.Errorf("%v counts as dark", x)
		}
	}
}

func laws() map[string]Law {
	return map[string]Law{"8 Gaussians": EightGaussians(), "nested": NestedGaussians(), "moons": TwoMoons(), "swiss roll": SwissRoll(),
		"line": Line(), "rings": Rings(), "checkerboard": Checkerboard()}
}

// One seed, one sequence: the same points again, a longer draw begins with a shorter one, another seed differs.
func TestDeterminism(t *testing.T) {
	for name, law := range laws() {
		long, short, other := law.Sample(100, 1), law.Sample(40, 1), law.Sample(100, 2)
		if !slices.Equal(long.X[:40], short.X) || !slices.Equal(long.X, law.Sample(100, 1).X) {
			t.Errorf("%s: Sample is no function of the seed", name)
		}
		if slices.Equal(long.X, other.X) {
			t.Errorf("%s: seeds 1 and 2 give the same points", name)
		}
	}
}

func TestGather(t *testing.T) {
	want := map[string]int{"8 Gaussians": 2, "moons": 3, "swiss roll": 2, "line": 2, "rings": 3, "checkerboard": 2, "nested": 2}
	for name, law := range laws() {
		p := law.Sample(10, 1)
		batch, err := p.Gather([]int{7, 2})
		if err != nil || len(batch) != want[name] {
			t.Fatalf("%s: %d tensors (%v), want %d", name, len(batch), err, want[name])
		}
		x := []float32{float32(p.X[7][0]), float32(p.X[7][1]), float32(p.X[2][0]), float32(p.X[2][1])}
		if got := tensors.MustCopyFlatData[float32](batch[0]); !slices.Equal(got, x) {
			t.Errorf("%s: x = %v, want %v", name, got, x)
		}
		if p.U == nil {
			continue
		}
		u := []float32{float32(p.U[7]), float32(p.U[2])}
		if got := tensors.MustCopyFlatData[float32](batch[len(batch)-1]); !slices.Equal(got, u) {
			t.Errorf("%s: u = %v, want %v", name, got, u)
		}
	}
	if _, err := Line().Sample(3, 1).Gather([]int{3}); err == nil || !strings.Contains(err.Error(), "line") {
		t.Errorf("Gather(3) of 3 points: error %v, want one that names the set", err)
	}
}

func TestBadParametersPanic(t *testing.T) {
	one := []float64{1}
	for want, law := range map[string]Law{
		"want the same number":        Mixture{Weights: one},
		"weight 0 is 0":               Mixture{Weights: []float64{0}, Means: [][2]float64{{}}, StdDevs: one},
		"standard deviation 0 is NaN": Mixture{Weights: one, Means: [][2]float64{{}}, StdDevs: []float64{math.NaN()}},
		"StdDev is -1":                Moons{StdDev: -1},
		"0 radii":                     Circles{Weights: one},
		"0 cells":                     Board{Half: 1},
		"Sample(0) of line":           zero{Line()},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			law.Sample(5, 1)
		}()
	}
}

// zero asks its law for no points.
type zero struct{ Law }

func (z zero) Sample(int, int64) *Points { return z.Law.Sample(0, 1) }

// Far from the curve the density is too small for a float64, and its logarithm is not: it is that of the nearest stretch.
func TestSpiralFarAway(t *testing.T) {
	s := SwissRoll()
	for _, x := range [][2]float64{{4, 0}, {0, -9}, {1e3, 1e3}} {
		least := math.Inf(1)
		for i := range 4000 {
			at := s.At((float64(i) + .5) / 4000)
			least = min(least, (x[0]-at[0])*(x[0]-at[0])+(x[1]-at[1])*(x[1]-at[1]))
		}
		most := -least/(2*s.StdDev*s.StdDev) - math.Log(2*math.Pi*s.StdDev*s.StdDev)
		if got := s.LogProb(x); !(got <= most && got > most-math.Log(4000)) {
			t.Errorf("LogProb(%v) = %v, want at most %v and at least %v", x, got, most, most-math.Log(4000))
		}
	}
}

func TestSquareAtTheEdge(t *testing.T) {
	b, last := Checkerboard(), math.Nextafter(2, 0)
	for x, want := range map[[2]float64]int{{last, last}: 15, {-2, -2}: 0, {2, 0}: -1, {0, 2}: -1, {math.NaN(), 0}: -1, {math.Nextafter(-2, -3), 0}: -1} {
		if got := b.Square(x); got != want {
			t.Errorf("Square(%v) = %d, want %d", x, got, want)
		}
	}
}
