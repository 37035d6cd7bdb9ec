package nets

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
)

// The presets of Patch: the number is the side of the image, the weights are listed by String.
var (
	// PatchTiny is for tests.
	PatchTiny = Patch{Height: 4, Width: 4, Channels: 1, Patch: 2, Dim: 8, Depth: 2, Heads: 2}
	// PatchDigits is for the 8 × 8 digits.
	PatchDigits = Patch{Height: 8, Width: 8, Channels: 1, Patch: 2, Dim: 64, Depth: 3, Heads: 4}
	// PatchFashion is for 28 × 28 images.
	PatchFashion = Patch{Height: 28, Width: 28, Channels: 1, Patch: 4, Dim: 128, Depth: 4, Heads: 4}
)

// withDefaults fills in the fields whose 0 has a meaning.
func (p Patch) withDefaults() Patch {
	if p.Ratio == 0 {
		p.Ratio = 4
	}
	if p.Outputs == 0 {
		p.Outputs = p.Channels
	}
	if p.OmegaMin == 0 && p.OmegaMax == 0 {
		p.OmegaMin, p.OmegaMax = 1, 1000
	}
	return p
}

// Check returns an error that names the field when the network cannot be built.
func (p Patch) Check() error {
	p = p.withDefaults()
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("nets.Patch: "+format+fmt.Sprintf(" (in %+v)", p), args...)
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"Height", p.Height}, {"Width", p.Width}, {"Channels", p.Channels}, {"Outputs", p.Outputs}, {"Patch", p.Patch}, {"Dim", p.Dim}, {"Depth", p.Depth},
		{"Heads", p.Heads}, {"Ratio", p.Ratio}} {
		if f.value < 1 {
			return wrong("%s = %d, expected 1 or more", f.name, f.value)
		}
	}
	switch {
	case p.Height%p.Patch != 0 || p.Width%p.Patch != 0:
		return wrong("images of %d × %d do not divide into patches of %d × %d; choose a Patch that divides both", p.Height, p.Width, p.Patch, p.Patch)
	case p.Dim%p.Heads != 0 || p.Dim%4 != 0:
		return wrong("Dim = %d, expected a multiple of 4 and of Heads = %d", p.Dim, p.Heads)
	case p.Classes < 0:
		return wrong("Classes = %d, expected the number of classes, or 0 for none", p.Classes)
	case p.Halo < 0 || p.Halo > p.Patch:
		return wrong("Halo = %d, expected 0 to Patch = %d", p.Halo, p.Patch)
	case !(0 < p.OmegaMin && p.OmegaMin <= p.OmegaMax):
		return wrong("frequencies from %g to %g, expected 0 < OmegaMin <= OmegaMax", p.OmegaMin, p.OmegaMax)
	}
	return nil
}

func (p Patch) mustCheck() {
	if err := p.Check(); err != nil {
		panic(err)
	}
}

// tokens is the number of patches of an image.
func (p Patch) tokens() int { return p.Height / p.Patch * (p.Width / p.Patch) }

// inputWidth is the number of features that a token sees of the image.
func (p Patch) inputWidth() int {
	side := p.Patch + 2*p.Halo
	return p.Channels * (side*side + 2*len(p.Fourier)*p.Patch*p.Patch)
}

