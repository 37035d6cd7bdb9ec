"""Remembers which notebooks passed, as go test remembers its packages: what a notebook's run depends on has a key, and a notebook whose
key has not changed since it passed need not run again.

The key is of the notebook's text, the packages of this module that it imports with all that they import, the other modules' versions, the
checkpoints and whatever else lies beside the notebooks, the kernel, the runner and the variables that choose the backend.
"""
import functools
import hashlib
import json
import os
import re
import subprocess

from common import KERNELS, ROOT, VAR, VENV

MODULE = "github.com/lowerbound-ml/lowerbound"
VARIABLES = ("GOMLX_BACKEND", "XLA_FLAGS")


class Passed:
    """The memory of the notebooks in one folder, for one kernel."""

    def __init__(self, notebooks, kernel, memory=VAR / "passed"):
        self.notebooks, self.kernel, self.memory = notebooks, kernel, memory / kernel

    def before(self, name):
        """Whether the notebook passed with the key that it has now."""
        path = self.memory / name
        return path.is_file() and path.read_text() == self.key(name)

    def keep(self, name, key):
        """Remembers that the notebook passed; key is that of the moment at which it started."""
        path = self.memory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(key)

    def key(self, name):
        text = (self.notebooks / (name + ".md")).read_bytes()
        wanted = sorted({path for path in re.findall(r'"({}/[\w/]+)"'.format(MODULE), text.decode())})
        unknown = [path for path in wanted if path not in packages()]
        parts = [text, repr(unknown).encode(), self.around().encode()]
        for path in sorted({p for w in wanted if w in packages() for p in [w] + packages()[w]["Deps"]}):
            parts.append(packages().get(path, {}).get("BuildID", path).encode())
        return digest(parts)

    @functools.lru_cache()
    def around(self):
        """The part of the key that all notebooks share."""
        beside = [p for p in self.notebooks.rglob("*") if p.is_file() and p.suffix not in (".md", ".ipynb") and "runs" not in p.parts]
        files = beside + [ROOT / "go.mod", ROOT / "go.sum"] + list((KERNELS / self.kernel).glob("*.json"))
        files += list((ROOT / "tests" / "notebooks").glob("*.py")) + list((VENV / ".setup").glob("*"))
        parts = [repr([os.environ.get(v) for v in VARIABLES]).encode()]
        for path in sorted(files):
            parts += [str(path).encode(), path.read_bytes()]
        return digest(parts)


@functools.lru_cache()
def packages():
    """This module's packages by path, each with what it is built of (BuildID) and all that it imports (Deps)."""
    listed = subprocess.run(["go", "list", "-export", "-json=ImportPath,BuildID,Deps", "./pkg/...", "./datasets/..."], cwd=str(ROOT),
                            env=dict(os.environ, GOWORK="off"), stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
    decoder, found = json.JSONDecoder(), {}
    while listed.strip():
        package, end = decoder.raw_decode(listed.lstrip())
        listed = listed.lstrip()[end:]
        found[package["ImportPath"]] = dict(package, Deps=package.get("Deps", []))
    return found


def digest(parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()
