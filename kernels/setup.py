"""make setup: everything that the notebooks and the tests need, into .venv and Go's caches, and nothing anywhere else.

    python3 kernels/setup.py [--kernel NAME] [--with test] [--with lint]

Each step leaves a stamp in .venv/.setup that holds what it was made from (hashes of its locks, versions, folders), so a
second run does only what changed and asks the network for nothing. A step that was cut short leaves a mark, and the next
run does it again from the start, as it does with a step whose work has been removed. A clone that was moved is put right.

Standard library only, and no newer syntax than Python 3.6, so that an old Python can say that it is too old.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import BIN, KERNELS, PYTHON, ROOT, VENV, Problem, has_wheel, installer

STAMPS = VENV / ".setup"
GIB = 1 << 30
NEEDED = {"venv": 1 * GIB, "go": int(1.5 * GIB)}  # measured on x86-64 Linux: 0.7 and 1.1 GiB
AGAIN = "make setup"
BASE = getattr(sys, "_base_executable", sys.executable)  # not .venv's own python, should that one run this


def main():
    options = arguments()
    try:
        require_system()
        with Lock(ROOT):
            setup(options.kernel, options.extras)
    except Problem as problem:
        sys.exit("setup: {}".format(problem))
    except OSError as error:  # as the full disk that a stamp meets
        sys.exit("setup: {}".format(explain("writing into {}".format(VENV), str(error))))
    except KeyboardInterrupt:
        sys.exit("setup: stopped; {} goes on from here".format(AGAIN))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kernel", default="gonb", help="a folder of kernels/ that holds a kernel.json")
    parser.add_argument("--with", dest="extras", action="append", default=[], choices=["test", "lint"])
    return parser.parse_args()


def setup(kernel, extras):
    """All steps; each is skipped when its stamp says that nothing it was made from has changed. Python's packages come while Go's are
    built: the one waits for the network, the other for the processor."""
    require_kernel(kernel)
    # pip asks for rustc's version, and rustup, where it answers, writes its settings: not into HOME.
    os.environ.setdefault("RUSTUP_HOME", str(VENV / "rustup"))
    go = require_go()
    require_python()
    python = "{} {}".format(sys.version.split()[0], os.path.realpath(sys.executable))
    step("python", python, make_venv, needs="venv", says="a Python environment in .venv", makes=[BIN / "python"])
    move_venv()
    at_once(lambda: python_packages(extras), lambda: go_programs(go, extras))
    write_kernel(kernel, go)
    write_overrides()
    warm = "{} {} {} {}".format(modules(go), go["GOCACHE"], ROOT, hashed(ROOT / "kernels" / "warm.py"))
    step("warm-" + kernel, warm, lambda again: warm_up(kernel), needs="go", says="Go's build cache, and a first cell")


def at_once(*jobs):
    """Runs the jobs side by side and waits for all; the first one's Problem is raised when all have ended."""
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        for job in [pool.submit(job) for job in jobs]:
            job.result()


def python_packages(extras):
    step("lab", hashed(lock("lab")), lambda again: pip(lock("lab"), again), needs="venv", says="JupyterLab and jupytext",
         makes=[BIN / "jupyter-lab", BIN / "jupytext"])
    if has_wheel():
        step("plugin", hashed(lock("plugin")), lambda again: pip(lock("plugin"), again, "--no-deps"), needs="venv", says="XLA's plugin",
             makes=plugins() or [VENV / "a plugin"])
    if "test" in extras:
        step("test", hashed(lock("test")), lambda again: pip(lock("test"), again), says="the tests' Python packages")


def go_programs(go, extras):
    tools(go, "tools", ROOT / "kernels" / "tools", "gonb", "gopls", "goimports")
    if "lint" in extras:
        tools(go, "lint", ROOT / "kernels" / "tools" / "lint", "golangci-lint")
    step("modules", modules(go), lambda again: go_run("mod", "download"), needs="go", says="Go modules",
         makes=[Path(go["GOMODCACHE"], "github.com", "gomlx")])


def modules(go):
    return "{} {} {}".format(hashed(ROOT / "go.mod", ROOT / "go.sum"), go["GOVERSION"], go["GOMODCACHE"])


# The frame of a step.

def step(name, made_from, do, needs=None, says="", makes=()):
    """Runs do(again) unless the stamp says that it was done from the same things, and what it makes is there.

    again: an earlier run was cut short, or something of its work was removed since.
    """
    stamp, mark = STAMPS / name, STAMPS / (name + ".begun")
    gone = stamp.exists() and not all(path.exists() for path in makes)
    if stamp.exists() and stamp.read_text() == made_from and not mark.exists() and not gone:
        return
    if needs:
        require_disk(needs)
    print("setup: {} ...".format(says), flush=True)
    again = mark.exists() or gone
    write(mark, made_from)
    do(again)
    write(stamp, made_from)
    if mark.exists():  # making .venv anew takes all marks with it
        mark.unlink()


