"""What the set-up, the launcher, the doctor and the tests of kernels/ share: the folders and the way to run a command.

Python's standard library only, and no newer syntax than 3.6, so that an old Python can still say that it is too old.
"""
import os
import platform
import shutil
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
VAR = VENV / "var"  # what Jupyter writes at run time: nothing lands in the user's home
KERNELS = VENV / "share" / "jupyter" / "kernels"
PYTHON = (3, 10)  # the oldest Python that the locked packages serve


class Problem(Exception):
    """Something that the user has to mend: one line that says what, and the command that mends it."""

    def __init__(self, what, mend):
        super().__init__("{}\n  mend it with: {}".format(what, mend))


def installer(**names):
    """The command that installs a system package here: installer(apt="gcc", dnf="gcc", brew="gcc")."""
    commands = [("apt-get", "apt", "sudo apt-get install -y "), ("dnf", "dnf", "sudo dnf install -y "), ("brew", "brew", "brew install ")]
    for program, key, command in commands:
        if key in names and shutil.which(program):
            return command + names[key]
    return "your system's package manager: install " + " ".join(sorted(set(names.values())))


def has_wheel():
    """Whether the plugin's wheel serves this machine."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def jupyter_env():
    """The environment for Jupyter's programs: their folders under .venv, the tools on PATH."""
    (VAR / "jupyter").mkdir(parents=True, exist_ok=True)
    env = dict(os.environ)
    env.update(
        PATH=os.pathsep.join([str(BIN), env.get("PATH", os.defpath)]),
        JUPYTER_CONFIG_DIR=str(VAR / "jupyter" / "config"),
        JUPYTER_DATA_DIR=str(VAR / "jupyter" / "data"),
        JUPYTER_RUNTIME_DIR=str(VAR / "jupyter" / "runtime"),
        IPYTHONDIR=str(VAR / "ipython"),
    )
    return env


def end_session(session):
    """Ends what a kernel left behind, programs of cells and gopls: all of them are in the session that it led."""
    import psutil  # in .venv, as everything that starts a kernel is
    for pid in psutil.pids() if session else []:
        try:
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
