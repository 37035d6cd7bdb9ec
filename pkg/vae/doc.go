// Package vae is the variational autoencoder (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014).
//
//	p(z) = N(0, I),  p(x|z) = Decode(z),  q(z|x) = Encode(x) = N(μ(x), diag σ²(x)),
//	log p(x) ≥ E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)).
//
// A VAE is two functions, so an exact encoder and decoder (oracle.LinearGaussian, oracle.PPCA) fit where networks do.
// New builds the networks; Config.Loss is what package fit trains; Evaluate measures the bound and the importance-weighted
// likelihood on a test set; KLByLatent shows which coordinates of the code are in use; Traverse walks along one of them.
// Model is a trained VAE whose methods take and return Go slices.
package vae
