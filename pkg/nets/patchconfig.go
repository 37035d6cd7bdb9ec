package nets

import "fmt"

// The presets of Patch: the number is the side of the image, the weights are listed by String.
var (
	// PatchTiny is for tests.
	PatchTiny = Patch{Height: 4, Width: 4, Channels: 1, Patch: 2, Dim: 8, Depth: 2, Heads: 2}
	// PatchDigits is for the 8 × 8 digits.
	PatchDigits = Patch{Height: 8, Width: 8, Channels: 1, Patch: 2, Dim: 64, Depth: 3, Heads: 4}
	// PatchFashion is for 28 × 28 images of 256 levels in [−1, 1]: one level is half a turn of the fastest wave.
	PatchFashion = Patch{Height: 28, Width: 28, Channels: 1, Patch: 4, Dim: 128, Depth: 4, Heads: 4,
		Fourier: []int{2, 4, 6, 7}, Skip: true}
)

// withDefaults fills in the fields whose 0 has a meaning.
func (p Patch) withDefaults() Patch {
	if p.Ratio == 0 {
		p.Ratio = 4
	}
	if p.Outputs == 0 {
		p.Outputs = p.Channels
	}
	p.OmegaMin, p.OmegaMax = frequencies(p.OmegaMin, p.OmegaMax)
	return p
}

// Check returns an error that names the field when the network cannot be built.
func (p Patch) Check() error {
	p = p.withDefaults()
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("nets.Patch: %s (in %+v)", fmt.Sprintf(format, args...), patchFields(p))
	}
	if name, value := tooSmall(count{"Height", p.Height}, count{"Width", p.Width}, count{"Channels", p.Channels}, count{"Patch", p.Patch},
		count{"Dim", p.Dim}, count{"Depth", p.Depth}, count{"Heads", p.Heads}, count{"Ratio", p.Ratio}); name != "" {
		return wrong("%s = %d, expected 1 or more", name, value)
	}
	switch {
	case p.Height%p.Patch != 0 || p.Width%p.Patch != 0:
		return wrong("images of %d × %d do not divide into patches of %d × %d; choose a Patch that divides both", p.Height, p.Width, p.Patch, p.Patch)
	case p.Dim%p.Heads != 0 || p.Dim%4 != 0:
		return wrong("Dim = %d, expected a multiple of 4 and of Heads = %d", p.Dim, p.Heads)
	case p.Halo < 0 || p.Halo > p.Patch:
		return wrong("Halo = %d, expected 0 to Patch = %d", p.Halo, p.Patch)
	}
	return p.condition().check("Patch")
}

// patchFields prints its fields, where Patch has a String of its own.
type patchFields Patch

// condition is an MLP's features of t, Dim of them.
func (p Patch) condition() condition {
	return condition{dim: p.Dim, classes: p.Classes, text: Text{p.Caption, p.Dim, p.Heads}, omegaMin: p.OmegaMin, omegaMax: p.OmegaMax}
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
	list := append(p.condition().layers(),
		layer{in: p.inputWidth(), out: p.Dim, bias: true, rows: p.tokens()},
		layer{in: p.Dim, out: (6*p.Depth + 2) * p.Dim, bias: true, rows: 1},
		layer{in: p.Dim, out: out, bias: true, rows: p.tokens()})
	if len(p.Fourier) > 0 {
		list = append(list, layer{in: p.Dim, out: 2 * len(p.Fourier) * p.Channels, bias: true, rows: 1})
	}
	if p.Skip {
		list = append(list, layer{in: p.Dim, out: p.inputWidth(), bias: true, rows: 1}, layer{in: p.inputWidth(), out: out, rows: p.tokens()})
	}
	for range p.Depth {
		list = append(append(list, attentionLayers(p.Dim, p.tokens())...),
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
	return float64(batch) * (flops(p.layers()) + float64(p.Depth)*scoreFLOPs(p.tokens(), p.Dim) + p.condition().scores())
}

// String says what the network is, how many weights it has, and how much work one image is.
func (p Patch) String() string {
	return fmt.Sprintf("patch transformer for %d×%d×%d: %d tokens of %d features, %d blocks of %d heads; %s",
		p.Height, p.Width, p.Channels, p.tokens(), p.Dim, p.Depth, p.Heads, cost(p.Parameters(), p.FLOPs(1)))
}
