package sde

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/internal/mathx"
)

// Ito is dx = Drift(x, t) dt + Diffusion(x, t) dw in Itô's sense, with noise that may depend on the state. Diffusion is
// diagonal: entry i multiplies dw_i and depends on x_i alone. Unlike an SDE it has no Reverse here, which would need ∇·(gg^T).
type Ito struct {
	Drift, Diffusion func(x, t *Node) *Node
}

// Ito returns s as an equation whose noise does not depend on the state. For an ODE its Diffusion is 0.
func (s SDE) Ito() Ito {
	return Ito{Drift: s.Drift, Diffusion: func(x, t *Node) *Node {
		if s.Diffusion == nil {
			return ZerosLike(t)
		}
		return s.Diffusion(t)
	}}
}

// Euler is the Rule of Euler and Maruyama,
//
//	x + f(x,t)(u−t) + g(x,t) dw
//
// of strong order ½, and 1 where g does not depend on x (Kloeden and Platen 1992, section 10.2).
func (s Ito) Euler(x, t, u, dw *Node) *Node {
	return Add(SDE{Drift: s.Drift}.Step(x, t, u).Mean, Mul(s.Diffusion(x, t), dw))
}

// Milstein is the Rule
//
//	x + f(x,t)(u−t) + g(x,t) dw + ½ g ∂g/∂x (dw² − |u−t|)
//
// of strong order 1, by the next term of Itô's formula (Kloeden and Platen 1992, equation 10.3.12). Where g does not depend on x
// it is Euler's.
func (s Ito) Milstein(x, t, u, dw *Node) *Node {
	free := mathx.Free(x)
	g := Add(s.Diffusion(free, t), ZerosLike(x))
	slope := Gradient(ReduceAllSum(g), free)[0]
	second := Sub(Square(dw), Abs(Sub(u, t)))
	return Add(s.Euler(x, t, u, dw), MulScalar(Mul(Mul(g, slope), second), 0.5))
}

// GeometricBrownian is dx = Mu x dt + Sigma x dw, the price of a stock that grows at the rate Mu and shakes in proportion to
// itself (Black and Scholes 1973, "The pricing of options and corporate liabilities"; Kloeden and Platen 1992, equation 4.4.6).
// Mu and Sigma² are per unit of time.
type GeometricBrownian struct{ Mu, Sigma float64 }

// Ito returns the equation.
func (b GeometricBrownian) Ito() Ito {
	return Ito{
		Drift:     func(x, _ *Node) *Node { return MulScalar(x, b.Mu) },
		Diffusion: func(x, _ *Node) *Node { return MulScalar(x, b.Sigma) },
	}
}

// Solve is the exact Rule, x exp(Mu (u−t) − ½Sigma²|u−t| + Sigma dw): the ½Sigma² is Itô's, for log x curves.
func (b GeometricBrownian) Solve(x, t, u, dw *Node) *Node {
	dt := Sub(u, t)
	growth := Sub(MulScalar(dt, b.Mu), MulScalar(Abs(dt), b.Sigma*b.Sigma/2))
	return Mul(x, Exp(Add(growth, MulScalar(dw, b.Sigma))))
}

// Mean returns E[x_t|x_0 = x] = x e^{Mu t}, of x's shape, for t [1, …, 1].
func (b GeometricBrownian) Mean(x, t *Node) *Node { return Mul(x, Exp(MulScalar(t, b.Mu))) }

// Variance returns Var[x_t|x_0 = x] = x² e^{2 Mu t}(e^{Sigma² t} − 1), of x's shape, for t [1, …, 1].
func (b GeometricBrownian) Variance(x, t *Node) *Node {
	return Mul(Square(b.Mean(x, t)), mathx.Expm1(MulScalar(t, b.Sigma*b.Sigma)))
}

// Particle returns dx = √(2d) dw, a particle in a fluid with the diffusion constant d, in units of x² per unit of time: each
// coordinate has E(x_t − x_0)² = 2dt (Einstein 1905, "Über die von der molekularkinetischen Theorie der Wärme geforderte Bewegung").
// It panics unless d is positive and finite.
func Particle(d float64) SDE {
	if !(d > 0) || math.IsInf(d, 1) {
		panic(fmt.Errorf("sde.Particle: diffusion constant %g, expected a positive number", d))
	}
	return SDE{
		Drift:     func(x, _ *Node) *Node { return ZerosLike(x) },
		Diffusion: func(t *Node) *Node { return AddScalar(ZerosLike(t), math.Sqrt(2*d)) },
	}
}
