package nets

import "fmt"

// The presets of UNet.
var (
	// UNetTiny is for tests.
	UNetTiny = UNet{Height: 4, Width: 4, Channels: 1, Widths: []int{4, 8}, Blocks: 1, AttendFrom: 1, Heads: 2, Groups: 2}
	// UNetDigits is for the 8 × 8 digits.
	UNetDigits = UNet{Height: 8, Width: 8, Channels: 1, Widths: []int{24, 48}, Blocks: 1, AttendFrom: 1, Heads: 4, Groups: 8}
	// UNetFashion is for 28 × 28 images.
	UNetFashion = UNet{Height: 28, Width: 28, Channels: 1, Widths: []int{32, 64, 64}, Blocks: 1, AttendFrom: 2, Heads: 4, Groups: 8}
)

// withDefaults fills in the fields whose 0 has a meaning.
func (u UNet) withDefaults() UNet {
	u.OmegaMin, u.OmegaMax = frequencies(u.OmegaMin, u.OmegaMax)
	if u.Outputs == 0 {
		u.Outputs = u.Channels
	}
	return u
}

// Check returns an error that names the field when the network cannot be built.
func (u UNet) Check() error {
	u = u.withDefaults()
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("nets.UNet: %s (in %+v)", fmt.Sprintf(format, args...), unetFields(u))
	}
	if len(u.Widths) == 0 {
		return wrong("no Widths, expected the channels of one level or more")
	}
	if name, value := tooSmall(count{"Height", u.Height}, count{"Width", u.Width}, count{"Channels", u.Channels}, count{"Outputs", u.Outputs}, count{"Blocks", u.Blocks},
		count{"Heads", u.Heads}, count{"Groups", u.Groups}); name != "" {
		return wrong("%s = %d, expected 1 or more", name, value)
	}
	if side := 1 << (len(u.Widths) - 1); u.Height%side != 0 || u.Width%side != 0 {
		return wrong("images of %d × %d cannot be halved %d times; take fewer levels", u.Height, u.Width, len(u.Widths)-1)
	}
	for l, width := range u.Widths {
		attends := l >= u.AttendFrom || l == len(u.Widths)-1
		if width < 1 || width%u.Groups != 0 || attends && width%u.Heads != 0 {
			return wrong("Widths[%d] = %d, expected a positive multiple of Groups = %d, and of Heads = %d where there is attention",
				l, width, u.Groups, u.Heads)
		}
	}
	return u.condition().check("UNet")
}

func (u UNet) mustCheck() {
	if err := u.Check(); err != nil {
		panic(err)
	}
}

// unetFields prints its fields, where UNet has a String of its own.
type unetFields UNet

// condition is an MLP's features of t, four times as many as the first level has channels.
func (u UNet) condition() condition {
	return condition{dim: 4 * u.Widths[0], classes: u.Classes, text: Text{u.Caption, 4 * u.Widths[0], u.Heads}, omegaMin: u.OmegaMin, omegaMax: u.OmegaMax}
}

// stageKind says what a stage of a UNet does.
type stageKind int

const (
	residual stageKind = iota // residual block
	attend                    // self-attention
	save                      // keep the result for the way up
	join                      // append the last result that was kept
	down                      // halve the image
	up                        // double the image, and convolve
)

// stage is one step of a UNet from in to out channels on images of pixels pixels (those of its result).
type stage struct {
	kind            stageKind
	in, out, pixels int
}

// planner collects the stages; it keeps the width and the level reached.
type planner struct {
	u      UNet
	stages []stage
	width  int
	level  int
	saved  []int
}

func (p *planner) add(kind stageKind, out int) {
	pixels := (p.u.Height >> p.level) * (p.u.Width >> p.level)
	p.stages = append(p.stages, stage{kind, p.width, out, pixels})
	p.width = out
}

// block adds a residual block of the level's width, and the attention that follows it.
func (p *planner) block() {
	p.add(residual, p.u.Widths[p.level])
	if p.level >= p.u.AttendFrom {
		p.add(attend, p.width)
	}
}

// plan lists the stages between the first and the last convolution.
func (u UNet) plan() []stage {
	p := &planner{u: u, width: u.Widths[0]}
	last := len(u.Widths) - 1
	for p.level = 0; p.level <= last; p.level++ {
		for range u.Blocks {
			p.block()
			p.add(save, p.width)
			p.saved = append(p.saved, p.width)
		}
		if p.level < last {
			p.add(down, p.width)
		}
	}
	p.level = last
	p.add(residual, p.width)
	p.add(attend, p.width)
	p.add(residual, p.width)
	for ; p.level >= 0; p.level-- {
		for range u.Blocks {
			p.add(join, p.width+p.saved[len(p.saved)-1])
			p.saved = p.saved[:len(p.saved)-1]
			p.block()
		}
		if p.level > 0 {
			p.level--
			p.add(up, p.width)
			p.level++
		}
	}
	return p.stages
}

// layers lists the network's affine maps; a convolution is one of 9 times as many inputs at each pixel.
func (u UNet) layers() []layer {
	c := u.condition()
	conv := func(in, out, pixels int) layer {
		return layer{in: kernel * kernel * in, out: out, rows: pixels, bias: true}
	}
	all := u.Height * u.Width
	first, last := u.Widths[0], u.withDefaults().Outputs
	list := append(c.layers(), conv(u.Channels, first, all), conv(first, last, all), gains(first))
	for _, s := range u.plan() {
		switch s.kind {
		case residual:
			list = append(list, gains(s.in), conv(s.in, s.out, s.pixels), conv(s.out, s.out, s.pixels),
				layer{in: c.dim, out: 2 * s.out, rows: 1, bias: true})
			if s.in != s.out {
				list = append(list, layer{in: s.in, out: s.out, rows: s.pixels})
			}
		case attend:
			list = append(list, attentionLayers(s.in, s.pixels)...)
		case up:
			list = append(list, conv(s.in, s.out, s.pixels))
		}
	}
	return list
}

// gains is a gain and a bias a channel: weights that no product uses.
func gains(channels int) layer { return layer{in: 1, out: channels, rows: 0, bias: true} }

// Parameters returns the number of weights and biases.
func (u UNet) Parameters() int { return parameters(u.layers()) }

// FLOPs returns the floating-point operations of the matrix products and the convolutions for a batch, as Patch.FLOPs does;
// products with the zeros around an image count.
func (u UNet) FLOPs(batch int) float64 {
	scores := u.condition().scores()
	for _, s := range u.plan() {
		if s.kind == attend {
			scores += scoreFLOPs(s.pixels, s.in)
		}
	}
	return float64(batch) * (flops(u.layers()) + scores)
}

// String says what the network is, how many weights it has, and how much work one image is.
func (u UNet) String() string {
	return fmt.Sprintf("U-Net for %d×%d×%d: channels %v, %d blocks a level, attention from level %d; %s",
		u.Height, u.Width, u.Channels, u.Widths, u.Blocks, u.AttendFrom, cost(u.Parameters(), u.FLOPs(1)))
}
