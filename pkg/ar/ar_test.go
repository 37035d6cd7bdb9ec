package ar_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"gonum.org/v1/gonum/floats"

	"github.com/lowerbound-ml/lowerbound/pkg/ar"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/nets"
	"github.com/lowerbound-ml/lowerbound/pkg/noise"
)

const pixels = 9 // 3×3 images

// images returns all 512 images; image n has bit i of n, from the highest, as pixel i.
func images() [][]float64 {
	all := make([][]float64, 1<<pixels)
	for n := range all {
		all[n] = make([]float64, pixels)
		for i := range pixels {
			all[n][i] = float64(n >> (pixels - 1 - i) & 1)
		}
	}
	return all
}

// number is the inverse of images.
func number(image []float64) (n int) {
	for _, bit := range image {
		n = 2*n + int(bit)
	}
	return n
}

// network evaluates fn on an untrained MADE with a bias of its own for each pixel.
func network(t *testing.T, fn func(m ar.Model, x *Node) *Node, x any) []float64 {
	t.Helper()
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(5); err != nil {
		t.Fatal(err)
	}
	out, err := model.CallOnce(backendtest.Open(t), store, func(scope *model.Scope, x *Node) *Node {
		return fn(made(scope), x)
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	return check.Floats(out)
}

func made(scope *model.Scope) ar.Model {
	return ar.Model{Logits: func(x *Node) *Node {
		tilt := OnePlus(Iota(x.Graph(), x.Shape(), 1)) // 1 … 9
		logits := nets.MADE(scope.At("made"), x, nets.HeUniform, Tanh, 40, 40)
		return Add(MulScalar(logits, 1.5), MulScalar(Sin(tilt), 0.7))
	}}
}

// law returns the probability of each of the 512 images.
func law(t *testing.T) []float64 {
	t.Helper()
	return network(t, func(m ar.Model, x *Node) *Node { return Exp(m.LogProb(x)) }, images())
}

func TestLikelihood(t *testing.T) {
	p := law(t)
	t.Run("E3.29 the 512 probabilities sum to 1", func(t *testing.T) {
		c := check.T(t)
		c.Near("E3.29 sum over all 3×3 images", floats.Sum(p), 1, 1e-9)
		c.Less("E3.29 and the law is not uniform", 5./512, floats.Max(p))
	})
	t.Run("E3.29 log p is the sum of the logs of the conditionals", func(t *testing.T) {
		c := check.T(t)
		terms := network(t, func(m ar.Model, x *Node) *Node { return m.LogConditionals(x) }, images())
		sums := make([]float64, len(p))
		for n := range sums {
			sums[n] = math.Exp(floats.Sum(terms[n*pixels : (n+1)*pixels]))
		}
		c.Near("E3.29 p(x) = Π p(xᵢ|x_{<i})", sums, p, 1e-9)
		loss := network(t, func(m ar.Model, x *Node) *Node { return m.Loss(x) }, images())
		mean := 0.0
		for _, v := range p {
			mean -= math.Log(v) / float64(len(p))
		}
		c.Near("E3.29 the loss is the mean of −log p", loss[0], mean, 1e-9)
	})
}

// completion returns p(rest|prefix) of every image by enumeration: p(x) over the sum of p over the images that share
// x's first k pixels. Images with one prefix are neighbours in the order of images.
func completion(p []float64, k int) []float64 {
	out, group := make([]float64, len(p)), 1<<(pixels-k)
	for n := range p {
		start := n / group * group
		out[n] = p[n] / floats.Sum(p[start:start+group])
	}
	return out
}

func TestPrefixConditionals(t *testing.T) {
	p := law(t)
	terms := network(t, func(m ar.Model, x *Node) *Node { return m.LogConditionals(x) }, images())
	for k := range pixels + 1 {
		product := make([]float64, len(p))
		for n := range p {
			product[n] = math.Exp(floats.Sum(terms[n*pixels+k : (n+1)*pixels]))
		}
		check.T(t).Near("E3.29 p(rest|prefix) by enumeration", completion(p, k), product, 1e-9)
	}
}

func TestSamples(t *testing.T) {
	const n = 100_000
	p := law(t)
	for _, prefix := range [][]float64{{}, {1, 0, 1, 1}} {
		rows := make([][]float64, n) // what lies behind the prefix must not matter
		for i := range rows {
			rows[i] = append(append([]float64{}, prefix...), []float64{1, 1, 1, 1, 1, 1, 1, 1, 1}[len(prefix):]...)
		}
		flat := network(t, func(m ar.Model, x *Node) *Node {
			return m.Sample(noise.FromSeed(x.Graph(), 3), x, len(prefix))
		}, rows)
		counts := make([]float64, len(p))
		for i := range n {
			counts[number(flat[i*pixels:(i+1)*pixels])]++
		}
		first := number(append(append([]float64{}, prefix...), make([]float64, pixels-len(prefix))...))
		group := 1 << (pixels - len(prefix))
		counts = counts[first : first+group]
		c := check.T(t)
		c.Near("E3.29 every sample keeps the prefix exactly", floats.Sum(counts), n, 0)
		observed, expected := merge(counts, completion(p, len(prefix))[first:first+group], n)
		c.True("E3.29 enough cells", len(observed) > group/2, "cells with 5 expected counts or more")
		c.ChiSquare("E3.29 the rest follows p(rest|prefix)", observed, expected, 1e-6)
	}
}

// merge keeps the cells with an expected count of at least check.MinExpected, and puts the others in one.
func merge(counts, p []float64, n float64) (observed, expected []float64) {
	observed, expected = []float64{0}, []float64{0}
	for i := range p {
		if n*p[i] < check.MinExpected {
			observed[0] += counts[i]
			expected[0] += n * p[i]
			continue
		}
		observed, expected = append(observed, counts[i]), append(expected, n*p[i])
	}
	if expected[0] < check.MinExpected {
		observed[1] += observed[0]
		expected[1] += expected[0]
		return observed[1:], expected[1:]
	}
	return observed, expected
}

func TestLeak(t *testing.T) {
	c := check.T(t)
	leak := network(t, func(m ar.Model, x *Node) *Node { return m.Leak(x) }, images())
	c.Near("MADE's logit i depends on x_{<i} only", leak[0], 0, 1e-13)
	// The pixel itself, and the pixel before: the first leaks, the second is what a model may do.
	itself := ar.Model{Logits: func(x *Node) *Node { return MulScalar(x, 3) }}
	before := ar.Model{Logits: func(x *Node) *Node { return MulScalar(ShiftWithScalar(x, 1, ShiftDirRight, 1, 0.0), 3) }}
	of := func(m ar.Model) float64 { return backendtest.Floats(t, m.Leak, images())[0] }
	c.Near("a logit that sees its own pixel", of(itself), 3, 0)
	c.Near("a logit that sees the pixel before", of(before), 0, 0)
	total := floats.Sum(backendtest.Floats(t, func(x *Node) *Node { return Exp(itself.LogProb(x)) }, images()))
	c.Less("a model that leaks gives no law: its sum", 2, total)
}

// TestAnyLaw writes a law over 3×3 images as its own conditionals, by enumeration, and gets the law back.
func TestAnyLaw(t *testing.T) {
	p := make([]float64, 1<<pixels)
	for n := range p {
		p[n] = 1.1 + math.Sin(float64(n*n)) // positive, without structure
	}
	floats.Scale(1/floats.Sum(p), p)
	logits := make([][]float64, len(p))
	for n := range p {
		logits[n] = make([]float64, pixels)
		for i := range pixels {
			half := 1 << (pixels - 1 - i) // images that share x_{<i}: half with xᵢ = 0, then half with xᵢ = 1
			start := n / (2 * half) * 2 * half
			logits[n][i] = math.Log(floats.Sum(p[start+half:start+2*half]) / floats.Sum(p[start:start+half]))
		}
	}
	got := backendtest.Floats(t, func(x *Node) *Node {
		return Exp(ar.Model{Logits: func(*Node) *Node { return Const(x.Graph(), logits) }}.LogProb(x))
	}, images())
	check.T(t).Near("E3.29 the chain rule holds for any law", got, p, 1e-9)
}

func TestErrors(t *testing.T) {
	zero := ar.Model{Logits: ZerosLike}
	narrow := ar.Model{Logits: func(x *Node) *Node { return Slice(x, AxisRange(), AxisElem(0)) }}
	for want, fn := range map[string]func(x *Node) *Node{
		"ar.Model.LogProb: Logits has shape":  narrow.LogProb,
		"ar.Model.Sample: x has shape":        func(x *Node) *Node { return zero.Sample(noise.FromSeed(x.Graph(), 1), Reshape(x, -1), 0) },
		"ar.Model.Sample: clamped is 4":       func(x *Node) *Node { return zero.Sample(noise.FromSeed(x.Graph(), 1), x, 4) },
		"ar.Model.LogConditionals: x has sha": func(x *Node) *Node { return zero.LogConditionals(ReduceAllSum(x)) },
		"ar.Model.Leak: x has shape":          func(x *Node) *Node { return zero.Leak(Reshape(x, 3, 1, 1)) },
	} {
		if err := backendtest.Err(t, fn, tensors.FromValue([][]float64{{1, 0, 1}})); !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
