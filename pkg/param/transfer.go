package param

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/lowerbound-ml/lowerbound/pkg/process"
)

// Transfer returns d, a denoiser for the process from, as one for the process to:
//
//	x̂₀(x_t, t) = d((α_s/α_t) x_t, s) with λ_from(s) = λ_to(t)
//
// Both processes show x₀ + (σ/α)ε at an equal log-SNR, in units α: one denoiser serves every process
// (Kingma et al. 2021, section 5.1; Karras et al. 2022, section 2). It panics, when it is used, unless from knows the time of a log-SNR:
// see process.Process.Time. Where λ_to leaves the range that d was trained on, s leaves from's times.
func Transfer(from, to process.Process, d Denoiser) Denoiser {
	return func(xt, t *Node) *Node {
		s := from.Time(to.LogSNR(t))
		return d(Mul(Exp(Sub(from.LogAlpha(s), to.LogAlpha(t))), xt), s)
	}
}
