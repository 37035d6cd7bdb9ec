package nets

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// UNet is a convolutional network for a denoiser: a function of x [batch, Height, Width, Channels], a time t and perhaps a
// class, with a result of x's shape (or with Outputs channels).
//
// Level l = 0, 1, … has images of Height/2ˡ × Width/2ˡ pixels and Widths[l] channels. On the way down each level has Blocks residual blocks,
// on the way up as many, each of which also sees what its counterpart on the way down returned. From level AttendFrom on, and between the two
// ways, self-attention over the pixels follows each block. The residual block is
//
//	x ← W x + conv(swish(norm(conv(swish(norm x)))⊙(1+s) + b)),  s and b affine in the condition
//
// where the last convolution, the one of the network's end and the output product of the attention start at 0: a new network returns 0.
// All convolutions are 3 × 3 with stride 1, levels are joined by averages of 2 × 2 pixels and by repeating them.
//
// Gradients with respect to x exist to second order; GoMLX has none of a gradient in x with respect to the convolutions' weights, so take
// Patch or an MLP where the loss holds a gradient in x.
//
// Source: Ronneberger et al. 2015, "U-Net"; Ho et al. 2020, "Denoising diffusion probabilistic models", appendix B; the norm's
// scale and shift are those of Dhariwal and Nichol 2021, "Diffusion models beat GANs on image synthesis", section 3.1.
type UNet struct {
	Height, Width, Channels int        // of the image; Height and Width divisible by 2^(levels−1)
	Outputs                 int        // channels of the result; 0 means Channels
	Widths                  []int      // channels of each level, multiples of Groups
	Blocks                  int        // residual blocks a level and way
	AttendFrom              int        // first level with attention; len(Widths) or more leaves that of the middle
	Heads, Groups           int        // attention heads, which divide the widths that have attention; groups of the norms
	Classes                 int        // number of classes, 0 for none; the label Classes stands for "no class"
	Caption                 Vocabulary // of captions, in place of classes; the zero Vocabulary for none

	// OmegaMin and OmegaMax are the angular frequencies of TimeEmbedding for t; both 0 means 1 to 1000, for t in [0, 1].
	OmegaMin, OmegaMax float64
}

// Apply builds the network. Arguments and panics are those of Patch.Apply.
func (u UNet) Apply(scope *model.Scope, x, t, y *graph.Node) *graph.Node {
	u = u.withDefaults()
	u.mustCheck()
	u.condition().checkInput("UNet", x, t, y, u.Height, u.Width, u.Channels)
	c := u.condition().features(scope, x, t, y)
	h := convolution(scope.In("first"), x, HeUniform, u.Widths[0])
	var saved []*graph.Node
	for i, s := range u.plan() {
		at := scope.In("stage_%02d", i+1)
		switch s.kind {
		case residual:
			h = u.residual(at, h, c, s.out)
		case attend:
			h = u.attend(at, h)
		case save:
			saved = append(saved, h)
		case join:
			h = graph.Concatenate([]*graph.Node{h, saved[len(saved)-1]}, -1)
			saved = saved[:len(saved)-1]
		case down:
			h = mathx.CellMeans(h, 2)
		case up:
			h = convolution(at, mathx.Enlarge(h, 2), HeUniform, s.out)
		}
	}
	return convolution(scope.In("last"), swish(gainAndBias(scope.In("last_norm"), groupNorm(h, u.Groups))), Zero, u.Outputs)
}

// residual is the residual block on h, with a result of width channels.
func (u UNet) residual(scope *model.Scope, h, c *graph.Node, width int) *graph.Node {
	a := swish(gainAndBias(scope.In("norm"), groupNorm(h, u.Groups)))
	a = convolution(scope.In("conv_1"), a, HeUniform, width)
	mod := graph.InsertAxes(dense(scope.In("modulation"), c, Zero, 2*width), 1, 1)
	shift, scale := graph.SliceAxis(mod, -1, graph.AxisRange(0, width)), graph.SliceAxis(mod, -1, graph.AxisRange(width))
	a = convolution(scope.In("conv_2"), swish(modulate(groupNorm(a, u.Groups), shift, scale)), Zero, width)
	if h.Shape().Dim(-1) != width {
		h = pixelwise(scope.In("shortcut"), h, GlorotUniform, width)
	}
	return graph.Add(h, a)
}

// attend adds self-attention over the pixels to h.
func (u UNet) attend(scope *model.Scope, h *graph.Node) *graph.Node {
	d := h.Shape().Dimensions
	rows := graph.Reshape(groupNorm(h, u.Groups), -1, d[3])
	return graph.Add(h, graph.Reshape(attention(scope, rows, d[0], u.Heads, Zero), d...))
}
