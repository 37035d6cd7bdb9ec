// Package oracle holds models whose answers are known exactly: tests hold the library against them,
// notebooks show them, and each fits wherever a trained network does.
//
// LinearGaussian, PPCA and Chain are latent-variable models with a closed-form evidence and posterior.
// Gaussian and Mixture are data laws that stay closed-form when any process.Process diffuses them.
package oracle
