"""The diffusion model's patch transformer in JAX, and sampling in two dimensions: peers to hold the library's speed against.

  python jax_diffusion.py step      # milliseconds a training step, asked by lines: see tests/bench
  python jax_diffusion.py sample    # seconds of 500 ancestral steps of 4,096 points, asked by lines
  python jax_diffusion.py apply FILE   # the denoiser's output for the weights in a JSON file: see tests/bench

The network is nets.Patch of pkg/nets, with the same names of its weights, Glorot-uniform, zero and sine-cosine starts; its
settings and the loss are in images.py. Adam (0.9, 0.999, 1e-8) on the gradient clipped to norm 1, and the weights' average.
In two dimensions it is an MLP on x and 32 features of t, 3 hidden layers of 128, x*sigmoid(x) between.
"""

import argparse
import functools
import json
import math
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

import images

RATE = 2e-3


def init(key, table):
    params = {}
    for name, (fan_in, fan_out, zero, bias) in table.items():
        key, sub = jax.random.split(key)
        limit = 0 if zero else (6 / (fan_in + fan_out)) ** 0.5
        params[name] = {"weights": jax.random.uniform(sub, (fan_in, fan_out), minval=-limit, maxval=limit)}
        if bias:
            params[name]["biases"] = jnp.zeros((1, fan_out))
    return params


def dense(layer, x):
    y = x @ layer["weights"]
    return y + layer["biases"] if "biases" in layer else y


def layer_norm(x):
    centred = x - jnp.mean(x, -1, keepdims=True)
    return centred / jnp.sqrt(jnp.mean(centred**2, -1, keepdims=True) + 1e-6)


def attend(qkv, heads):
    batch, n, width = qkv.shape
    d = width // 3 // heads
    q, k, v = jnp.moveaxis(qkv.reshape(batch, n, 3, heads, d), (2, 3), (0, 2))
    weights = jax.nn.softmax(jnp.einsum("bhnd,bhmd->bhnm", q * d**-0.5, k), axis=-1)
    return jnp.moveaxis(jnp.einsum("bhnm,bhmd->bhnd", weights, v), 1, 2).reshape(batch, n, width // 3)


def cut(x, patch, halo):
    """[batch, side, side, c] as [batch, tokens, (patch+2 halo)^2 c]: each patch with the pixels around it, 0 outside."""
    batch, side, _, channels = x.shape
    rows, wide = side // patch, patch + 2 * halo
    x = jnp.pad(x, ((0, 0), (halo, halo), (halo, halo), (0, 0)))
    at = (np.arange(rows) * patch)[:, None] + np.arange(wide)
    x = x[:, at][:, :, :, at] if halo else x.reshape(batch, rows, patch, rows, patch, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, rows * rows, wide * wide * channels)


def times(t, dim):
    angle = t[:, None] * images.frequencies(dim)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1)


def transformer(net, params, x, t):
    """x [batch, side, side, 1] at t [batch]; the result is [batch, side, side, outputs]."""
    rows, patch, dim = net["side"] // net["patch"], net["patch"], net["dim"]
    seen = cut(x, patch, net["halo"])
    h = dense(params["embed"], seen) + images.positions(rows, rows, dim)
    c = jax.nn.silu(dense(params["time_2"], jax.nn.silu(dense(params["time_1"], times(t, dim)))))
    mod = jnp.split(dense(params["modulation"], c)[:, None, :], 6 * net["depth"] + 2, axis=-1)
    modulate = lambda h, i: layer_norm(h) * (1 + mod[i + 1]) + mod[i]
    for l in range(net["depth"]):
        at = lambda name: params[f"block_{l + 1}/{name}"]
        h = h + mod[6 * l + 2] * dense(at("attention/out"), attend(dense(at("attention/qkv"), modulate(h, 6 * l)), net["heads"]))
        h = h + mod[6 * l + 5] * dense(at("mlp_2"), jax.nn.silu(dense(at("mlp_1"), modulate(h, 6 * l + 3))))
    y = dense(params["head"], modulate(h, 6 * net["depth"]))
    if net["skip"]:
        y = y + dense(params["skip"], seen * (1 + dense(params["skip/scale"], c))[:, None, :])
    y = y.reshape(len(x), rows, rows, patch, patch, -1).transpose(0, 1, 3, 2, 4, 5)
    return y.reshape(*x.shape[:3], -1)

# SpikeSlab of pkg/vdm, where the formulas are: a pixel has the lowest level, or comes from a mixture of normal laws rounded to
# levels; the network gives the law for each pixel, and Bayes' rule the mean of the pixel given its noisy value.


