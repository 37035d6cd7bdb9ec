"""make doctor: one line for each part: what it is, its version, where it lies, and whether it works or how to mend it.

It installs nothing, and it needs nothing but Python.
"""
import json
import os
import re
import shutil
import subprocess
import sys

from common import BIN, KERNELS, PYTHON, ROOT, VENV, installer

SETUP = "make setup"
LATEST = 120  # seconds that one part may take to answer


def main(kernel):
    lines = [python_line(), line("go", ["go", "version"], "the archive of go.dev/dl"), compiler_line()]
    lines += [venv_line(module) for module in ("jupyterlab", "jupyter_server", "nbconvert", "nbclient", "jupytext")]
    lines += [line("gonb", [BIN / "gonb", "-V"]), line("gopls", [BIN / "gopls", "version"]), build_line("goimports")]
    lines += [kernel_line(kernel), cell_line(kernel)]
    return 0 if backends() and all(lines) else 1


def report(part, version, path, fault, mend):
    """Prints one line; returns whether the part works."""
    verdict = "works" if not fault else "{}; mend it with: {}".format(fault, mend)
    print("{:<15} {:<28} {:<52} {}".format(part, short(version or "-"), near(path or "-"), verdict), flush=True)
    return not fault


def near(path):
    """A path inside the clone without the clone's own."""
    return str(path).replace(str(ROOT) + os.sep, "")


def short(version):
    return version if len(version) <= 28 else version[:27] + "…"


def line(part, argv, mend=SETUP):
    """A program that says its own version."""
    program = shutil.which(str(argv[0]))
    if not program:
        return report(part, None, argv[0], "missing", mend)
    code, said = ask(argv)
    return report(part, version_in(said), program, "" if code == 0 else "does not run: " + first(said), mend)


def build_line(part):
    """A program that knows no version flag: Go reads it out of the file."""
    if not (BIN / part).exists() or not shutil.which("go"):
        return report(part, None, BIN / part, "missing", SETUP)
    code, said = ask(["go", "version", "-m", BIN / part])
    found = re.search(r"\bmod\s+\S+\s+(\S+)", said)
    return report(part, found and found.group(1), BIN / part, "" if code == 0 else "does not run", SETUP)


def python_line():
    old = sys.version_info[:2] < PYTHON
    return report("python", sys.version.split()[0], sys.executable, "too old" if old else "",
                  installer(apt="python3 python3-venv", dnf="python3", brew="python"))


def compiler_line():
    name = os.environ.get("CC", "gcc" if shutil.which("gcc") else "cc")
    return line("C compiler", name.split() + ["--version"], installer(apt="gcc libc6-dev", dnf="gcc", brew="llvm"))


def venv_line(module):
    code, said = ask([BIN / "python", "-c", "import {0} as m; print(m.__version__); print(m.__path__[0])".format(module)])
    version, _, path = said.strip().partition("\n")
    if code != 0:
        return report(module, None, VENV, "missing", SETUP)
    return report(module, version, path, "", SETUP)


def kernel_line(kernel):
    """The kernel's spec: every absolute path in it has to exist."""
    spec = KERNELS / kernel / "kernel.json"
    if not spec.exists():
        return report("kernel " + kernel, None, spec, "not registered", SETUP)
    argv = json.loads(spec.read_text(encoding="utf-8"))["argv"]
    paths = [argv[0]] + [a.split("=", 1)[1] for a in argv if a.startswith("-go_work=")]
    gone = [path for path in paths if not os.path.exists(path)]
    return report("kernel " + kernel, None, spec, "names {}, which is not there".format(gone[0]) if gone else "", SETUP)


def cell_line(kernel):
    code, said = ask([BIN / "python", ROOT / "kernels" / "warm.py", kernel])
    return report("first cell", None, "a 2x2 product in the kernel", "" if code == 0 else first(said), SETUP)


def backends():
    """A Go program opens each backend that it finds and multiplies two 2x2 matrices on it: one line each."""
    if not shutil.which("go"):
        return False
    sys.stdout.flush()
    return subprocess.call(["go", "run", "./kernels/doctor"], cwd=str(ROOT), env=dict(os.environ, GOWORK="off", GOFLAGS="-buildvcs=false")) == 0


def ask(argv):
    try:
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LATEST, cwd=str(ROOT))
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def version_in(said):
    found = re.search(r"v?\d+\.\d+(\.\d+)?[-.\w]*", said)
    return found.group(0) if found else first(said)


def first(said):
    return (said.strip().splitlines() or ["no output"])[-1][:160]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "gonb"))
