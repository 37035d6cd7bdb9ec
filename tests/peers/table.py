"""Writes docs/results.md from what the commands that it names printed: docs/results.jsonl, diffusion.jsonl, race.jsonl, families.txt, bench.txt and cells.txt.

    python3 tests/peers/table.py

What has not been recorded has no rows.
"""
import json
import math
import pathlib
import re
import statistics

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NAMES = {"digits": "digits, 64-128-8", "fashion": "Fashion-MNIST, 784-400-20"}
BUDGET = {"digits": 2200, "fashion": 9360}
COMMANDS = {
    "lowerbound": "go -C docs/examples run ./vae -data {data} -seeds 1,2,3",
    "jax": "tests/peers/.venv/bin/python tests/peers/jax_vae.py train --data {data} --steps {steps}",
}

HEAD = """# Results

Each table comes from the command under it. `docs/results.jsonl`, `docs/diffusion.jsonl`, `docs/race.jsonl`, `docs/families.txt`,
`docs/bench.txt` and `docs/cells.txt` hold the lines that the commands printed, and `python3 tests/peers/table.py` writes this page from them.

## Variational autoencoders on real images

Bernoulli likelihood on intensities in [0, 1], one hidden layer a side, Adam 1e-3, batch 128, float32, no tuning. The
bound takes the mean of 500 draws of the code an image and the KL in closed form; NLL is −log of the mean of the same
draws' importance weights, an upper bound of −log p(x). Both are nats an image over the whole test split, ± standard error over its images. Seconds are wall time of
training and of the measurement on {machine}, while other programs ran.

The JAX rows are a script of the same architecture, initial laws, data and budget (`tests/peers/jax_vae.py`, {jax}); it
draws its own noise and shuffles by itself.
"""

DIFFUSION = """
## Diffusion on real images

The variational bound of the negative log-likelihood on the test split, in bits a dimension of the data's discrete levels, ±
standard error over the images, and its three parts (`vdm.Evaluate`). At a mark it is that of the averaged weights after so
much CPU time at a constant rate; a cooled run went on from there while the rate fell to 0. Minutes are of training alone. Sampling is 64 images by 50 steps of DDIM.

All runs shared the two cores with other programs, which makes a CPU minute worth less than on a quiet machine: see the steps, and
`PatchStep` below. The patch transformer's marks at 5, 15 and 45 minutes of Fashion-MNIST, and the marks on digits, are of a later day and another machine, an Intel Xeon.
"""

DIFFUSION_COMMAND = """
```
go -C docs/examples run ./diffusion -data {data} -net {net}
```
"""

RACE = """
### Time to a bound

Seconds of training until the bound of the averaged weights on {images} test images of Fashion-MNIST, {times} times each, is at most {target} bits a
dimension: same data, batch 64, time law, optimiser and kind of measurement, one after the other on the same cores, compilation included. The
bound is measured every {apart:.0f} s or so, off the clock, and the crossing lies on the straight line between two measurements. On the EPYC other programs ran now
and then; the Xeon was quiet. The U-Net is the convolutional one of `tests/peers/torch_diffusion.py`; PyTorch runs eagerly.
{tables}

```
python3 tests/peers/race.py --bound {target} --check-seconds {apart:.0f} --limit 300 | tee -a docs/race.jsonl
```
"""

FAMILIES = """
## All families on the same data

The models that come with notebook 17, with networks of the same widths and as many steps of training, on a swiss roll and on 8 × 8 digits. Distances
(energy distance, squared MMD) are over the 97.5 per cent quantile of two exact sets: up to 1 nothing tells a model from the law. Precision and recall with
k = 3; coverage counts 16 stretches of the roll, and the ten classes by the nearest mean digit. −log p is in nats on the roll, in bits a dimension of 17
levels on digits: ≤ a bound, ≈ with an estimate of log Z. Calls are of a network, one after the other; seconds are the least of several draws of 1000 samples, while other programs ran.
{tables}
```
go test -run '^$' -bench Families -benchtime 3x -timeout 30m ./tests/bench | tee docs/families.txt
```
"""

