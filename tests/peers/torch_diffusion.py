"""The diffusion model in PyTorch, eager, on the CPU: peers to hold the library's training and speed against.

  python torch_diffusion.py train --net patch --until 4 | unet --until 4 --slabs 0    # a JSON line with the test bound now and then
  python torch_diffusion.py train --net patch --steps 2000     # one JSON line, after half a cosine
  python torch_diffusion.py step                               # milliseconds a step of both, asked by lines: see tests/bench
  python torch_diffusion.py apply FILE                         # the denoiser's output for the weights in a JSON file: see tests/bench

patch: nets.Patch of pkg/nets, the same architecture and initial laws.
unet:  a convolutional U-Net in the layout of the diffusers package's UNet2DModel, at 28, 14 and 7 pixels: resnet blocks (group norm,
       x*sigmoid(x), 3x3 convolution, twice, the time's features added between), with self-attention at 7; a middle of resnet, attention,
       resnet; a way up that sees each output of the way down; strided convolutions down, nearest neighbours and a convolution up. The
       second convolution of each resnet block and the last one start at 0.

Both learn the noise with the loss, time law, schedule and bound in images.py; Adam (0.9, 0.999, 1e-8, fused) on the gradient clipped to
norm 1, and the weights' average, on which the bound is measured.
"""

import argparse
import copy
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import images

RATES = {"patch": 2e-3, "unet": 1e-3}
WIDTHS, GROUPS, HEADS = (32, 48, 48), 8, 4  # of the U-Net


