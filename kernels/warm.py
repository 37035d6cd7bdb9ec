"""Lets gopls read the library, and runs one cell in a kernel: it fills the caches and proves that the kernel works.

    .venv/bin/python kernels/warm.py KERNEL [--times]

--times says how long each part took, of several cells and two completions.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from common import BIN, ROOT, end_session, jupyter_env

CELL = """import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/lowerbound-ml/lowerbound/pkg/backend"
)

%%
b := backend.MustOpen("")
square := func(x *graph.Node) *graph.Node { return graph.MatMul(x, x) }
fmt.Println(graph.MustExecOnce(b, square, [][]float32{{1, 1}, {0, 1}}).Value(), "on", backend.Describe(b))
"""
WANT = "[[1 2] [0 1]] on "


def main(kernel, times):
    os.environ.update(jupyter_env())
    with tempfile.TemporaryDirectory() as folder:
        seconds("gopls", times, lambda: index(Path(folder) / "index"))
        manager, client = start_new_kernel(kernel_name=kernel, cwd=folder, env=dict(os.environ, TMPDIR=folder))
        session = manager.provisioner.pid
        try:
            for n in range(5 if times else 1):
                seconds("cell", times, lambda: cell(client, n))
            for _ in range(2 if times else 0):
                seconds("completion", times, lambda: completion(client))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            end_session(session)


def index(folder):
    """Lets gopls read the library once, in a workspace as GoNB makes it, and keep what it learns in its cache.

    GoNB gives gopls eight seconds for a completion and ends when they do not suffice, as without that cache.
    """
    folder.mkdir()
    go = re.search(r"^go \S+", (ROOT / "go.mod").read_text(), re.M).group(0)
    (folder / "go.mod").write_text("module cell\n\n{}\n".format(go))
    (folder / "go.work").write_text("{}\n\nuse (\n\t.\n\t{}\n)\n".format(go, json.dumps(str(ROOT))))
    imports, _, body = CELL.partition("%%\n")
    code = "package main\n\n{}func main() {{\n{}}}\n".format(imports, body)
    (folder / "main.go").write_text(code)
    at = code.index("MustOpen")
    line, column = code.count("\n", 0, at) + 1, at - code.rindex("\n", 0, at)
    done = subprocess.run(
        [str(BIN / "gopls"), "definition", "main.go:{}:{}".format(line, column)], cwd=str(folder),
        env=dict(os.environ, GOPROXY="off", GOFLAGS="-ldflags=-w", GOWORK=""), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "func backend.MustOpen" not in done.stdout:
        sys.exit("gopls should find backend.MustOpen, it says:\n{}".format(done.stdout))


def seconds(what, said, do):
    start = time.perf_counter()
    do()
    if said:
        print("{:<10} {:5.2f} s".format(what, time.perf_counter() - start), flush=True)


def cell(client, n):
    """Runs CELL with a constant n that makes it another program than the last: it is compiled and linked anew."""
    output = []
    keep = lambda message: output.append(message["content"].get("text") or str(message["content"].get("traceback", "")))
    client.execute_interactive(CELL + "_ = {}\n".format(n), timeout=300, output_hook=keep)
    if WANT not in "".join(output):
        sys.exit("the first cell should print {!r}, it printed:\n{}".format(WANT, "".join(output)))


def completion(client):
    code = CELL + "backend.MustO"
    reply = client.complete(code, len(code), reply=True, timeout=300)["content"]
    if "MustOpen" not in str(reply.get("matches")):
        sys.exit("the completion of backend.MustO should offer MustOpen, it offered {}".format(reply))


if __name__ == "__main__":
    main(sys.argv[1], "--times" in sys.argv)
