"""The same VAE in JAX: a peer to hold the library's training and speed against.

  python jax_vae.py train --data fashion --steps 9360      # one JSON line a seed
  python jax_vae.py train --data digits --digits-file FILE --steps 2200
  python jax_vae.py step                                   # milliseconds a step, asked by lines: see tests/bench

Architecture, float32:
  encoder  x [data] -> Dense 400, ReLU -> Dense 2*20: mean and log-variance of q(z|x)
  decoder  z [20]   -> Dense 400, ReLU -> Dense data: logits of Bernoulli pixels
digits: 64-128-8. Weights start Glorot-uniform, biases at zero. Adam 1e-3 (0.9, 0.999, 1e-8), batch 128.
Loss: minus the ELBO, one draw, analytic KL, mean over the batch.
"""

import argparse
import functools
import gzip
import json
import pathlib
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

BATCH, RATE = 128, 1e-3
SIZES = {"fashion": (784, 400, 20), "digits": (64, 128, 8)}


def dense(key, fan_in, fan_out):
    limit = (6 / (fan_in + fan_out)) ** 0.5
    return {"w": jax.random.uniform(key, (fan_in, fan_out), minval=-limit, maxval=limit), "b": jnp.zeros(fan_out)}


def init(key, sizes):
    data, hidden, latent = sizes
    k = jax.random.split(key, 4)
    return [dense(k[0], data, hidden), dense(k[1], hidden, 2 * latent), dense(k[2], latent, hidden), dense(k[3], hidden, data)]


def two_layers(first, second, x):
    return jax.nn.relu(x @ first["w"] + first["b"]) @ second["w"] + second["b"]


def encode(params, x):
    return jnp.split(two_layers(params[0], params[1], x), 2, axis=-1)


def log_likelihood(params, z, x):
    logits = two_layers(params[2], params[3], z)
    return jnp.sum(x * logits - jax.nn.softplus(logits), axis=-1)


def loss_fn(params, key, x):
    mean, logvar = encode(params, x)
    z = mean + jnp.exp(logvar / 2) * jax.random.normal(key, mean.shape)
    kl = 0.5 * jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=-1)
    return jnp.mean(kl - log_likelihood(params, z, x))


def adam_step(state, x):
    params, m, v, step, key = state
    key, noise = jax.random.split(key)
    loss, grads = jax.value_and_grad(loss_fn)(params, noise, x)
    step = step + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    fix1, fix2 = 1 / (1 - 0.9**step), 1 / (1 - 0.999**step)
    params = jax.tree.map(lambda p, m, v: p - RATE * (m * fix1) / (jnp.sqrt(v * fix2) + 1e-8), params, m, v)
    return (params, m, v, step, key), loss


def start(seed, sizes):
    key, weights = jax.random.split(jax.random.PRNGKey(seed))
    params = init(weights, sizes)
    zeros = jax.tree.map(jnp.zeros_like, params)
    return (params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(0), key)


def idx(path):
    """The images of a gzipped IDX file, as rows of intensities in [0, 1]."""
    raw = gzip.decompress(pathlib.Path(path).read_bytes())
    n, height, width = np.frombuffer(raw, ">i4", 3, 4)
    return (np.frombuffer(raw, np.uint8, offset=16).reshape(n, height * width) / 255).astype(np.float32)


def load(args):
    if args.data == "fashion":
        folder = pathlib.Path(args.fashion_dir)
        return idx(folder / "train-images-idx3-ubyte.gz"), idx(folder / "t10k-images-idx3-ubyte.gz")
    # The library's embedded file: 1,797 records of 64 pixels 0..16 and a label; the first 1,500 are for training.
    records = np.frombuffer(pathlib.Path(args.digits_file).read_bytes(), np.uint8).reshape(1797, 65)
    x = (records[:, :64] / 16).astype(np.float32)
    return x[:1500], x[1500:]


def epochs(x, rng):
    while True:
        order = rng.permutation(len(x))
        for i in range(0, len(x) - BATCH + 1, BATCH):
            yield x[order[i : i + BATCH]]