def dense(fan_in, fan_out, zero=False, bias=True):
    layer = nn.Linear(fan_in, fan_out, bias)
    (nn.init.zeros_ if zero else nn.init.xavier_uniform_)(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def times(t, omega):
    angle = t[:, None] * omega
    return torch.cat([angle.sin(), angle.cos()], -1)


def cut(x, patch, halo):
    """[batch, side, side, c] as [batch, tokens, (patch+2 halo)^2 c]: each patch with the pixels around it, 0 outside."""
    wide, c = patch + 2 * halo, x.shape[-1]
    rows = x.shape[1] // patch
    x = F.pad(x, (0, 0, halo, halo, halo, halo)).unfold(1, wide, patch).unfold(2, wide, patch)  # [batch, rows, rows, c, wide, wide]
    return x.permute(0, 1, 2, 4, 5, 3).reshape(len(x), rows * rows, wide * wide * c)


class Patch(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.settings, rows = net, net["side"] // net["patch"]
        self.layers = nn.ModuleDict({name: dense(*shape) for name, shape in images.layers(net).items()})
        self.register_buffer("places", torch.from_numpy(images.positions(rows, rows, net["dim"])))
        self.register_buffer("omega", torch.from_numpy(images.frequencies(net["dim"])))

    def attend(self, qkv):
        batch, n, width = qkv.shape
        q, k, v = qkv.view(batch, n, 3, self.settings["heads"], -1).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, n, width // 3)

    def forward(self, x, t):
        """x [batch, side, side, 1] at t [batch]; the result is [batch, side, side, outputs]."""
        net, layers = self.settings, self.layers
        seen = cut(x, net["patch"], net["halo"])
        h = layers["embed"](seen) + self.places
        c = F.silu(layers["time_2"](F.silu(layers["time_1"](times(t, self.omega)))))
        mod = layers["modulation"](c)[:, None, :].chunk(6 * net["depth"] + 2, -1)
        modulate = lambda h, i: torch.addcmul(mod[i], F.layer_norm(h, h.shape[-1:], eps=1e-6), 1 + mod[i + 1])
        for l in range(net["depth"]):
            at = lambda name: layers[f"block_{l + 1}/{name}"]
            h = torch.addcmul(h, mod[6 * l + 2], at("attention/out")(self.attend(at("attention/qkv")(modulate(h, 6 * l)))))
            h = torch.addcmul(h, mod[6 * l + 5], at("mlp_2")(F.silu(at("mlp_1")(modulate(h, 6 * l + 3)))))
        y = layers["head"](modulate(h, 6 * net["depth"]))
        if net["skip"]:
            y = y + layers["skip"](seen * (1 + layers["skip/scale"](c))[:, None, :])
        rows, patch = net["side"] // net["patch"], net["patch"]
        return y.view(len(x), rows, rows, patch, patch, -1).permute(0, 1, 3, 2, 4, 5).reshape(*x.shape[:3], -1)


class Resnet(nn.Module):
    def __init__(self, n_in, n_out, features):
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, n_in), nn.GroupNorm(GROUPS, n_out)
        self.conv1, self.conv2 = nn.Conv2d(n_in, n_out, 3, padding=1), zero(nn.Conv2d(n_out, n_out, 3, padding=1))
        self.time = nn.Linear(features, n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x, c):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(c)[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.qkv, self.out = nn.GroupNorm(GROUPS, width), nn.Linear(width, 3 * width), zero(nn.Linear(width, width))

    def forward(self, x, c):
        batch, width, rows, cols = x.shape
        h = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(h).view(batch, rows * cols, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        h = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, rows * cols, width))
        return x + h.transpose(1, 2).reshape(x.shape)


def zero(layer):
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class UNet(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.settings = settings  # of the head
        features = 4 * WIDTHS[0]
        self.register_buffer("omega", torch.from_numpy(images.frequencies(WIDTHS[0])))
        self.time = nn.Sequential(nn.Linear(WIDTHS[0], features), nn.SiLU(), nn.Linear(features, features), nn.SiLU())
        self.first = nn.Conv2d(1, WIDTHS[0], 3, padding=1)
        self.down, self.up, skips, width = nn.ModuleList(), nn.ModuleList(), [WIDTHS[0]], WIDTHS[0]
        for level, n in enumerate(WIDTHS):
            last = level == len(WIDTHS) - 1
            self.down.append(nn.ModuleList([Resnet(width, n, features), Attention(n) if last else None]))
            skips, width = skips + [n], n
            if not last:
                self.down.append(nn.ModuleList([nn.Conv2d(n, n, 3, stride=2, padding=1), None]))
                skips.append(n)
        self.middle = nn.ModuleList([Resnet(width, width, features), Attention(width), Resnet(width, width, features)])
        for level, n in reversed(list(enumerate(WIDTHS))):
            for _ in range(2):  # one more than on the way down
                self.up.append(nn.ModuleList([Resnet(width + skips.pop(), n, features), Attention(n) if level == len(WIDTHS) - 1 else None]))
                width = n
            if level:
                self.up.append(nn.ModuleList([nn.Conv2d(n, n, 3, padding=1), None]))
        self.norm, self.last = nn.GroupNorm(GROUPS, width), zero(nn.Conv2d(width, images.outputs(settings), 3, padding=1))

    def forward(self, x, t):
        """x [batch, 28, 28, 1] at t [batch]; the result is [batch, 28, 28, outputs]."""
        c = self.time(times(t, self.omega))
        h = self.first(x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last))
        seen = [h]
        for block, attention in self.down:
            h = block(h, c) if isinstance(block, Resnet) else block(h)
            h = attention(h, c) if attention else h
            seen.append(h)
        for block in self.middle:
            h = block(h, c)
        for block, attention in self.up:
            if isinstance(block, Resnet):
                h = block(torch.cat([h, seen.pop()], 1), c)
                h = attention(h, c) if attention else h
            else:
                h = block(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.last(F.silu(self.norm(h))).permute(0, 2, 3, 1)


# SpikeSlab of pkg/vdm, where the formulas are: a pixel has the lowest level, or comes from a mixture of normal laws rounded to
# levels; the network gives the law for each pixel, and Bayes' rule the mean of the pixel given its noisy value.


def log_normal(x, mean, variance):
    return -0.5 * ((x - mean) ** 2 / variance + torch.log(variance))


def level_mean(mean, std):
    """The mean of the law on levels ~ N(mean, std^2): 5 levels around the mean, or the mean itself where std is wide."""
    n = images.LEVELS
    middle = torch.clip(torch.round(mean.detach() * n / 2 + (n - 1) / 2), 2, n - 3)
    x = (2 * (middle[..., None] + torch.arange(-2, 3)) + 1) / n - 1
    weights = torch.softmax(-0.5 * ((x - mean[..., None]) / std[..., None]) ** 2, -1)
    return torch.where(std > 0.63 * 2 / n, mean, (weights * x).sum(-1))


def spike_slab(out, z, alpha, sigma):
    """E[x | z] from the network's output [batch, side, side, 1 + 3 slabs]; z [batch, side, side, 1]."""
    z, slabs = z[..., 0], (out.shape[-1] - 1) // 3
    alpha, sigma = alpha[..., 0], sigma[..., 0]
    lowest, low, high = 1 / images.LEVELS - 1, math.log(0.5 / images.LEVELS), 0.0
    logits, means, seen = [out[..., 0] + log_normal(z, alpha * lowest, sigma**2)], [torch.full_like(z, lowest)], z / alpha
    for k in range(slabs):
        weight, mean, width = (out[..., 1 + 3 * k + i] for i in range(3))
        mean = mean + (2 * (k + 0.5) / slabs - 1)
        std = torch.exp(low + (high - low) * torch.sigmoid(width + 2))
        variance = (alpha * std) ** 2 + sigma**2
        logits.append(weight + log_normal(z, alpha * mean, variance))
        means.append(level_mean(seen + (mean - seen) * sigma**2 / variance, std * sigma / torch.sqrt(variance)))
    weights = torch.softmax(torch.stack(logits, -1), -1)
    return (weights * torch.stack(means, -1)).sum(-1)[..., None]


def noise(net, network, z, t, alpha, sigma):
    """The noise that the denoiser finds in z = alpha x + sigma eps."""
    out = network(z, t)
    return (z - alpha * spike_slab(out, z, alpha, sigma)) / sigma if net["slabs"] else out

def alpha_sigma(t):
    """For float64 times in NumPy: alpha and sigma, float32 [n, 1, 1, 1]."""
    return (torch.from_numpy(a.astype(np.float32)).view(-1, 1, 1, 1) for a in images.alpha_sigma(t))


class Trainer:
    """The network, its optimiser and the average of its weights."""

    def __init__(self, name, slabs, seed, steps=0):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        settings = images.FASHION | {"slabs": slabs}
        self.net = Patch(settings) if name == "patch" else UNet(settings).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.pairs = list(self.average.parameters()), list(self.net.parameters())
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=RATES[name], eps=1e-8, fused=True)
        self.rate, self.steps, self.done = RATES[name], steps, 0

    def step(self, x):
        t = images.mixed_times(self.rng.random(), len(x))
        alpha, sigma = alpha_sigma(t)
        eps = torch.randn(x.shape)
        found = noise(self.net.settings, self.net, alpha * x + sigma * eps, torch.from_numpy(t.astype(np.float32)), alpha, sigma)
        loss = F.mse_loss(found, eps)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), images.CLIP)
        self.optimiser.param_groups[0]["lr"] = self.rate * images.rate_factor(self.done, self.steps)
        self.optimiser.step()
        self.done += 1
        torch._foreach_lerp_(*self.pairs, 1 - images.ema_decay(self.done, images.SHORT_EMA if self.steps else images.LONG_EMA))
        return loss

    @torch.no_grad()
    def square_error(self, z, t, eps):
        found = noise(self.net.settings, self.average, torch.from_numpy(z), torch.from_numpy(t.astype(np.float32)), *alpha_sigma(t))
        return ((found - torch.from_numpy(eps)) ** 2).sum((1, 2, 3)).numpy()

    def bound(self, levels):
        return images.bound(levels, self.square_error, np.random.default_rng(10_000))