def write(path, text):
    """Writes a file whole or not at all: a temporary name, then a rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=str(path.parent), prefix=".new-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, str(path))


def hashed(*paths):
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def lock(name):
    return ROOT / "kernels" / "python" / (name + ".txt")


class Lock:
    """One set-up at a time in a clone: the second waits and says so."""

    def __init__(self, folder):
        self.handle = os.open(str(folder), os.O_RDONLY)

    def __enter__(self):
        import fcntl
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("setup: another set-up runs in this clone; waiting for it ...", flush=True)
            fcntl.flock(self.handle, fcntl.LOCK_EX)

    def __exit__(self, *_):
        os.close(self.handle)


def run(argv, says, env=None, cwd=ROOT):
    """Runs a command and returns its output; a failure becomes a Problem that names its cause."""
    try:
        done = subprocess.run([str(a) for a in argv], cwd=str(cwd), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        raise Problem("{}: {}".format(says, error), AGAIN)
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise explain(says, output)
    return output


CAUSES = [
    (r"No space left on device|Disk quota exceeded", "the disk is full", "df -h . ; free some space, then " + AGAIN),
    (r"DO NOT MATCH THE HASHES|checksum mismatch|SECURITY ERROR",
     "a downloaded package is not the one that was locked (its hash differs); nothing of it was installed",
     "pip cache purge && " + AGAIN + " ; if it differs again, your package mirror serves something else: tell its owner"),
    (r"name resolution|Name or service not known|Network is unreachable|NewConnectionError|Connection refused|connection refused"
     r"|no such host|dial tcp|No route to host|timed out|i/o timeout|module lookup disabled|No matching distribution|ProxyError|TLS handshake",
     "the package registry does not answer: no network, or no such package there", "connect to the network, then " + AGAIN),
]


def explain(says, output):
    tail = "\n".join("    " + line for line in output.strip().splitlines()[-12:])
    for pattern, cause, mend in CAUSES:
        if re.search(pattern, output):
            return Problem("{}: {}\n{}".format(says, cause, tail), mend)
    return Problem("{} failed:\n{}".format(says, tail), "what the lines above say, then " + AGAIN)


# What has to be there before.

def require_system():
    if os.name != "posix":
        raise Problem("GoNB and XLA's plugin want Linux or macOS", "wsl --install, then this clone inside it")


def require_kernel(kernel):
    if not (ROOT / "kernels" / kernel / "kernel.json").is_file():
        raise Problem("there is no kernel {!r}: kernels/{}/kernel.json is missing".format(kernel, kernel), "make lab KERNEL=gonb")


def require_python():
    if sys.version_info[:2] < PYTHON:
        raise Problem("Python {}.{} or newer is needed, python3 is {}".format(*PYTHON, sys.version.split()[0]),
                      "make setup PYTHON=/path/to/a/newer/python3, or " + installer(apt="python3", dnf="python3", brew="python"))
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        raise Problem("Python's module {} is missing".format(error.name), installer(apt="python3-venv", dnf="python3", brew="python"))


def require_go():
    """Checks Go and the C compiler; returns what `go env` says of this machine."""
    if not shutil.which("go"):
        raise Problem("Go is missing: no go on PATH", installer(brew="go") if shutil.which("brew") else
                      "unpack the archive of go.dev/dl, then export PATH=$PATH:/usr/local/go/bin")
    wanted = re.search(r"^go (\S+)", (ROOT / "go.mod").read_text(), re.M).group(1)
    names = ["GOVERSION", "GOROOT", "GOCACHE", "GOMODCACHE", "CC"]
    try:
        go = json.loads(go_run("env", "-json", *names))
    except Problem as problem:
        raise Problem("Go {} or newer is needed\n{}".format(wanted, problem), "go env -w GOTOOLCHAIN=auto, or the archive of go.dev/dl")
    if numbers(go["GOVERSION"]) < numbers(wanted):
        raise Problem("Go {} or newer is needed, go is {}".format(wanted, go["GOVERSION"]), "the archive of go.dev/dl")
    compiler = go["CC"].split()
    if not compiler or not shutil.which(compiler[0]):
        raise Problem("no C compiler: {} is not on PATH (XLA is reached through C)".format(go["CC"] or "CC"),
                      installer(apt="gcc libc6-dev", dnf="gcc", brew="llvm"))
    return go


def numbers(version):
    return [int(n) for n in re.findall(r"\d+", version)][:3]


def require_disk(needs, free=lambda path: shutil.disk_usage(str(path)).free):
    there = free(ROOT)
    if there < NEEDED[needs]:
        raise Problem("the disk is too full: {:.1f} GiB free, {:.1f} GiB needed".format(there / GIB, NEEDED[needs] / GIB),
                      "df -h . ; free some space, then " + AGAIN)


# Python.

def make_venv(again):
    """Makes .venv; one that another Python made, or that was cut short, goes first."""
    another = (VENV / "pyvenv.cfg").exists()
    run([BASE, "-m", "venv"] + (["--clear"] if again or another else []) + [VENV], "python3 -m venv")
    run([BIN / "python", "-m", "pip", "--version"], "pip in .venv")


def pip(lock_file, again, *options):
    """Installs a lock: every file's hash is checked before anything of it is unpacked."""
    argv = [BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
            "--only-binary", ":all:", "--requirement", lock_file]
    run(argv + (["--force-reinstall"] if again else []) + list(options), "pip install {}".format(lock_file.name))