def log_normal(x, mean, variance):
    return -0.5 * ((x - mean) ** 2 / variance + jnp.log(variance))


def level_mean(mean, std):
    """The mean of the law on levels ~ N(mean, std^2): 5 levels around the mean, or the mean itself where std is wide."""
    n = images.LEVELS
    middle = jnp.clip(jnp.round(jax.lax.stop_gradient(mean) * n / 2 + (n - 1) / 2), 2, n - 3)
    x = (2 * (middle[..., None] + jnp.arange(-2, 3)) + 1) / n - 1
    weights = jax.nn.softmax(-0.5 * ((x - mean[..., None]) / std[..., None]) ** 2, -1)
    return jnp.where(std > 0.63 * 2 / n, mean, (weights * x).sum(-1))


def spike_slab(out, z, alpha, sigma):
    """E[x | z] from the network's output [batch, side, side, 1 + 3 slabs]; z [batch, side, side, 1]."""
    z, slabs = z[..., 0], (out.shape[-1] - 1) // 3
    alpha, sigma = alpha[..., 0], sigma[..., 0]
    lowest, low, high = 1 / images.LEVELS - 1, math.log(0.5 / images.LEVELS), 0.0
    logits, means, seen = [out[..., 0] + log_normal(z, alpha * lowest, sigma**2)], [jnp.full_like(z, lowest)], z / alpha
    for k in range(slabs):
        weight, mean, width = (out[..., 1 + 3 * k + i] for i in range(3))
        mean = mean + (2 * (k + 0.5) / slabs - 1)
        std = jnp.exp(low + (high - low) * jax.nn.sigmoid(width + 2))
        variance = (alpha * std) ** 2 + sigma**2
        logits.append(weight + log_normal(z, alpha * mean, variance))
        means.append(level_mean(seen + (mean - seen) * sigma**2 / variance, std * sigma / jnp.sqrt(variance)))
    weights = jax.nn.softmax(jnp.stack(logits, -1), -1)
    return (weights * jnp.stack(means, -1)).sum(-1)[..., None]


def noise(net, network, z, t, alpha, sigma):
    """The noise that the denoiser finds in z = alpha x + sigma eps."""
    out = network(z, t)
    return (z - alpha * spike_slab(out, z, alpha, sigma)) / sigma if net["slabs"] else out


def alpha_sigma(t):
    lam = (images.LAMBDA_MAX - images.SPAN * t)[:, None, None, None]
    return jnp.sqrt(jax.nn.sigmoid(lam)), jnp.sqrt(jax.nn.sigmoid(-lam))


def loss_fn(net, params, key, x):
    k1, k2 = jax.random.split(key)
    t = images.mixed_times(jax.random.uniform(k1), len(x), jnp)
    alpha, sigma = alpha_sigma(t)
    eps = jax.random.normal(k2, x.shape)
    found = noise(net, lambda z, t: transformer(net, params, z, t), alpha * x + sigma * eps, t, alpha, sigma)
    return jnp.mean((found - eps) ** 2)


def train_step(net, state, x):
    params, m, v, average, step, key = state
    key, sub = jax.random.split(key)
    loss, grads = jax.value_and_grad(functools.partial(loss_fn, net))(params, sub, x)
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
    grads = jax.tree.map(lambda g: g / jnp.maximum(norm / images.CLIP, 1), grads)
    step = step + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    fix1, fix2 = 1 / (1 - 0.9**step), 1 / (1 - 0.999**step)
    params = jax.tree.map(lambda p, m, v: p - RATE * (m * fix1) / (jnp.sqrt(v * fix2) + 1e-8), params, m, v)
    keep = jnp.minimum(images.LONG_EMA, (1 + step) / (10 + step))
    average = jax.tree.map(lambda a, p: keep * a + (1 - keep) * p, average, params)
    return (params, m, v, average, step, key), loss


def start(net, seed):
    key, weights = jax.random.split(jax.random.PRNGKey(seed))
    params = init(weights, images.layers(net))
    zeros = lambda: jax.tree.map(jnp.zeros_like, params)
    return (params, zeros(), zeros(), jax.tree.map(jnp.array, params), jnp.float32(0), key)


def answer(calls):
    """Runs each call once, to compile; then, for each line of standard input, all of them again, and prints their times."""
    for call in calls.values():
        call()
    for _ in sys.stdin:
        print(json.dumps({name: call() for name, call in calls.items()}), flush=True)


