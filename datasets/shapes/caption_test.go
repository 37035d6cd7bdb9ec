package shapes

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/lowerbound-ml/lowerbound/datasets"
)

var _ datasets.Data = (*Captioned)(nil)

// encode numbers the words.
func encode(caption string) ([]int32, error) {
	words := slices.Repeat([]int32{int32(len(CaptionWords))}, CaptionLength)
	for i, word := range strings.Fields(strings.ReplaceAll(caption, ",", "")) {
		words[i] = int32(slices.Index(CaptionWords, word))
	}
	return words, nil
}

func TestDescribe(t *testing.T) {
	law := Standard() // halves at x, y = 4 and size 2.5
	for want, at := range map[string]struct {
		k Kind
		f Factors
	}{
		"small square, top left":     {Square, Factors{3.9, 3.9, 2.4, 1}},
		"large circle, bottom right": {Circle, Factors{4.1, 4.1, 2.6, 1}},
		"small cross, top right":     {Cross, Factors{4.1, 3.9, 2.4, 1}},
		"large square, bottom left":  {Square, Factors{3.9, 4.1, 2.6, 1}},
	} {
		if got := law.Describe(at.k, at.f); got != want {
			t.Errorf("%v %+v is %q, want %q", at.k, at.f, got, want)
		}
		words := strings.Fields(strings.ReplaceAll(want, ",", ""))
		for _, caption := range []string{"", want, words[1], words[0] + " " + words[1], words[1] + ", " + words[3]} {
			if ok, err := law.True(caption, at.k, at.f); !ok || err != nil {
				t.Errorf("%q of %q: %v, %v; want true", caption, want, ok, err)
			}
		}
		for _, other := range CaptionWords {
			if ok, err := law.True(other, at.k, at.f); ok != slices.Contains(words, other) || err != nil {
				t.Errorf("%q of %q: %v, %v", other, want, ok, err)
			}
		}
	}
	if _, err := law.True("red square", Square, Factors{}); err == nil || !strings.Contains(err.Error(), `"red"`) {
		t.Errorf("error %v, want one that names the word", err)
	}
}

// Captions are true, mention each part half of the time, and the kind always.
func TestCaptioned(t *testing.T) {
	const n = 4000
	law := Standard()
	c, err := law.Captioned(n, 1, encode)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range c.Captions {
		if ok, err := law.True(text, c.Kinds[i], c.Factors[i]); !ok || err != nil {
			t.Errorf("%q of %v %+v: %v, %v", text, c.Kinds[i], c.Factors[i], ok, err)
		}
		if !strings.Contains(text, c.Kinds[i].String()) {
			t.Errorf("%q does not name the %v", text, c.Kinds[i])
		}
	}
	for _, pair := range [][2]string{{"small", "large"}, {"top", "bottom"}, {"left", "right"}} {
		near(t, pair[0]+" or "+pair[1], n, .5, func(i int) float64 {
			if strings.Contains(c.Captions[i], pair[0]) || strings.Contains(c.Captions[i], pair[1]) {
				return 1
			}
			return 0
		})
	}
	if again, err := law.Captioned(50, 1, encode); err != nil || !slices.Equal(again.Captions, c.Captions[:50]) {
		t.Errorf("captions of 50 of the same seed: error %v, %q, want %q", err, again.Captions, c.Captions[:50])
	}
	batch, err := c.Gather([]int{7, 2})
	if err != nil {
		t.Fatal(err)
	}
	if d := batch[0].Shape().Dimensions; !slices.Equal(d, []int{2, Side, Side, 1}) || !slices.Equal(tensors.MustCopyFlatData[float32](batch[0])[64:], c.At(2)) {
		t.Errorf("x is %v of other pictures than 7 and 2", d)
	}
	words, _ := encode(c.Captions[2])
	if got := tensors.MustCopyFlatData[int32](batch[1]); !slices.Equal(got[CaptionLength:], words) {
		t.Errorf("words of the second are %v, want %v", got, words)
	}
	no := errors.New("no such word")
	if _, err := law.Captioned(2, 1, func(string) ([]int32, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("error %v, want %v", err, no)
	}
	if _, err := c.Gather([]int{n}); err == nil {
		t.Error("no error for a picture that is not there")
	}
}

// The reader finds the kind of drawn pictures, and their factors to within a tenth of a pixel or so.
func TestReader(t *testing.T) {
	law := Standard()
	reader, p := law.Reader(), law.Sample(100, 4)
	var off [4]float64
	for i, want := range p.Factors {
		got := reader.Read(wide(p.At(i)))
		if got.Kind != p.Kinds[i] {
			t.Errorf("%v %+v reads %+v", p.Kinds[i], want, got)
		}
		for k := range off {
			d := *got.Factors.at(k) - *want.at(k)
			off[k] += d * d / float64(p.Len())
		}
	}
	for k, most := range [...]float64{.06, .06, .1, .2} {
		if rms := math.Sqrt(off[k]); rms > most {
			t.Errorf("factor %d is off by %.3f in the root mean square, want at most %g", k, rms, most)
		}
	}
	on := Factors{X: 3.4, Y: 4.2, Size: 2.25, Thickness: 1.2} // on the grid
	if got := reader.Read(wide(Draw(Circle, on, true))); got.Kind != Circle || got.RMS > 1e-7 {
		t.Errorf("a picture of the grid reads %+v", got)
	}
	half := make([]float64, Side*Side)
	for i := range half {
		half[i] = .5
	}
	if got := reader.Read(half); got.RMS < .3 {
		t.Errorf("a grey picture reads %+v, want one that fits nothing", got)
	}
	for want, f := range map[string]func(){"3 intensities": func() { reader.Read([]float64{1, 2, 3}) }, "no kinds": func() { Law{}.Reader() }} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("panic %v, want one with %q", err, want)
				}
			}()
			f()
		}()
	}
}
