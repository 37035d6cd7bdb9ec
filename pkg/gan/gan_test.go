package gan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/dist"
	"github.com/lowerbound-ml/lowerbound/pkg/gan"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

// TestE101 reads the package: it samples, and nothing that it exports is a likelihood.
func TestE101(t *testing.T) {
	t.Run("E10.1 no type is a dist.LogProber", func(t *testing.T) {
		prober := reflect.TypeFor[dist.LogProber]()
		for _, typ := range []reflect.Type{reflect.TypeFor[gan.GAN](), reflect.TypeFor[gan.Config](), reflect.TypeFor[*gan.Model](), reflect.TypeFor[gan.Response]()} {
			check.T(t).True("E10.1 "+typ.String(), !typ.Implements(prober), "has no LogProb")
			_, samples := typ.MethodByName("Sample")
			check.T(t).True("E10.1 a model samples", samples == (typ.Name() == "GAN" || typ.Kind() == reflect.Pointer), typ.String())
		}
	})
	t.Run("E10.1 no exported name speaks of a likelihood", func(t *testing.T) {
		files, err := filepath.Glob("*.go")
		if err != nil {
			t.Fatal(err)
		}
		names := 0
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Name.IsExported() {
					names++
					lower := strings.ToLower(f.Name.Name)
					check.T(t).True("E10.1 "+f.Name.Name, !strings.Contains(lower, "prob") && !strings.Contains(lower, "likelihood"), "is no likelihood")
				}
			}
		}
		check.T(t).Less("E10.1 functions that were read", 20, float64(names))
	})
}

// affine is the critic a·x of x [n, d].
func affine(a ...float64) func(x *Node) *Node {
	return func(x *Node) *Node { return ReduceSum(Mul(x, Const(x.Graph(), [][]float64{a})), -1) }
}

func TestPenalty(t *testing.T) {
	points := [][]float64{{.3, -1.2}, {2, .7}, {-1, -1}}
	of := func(d func(x *Node) *Node, norm float64) float64 {
		return backendtest.Floats(t, func(x *Node) *Node { return gan.Penalty(d, x, norm) }, points)[0]
	}
	c := check.T(t)
	c.Near("a plane of slope 5, norm 1", of(affine(3, -4), 1), 16, a64)
	c.Near("and norm 0", of(affine(3, -4), 0), 25, a64)
	half := func(x *Node) *Node { return MulScalar(ReduceSum(Square(x), -1), .5) } // whose slope is x
	want := [2]float64{}
	for _, p := range points {
		r := math.Hypot(p[0], p[1])
		want[0], want[1] = want[0]+r*r/3, want[1]+(r-1)*(r-1)/3
	}
	c.Near("a parabola, norm 0", of(half, 0), want[0], a64)
	c.Near("and norm 1", of(half, 1), want[1], a64)
	c.Near("a flat critic, norm 1", of(func(x *Node) *Node { return ReduceSum(ZerosLike(x), -1) }, 1), 1, 1e-5)
	// The penalty of θ·half has the gradient E 2(θr − 1)r in θ: a second derivative of the critic.
	got := backendtest.Floats(t, func(x, theta *Node) *Node {
		d := func(x *Node) *Node { return Mul(theta, half(x)) }
		return Gradient(gan.Penalty(d, x, 1), theta)[0]
	}, points, 1.7)[0]
	slope := 0.
	for _, p := range points {
		r := math.Hypot(p[0], p[1])
		slope += 2 * (1.7*r - 1) * r / 3
	}
	c.Near("its gradient in the critic's weight", got, slope, 1e-9)
}

func TestBetween(t *testing.T) {
	got := backendtest.Floats(t, func(x, y *Node) *Node {
		return gan.Between(noise.Fixed(Const(x.Graph(), [][]float64{{.25}, {1}})), x, y)
	}, [][]float64{{4, 8}, {1, 2}}, [][]float64{{0, 0}, {5, 5}})
	check.T(t).Near("one u for each row, on the data's side", got, []float64{1, 2, 1, 2}, 0)
}

// dirac is the game of data at 0, G(z) = θ and D's logit ψx (Mescheder et al. 2018, definition 2.1).
func dirac(loss gan.Loss, penalty float64, psi, theta *Node) gan.GAN {
	return gan.GAN{Loss: loss, Penalty: penalty,
		D: func(x *Node) *Node { return Mul(psi, Reshape(x, -1)) },
		G: func(z *Node) *Node { return Add(theta, ZerosLike(z)) }}
}