def move_venv():
    """Puts the paths inside .venv right when the clone was moved: the scripts' first lines, and activate."""
    home, here = STAMPS / "folder", str(VENV)
    before = home.read_text() if home.exists() else here
    if before != here:
        print("setup: this clone was moved here; its .venv follows ...", flush=True)
        run([BASE, "-m", "venv", "--without-pip", VENV], "python3 -m venv")
        for script in BIN.iterdir():
            rebase(script, b"#!" + before.encode(), b"#!" + here.encode())
    write(home, here)


def rebase(script, before, after):
    if script.is_file() and not script.is_symlink():
        with script.open("rb") as file:
            head = file.read(len(before))
        if head == before:
            mode = script.stat().st_mode
            script.write_bytes(after + script.read_bytes()[len(before):])
            script.chmod(mode)


# Go.

def go_run(*arguments, **env):
    """Runs go in the module, free of the user's workspace and flags."""
    return run(["go"] + list(arguments), "go " + " ".join(arguments[:3]), env=dict(os.environ, GOWORK="off", GOFLAGS="-buildvcs=false", **env))


def tools(go, name, folder, *programs):
    made_from = "{} {} {}".format(hashed(folder / "go.mod", folder / "go.sum"), go["GOVERSION"], sys.platform)
    step(name, made_from, lambda again: go_run("-C", str(folder), "install", "tool", GOBIN=str(BIN)), needs="go",
         says=", ".join(programs), makes=[BIN / program for program in programs])


def warm_up(kernel):
    """Compiles the library, lets gopls read it, and runs one cell in the kernel: the proof that it works.

    A library that is being changed and does not compile just now must not keep anyone from opening the lab: it is said.
    """
    try:
        go_run("build", "./...")
    except Problem as problem:
        print("setup: {}".format(problem), flush=True)
    run([BIN / "python", ROOT / "kernels" / "warm.py", kernel], "the first cell")


# The kernel and the lab.

def write_kernel(kernel, go):
    """Writes the kernel's spec with this clone's absolute paths, only when it differs from what is there."""
    source, target = ROOT / "kernels" / kernel, KERNELS / kernel
    spec = (source / "kernel.json").read_text(encoding="utf-8")
    values = {"VENV": str(VENV), "ROOT": str(ROOT), "GOROOT": go["GOROOT"], "PLUGINS": os.pathsep.join(plugin_folders())}
    for name, value in values.items():
        spec = spec.replace("@{}@".format(name), json.dumps(value)[1:-1])
    parsed = json.loads(spec)
    if not has_wheel():  # go-xla fetches a plugin when the first cell asks for one, and finds it by itself
        for name in ("GOMLX_NO_AUTO_INSTALL", "PJRT_PLUGIN_LIBRARY_PATH"):
            parsed["env"].pop(name, None)
        parsed["env"]["GOFLAGS"] = "-ldflags=-w"  # Go's own linker was measured with C code on x86-64 Linux only
    update(target / "kernel.json", json.dumps(parsed, indent=2, ensure_ascii=False) + "\n")
    for logo in list(source.glob("logo-*")):
        if not (target / logo.name).exists() or (target / logo.name).read_bytes() != logo.read_bytes():
            shutil.copyfile(str(logo), str(target / logo.name))


def plugins():
    """The plugins of the wheel, none before it is installed."""
    return sorted(VENV.glob("lib/python3*/site-packages/*/pjrt_c_api_cpu*_plugin.so"))


def plugin_folders():
    """The wheel's folder first, then those where go-xla looks by itself: naming the one would hide the others."""
    wheel = [str(path.parent) for path in plugins()]
    own = [Path.home() / ".local" / "lib" / "go-xla", Path("/usr/local/lib/go-xla")]
    return wheel + [str(path / sub) for path in own for sub in ("", "nvidia")]


def write_overrides():
    """JupyterLab's defaults for this clone: no news pop-up, and .md files open as the notebooks they are."""
    viewers = {"markdown": "Jupytext Notebook", "myst": "Jupytext Notebook"}
    overrides = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": viewers},
    }
    update(VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json", json.dumps(overrides, indent=2) + "\n")


def update(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write(path, text)


if __name__ == "__main__":
    main()
