"""Writes docs/results.md from what the commands that it names printed: docs/results.jsonl, bench.txt and cells.txt.

    python3 tests/peers/table.py
"""
import json
import math
import pathlib
import statistics

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NAMES = {"digits": "digits, 64-128-8", "fashion": "Fashion-MNIST, 784-400-20"}
BUDGET = {"digits": 2200, "fashion": 9360}
COMMANDS = {
    "lowerbound": "go -C docs/examples run ./vae -data {data} -seeds 1,2,3",
    "jax": "tests/peers/.venv/bin/python tests/peers/jax_vae.py train --data {data} --steps {steps}",
}

HEAD = """# Results

Each table comes from the command under it. `docs/results.jsonl`, `docs/bench.txt` and `docs/cells.txt` hold the lines that
the commands printed, and `python3 tests/peers/table.py` writes this page from them.

## Variational autoencoders on real images

Bernoulli likelihood on intensities in [0, 1], one hidden layer a side, Adam 1e-3, batch 128, float32, no tuning. The
bound takes the mean of 500 draws of the code an image and the KL in closed form; NLL is −log of the mean of the same
draws' importance weights, an upper bound of −log p(x). Both are nats an image over the whole test split, ± standard error over its images. Seconds are wall time of
training and of the measurement on {machine}, while other programs ran.

The JAX rows are a script of the same architecture, initial laws, data and budget (`tests/peers/jax_vae.py`, {jax}); it
draws its own noise and shuffles by itself.
"""

SPEED = """
## Speed

A training step of the 784-400-20 VAE at batch 128 through `fit.Train`, in turns of 100 steps with JAX's jitted, donated
step and with its scan, in one run on the same two cores; then loading the finished model. `-ms` is the least of 20 turns,
`-median-ms` the median, `fit/jit` and `fit/scan` are ratios of the least.

```
{bench}
make bench
```

A notebook cell on XLA from enter to output, in a warm kernel (the first cell of a kernel apart), and a completion (gopls
starts with the first):

```
{cells}
.venv/bin/python kernels/warm.py gonb --times
```
"""


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


def main():
    rows = [row(json.loads(line)) for line in (DOCS / "results.jsonl").read_text().splitlines()]
    mine = next(r for r in rows if r["who"] == "lowerbound")
    jax = next(r["version"] for r in rows if r["who"] == "jax")
    text = HEAD.format(machine=mine["machine"], jax=jax) + "".join(section(data, rows) for data in NAMES)
    text += SPEED.format(bench=(DOCS / "bench.txt").read_text(), cells=(DOCS / "cells.txt").read_text())
    (DOCS / "results.md").write_text(text)


if __name__ == "__main__":
    main()