func TestGAN(t *testing.T) {
	const psi, theta = .8, -.6
	data := [][]float64{{0}}
	grads := func(loss gan.Loss, penalty float64) []float64 {
		return backendtest.Floats(t, func(x, psi, theta *Node) *Node {
			m := dirac(loss, penalty, psi, theta)
			d, g := m.DLoss(noise.Fixed(MulScalar(OnesLike(x), .25)), x, ZerosLike(x)), m.GLoss(ZerosLike(x))
			out := []*Node{d, g}
			for _, l := range []*Node{d, g} {
				out = append(out, Gradient(l, psi, theta)...)
			}
			return Stack(out, 0)
		}, data, psi, theta)
	}
	sigma := 1 / (1 + math.Exp(-psi*theta))
	c := check.T(t)
	// D: log 2 + log(1 + e^ψθ). G: log(1 − σ(ψθ)). No gradient of D's loss in θ.
	c.Near("minimax", grads(gan.Minimax, 0), []float64{math.Ln2 - math.Log(1-sigma), math.Log(1 - sigma), sigma * theta, 0, -sigma * theta, -sigma * psi}, a64)
	c.Near("non-saturating", grads(gan.NonSaturating, 0), []float64{math.Ln2 - math.Log(1-sigma), -math.Log(sigma), sigma * theta, 0, (sigma - 1) * theta, (sigma - 1) * psi}, a64)
	c.Near("with a penalty λψ² at the data", grads(gan.NonSaturating, .7)[:4],
		[]float64{math.Ln2 - math.Log(1-sigma) + .7*psi*psi, -math.Log(sigma), sigma*theta + 1.4*psi, 0}, a64)
	c.Near("Wasserstein, with λ(|ψ| − 1)²", grads(gan.Wasserstein, 10), []float64{psi*theta + 10*.04, -psi * theta, theta - 20*.2, 0, -theta, -psi}, a64)
	// Where the penalty is taken matters: ψx² has the slope 2ψx, at u·0 + (1−u)θ with u = ¼.
	at := backendtest.Floats(t, func(x, psi, theta *Node) *Node {
		m := dirac(gan.Wasserstein, 10, psi, theta)
		m.D = func(x *Node) *Node { return Mul(psi, Reshape(Square(x), -1)) }
		return m.DLoss(noise.Fixed(MulScalar(OnesLike(x), .25)), x, ZerosLike(x))
	}, data, psi, theta)
	c.Near("Wasserstein's penalty lies between", at, psi*theta*theta+10*math.Pow(2*psi*.75*math.Abs(theta)-1, 2), a64)
}

// TestDiracGAN holds that gradient steps of both players at once circle outward, by exactly 1 + η²σ(ψθ)² in the squared distance from
// the equilibrium, and that a penalty at the data brings them in.
func TestDiracGAN(t *testing.T) {
	walk := func(penalty float64, steps int) (radius []float64, factor []float64) {
		exec := MustNewExec(backendtest.Open(t), func(x, psi, theta *Node) (*Node, *Node) {
			m := dirac(gan.Minimax, penalty, psi, theta)
			z := ZerosLike(x)
			return Gradient(m.DLoss(noise.Fixed(), x, z), psi)[0], Gradient(m.GLoss(z), theta)[0]
		})
		defer exec.Finalize()
		psi, theta := 1., .5
		for range steps {
			out := exec.MustCall([][]float64{{0}}, psi, theta)
			const rate = .3
			sigma := 1 / (1 + math.Exp(-psi*theta))
			radius, factor = append(radius, psi*psi+theta*theta), append(factor, 1+rate*rate*sigma*sigma)
			psi, theta = psi-rate*check.Floats(out[0])[0], theta-rate*check.Floats(out[1])[0]
		}
		return radius, factor
	}
	radius, factor := walk(0, 60)
	for i := range radius[1:] {
		check.T(t).Near("E10.6 simultaneous steps leave the equilibrium", radius[i+1], radius[i]*factor[i], 1e-12)
	}
	damped, _ := walk(.5, 60)
	check.T(t).Less("E10.6 with a penalty at the data they come in", damped[59], 1e-3*damped[0])
	check.T(t).Less("E10.6 and without they are far out", 3*radius[0], radius[59])
}