TASKS = {"roll": "Swiss roll", "digits": "Digits"}

RUNNERS = {"lowerbound": "lowerbound, patch transformer", "torch-patch": "{peer}, the same patch transformer",
           "torch-unet": "{peer}, U-Net of {parameters} parameters that returns the noise",
           "torch-unet-law": "{peer}, U-Net of {parameters} parameters that returns the pixels' laws"}

SPEED = """
## Speed

{what}
`make bench` takes the peers and this library in turns, in one run on the same cores. A time is the least of the turns, with `median`
the median, and a ratio is one of the least times.

```
{bench}
make bench | tee docs/bench.txt
```

A notebook cell on XLA from enter to output, in a warm kernel (the first cell of a kernel apart), and a completion (gopls
starts with the first):

```
{cells}
.venv/bin/python kernels/warm.py gonb --times
```
"""

BENCHMARKS = {
    "Load": "loading the finished 784-400-20 VAE",
    "VAEStep": "a training step of the 784-400-20 VAE at batch 128 through `fit.Train` (`fit`), turns of 100 steps, next to JAX's jitted, donated step (`jit`) and its scan over the turn's steps (`scan`)",
    "PatchStep": "a training step of the patch denoiser of 28×28 images at batch 64 (`fit`), turns of 20 steps, next to JAX's scan and PyTorch's eager step (`torch`); `noise`: the network returns the noise, `law`: the law of each pixel, as in `docs/examples/diffusion`",
    "Sample2D": "4,096 points of the plane by 500 ancestral steps of an MLP 3×128, one call (`sampler`), next to one fori_loop of JAX's (`loop`)",
    "Ancestral64": "64 images by 1000 ancestral steps of the untrained patch denoiser, and the process's peak memory during 100 and during 1000 steps",
    "Flow": "log-likelihood of 256 digits by the probability flow, RK45 at tolerance 1e-5 with one Rademacher direction (`flow`), next to one while_loop of JAX's with the same network, tableau, controller and direction (`loop`)",
}


def row(run):
    """One form for both programs' lines."""
    low = {key.lower().replace("_", ""): value for key, value in run.items()}
    return {
        "who": "lowerbound" if low["peer"] == "lowerbound" else "jax", "version": low["peer"], "data": low["data"],
        "machine": low.get("machine"), "seed": low["seed"], "steps": low["steps"], "train": low["trainseconds"],
        "test": low.get("testseconds"), "bound": (low["bound"], low["boundse"]), "nll": (low["nll"], low["nllse"]),
    }


def difference(a, b, key):
    """Means over the seeds: their difference, and its standard error from the spread between seeds."""
    x, y = ([r[key][0] for r in rows] for rows in (a, b))
    error = math.sqrt(statistics.variance(x) / len(x) + statistics.variance(y) / len(y))
    return statistics.mean(x) - statistics.mean(y), error


def section(data, rows):
    mine, theirs = ([r for r in rows if r["data"] == data and r["who"] == who] for who in ("lowerbound", "jax"))
    out = [f"\n### {NAMES[data]}, {BUDGET[data]} steps\n", "| | seed | bound | NLL, 500 draws | training, s | measuring, s |",
           "|---|---|---|---|---|---|"]
    for r in mine + theirs:
        assert r["steps"] == BUDGET[data], r
        measured = "" if r["test"] is None else f"{r['test']:.0f}"
        out.append(f"| {r['who']} | {r['seed']} | {r['bound'][0]:.3f} ± {r['bound'][1]:.3f} | {r['nll'][0]:.3f} ± {r['nll'][1]:.3f} | "
                   f"{r['train']:.0f} | {measured} |")
    bound, nll = difference(mine, theirs, "bound"), difference(mine, theirs, "nll")
    image = math.hypot(statistics.mean(r["bound"][1] for r in mine), statistics.mean(r["bound"][1] for r in theirs))
    out.append(f"\nMeans over the seeds differ by {bound[0]:+.3f} ± {bound[1]:.3f} nats in the bound and {nll[0]:+.3f} ± {nll[1]:.3f} in the NLL, "
               f"± from the spread between seeds: {abs(bound[0]) / bound[1]:.1f} and {abs(nll[0]) / nll[1]:.1f} standard errors. "
               f"By the images alone the bound's difference has a standard error of {image:.3f}.\n")
    out.append("```")
    out += [COMMANDS[who].format(data=data, steps=BUDGET[data]) for who in COMMANDS]
    return "\n".join(out + ["```\n"])


