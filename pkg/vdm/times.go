package vdm

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// TimeLaw draws where in the range of times each example of a batch is looked at: u in [0, 1), 0 at the first latent and
// 1 at the last, and 1/r(u) with r the density of u. Both have the shape dims, the batch first.
type TimeLaw func(src noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (u, inverse *Node)

// Uniform draws each u by itself, from U[0, 1).
func Uniform(src noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (u, inverse *Node) {
	u = src.RandomUniform(g, shapes.Make(dtype, dims...))
	return u, OnesLike(u)
}

// Stratified draws one u for the batch, and gives example i of n the remainder of u + i/n: each is U[0, 1), and
// together they fill the range evenly (Kingma et al. 2021, appendix I.1).
func Stratified(src noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (u, inverse *Node) {
	one := make([]int, len(dims))
	for i := range one {
		one[i] = 1
	}
	shape := shapes.Make(dtype, dims...)
	u = Add(src.RandomUniform(g, shapes.Make(dtype, one...)), MulScalar(Iota(g, shape, 0), 1/float64(dims[0])))
	u = Sub(u, Floor(u))
	return u, OnesLike(u)
}

// Part is a law on [0, 1) by its inverse distribution function and its density.
type Part struct{ Quantile, Density func(u *Node) *Node }

// Flat is U[0, 1).
var Flat = Part{func(u *Node) *Node { return u }, OnesLike}

// Cosine is the law of t under which λ is drawn as by the cosine schedule, cut to [min, max], for a process whose
// log-SNR falls linearly from max to min nats over the range of times:
//
//	λ = −2 log tan(πv/2), v uniform; density of λ sech(λ/2)/2π, before the cut
//
// (Nichol and Dhariwal 2021; Kingma and Gao 2023, "Understanding diffusion objectives as the ELBO", table 1).
func Cosine(max, min float64) Part {
	place := func(lambda float64) float64 { return 2 / math.Pi * math.Atan(math.Exp(-lambda/2)) } // v of λ
	from, to := place(max), place(min)
	return Part{
		Quantile: func(u *Node) *Node {
			half := MulScalar(AddScalar(MulScalar(u, to-from), from), math.Pi/2) // πv/2
			lambda := MulScalar(Log(Div(Cos(half), Sin(half))), 2)
			return ClipScalar(MulScalar(AddScalar(Neg(lambda), max), 1/(max-min)), 0, 1)
		},
		Density: func(u *Node) *Node {
			half := MulScalar(AddScalar(MulScalar(u, min-max), max), 0.5) // λ/2
			sech := MulScalar(Reciprocal(Add(Exp(half), Exp(Neg(half)))), 2)
			return MulScalar(sech, (max-min)/(2*math.Pi*(to-from)))
		},
	}
}

// Mix draws from the parts with equal shares: the places of base, cut into equal intervals, go one interval to each part,
// so that a stratified base stays stratified. The density is the parts' mean, so that with n parts, one of them Flat, the
// importance weight 1/r is at most n.
func Mix(base TimeLaw, parts ...Part) TimeLaw {
	return func(src noise.Source, g *Graph, dtype dtypes.DType, dims ...int) (u, inverse *Node) {
		v, inverse := base(src, g, dtype, dims...)
		place := MulScalar(v, float64(len(parts)))
		u, density := ZerosLike(v), ZerosLike(v)
		for i, part := range parts {
			own := AddScalar(place, -float64(i))
			u = Where(GreaterOrEqual(own, ZerosLike(own)), part.Quantile(ClipScalar(own, 0, 1)), u)
		}
		for _, part := range parts {
			density = Add(density, MulScalar(part.Density(u), 1/float64(len(parts))))
		}
		return u, Div(inverse, density)
	}
}
