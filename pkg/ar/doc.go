// Package ar is the autoregressive model of binary images, the contrast to a VAE: the chain rule of probability
// with one network for all conditionals,
//
//	p(x) = Πᵢ p(xᵢ | x_{<i}),  p(xᵢ = 1 | x_{<i}) = σ(lᵢ(x)),  where logit lᵢ depends on x_{<i} only
//
// as in PixelRNN (van den Oord et al. 2016) and MADE (Germain et al. 2015). Pixels are in raster order. The
// likelihood is exact and costs one call of the network; a sample costs one call for each pixel. There is no latent
// code: you control a sample only by clamping its first pixels.
package ar
