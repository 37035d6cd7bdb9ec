"""The likelihood of digits by the probability flow in JAX: a peer to hold the library's speed against.

  python jax_flow.py apply FILE   # log-determinants, z and evaluations for the case in a JSON file: see tests/bench
  python jax_flow.py time FILE    # seconds of a whole solution, asked by lines

The network is that of jax_diffusion.py in the size of the digits, and its weights, the images x at t = 0, the directions v and
the tolerance come from the file. The solver is Dormand and Prince's pair in one while_loop, with the controller of
sampler.RK45: the norm is the larger root mean square of the errors of x and of the log-determinant over the batch, each
divided by tolerance (1 + the larger of both values), and the size changes by 0.9 norm^(-1/5) between 0.2 and 10.
"""

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

import images
import jax_diffusion

images.LEVELS = 17
DIGITS = {"side": 8, "patch": 2, "dim": 64, "depth": 3, "heads": 4, "ratio": 4, "halo": 2, "skip": True, "slabs": 3}

# Dormand and Prince 1980.
C = [1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
A = [
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
E = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]


def drift(params, x, t):
    """f x - g^2 score / 2 of the process whose log-SNR is linear in t."""
    lam = images.LAMBDA_MAX - images.SPAN * t
    alpha, sigma = (jnp.sqrt(jax.nn.sigmoid(s * lam)).reshape(1, 1, 1, 1) for s in (1, -1))
    x0 = jax_diffusion.spike_slab(jax_diffusion.transformer(DIGITS, params, x, t[None]), x, alpha, sigma)
    return images.SPAN / 2 * (-(sigma**2) * x - (alpha * x0 - x))


def add(y, terms):
    """y plus the sum of c k, for pairs of x and log-determinant."""
    return jax.tree.map(lambda y, *k: y + sum(c * k for (c, _), k in zip(terms, k)), y, *(k for _, k in terms))


def norm(e, y, z, tolerance):
    part = lambda e, y, z: jnp.mean((e / (tolerance * (1 + jnp.maximum(jnp.abs(y), jnp.abs(z))))) ** 2)
    return jnp.sqrt(jnp.maximum(*jax.tree.leaves(jax.tree.map(part, e, y, z))))


def solve(params, x, v, tolerance):
    """From t = 0 to 1: z, the log-determinants, and the evaluations that it took."""

    def slope(y, t):
        value, pull = jax.vjp(lambda x: drift(params, x, t), y[0])
        return value, jnp.sum(v * pull(v)[0], (1, 2, 3))

    def step(state):
        t, h, limit, y, first, tries = state
        slopes = [first]
        for c, row in zip(C, A):
            stage = add(y, [(h * a, k) for a, k in zip(row, slopes) if a])
            slopes.append(slope(stage, jnp.minimum(t + c * h, 1)))
        e = norm(add(jax.tree.map(jnp.zeros_like, y), [(h * e, k) for e, k in zip(E, slopes) if e]), y, stage, tolerance)
        taken = e <= 1
        change = jnp.clip(0.9 * e**-0.2, 0.2, 10)
        change = jnp.where(jnp.isfinite(e), jnp.minimum(change, jnp.where(taken, limit, 1.0)), 0.2)
        t = jnp.where(taken, jnp.where(h >= 1 - t, 1.0, t + h), t)
        keep = lambda new, old: jax.tree.map(lambda a, b: jnp.where(taken, a, b), new, old)
        return t, jnp.minimum(h * change, 1 - t), jnp.where(taken, 10.0, 1.0), keep(stage, y), keep(slopes[-1], first), tries + 1

    y = (x, jnp.zeros(len(x)))
    first = slope(y, jnp.float32(0))
    h = jnp.clip(0.01 * norm(y, y, y, tolerance) / norm(first, y, y, tolerance), 1e-6, 1)
    state = jax.lax.while_loop(lambda state: state[0] < 1, step, (jnp.float32(0), h, jnp.float32(10), y, first, 0))
    return *state[3], 1 + 6 * state[5]


def load(file):
    with open(file) as f:
        case = json.load(f)
    params = {}
    for name, value in case["weights"].items():
        layer, _, kind = name.rpartition("/")
        params.setdefault(layer, {})[kind] = np.float32(value["values"]).reshape(value["shape"])
    want = jax.eval_shape(lambda: jax_diffusion.init(jax.random.PRNGKey(0), images.layers(DIGITS)))
    assert jax.tree.map(np.shape, params) == jax.tree.map(lambda w: w.shape, want), "other weights than DIGITS has"
    x, v = (jnp.float32(case[name]).reshape(-1, 8, 8, 1) for name in ("x", "v"))
    run = jax.jit(solve, static_argnums=3)
    return lambda: jax.block_until_ready(run(params, x, v, case["tolerance"]))


def apply(run):
    z, log_det, evaluations = run()
    print(json.dumps({"log_det": log_det.tolist(), "z": z.ravel().tolist(), "evaluations": int(evaluations)}))


def timed(run):
    def call():
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    jax_diffusion.answer({"loop": call})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["apply", "time"])
    parser.add_argument("file")
    args = parser.parse_args()
    {"apply": apply, "time": timed}[args.command](load(args.file))


if __name__ == "__main__":
    main()
