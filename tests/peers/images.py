"""What the peers of the diffusion model share, in NumPy: the data, the settings, the time law and the fixed features.

The settings are those of docs/examples/diffusion. Conventions, after Kingma et al. 2021, "Variational diffusion models":

  data      level k of 0..255 is x = (2k+1)/256 - 1
  noise     z_t = alpha x + sigma eps, alpha^2 = sigmoid(lambda), sigma^2 = sigmoid(-lambda), lambda(t) = 13.3 - 18.3 t, t in [0, 1]
  loss      mean of (eps_hat - eps)^2 over pixels and images
  bound     -log p(x) <= reconstruction + prior + diffusion, in bits a dimension:
            reconstruction -log p(x|z_0) with p(k|z_0) proportional to exp(-(z_0 - alpha_0 x_k)^2 / (2 sigma_0^2)) over the 256 levels,
            prior KL(q(z_1|x), N(0, I)), diffusion 18.3/2 E ||eps_hat - eps||^2, t uniform
"""

import gzip
import pathlib
import resource

import numpy as np

LAMBDA_MAX, LAMBDA_MIN = 13.3, -5.0
SPAN = LAMBDA_MAX - LAMBDA_MIN
BATCH, SIDE, PIXELS, LEVELS = 64, 28, 784, 256
CLIP, WARMUP = 1.0, 100
LONG_EMA, SHORT_EMA = 0.999, 0.995  # at a constant rate; under a cosine
# What nets.Patch is in vdm.FashionConfig; slabs are those of a pixel's law, vdm.SpikeSlab, and 0 stands for a network that returns the noise.
FASHION = {"side": 28, "patch": 4, "dim": 128, "depth": 4, "heads": 4, "ratio": 4, "halo": 2, "skip": True, "slabs": 3}


def fashion(folder, split):
    """Levels [n, 28, 28, 1] of a split, "train" or "t10k"."""
    raw = gzip.decompress((pathlib.Path(folder) / f"{split}-images-idx3-ubyte.gz").read_bytes())
    n, height, width = np.frombuffer(raw, ">i4", 3, 4)
    return np.frombuffer(raw, np.uint8, offset=16).reshape(n, height, width, 1)


def scaled(levels):
    return ((2 * levels.astype(np.float32) + 1) / 256 - 1).astype(np.float32)


def alpha_sigma(t):
    """For float64 times: alpha and sigma as float32."""
    lam = LAMBDA_MAX - SPAN * t
    return (1 / (1 + np.exp(-lam))) ** 0.5, (1 / (1 + np.exp(lam))) ** 0.5


def cosine_place(lam):
    """The cosine law has lambda = -2 log tan(pi v/2), v uniform, density ~ sech(lambda/2): v of lambda."""
    return 2 / np.pi * np.arctan(np.exp(-lam / 2))


