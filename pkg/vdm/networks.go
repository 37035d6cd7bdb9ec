package vdm

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/fit"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
	"github.com/lowerbound-ml/lowerbound/pkg/sampler"
)

// Config is the architecture of a diffusion model of images.
type Config struct {
	Height, Width, Channels int
	Levels                  Levels     // of a pixel, at least 5
	Net                     string     // "patch" or "unet"
	Slabs                   int        // K of SpikeSlab, what the network returns for a pixel; 0: one number a pixel, of kind Kind
	Kind                    param.Kind // with Slabs = 0
	MaxLogSNR, MinLogSNR    float64    // of the log-SNR-linear schedule; both 0 means 13.3 and −5

	// What the model is conditional on, one of these at most; see Condition.
	Classes int             // number of labels; 0 trains without
	Caption nets.Vocabulary // words of captions; the zero Vocabulary trains without
	Coarse  int             // k of a coarse picture whose pixels are means of k × k; 0 trains without
	Drop    float64         // share of a batch whose condition training hides, so that the model also learns to do without
}

// DigitsConfig is the model of the 8 × 8 digits, and FashionConfig that of 28 × 28 images of 256 levels.
var (
	DigitsConfig  = Config{Height: 8, Width: 8, Channels: 1, Levels: 17, Net: "patch", Slabs: 3}
	FashionConfig = Config{Height: 28, Width: 28, Channels: 1, Levels: 256, Net: "patch", Slabs: 3}
)

// String names the architecture and the schedule: it is what makes a checkpoint fit.
func (c Config) String() string {
	c = c.withDefaults()
	head := c.Kind.String()
	if c.Slabs > 0 {
		head = fmt.Sprintf("spike and %d slabs", c.Slabs)
	}
	return fmt.Sprintf("%d×%d×%d, %d levels, %s, %s, log-SNR %g to %g, %d classes%s",
		c.Height, c.Width, c.Channels, c.Levels, c.Net, head, c.MaxLogSNR, c.MinLogSNR, c.Classes, c.conditionName())
}

// Check returns an error that names the field when there is no such model.
func (c Config) Check() error {
	c = c.withDefaults()
	wrong := func(field string, value any, want string) error {
		return fmt.Errorf("vdm.Config: %s = %v, expected %s", field, value, want)
	}
	switch {
	case c.Height < 1 || c.Width < 1 || c.Channels < 1:
		return wrong("Height, Width, Channels", []int{c.Height, c.Width, c.Channels}, "1 or more of each")
	case c.Levels < window:
		return wrong("Levels", int(c.Levels), fmt.Sprintf("%d or more", window))
	case c.Slabs < 0:
		return wrong("Slabs", c.Slabs, "1 or more, or 0 for a head of kind Kind")
	case c.Classes < 0:
		return wrong("Classes", c.Classes, "1 or more, or 0 for none")
	case !(c.MaxLogSNR > c.MinLogSNR) || math.IsInf(c.MaxLogSNR-c.MinLogSNR, 0):
		return wrong("MaxLogSNR, MinLogSNR", []float64{c.MaxLogSNR, c.MinLogSNR}, "a log-SNR that falls, from a finite number to another")
	case c.Net != "patch" && c.Net != "unet":
		return wrong("Net", c.Net, "patch or unet")
	}
	if err := c.checkCondition(); err != nil {
		return err
	}
	return c.Network().Check()
}

// Process returns the schedule, log-SNR linear in t from 0 to 1.
func (c Config) Process() process.Process {
	c = c.withDefaults()
	return process.Process{Schedule: process.LogSNRLinear{Max: c.MaxLogSNR, Min: c.MinLogSNR}, TMin: 0, TMax: 1}
}

func (c Config) withDefaults() Config {
	if c.MaxLogSNR == 0 && c.MinLogSNR == 0 {
		c.MaxLogSNR, c.MinLogSNR = 13.3, -5
	}
	return c
}

// Size returns the numbers of an image, Height·Width·Channels.
func (c Config) Size() int { return c.Height * c.Width * c.Channels }

// Build returns the model in continuous time whose weights lie in scope, between the latents x_1 at TMin, with almost no
// noise, and x_2 = x_T at TMax, with almost nothing else: p(x_0|x_1) is LevelNormal. y is the condition, or nil for none: labels,
// integers [batch] from 0 to Classes, of which Classes is no class; words, integers [batch, Caption.Length] (nets.Vocabulary.Encode);
// or coarse pictures [batch, Height/Coarse, Width/Coarse, Channels] in the model's values between −1 and 1.
// It panics when c is not a valid Config.
func (c Config) Build(scope *model.Scope, y *Node) VDM {
	if err := c.Check(); err != nil {
		panic(fmt.Errorf("vdm.Config.Build: %w", err))
	}
	p := c.Process()
	return VDM{
		ReverseStep: sampler.ReverseStep{Process: p, Denoise: func(xt, t *Node) *Node { return c.denoise(scope, xt, t, y) }},
		Times:       []float64{p.TMin, p.TMax},
		Decode: func(x1 *Node) dist.LogProber {
			t := fillTime(x1, p.TMin)
			return LevelNormal{c.Levels, Div(x1, p.Alpha(t)), p.LogNoiseLevel(t)}
		},
	}
}

