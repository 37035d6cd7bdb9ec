// Package family puts one model of every family of generative models beside the others: the same data, networks of the same widths,
// the same number of training steps, and one type, Model, that draws samples and says what likelihood the family can give.
//
// A Task is the data and the sizes. Its methods VAE, HVAE, VDM, Flow, AR, NCSN, EBM and GAN train or load a model each, All does
// all of them. Measure judges their samples in a stated feature space, beside what two exact sets of data get, and Table prints
// the rows.
//
// The comparison is one of families at a small, equal budget, not a contest: each family has a better network and a longer training
// somewhere else in this project.
package family