def step_time(args):
    """jit: one jitted call a step, the state donated; scan: all steps of the round in one jitted scan. Milliseconds a step."""
    x = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (args.per_round, images.BATCH, 28, 28, 1)), jnp.float32)
    net = images.FASHION | {"slabs": args.slabs}
    step = functools.partial(train_step, net)
    one = jax.jit(step, donate_argnums=0)
    many = jax.jit(lambda state, xs: jax.lax.scan(step, state, xs)[0], donate_argnums=0)

    def jit(state):
        for batch in x:
            state, _ = one(state, batch)
        return state

    def timed(run):
        state = start(net, 0)

        def call():
            nonlocal state
            began = time.perf_counter()
            state = jax.block_until_ready(run(state))
            return 1e3 * (time.perf_counter() - began) / len(x)

        return call

    calls = {"jit": jit, "scan": lambda state: many(state, x)}
    answer({name: timed(calls[name]) for name in args.calls})


def eps_net(params, x, t):
    h = jnp.concatenate([x, jnp.broadcast_to(times(t[None], 32), (len(x), 32))], -1)
    for layer in params[:-1]:
        h = jax.nn.silu(dense(layer, h))
    return dense(params[-1], h)


def ancestral(params, key, points, steps):
    """Draws points from q(z_1) = N(0, I) down to t = 0 by steps of the posterior at the network's x_0."""
    grid = jnp.asarray(1 - np.arange(steps + 1) / steps, jnp.float32)

    def body(i, state):
        x, key = state
        key, sub = jax.random.split(key)
        t, s = grid[i], grid[i + 1]
        lam_t, lam_s = (images.LAMBDA_MAX - images.SPAN * u for u in (t, s))
        alpha_t, alpha_s = (jnp.sqrt(jax.nn.sigmoid(lam)) for lam in (lam_t, lam_s))
        sigma_t, sigma_s = (jnp.sqrt(jax.nn.sigmoid(-lam)) for lam in (lam_t, lam_s))
        c = -jnp.expm1(lam_t - lam_s)
        x0 = (x - sigma_t * eps_net(params, x, t)) / alpha_t
        mean = alpha_s * ((1 - c) * x / alpha_t + c * x0)
        return mean + sigma_s * jnp.sqrt(c) * jax.random.normal(sub, x.shape), key

    key, sub = jax.random.split(key)
    return jax.lax.fori_loop(0, steps, body, (jax.random.normal(sub, (points, 2)), key))[0]


def sample_time(args):
    """loop: 4,096 points by 500 ancestral steps, all in one jitted fori_loop. Seconds."""
    widths = [2 + 32, 128, 128, 128, 2]
    table = {str(i): (a, b, False, True) for i, (a, b) in enumerate(zip(widths, widths[1:]))}
    params = list(init(jax.random.PRNGKey(0), table).values())
    run = jax.jit(lambda key: ancestral(params, key, args.points, args.steps))

    def call():
        began = time.perf_counter()
        jax.block_until_ready(run(jax.random.PRNGKey(1)))
        return time.perf_counter() - began

    answer({"loop": call})


def apply(args):
    """Prints what the denoiser returns for the weights, x and t in a JSON file of tests/bench, flat."""
    with open(args.file) as file:
        case = json.load(file)
    net, params = images.FASHION | {"slabs": args.slabs}, {}
    for name, value in case["weights"].items():
        layer, _, kind = name.rpartition("/")
        params.setdefault(layer, {})[kind] = np.float32(value["values"]).reshape(value["shape"])
    want = jax.eval_shape(lambda: init(jax.random.PRNGKey(0), images.layers(net)))
    assert jax.tree.map(np.shape, params) == jax.tree.map(lambda w: w.shape, want), "other weights than images.FASHION's"
    z, t = np.float32(case["x"]).reshape(-1, net["side"], net["side"], 1), jnp.float32(case["t"])
    alpha, sigma = alpha_sigma(t)
    found = noise(net, lambda z, t: transformer(net, params, z, t), z, t, alpha, sigma)
    print(json.dumps(((z - sigma * found) / alpha).ravel().tolist()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    s = commands.add_parser("step")
    s.add_argument("--per-round", type=int, default=20)
    s.add_argument("--calls", nargs="+", choices=["jit", "scan"], default=["jit", "scan"])
    s.add_argument("--slabs", type=int, default=images.FASHION["slabs"])
    s.set_defaults(run=step_time)
    p = commands.add_parser("sample")
    p.add_argument("--points", type=int, default=4096)
    p.add_argument("--steps", type=int, default=500)
    p.set_defaults(run=sample_time)
    a = commands.add_parser("apply")
    a.add_argument("file")
    a.add_argument("--slabs", type=int, default=images.FASHION["slabs"])
    a.set_defaults(run=apply)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
