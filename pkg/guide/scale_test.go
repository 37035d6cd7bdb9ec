package guide_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/guide"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
)

// Each convention as its own formula of ε̂ or the score, as its paper writes it, is the one guidance.
func TestConventions(t *testing.T) {
	const value = 2.5
	xs, us := column(-1, 0, .7, 2), column(1, 2, 1, 2)
	for name, p := range processes {
		cond, uncond, logProb := g2.Class(plus).Denoiser(p), g2.All().Denoiser(p), g2.LogPosterior(p, plus)
		written := map[guide.Convention]func(x, u *Node) *Node{
			guide.HoSalimans: func(x, u *Node) *Node { // (1+w) ε(x, y) − w ε(x)
				eps := func(d param.Denoiser) *Node { return param.Predict(p, param.Eps, d)(x, u) }
				return param.ToX0(param.Eps, Sub(MulScalar(eps(cond), 1+value), MulScalar(eps(uncond), value)), x, p.Alpha(u), p.Sigma(u))
			},
			guide.UnconditionalClassifier: func(x, u *Node) *Node { return guide.Classifier(p, uncond, logProb, value)(x, u) },
			guide.ConditionalClassifier:   func(x, u *Node) *Node { return guide.Classifier(p, cond, logProb, value)(x, u) },
			guide.Imagen: func(x, u *Node) *Node { // w ε(x, y) + (1−w) ε(x)
				eps := func(d param.Denoiser) *Node { return param.Predict(p, param.Eps, d)(x, u) }
				return param.ToX0(param.Eps, Add(MulScalar(eps(cond), value), MulScalar(eps(uncond), 1-value)), x, p.Alpha(u), p.Sigma(u))
			},
			guide.Diffusers: func(x, u *Node) *Node { // ε(x) + guidance_scale (ε(x, y) − ε(x)), on ε or any other prediction
				v := func(d param.Denoiser) *Node { return param.Predict(p, param.V, d)(x, u) }
				return param.ToX0(param.V, Add(v(uncond), MulScalar(Sub(v(cond), v(uncond)), value)), x, p.Alpha(u), p.Sigma(u))
			},
		}
		t.Run("E9.16 "+name, func(t *testing.T) {
			out := backendtest.Call(t, func(x, u *Node) (both []*Node) {
				for _, c := range guide.Conventions[1:] {
					both = append(both, guide.ClassifierFree(cond, uncond, guide.From(c, value))(x, u), written[c](x, u))
				}
				return both
			}, xs, us)
			for i, c := range guide.Conventions[1:] {
				check.T(t).Near("E9.16 "+c.String(), out[2*i], out[2*i+1], a64)
			}
		})
	}
}

func TestScale(t *testing.T) {
	c := check.T(t)
	for _, convention := range guide.Conventions {
		for _, v := range []float64{1, 1.5, 4} {
			c.Near(convention.String()+" there and back", guide.From(convention, v).In(convention), v, 0)
		}
	}
	for convention, want := range map[guide.Convention]float64{guide.Bayes: 3, guide.HoSalimans: 2, guide.UnconditionalClassifier: 3,
		guide.ConditionalClassifier: 2, guide.Imagen: 3, guide.Diffusers: 3} {
		c.Near("γ = 3 in "+convention.String(), guide.Scale(3).In(convention), want, 0)
	}
	for value, gamma := range map[float64]float64{0: 1, 1: 1, -2: 1, 1.2: 1.2} {
		c.Near(fmt.Sprintf("diffusers guides only above 1: guidance_scale = %g", value), float64(guide.From(guide.Diffusers, value)), gamma, 0)
	}
	nan, inf := guide.Scale(math.NaN()), guide.Scale(math.Inf(1))
	d := func(xt, _ *Node) *Node { return xt }
	label := func(xt, _, _ *Node) *Node { return xt }
	for want, call := range map[string]func(){
		"guide.From: the guidance scale γ = NaN":                           func() { guide.From(guide.HoSalimans, math.NaN()) },
		"guide.From: Convention(7) is no convention":                       func() { guide.From(7, 1) },
		"guide.Scale.In: Convention(-1) is no convention":                  func() { guide.Scale(1).In(-1) },
		"guide.Scale.In: the guidance scale γ = +Inf":                      func() { inf.In(guide.Bayes) },
		"guide.Scale.In: γ = 0.5 has no guidance_scale":                    func() { guide.Scale(.5).In(guide.Diffusers) },
		"guide.Classifier: the guidance scale γ = NaN":                     func() { guide.Classifier(vp, d, nil, nan) },
		"guide.ClassifierFree: the guidance scale γ = NaN":                 func() { guide.ClassifierFree(d, d, nan) },
		"guide.Batched: the guidance scale γ = +Inf":                       func() { guide.Batched(label, nil, nil, inf) },
		"guide.Reconstruction: the guidance scale γ = NaN":                 func() { guide.Reconstruction(vp, d, guide.Known{}, nan) },
		"guide.ShiftScore: the guidance scale γ = NaN":                     func() { guide.ShiftScore(nil, nil, nan) },
		"guide.Interval.Gamma: the guidance scale γ = NaN":                 func() { guide.Interval{To: 1}.Gamma(nan) },
		"guide.Interval.Gamma: an interval from 2 to 1":                    func() { guide.Interval{From: 2, To: 1}.Gamma(2) },
		"guide.Interval.Gamma: an interval from NaN to 1, expected From ≤": func() { guide.Interval{From: math.NaN(), To: 1}.Gamma(2) },
		"guide.Drop: rate = 1.5, expected a probability":                   func() { guide.Drop(nil, nil, nil, 1.5) },
		"guide.Loss.Dropping: rate = NaN":                                  func() { guide.Loss(nil).Dropping(nil, math.NaN()) },
	} {
		if got := panicOf(call); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
}

// panicOf returns the error that call panics with.
func panicOf(call func()) (text string) {
	defer func() {
		if err, ok := recover().(error); ok {
			text = err.Error()
		}
	}()
	call()
	return "none"
}