// layers lists the network's affine maps.
func (p Patch) layers() []layer {
	p = p.withDefaults()
	out := p.Patch * p.Patch * p.Outputs
	list := []layer{
		{in: p.inputWidth(), out: p.Dim, bias: true, rows: p.tokens()},
		{in: p.Dim, out: p.Dim, bias: true, rows: 1},
		{in: p.Dim, out: p.Dim, bias: true, rows: 1},
		{in: p.Dim, out: (6*p.Depth + 2) * p.Dim, bias: true, rows: 1},
		{in: p.Dim, out: out, bias: true, rows: p.tokens()},
	}
	if p.Classes > 0 {
		list = append(list, layer{in: p.Classes + 1, out: p.Dim, rows: 1})
	}
	if p.Skip {
		list = append(list, layer{in: p.Dim, out: p.inputWidth(), bias: true, rows: 1}, layer{in: p.inputWidth(), out: out, rows: p.tokens()})
	}
	for range p.Depth {
		list = append(list,
			layer{in: p.Dim, out: 3 * p.Dim, bias: true, rows: p.tokens()},
			layer{in: p.Dim, out: p.Dim, bias: true, rows: p.tokens()},
			layer{in: p.Dim, out: p.Ratio * p.Dim, bias: true, rows: p.tokens()},
			layer{in: p.Ratio * p.Dim, out: p.Dim, bias: true, rows: p.tokens()})
	}
	return list
}

// Parameters returns the number of weights and biases.
func (p Patch) Parameters() int { return parameters(p.layers()) }

// FLOPs returns the floating-point operations of the matrix products for a batch with one time and one label an image, a multiplication and an
// addition as two; a training step takes about three times as many.
func (p Patch) FLOPs(batch int) float64 {
	scores := 4 * float64(p.tokens()) * float64(p.tokens()) * float64(p.Dim) // q kᵀ and its product with v
	return float64(batch) * (flops(p.layers()) + float64(p.Depth)*scores)
}

// String says what the network is, how many weights it has, and how much work one image is.
func (p Patch) String() string {
	return fmt.Sprintf("patch transformer for %d×%d×%d: %d tokens of %d features, %d blocks of %d heads; %s",
		p.Height, p.Width, p.Channels, p.tokens(), p.Dim, p.Depth, p.Heads, cost(p.Parameters(), p.FLOPs(1)))
}

// layer is an affine map of in features to out, applied to that many rows an image.
type layer struct {
	in, out, rows int
	bias          bool
}

func parameters(list []layer) (n int) {
	for _, l := range list {
		n += l.in * l.out
		if l.bias {
			n += l.out
		}
	}
	return n
}

func flops(list []layer) (n float64) {
	for _, l := range list {
		n += 2 * float64(l.in) * float64(l.out) * float64(l.rows)
	}
	return n
}

func cost(parameters int, flops float64) string {
	return fmt.Sprintf("%d parameters, %.4g MFLOP an image", parameters, flops/1e6)
}

// checkInput panics unless x is floats [batch, event…], t follows the time contract for it, and label is [batch] integers, or nil.
func checkInput(network string, x, t, label *graph.Node, event []int, classes int) {
	ok := x.Rank() == len(event)+1 && x.DType().IsFloat()
	for i := 0; ok && i < len(event); i++ {
		ok = x.Shape().Dimensions[i+1] == event[i]
	}
	if !ok {
		panic(fmt.Errorf("nets.%s: x is %s, expected floats [batch, %d, %d, %d]: resize the images, or build a network of their size",
			network, x.Shape(), event[0], event[1], event[2]))
	}
	batch := x.Shape().Dimensions[0]
	n := t.Shape().Size()
	if t.Rank() != x.Rank() || t.DType() != x.DType() || n != t.Shape().Dimensions[0] || n != 1 && n != batch {
		panic(fmt.Errorf("nets.%s: t is %s, expected %s [%d or 1, 1, 1, 1], since x is %s", network, t.Shape(), x.DType(), batch, x.Shape()))
	}
	if label == nil {
		return
	}
	if classes == 0 {
		panic(fmt.Errorf("nets.%s: a label %s for a network with Classes = 0; pass nil, or set Classes", network, label.Shape()))
	}
	if label.Rank() != 1 || !label.DType().IsInt() || label.Shape().Dimensions[0] != batch {
		panic(fmt.Errorf("nets.%s: label is %s, expected integers [%d], since x is %s", network, label.Shape(), batch, x.Shape()))
	}
}