@functools.partial(jax.jit, static_argnums=3)
def test_terms(params, key, x, draws):
    """For each image: the bound and the importance-weighted NLL, both from the same draws, in nats."""
    mean, logvar = encode(params, x)
    eps = jax.random.normal(key, (draws, *mean.shape))
    z = mean + jnp.exp(logvar / 2) * eps
    log_ratio = 0.5 * jnp.sum(eps**2 + logvar - z**2, axis=-1)  # log p(z) - log q(z|x)
    log_lik = jax.lax.map(lambda z: log_likelihood(params, z, x), z)
    kl = 0.5 * jnp.sum(mean**2 + jnp.exp(logvar) - 1 - logvar, axis=-1)
    nll = jnp.log(draws) - jax.nn.logsumexp(log_lik + log_ratio, axis=0)
    return jnp.mean(log_lik, axis=0) - kl, nll


def train(args):
    train_x, test_x = load(args)
    step = jax.jit(adam_step, donate_argnums=0)
    for seed in args.seeds:
        rng = np.random.default_rng(seed)
        coin = np.random.default_rng(10_000)  # the test set's coins: the same for every seed
        test = (coin.random(test_x.shape) < test_x).astype(np.float32) if args.binarize == "dynamic" else test_x
        state, batches, began = start(seed, SIZES[args.data]), epochs(train_x, rng), time.perf_counter()
        for _ in range(args.steps):
            x = next(batches)
            if args.binarize == "dynamic":
                x = (rng.random(x.shape, dtype=np.float32) < x).astype(np.float32)
            state, loss = step(state, x)
        loss.block_until_ready()
        seconds = time.perf_counter() - began
        key, parts = jax.random.PRNGKey(seed + 1000), []
        for i in range(0, len(test), 500):
            key, sub = jax.random.split(key)
            parts.append(np.array(test_terms(state[0], sub, test[i : i + 500], args.draws)))
        bound, nll = np.concatenate(parts, axis=1).astype(np.float64)
        se = lambda a: float(a.std(ddof=1) / len(a) ** 0.5)
        print(json.dumps({"peer": "jax " + jax.__version__, "data": args.data, "binarize": args.binarize, "seed": seed,
                          "steps": args.steps, "bound": float(bound.mean()), "bound_se": se(bound), "nll": float(nll.mean()),
                          "nll_se": se(nll), "draws": args.draws, "test": len(test), "train_seconds": round(seconds, 1)}), flush=True)


def step_time(args):
    """Answers each line of standard input with the milliseconds a step of one round, until the input ends.

    jit: one jitted call a step, the state donated; scan: all steps of the round in one jitted scan.
    """
    x = np.random.default_rng(0).random((args.per_round, BATCH, 784), dtype=np.float32)
    one = jax.jit(adam_step, donate_argnums=0)
    many = jax.jit(lambda state, xs: jax.lax.scan(adam_step, state, xs)[0], donate_argnums=0)

    def jit(state):
        for batch in x:
            state, _ = one(state, batch)
        return state

    calls = {"jit": jit, "scan": lambda state: many(state, x)}
    states = {name: jax.block_until_ready(call(start(0, SIZES["fashion"]))) for name, call in calls.items()}
    for _ in sys.stdin:
        out = {}
        for name, call in calls.items():
            began = time.perf_counter()
            states[name] = jax.block_until_ready(call(states[name]))
            out[name] = 1e3 * (time.perf_counter() - began) / len(x)
        print(json.dumps(out), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    t = commands.add_parser("train")
    t.add_argument("--data", choices=SIZES, required=True)
    t.add_argument("--steps", type=int, required=True)
    t.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    t.add_argument("--binarize", choices=["none", "dynamic"], default="none")
    t.add_argument("--draws", type=int, default=500)
    t.add_argument("--fashion-dir", default="/usr/share/datasets/fashion-mnist")
    t.add_argument("--digits-file", default="datasets/digits/digits.bin")
    t.set_defaults(run=train)
    s = commands.add_parser("step")
    s.add_argument("--per-round", type=int, default=100)
    s.set_defaults(run=step_time)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
