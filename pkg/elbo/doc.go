// Package elbo estimates the evidence lower bound and its importance-weighted sharpening.
//
// For any q(z|x) and joint p(x,z),
//
//	log p(x) = E_q[log p(x,z)/q(z|x)] + KL(q(z|x) ‖ p(z|x)) ≥ E_q[log p(x,z)/q(z|x)],
//
// so the average of log-weights log p(x,z) − log q(z|x) over draws of q never exceeds log p(x) in expectation
// (Luo 2022, equations 9 to 16). All results are [batch], in nats.
//
// Pathwise and ScoreFunction estimate the gradient of such an expectation with respect to q, with and without
// differentiating the integrand.
package elbo