def mixed_times(u, n, xp=np):
    """n times from one uniform u: lambda uniform for one half, by the cosine law within its range for the other, each half stratified."""
    strata = lambda n: (xp.arange(n) / n + u) % 1
    low, high = cosine_place(LAMBDA_MAX), cosine_place(LAMBDA_MIN)
    half = np.pi / 2 * (low + (high - low) * strata(n // 2))
    cosine = xp.clip((LAMBDA_MAX + 2 * xp.log(xp.tan(half))) / SPAN, 0, 1)
    return xp.concatenate([strata(n - n // 2), cosine])


def rate_factor(step, steps):
    """The learning rate's factor at step = 0, 1, ...: a warm-up, then 1, or with steps > 0 half a cosine down to 0 there."""
    warmup = min(WARMUP, steps // 10) if steps else WARMUP
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + np.cos(np.pi * (step - warmup) / max(1, steps - warmup))) if steps else 1.0


def ema_decay(update, limit):
    """The decay of the weights' average after update = 1, 2, ..."""
    return min(limit, (1 + update) / (10 + update))


def positions(rows, cols, dim):
    """Fixed features [rows*cols, dim] of the places of a grid: sin and cos of the row, then of the column, base 100."""
    quarter = dim // 4
    omega = 100.0 ** (-np.arange(quarter) / quarter)
    i, j = np.divmod(np.arange(rows * cols), cols)
    angles = [np.outer(i, omega), np.outer(j, omega)]
    return np.concatenate([f(a) for a in angles for f in (np.sin, np.cos)], axis=1).astype(np.float32)


def outputs(net):
    """Numbers that the network returns for a pixel: the spike's weight, and weight, mean and width of each slab."""
    return 1 + 3 * net["slabs"]


def layers(net):
    """Name -> (in, out, starts at zero, has a bias), in nets.Patch's names."""
    dim, pixels = net["dim"], net["patch"] ** 2
    seen = (net["patch"] + 2 * net["halo"]) ** 2
    out = {"embed": (seen, dim, False, True), "time_1": (dim, dim, False, True), "time_2": (dim, dim, False, True),
           "modulation": (dim, (6 * net["depth"] + 2) * dim, True, True), "head": (dim, pixels * outputs(net), True, True)}
    for l in range(1, net["depth"] + 1):
        out |= {f"block_{l}/attention/qkv": (dim, 3 * dim, False, True), f"block_{l}/attention/out": (dim, dim, False, True),
                f"block_{l}/mlp_1": (dim, net["ratio"] * dim, False, True), f"block_{l}/mlp_2": (net["ratio"] * dim, dim, False, True)}
    if net["skip"]:
        out |= {"skip/scale": (dim, seen, True, True), "skip": (seen, pixels * outputs(net), True, False)}
    return out


def frequencies(dim, low=1.0, high=1000.0):
    half = dim // 2
    return (low * (high / low) ** (np.arange(half) / max(1, half - 1))).astype(np.float32)


def prior_nats(x):
    """KL(q(z_1|x), N(0, I)) of each image."""
    alpha, sigma = alpha_sigma(np.float64(1))
    return 0.5 * np.sum(sigma**2 + (alpha * x.astype(np.float64)) ** 2 - 1 - np.log(sigma**2), axis=(1, 2, 3))


def reconstruction_nats(rng, levels, x):
    """-log p(x|z_0) of each image, at one draw of z_0."""
    alpha, sigma = alpha_sigma(np.float64(0))
    z = x + (sigma / alpha) * rng.standard_normal(x.shape)
    # Of 256 levels only those near z_0 weigh anything: sigma/alpha is 1/6 of the distance of two.
    near = levels.astype(np.int64)[..., None] + np.arange(-8, 9)
    logits = -0.5 * ((z[..., None] - ((2 * near + 1) / 256 - 1)) * (alpha / sigma)) ** 2
    logits = np.where((near >= 0) & (near <= 255), logits, -np.inf)
    top = logits.max(-1)
    log_sum = top + np.log(np.exp(logits - top[..., None]).sum(-1))
    return np.sum(log_sum - logits[..., 8], axis=(1, 2, 3))


def bound(levels, square_error, rng, times=8, rows=16):
    """The bound on these images: means over them in bits a dimension, and the bound's standard error over them.

    square_error(z, t, eps) returns ||eps_hat - eps||^2 of each row. An image is looked at in each of `times` equal parts of [0, 1].
    """
    parts = []
    for i in range(0, len(levels), rows):
        chunk = levels[i : i + rows]
        x, t = scaled(chunk), ((rng.random((len(chunk), 1)) + np.arange(times)) / times).ravel()
        alpha, sigma = (a.astype(np.float32).reshape(-1, 1, 1, 1) for a in alpha_sigma(t))
        eps = rng.standard_normal((len(t), *x.shape[1:]), dtype=np.float32)
        errors = np.asarray(square_error(alpha * np.repeat(x, times, axis=0) + sigma * eps, t, eps), np.float64)
        diffusion = 0.5 * SPAN * errors.reshape(-1, times).mean(1)
        parts.append([reconstruction_nats(rng, chunk, x), prior_nats(x), diffusion])
    parts = np.concatenate(parts, axis=1) / (PIXELS * np.log(2))
    total = parts.sum(0)
    return {"bound": float(total.mean()), "bound_se": float(total.std(ddof=1) / len(total) ** 0.5), "images": len(total), "times": times,
            **{name: float(part.mean()) for name, part in zip(("recon", "prior", "diffusion"), parts)}}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
