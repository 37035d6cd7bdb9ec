// Package hvae is the hierarchical variational autoencoder: T levels of latents z₁ … z_T between x and the prior
// (Luo 2022, equations 23–29; Sønderby et al. 2016).
//
//	p(x, z_{1:T}) = p(z_T) Π_{t<T} p(z_t|z_{t+1}, …, z_T) · p(x|z₁, …, z_T),  p(z_T) = N(0, I),
//	q(z_{1:T}|x) = q(z₁|x) Π_{t=2}^T q(z_t|z_{t−1}),
//	log p(x) ≥ E_q[log p(x, z_{1:T})/q(z_{1:T}|x)].
//
// An HVAE is functions, so exact conditionals (oracle.Chain) fit where networks do. In general a level sees all levels above
// it; Markov makes a conditional that sees only the next one, and with it the Markovian HVAE, a stack of VAEs. With T = 1
// the model is the VAE of package vae. Levels holds the bound's terms level by level; New builds networks, WarmUp lets the weight of
// the KLs rise during training, Model is a trained HVAE whose methods take and return Go slices.
package hvae