def recorded(name):
    path = DOCS / name
    return path.read_text().splitlines() if path.exists() else []


def diffusion():
    runs = [json.loads(line) for line in recorded("diffusion.jsonl")]
    if not runs:
        return ""
    out = [DIFFUSION]
    for data in dict.fromkeys(r["Data"] for r in runs):
        mine = [r for r in runs if r["Data"] == data]
        out.append(f"\n### {data}\n\n| network | | steps | CPU min | wall min | bound | reconstruction | prior | diffusion | images × times | sampling, s |\n"
                   "|---|---|---|---|---|---|---|---|---|---|---|\n")
        for r in mine:
            out.append(f"| {kind(r)} | {r['At'].partition('-')[0]} | {r['Steps']} | {r['CPUSeconds'] / 60:.1f} | {r['Seconds'] / 60:.1f} | "
                       f"{r['Bound']:.3f} ± {r['BoundSE']:.3f} | {r['Recon']:.3f} | {r['Prior']:.4f} | {r['Diffusion']:.3f} | {r['Images']} × {r['Times']} | {r['SampleSeconds']:.1f} |\n")
        out += [f"\n{kind(r)}: {r['Network']}.\n" for r in {r["Network"]: r for r in mine}.values()]
        out += compared(mine)
        out += [f"\n![{data}, {kind(r)}, {r['At']}](images/{picture(r).name})\n" for r in mine if picture(r).exists()]
        out += [DIFFUSION_COMMAND.format(data=data, net=net) for net in dict.fromkeys(kind(r) for r in mine)]
    return "".join(out)


def kind(run):
    return "unet" if ", unet," in run["Network"] else "patch"


def picture(run):
    return DOCS / "images" / f"{run['Data']}-{kind(run)}-{run['At']}.png"


def compared(runs):
    """The difference of the two networks at each mark that both have passed."""
    marks = dict.fromkeys(r["At"] for r in runs if r["At"].startswith("mark-"))
    for mark in marks:
        at = {kind(r): r for r in runs if r["At"] == mark}
        if len(at) == 2:
            gap, se = at["unet"]["Bound"] - at["patch"]["Bound"], math.hypot(at["unet"]["BoundSE"], at["patch"]["BoundSE"])
            yield (f"\nAfter {mark.removeprefix('mark-')} CPU minutes the U-Net's bound minus the patch transformer's is {gap:+.3f} bits "
                   f"(standard error at most {se:.3f}: the images are the same).\n")


def race():
    runs = [json.loads(line) for line in recorded("race.jsonl")]
    if not runs:
        return ""
    (target,), any_run, tables, apart = {r["target"] for r in runs}, runs[0], [], []
    for machine in dict.fromkeys(r["machine"] for r in runs):
        here = [r for r in runs if r["machine"] == machine]
        tables.append(f"\n| {machine} | steps | bound | measured at, s | crossed at, s | CPU, s |\n|---|---|---|---|---|---|")
        for name, r in {r["race"]: r for r in here if "crossed" in r}.items():
            who = RUNNERS[name].format(peer=r.get("peer"), parameters=r.get("parameters"))
            crossed = "not within the limit" if r["crossed"] is None else f"{r['crossed']:.0f}"
            tables.append(f"| {who} | {r['steps']} | {r['bound']:.3f} ± {r['bound_se']:.3f} | {r['seconds']:.0f} | {crossed} | {r['cpu_seconds']:.0f} |")
            times = [0.0] + [row["seconds"] for row in here if row["race"] == name]
            apart += [b - a for a, b in zip(times, times[1:])]
    return RACE.format(images=any_run["images"], times=any_run["times"], target=target, apart=statistics.median(apart), tables="\n".join(tables))


