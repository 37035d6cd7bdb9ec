"""How long each takes to a test bound on Fashion-MNIST: this library's patch denoiser, the same in PyTorch, and a U-Net in PyTorch.

    python3 tests/peers/race.py --bound 3.9 | tee docs/race.jsonl

They run one after the other, at a constant rate (2e-3, the U-Net 1e-3, after a warm-up), batch 64, one seed, and are measured now and then by
their averaged weights on the first 1,024 test images; a measurement's time does not count, and compilation does. A run ends at
the first measurement at or below the bound. Each measurement is one JSON line; the seconds at which the bound was
crossed, in a run's last line, lie on the straight line between the last two measurements.
"""

import argparse
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TORCH = [ROOT / "tests/peers/.venv/bin/python", ROOT / "tests/peers/torch_diffusion.py", "train"]


def ours(args, folder):
    """Lines of docs/examples/diffusion, which counts CPU time on all cores: its marks are as far apart as the peers' checks."""
    program, cores = folder / "diffusion", len(os.sched_getaffinity(0))
    subprocess.run(["go", "build", "-o", program, "./diffusion"], cwd=EXAMPLES, check=True)
    apart = args.check_seconds * cores / 60
    marks = ",".join(f"{apart * i:g}" for i in range(1, 1 + int(args.limit / args.check_seconds)))
    command = [program, "-data", "fashion", "-net", "patch", "-minutes", str(2 * args.limit * cores / 60), "-marks", marks,
               "-dir", folder / "runs", "-seed", str(args.seed)]
    for line in lines(command, EXAMPLES):
        yield {"network": "patch", "steps": line["Steps"], "seconds": line["Seconds"], "cpu_seconds": line["CPUSeconds"],
               "bound": line["Bound"], "bound_se": line["BoundSE"], "images": line["Images"], "times": line["Times"]}


def torch(args, net, *more):
    command = [*TORCH, "--net", net, "--until", str(args.bound), "--check-seconds", str(args.check_seconds), "--limit", str(args.limit),
               "--seed", str(args.seed), *more]
    keys = ("peer", "network", "slabs", "parameters", "steps", "seconds", "cpu_seconds", "bound", "bound_se", "images", "times")
    for line in lines(command, ROOT):
        yield {key: line[key] for key in keys}


def lines(command, folder):
    """The JSON lines that a command prints, until it ends or the caller has enough."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in process.stdout:
            yield json.loads(line)
        if process.wait():
            raise SystemExit(f"race.py: {' '.join(map(str, command))} ended with {process.returncode}; run it by itself to see why")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait()


def machine():
    """The processor's name, as Linux tells it."""
    names = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores of {names[0] if names else platform.machine()}"


def run(name, measurements, args):
    """Prints the measurements of one runner, the last with the crossing."""
    before = None
    for now in measurements:
        passed = now["bound"] <= args.bound
        done = passed or now["seconds"] >= args.limit
        crossed = None
        if passed and before:
            share = (before["bound"] - args.bound) / (before["bound"] - now["bound"])
            crossed = round(before["seconds"] + share * (now["seconds"] - before["seconds"]), 1)
        elif passed:
            crossed = now["seconds"]
        row = {"race": name, "machine": machine(), "target": args.bound, **now}
        print(json.dumps(row | ({"crossed": crossed} if done else {})), flush=True)
        print(f"{name}: {now['bound']:.3f} bits/dim after {now['seconds']:.0f} s" + (f", crossed at {crossed} s" if passed else ""), file=sys.stderr)
        if done:
            measurements.close()
            return
        before = now


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bound", type=float, default=3.9, help="bits/dim")
    parser.add_argument("--check-seconds", type=float, default=30, help="of training, between measurements")
    parser.add_argument("--limit", type=float, default=900, help="seconds of training after which a runner gives up")
    parser.add_argument("--seed", type=int, default=1)
    runners = {"lowerbound": ours, "torch-patch": lambda args, _: torch(args, "patch"),
               "torch-unet": lambda args, _: torch(args, "unet", "--slabs", "0"), "torch-unet-law": lambda args, _: torch(args, "unet")}
    parser.add_argument("--runners", nargs="+", choices=runners, default=["lowerbound", "torch-patch", "torch-unet"])
    args = parser.parse_args()
    for name in args.runners:
        with tempfile.TemporaryDirectory() as folder:
            run(name, runners[name](args, pathlib.Path(folder)), args)


if __name__ == "__main__":
    main()