func TestBuilderErrors(t *testing.T) {
	flat := func(x *Node) *Node { return Reshape(x, -1) }
	wide := gan.GAN{D: func(x *Node) *Node { return x }, G: func(z *Node) *Node { return z }}
	for want, f := range map[string]func(x *Node) *Node{
		"gan.GAN.GLoss: D of x (Float64)[3, 1] has shape (Float64)[3, 1], expected [3]": wide.GLoss,
		"gan.GAN.DLoss: D of x":                 func(x *Node) *Node { return wide.DLoss(noise.Fixed(), x, x) },
		"gan.Penalty: D of x":                   func(x *Node) *Node { return gan.Penalty(wide.D, x, 0) },
		"gan.Loss.Generator: Loss(3)":           func(x *Node) *Node { return gan.Loss(3).Generator(x) },
		"gan.Loss.Discriminator: Loss(-1)":      func(x *Node) *Node { return gan.Loss(-1).Discriminator(x, x) },
		"gan.Between: data of shape":            func(x *Node) *Node { return gan.Between(noise.Fixed(), x, Concatenate([]*Node{x, x}, 1)) },
		"gan.GAN.DLoss: the data have shape":    func(x *Node) *Node { return gan.GAN{D: flat, G: flat}.DLoss(noise.Fixed(), x, x) },
		"gan.GAN.DLoss: the data have shape (F": func(x *Node) *Node { return gan.GAN{D: flat, G: flat}.DLoss(noise.Fixed(), Reshape(x, 1, 3), x) },
	} {
		wants(t, backendtest.Err(t, f, column(1, 2, 3)), want)
	}
}

func TestBestErrors(t *testing.T) {
	one := gan.Points{X: column(1)}
	for text, err := range map[string]func() error{
		"0 points of the data": func() error { _, err := gan.Best(gan.Linear, gan.Points{}, one); return err },
		"1 points of the fakes with 2 weights": func() error {
			_, err := gan.Best(gan.Linear, one, gan.Points{X: column(1), W: []float64{1, 2}})
			return err
		},
		"point 1 of the data is [2 3]": func() error { _, err := gan.Best(gan.Linear, gan.Points{X: [][]float64{{1}, {2, 3}}}, one); return err },
		"point 1 of the data is [3] with weight 1, expected 2 finite numbers": func() error {
			product := func(x []float64) []float64 { return []float64{x[0] * x[1]} }
			_, err := gan.Best(product, gan.Points{X: [][]float64{{1, 2}, {3}}}, one)
			return err
		},
		"the data have 1 numbers and the fakes 2": func() error {
			first := func(x []float64) []float64 { return x[:1] }
			_, err := gan.Best(first, one, gan.Points{X: [][]float64{{1, 2}}})
			return err
		},
		"is [NaN] with weight 1": func() error { _, err := gan.Best(gan.Linear, gan.Points{X: column(math.NaN())}, one); return err },
		"is [1] with weight -1": func() error {
			_, err := gan.Best(gan.Linear, gan.Points{X: column(1), W: []float64{-1}}, one)
			return err
		},
		"sum to 0": func() error {
			_, err := gan.Best(gan.Linear, gan.Points{X: column(1), W: []float64{0}}, one)
			return err
		},
		"1 features and the fakes 2": func() error {
			uneven := func(x []float64) []float64 { return make([]float64, int(x[0])) }
			_, err := gan.Best(uneven, one, gan.Points{X: column(2)})
			return err
		},
	} {
		wants(t, err(), "gan.Best: ", text)
	}
}

// TestBestParted holds what comes of points that a line parts: V and the accuracy end at their limits.
func TestBestParted(t *testing.T) {
	r, err := gan.Best(gan.Linear, gan.Points{X: column(1, 2, 5)}, gan.Points{X: column(-1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	check.T(t).Near("V", r.Value, 0, 1e-9)
	check.T(t).Near("the accuracy", r.Accuracy, 1, 0)
}

// TestBestWeights holds weights against repeated points, and the accuracy of a D with a logit of 0.
func TestBestWeights(t *testing.T) {
	weighted, err := gan.Best(gan.Linear, gan.Points{X: column(0, 1), W: []float64{3, 1}}, gan.Points{X: column(2, 0), W: []float64{.2, .1}})
	if err != nil {
		t.Fatal(err)
	}
	repeated, err := gan.Best(gan.Linear, gan.Points{X: column(0, 0, 1, 0)}, gan.Points{X: column(2, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	c := check.T(t)
	c.Near("the weights of D", weighted.Weights, repeated.Weights, 1e-8)
	c.Near("the accuracy", []float64{weighted.Accuracy, repeated.Accuracy}, (.75+2./3)/2, a64)
	c.Near("the slope at the best", weighted.Gradient, 0, 1e-10)
	blind, err := gan.Best(gan.Blind, gan.Points{X: column(0, 1)}, gan.Points{X: column(7)})
	if err != nil {
		t.Fatal(err)
	}
	c.Near("a logit of 0 is half right", blind.Accuracy, .5, 0)
	c.Near("quadratic features", gan.Quadratic([]float64{2, 3}), []float64{2, 3, 4, 6, 9}, 0)
}
