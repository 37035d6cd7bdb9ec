package param_test

import (
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/backend"
	"github.com/lowerbound-ml/lowerbound/pkg/backend/backendtest"
	"github.com/lowerbound-ml/lowerbound/pkg/check"
	"github.com/lowerbound-ml/lowerbound/pkg/oracle"
	"github.com/lowerbound-ml/lowerbound/pkg/param"
	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// The exact denoiser of one process, transferred, is the exact denoiser of another, for data in the plane.
func TestTransfer(t *testing.T) {
	data := oracle.Mixture{Weights: []float64{.3, .7}, Means: [][]float64{{-2, 0}, {1, .5}}, Vars: [][]float64{{.25, .1}, {.16, .4}}}
	processes := map[string]process.Process{
		"VP": {Schedule: process.VP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1}, "sub-VP": {Schedule: process.SubVP{BetaMin: .1, BetaMax: 20}, TMin: 1e-3, TMax: 1},
		"VE": {Schedule: process.VE{SigmaMin: .01, SigmaMax: 50}, TMin: 1e-3, TMax: 1}, "EDM": {Schedule: process.EDM{}, TMin: .002, TMax: 80},
		"log-SNR": {Schedule: process.LogSNRLinear{Max: 13.3, Min: -5}, TMin: 0, TMax: 1},
	}
	x, at := [][]float64{{.3, -1}, {2, 1}, {-1.5, 0}}, [][]float64{{.2}, {.5}, {.8}}
	var pairs []string
	out, err := CallOnceN(backend.MustOpen(backend.PureGo), func(x, at *Node) (values []*Node) {
		for from, p := range processes {
			for to, q := range processes {
				pairs = append(pairs, "x̂₀ of "+from+" as "+to)
				values = append(values, param.Transfer(p, q, data.Denoiser(p))(x, at), data.Denoiser(q)(x, at))
			}
		}
		return values
	}, x, at)
	if err != nil {
		t.Fatal(err)
	}
	for i, pair := range pairs {
		check.T(t).Near(pair, out[2*i], out[2*i+1], 1e-9)
	}
	t.Run("E7.26 the scores of VP and of x_t/√ᾱ_t", func(t *testing.T) {
		vp, edm := processes["VP"], processes["EDM"]
		out := backendtest.Call(t, func(x, at *Node) (*Node, *Node) {
			level := Exp(MulScalar(vp.LogSNR(at), -.5))
			moved := param.ScoreOf(edm, param.Transfer(vp, edm, data.Denoiser(vp)))
			return moved(Div(x, vp.Alpha(at)), level), Mul(vp.Alpha(at), data.Score(vp)(x, at))
		}, x, at)
		check.T(t).Near("s_VE(x/√ᾱ) = √ᾱ s_VP(x)", out[0], out[1], 1e-9)
	})
	cosine := process.Process{Schedule: process.Cosine{Offset: .008}, TMin: 1e-3, TMax: .99}
	err = backendtest.Err(t, func(x, at *Node) *Node { return param.Transfer(cosine, processes["VP"], data.Denoiser(cosine))(x, at) }, x, at)
	if !strings.Contains(err.Error(), "process.Time: the schedule process.Cosine has no inverse") {
		t.Errorf("from a schedule without an inverse: %v", err)
	}
}