def batches(x, seed):
    draw = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(x), generator=draw)
        for i in range(0, len(x) - images.BATCH + 1, images.BATCH):
            yield x[order[i : i + images.BATCH]]


def train(args):
    data, test = (images.fashion(args.fashion_dir, split) for split in ("train", "t10k"))
    runner = Trainer(args.net, args.slabs, args.seed, args.steps)
    following = batches(torch.from_numpy(images.scaled(data)), args.seed)
    wall = cpu = 0.0
    began, used = time.perf_counter(), images.cpu_seconds()

    def due():
        seconds = time.perf_counter() - began
        return runner.done == args.steps if args.steps else seconds >= args.check_seconds

    while True:
        while not due():
            runner.step(next(following))
        wall, cpu = wall + time.perf_counter() - began, cpu + images.cpu_seconds() - used
        result = runner.bound(test[: args.images])
        print(json.dumps({"peer": "torch " + torch.__version__, "network": args.net, "slabs": args.slabs, "data": "fashion", "seed": args.seed,
                          "parameters": sum(p.numel() for p in runner.net.parameters()), "steps": runner.done, "cosine": bool(args.steps),
                          "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1), **result}), flush=True)
        if args.steps or result["bound"] <= args.until or wall >= args.limit:
            return
        began, used = time.perf_counter(), images.cpu_seconds()


def step_time(args):
    """For each line of standard input: milliseconds a step of one round of each network."""
    x = torch.rand(images.BATCH, 28, 28, 1) * 2 - 1
    runners = {name: Trainer(name, args.slabs, 0) for name in args.nets}
    for runner in runners.values():
        runner.step(x)
    for _ in sys.stdin:
        out = {}
        for name, runner in runners.items():
            began = time.perf_counter()
            for _ in range(args.per_round):
                runner.step(x)
            out[name] = 1e3 * (time.perf_counter() - began) / args.per_round
        print(json.dumps(out), flush=True)


@torch.no_grad()
def apply(args):
    """Prints what the denoiser returns for the weights, x and t in a JSON file of tests/bench, flat."""
    with open(args.file) as file:
        case = json.load(file)
    net = Patch(images.FASHION | {"slabs": args.slabs})
    for name, layer in net.layers.items():
        for kind, into in (("weights", layer.weight.T), ("biases", layer.bias)):
            if into is not None:
                value = case["weights"].pop(f"{name}/{kind}")
                into.copy_(torch.tensor(value["values"]).view(into.shape))
    assert not case["weights"], case["weights"].keys()
    side, t = net.settings["side"], np.float64(case["t"])
    z = torch.tensor(case["x"]).view(-1, side, side, 1)
    alpha, sigma = alpha_sigma(t)
    found = noise(net.settings, net, z, torch.from_numpy(t.astype(np.float32)), alpha, sigma)
    print(json.dumps(((z - sigma * found) / alpha).flatten().tolist()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    t = commands.add_parser("train")
    t.add_argument("--net", choices=RATES, required=True)
    t.add_argument("--steps", type=int, default=0, help="one run of this many steps under a cosine")
    t.add_argument("--until", type=float, default=-math.inf, help="without --steps: a constant rate, to the first check at or below this bound")
    t.add_argument("--check-seconds", type=float, default=30, help="of training, between checks")
    t.add_argument("--limit", type=float, default=900, help="seconds of training")
    t.add_argument("--images", type=int, default=1024, help="of the test split, for the bound")
    t.add_argument("--seed", type=int, default=1)
    t.add_argument("--fashion-dir", default="/usr/share/datasets/fashion-mnist")
    t.set_defaults(run=train)
    s = commands.add_parser("step")
    s.add_argument("--nets", nargs="+", choices=RATES, default=list(RATES))
    s.add_argument("--per-round", type=int, default=20)
    s.set_defaults(run=step_time)
    a = commands.add_parser("apply")
    a.add_argument("file")
    a.set_defaults(run=apply)
    for p in (t, s, a):
        p.add_argument("--slabs", type=int, default=images.FASHION["slabs"], help="of the head; 0 returns the noise")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
