// Package classifier is a classifier p(y|x_t) of noisy data, which classifier guidance needs: at any noise level it says how likely each
// class is, and its gradient leads a diffusion model there.
//
// A classifier of clean data is of no use for it, however good: most of the way x_t holds more noise than any example of its training,
// and its gradient there is wrong in both directions. So a Config records the log-SNRs that the classifier is trained at, and what asks for
// others gets an error.
//
//	m, _, err := classifier.LoadOrTrain(ctx, b, "runs/digits", c, data, f)
//	guided, err := m.Guide(p, denoiser, 3, 2) // towards class 3, with γ = 2
//	run := sampler.New(b, m.Store, func(scope *model.Scope) sampler.Stepper {
//		return sampler.Ancestral{ReverseStep: sampler.ReverseStep{Process: p, Denoise: guided(scope)}}
//	})
package classifier
