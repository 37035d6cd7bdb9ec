"""Runs one cell that computes on XLA, and one completion, in a kernel: it fills the caches and proves that the kernel works.

    .venv/bin/python kernels/warm.py KERNEL [--times]
"""
import os
import sys
import tempfile
import time

from jupyter_client.manager import start_new_kernel

from common import end_session, jupyter_env

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
        manager, client = start_new_kernel(kernel_name=kernel, cwd=folder, env=dict(os.environ, TMPDIR=folder))
        session = manager.provisioner.pid
        try:
            for n in range(5 if times else 1):
                seconds("cell", times, lambda: cell(client, n))
            for _ in range(2 if times else 1):
                seconds("completion", times, lambda: completion(client))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            end_session(session)


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