// denoise returns E[x₀|x_t, y] by the network.
func (c Config) denoise(scope *model.Scope, xt, t, y *Node) *Node {
	p := c.Process()
	net := func(xt, t *Node) *Node { return c.network(scope.At("denoiser"), xt, t, y) }
	if c.Slabs == 0 {
		return param.Bind(p, c.Kind, net)(xt, t)
	}
	return c.spikeSlab(net(xt, t)).Denoise(xt, p.Alpha(t), p.Sigma(t))
}

// Loss returns what fit.Train minimises: the mean over the batch of ‖ε̂−ε‖²/d by NoiseError. It is the diffusion part of the
// bound, but for a constant factor and more weight where signal and noise are about equal, which decides what samples look
// like. With Classes the second tensor of a batch holds the labels, with Caption the words (nets.Vocabulary.Encode), and with Coarse
// the coarse pictures are made of the images. Drop of the conditions are hidden by guide.Drop.
func (c Config) Loss() fit.Loss {
	return func(scope *model.Scope, batch []*Node) *Node {
		x0 := c.data("Config.Loss", batch[0])
		m := c.Build(scope, c.shown(noise.Finite(scope), c.given(batch, x0)))
		schedule := c.withDefaults()
		o := NoiseError(schedule.MaxLogSNR, schedule.MinLogSNR)
		o.Head = m.head()
		return DivScalar(ReduceAllMean(m.Matching(noise.Finite(scope), x0, o)), float64(c.Size()))
	}
}

// NoiseError is the objective in continuous time, between log-SNRs first > last that are linear in t from 0 to 1, whose value is
// ‖ε̂−ε‖², whatever the head: the weight cancels the density of the times. For one half of them λ is uniform, for the other it
// has the cosine schedule's law, stratified over the batch. It lacks its Head.
func NoiseError(first, last float64) Objective {
	parts := []Part{Flat, Cosine(first, last)}
	return Objective{
		Continuous: true, Times: Mix(Stratified, parts...),
		Weight: func(p process.Process, k param.Kind, _, t *Node) *Node {
			density := ZerosLike(t)
			for _, part := range parts {
				density = Add(density, DivScalar(part.Density(t), float64(len(parts))))
			}
			return Mul(density, Mul(p.SNR(t), Square(param.Slope(k, p.Alpha(t), p.Sigma(t)))))
		},
	}
}

// data returns the images of a batch, intensities [batch, Height, Width, Channels], as levels between −1 and 1.
func (c Config) data(method string, x *Node) *Node {
	d := x.Shape().Dimensions
	if x.Rank() != 4 || d[1] != c.Height || d[2] != c.Width || d[3] != c.Channels {
		panic(fmt.Errorf("vdm.%s: images of shape %s, expected [batch, %d, %d, %d]: take images of that size, as [batch, height, width, "+
			"channels] (Spatial of package datasets), or a Config of theirs", method, x.Shape(), c.Height, c.Width, c.Channels))
	}
	return c.Levels.FromIntensity(x)
}

// outputs is the number of channels that the network returns.
func (c Config) outputs() int {
	if c.Slabs == 0 {
		return c.Channels
	}
	return c.Channels * (1 + 3*c.Slabs)
}

// network applies the network of the preset: a coarse picture lies beside x_t, as further channels.
func (c Config) network(scope *model.Scope, xt, t, y *Node) *Node {
	if c.Coarse == 0 {
		return c.Network().Apply(scope, xt, t, y)
	}
	return c.Network().Apply(scope, Concatenate([]*Node{xt, c.enlarged(xt, y)}, -1), t, nil)
}

// Network returns the network that Net names, for c's images; its String says what it costs. Images of less than 16 pixels
// a side get the digits' presets. It panics when c is not a valid Config.
func (c Config) Network() nets.Denoiser {
	small, channels := c.Height < 16, c.Channels
	if c.Coarse > 0 {
		channels *= 2
	}
	if c.Net == "unet" {
		u := nets.UNetFashion
		if small {
			u = nets.UNetDigits
		}
		u.Height, u.Width, u.Channels, u.Outputs, u.Classes, u.Caption = c.Height, c.Width, channels, c.outputs(), c.Classes, c.Caption
		return u
	}
	p := nets.PatchFashion
	if small {
		p = nets.PatchDigits
	}
	p.Height, p.Width, p.Channels, p.Outputs, p.Classes, p.Caption = c.Height, c.Width, channels, c.outputs(), c.Classes, c.Caption
	p.Halo, p.Skip, p.Fourier = p.Patch/2, true, nil // SpikeSlab knows the levels without waves
	if small {
		p.Halo = p.Patch
	}
	return p
}

// spikeSlab reads the network's output as the law of each pixel. At 0, where training starts, the spike has a third of
// the weight, and the slabs' means lie between −1 and 1.
func (c Config) spikeSlab(out *Node) SpikeSlab {
	part := func(i int) *Node { return SliceAxis(out, -1, AxisRange(i*c.Channels, (i+1)*c.Channels)) }
	law := SpikeSlab{Levels: c.Levels, Spike: part(0)}
	lo, hi := math.Log(0.5/float64(c.Levels)), math.Log(1.0) // of a slab's standard deviation: a quarter of the levels' distance, 1
	for k := range c.Slabs {
		law.Slab = append(law.Slab, part(1+3*k))
		law.Mean = append(law.Mean, AddScalar(part(2+3*k), 2*(float64(k)+0.5)/float64(c.Slabs)-1))
		law.LogStd = append(law.LogStd, AddScalar(MulScalar(Sigmoid(AddScalar(part(3+3*k), 2)), hi-lo), lo))
	}
	return law
}
