package nets

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// Patch is a transformer on the patches of an image, for a denoiser: a function of x [batch, Height, Width, Channels], a time t
// and perhaps a class or a caption, with a result of x's shape (or with Outputs channels). All its work is matrix products and entrywise functions that can be
// differentiated twice, so that a training step of it runs inside a loop of XLA.
//
// Each Patch × Patch patch becomes one token of Dim features, plus the fixed features of its place (PatchPositions). Depth blocks follow:
//
//	x ← x + g₁ ⊙ attention(norm(x)⊙(1+s₁) + b₁)
//	x ← x + g₂ ⊙ mlp(norm(x)⊙(1+s₂) + b₂),  mlp of Dim → Ratio·Dim → Dim
//
// and last norm(x)⊙(1+s) + b and a product back to the pixels. The shifts b, scales s and gates g are affine functions of the
// condition, an MLP's features of t plus the class's own or the caption's (Text), and start at 0, as do the weights of the last product. So a new network
// returns 0 for every input.
//
// Source: Peebles and Xie 2023, "Scalable diffusion models with transformers", section 3.2 (adaLN-Zero).
type Patch struct {
	Height, Width, Channels int        // of the image
	Outputs                 int        // channels of the result; 0 means Channels
	Patch                   int        // side of a patch, in pixels; divides Height and Width
	Dim, Depth, Heads       int        // features of a token, a multiple of 4 and of Heads; blocks; attention heads
	Ratio                   int        // hidden width of a block's MLP in units of Dim; 0 means 4
	Classes                 int        // number of classes, 0 for none; the label Classes stands for "no class"
	Caption                 Vocabulary // of captions, in place of classes; the zero Vocabulary for none

	// OmegaMin and OmegaMax are the angular frequencies of TimeEmbedding for t; both 0 means 1 to 1000, for t in [0, 1].
	OmegaMin, OmegaMax float64

	// Halo is the number of pixels around its patch that a token also sees, 0 to Patch.
	Halo int
	// Fourier holds exponents n: a token also sees sin(2ⁿπx) and cos(2ⁿπx) of its pixels, in which small changes of x are
	// large, each times a function of the condition that starts at 0. Source: Kingma et al. 2021, "Variational diffusion models", section 4.1 and appendix C.
	Fourier []int
	// Skip gives the last product the token's inputs too, scaled by a function of the condition.
	Skip bool
}

// Apply builds the network on x [batch, Height, Width, Channels] at times t [batch or 1, 1, 1, 1], with the weights in scope. y holds
// one label a row, integers [batch] from 0 to Classes, or the words of one caption a row, integers [batch, Caption.Length]; nil means no
// class, or no words. A label outside that range counts as a zero vector.
//
// It panics when the Patch is not a valid one (see Check), when x is not floats of its image size, when t does not follow the time
// contract, and when y is not such integers, has another batch than x, or there are neither classes nor captions.
func (p Patch) Apply(scope *model.Scope, x, t, y *graph.Node) *graph.Node {
	p = p.withDefaults()
	p.mustCheck()
	p.condition().checkInput("Patch", x, t, y, p.Height, p.Width, p.Channels)
	batch := x.Shape().Dimensions[0]
	c := p.condition().features(scope, x, t, y)
	inputs := p.inputs(scope, x, c)
	h := p.embed(scope.In("embed"), inputs, batch)
	mod := p.modulations(scope.In("modulation"), c)
	for l := range p.Depth {
		h = p.block(scope.In("block_%d", l+1), h, mod[6*l:6*l+6])
	}
	h = modulate(layerNorm(h), mod[6*p.Depth], mod[6*p.Depth+1])
	h = graph.Reshape(h, batch*p.tokens(), p.Dim)
	out := p.Patch * p.Patch * p.Outputs
	rows := dense(scope.In("head"), h, Zero, out)
	if p.Skip {
		rows = graph.Add(rows, p.skip(scope.In("skip"), inputs, c, out))
	}
	return unpatch(rows, batch, p.Height, p.Width, p.Outputs, p.Patch)
}

// inputs returns what each token sees, [batch·tokens, p.inputWidth()]. Each of the sines and cosines is multiplied by an affine
// function of the condition that starts at 0, since all but the slowest are noise where x is noisy.
func (p Patch) inputs(scope *model.Scope, x, c *graph.Node) *graph.Node {
	seen := tokens(withHalo(patches(x, p.Patch), p.Halo))
	if len(p.Fourier) == 0 {
		return seen
	}
	waves := fourier(x, p.Fourier)
	gates := dense(scope.In("gates"), c, Zero, waves.Shape().Dim(-1))
	waves = graph.Mul(waves, graph.InsertAxes(gates, 1, 1))
	return graph.Concatenate([]*graph.Node{seen, tokens(patches(waves, p.Patch))}, -1)
}

// embed returns the tokens [batch, tokens, Dim], with the features of their places.
func (p Patch) embed(scope *model.Scope, inputs *graph.Node, batch int) *graph.Node {
	h := graph.Reshape(dense(scope, inputs, GlorotUniform, p.Dim), batch, p.tokens(), p.Dim)
	places := PatchPositions(p.Height/p.Patch, p.Width/p.Patch, p.Dim)
	return graph.Add(h, graph.ConstAsDType(h.Graph(), h.DType(), [][][]float64{places}))
}

// modulations returns the 6·Depth + 2 shifts, scales and gates [batch or 1, 1, Dim] of all blocks and the head, from one product.
func (p Patch) modulations(scope *model.Scope, c *graph.Node) []*graph.Node {
	n := 6*p.Depth + 2
	all := dense(scope, c, Zero, n*p.Dim)
	mod := make([]*graph.Node, n)
	for i := range mod {
		mod[i] = graph.InsertAxes(graph.SliceAxis(all, 1, graph.AxisRange(i*p.Dim, (i+1)*p.Dim)), 1)
	}
	return mod
}

// block is one block on h [batch, tokens, Dim]; mod holds shift, scale and gate of the attention and of the MLP.
func (p Patch) block(scope *model.Scope, h *graph.Node, mod []*graph.Node) *graph.Node {
	d := h.Shape().Dimensions
	rows := func(x *graph.Node) *graph.Node { return graph.Reshape(x, d[0]*d[1], d[2]) }
	back := func(x *graph.Node) *graph.Node { return graph.Reshape(x, d...) }
	a := attention(scope.In("attention"), rows(modulate(layerNorm(h), mod[0], mod[1])), d[0], p.Heads, GlorotUniform)
	h = graph.Add(h, graph.Mul(mod[2], back(a)))
	m := dense(scope.In("mlp_1"), rows(modulate(layerNorm(h), mod[3], mod[4])), GlorotUniform, p.Ratio*p.Dim)
	m = dense(scope.In("mlp_2"), swish(m), GlorotUniform, p.Dim)
	return graph.Add(h, graph.Mul(mod[5], back(m)))
}

// modulate returns x⊙(1+scale) + shift.
func modulate(x, shift, scale *graph.Node) *graph.Node {
	return graph.Add(graph.Mul(x, graph.OnePlus(scale)), shift)
}

// skip returns the inputs times a function of the condition, and times weights that start at 0.
func (p Patch) skip(scope *model.Scope, inputs, c *graph.Node, out int) *graph.Node {
	width := inputs.Shape().Dim(-1)
	scale := graph.OnePlus(dense(scope.In("scale"), c, Zero, width))
	rows := graph.Reshape(inputs, -1, p.tokens(), width)
	scaled := graph.Reshape(graph.Mul(rows, graph.InsertAxes(scale, 1)), -1, width)
	return linear(scope, scaled, Zero, out)
}