SIGNS = {"exact": "", "bound": "≤ ", "estimate": "≈ "}


def families():
    """The lines of BenchmarkFamilies as a table for each task."""
    found = {}
    for line in recorded("families.txt"):
        if line.startswith("BenchmarkFamilies/"):
            name, _, *metrics = (part.strip() for part in line.split("\t"))
            _, task, model = re.sub(r"-\d+$", "", name).split("/")
            found.setdefault(task, {})[model.replace("_", " ")] = {unit: float(value) for value, unit in (m.split() for m in metrics)}
    if not found:
        return ""
    tables = []
    for task, rows in found.items():
        tables.append(f"\n| {TASKS[task]} | energy | MMD | precision | recall | modes | −log p | calls | seconds |\n|---|---|---|---|---|---|---|---|---|")
        for name, m in rows.items():
            kind = next((unit.removeprefix("nll-") for unit in m if unit.startswith("nll-") and unit != "nll-se"), None)
            nll = "" if kind is None else f"{SIGNS[kind]}{m['nll-' + kind]:.3f} ± {m['nll-se']:.3f}"
            drawn = f"{m['calls']:.0f} | {m['s-1000']:.2g}" if "calls" in m else " | "
            tables.append(f"| {name} | {m['energy/floor']:.2f} | {m['mmd/floor']:.2f} | {m['precision']:.2f} | {m['recall']:.2f} | {m['modes']:.0f} | {nll} | {drawn} |")
    return FAMILIES.format(tables="\n".join(tables) + "\n")


QUALITY = """
### Samplers, calls and seconds

W₁ between the draws of each sampler and the mixture of notebook 12, from its exact score, and the seconds that they took. Those that draw noise on the way
took 100,000 points, the others 4,000: seconds compare within a kind. Notebook 12 draws the distances.

| W₁ after so many calls of the score |{head}|
|---|{rule}
{rows}

| seconds of the run |{head}|
|---|{rule}
{seconds}
"""


def quality():
    """The lines of BenchmarkQuality as two tables."""
    found = {}
    for line in recorded("bench.txt"):
        if line.startswith("BenchmarkQuality/"):
            name, _, *metrics = (part.strip() for part in line.split("\t"))
            found[re.sub(r"^BenchmarkQuality/|-\d+$", "", name)] = {unit: float(value) for value, unit in (m.split() for m in metrics)}
    if not found:
        return ""
    calls = sorted({int(unit.partition("-")[2]) for m in found.values() for unit in m if unit.startswith("W1-")})
    table = lambda unit: "\n".join(f"| {name} | " + " | ".join(f"{m[f'{unit}-{n}']:.2g}" for n in calls) + " |" for name, m in found.items())
    return QUALITY.format(head="".join(f" {n} |" for n in calls)[:-1], rule="---|" * len(calls), rows=table("W1"), seconds=table("s"))


def speed():
    lines = [line for line in dict.fromkeys(recorded("bench.txt")) if line.startswith(("goos", "goarch", "cpu:")) or line.startswith("Benchmark") and "\t" in line and not line.startswith("BenchmarkQuality")]
    what = "".join(f"- `{name}`: {text}\n" for name, text in BENCHMARKS.items() if any(line.startswith("Benchmark" + name) for line in lines))
    return SPEED.format(what=what, bench="\n".join(lines) + "\n", cells=(DOCS / "cells.txt").read_text())


def main():
    rows = [row(json.loads(line)) for line in (DOCS / "results.jsonl").read_text().splitlines()]
    mine = next(r for r in rows if r["who"] == "lowerbound")
    jax = next(r["version"] for r in rows if r["who"] == "jax")
    text = HEAD.format(machine=mine["machine"], jax=jax) + "".join(section(data, rows) for data in NAMES)
    text += diffusion() + families() + speed() + quality() + race()
    (DOCS / "results.md").write_text(text)


if __name__ == "__main__":
    main()
