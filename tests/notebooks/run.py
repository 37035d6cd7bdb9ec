"""Runs every notebook of notebooks/ and of notebooks/solutions/ from a bare kernel, each in a fresh copy of notebooks/, and
looks at every cell.

    .venv/bin/python tests/notebooks/run.py [--train] [--write] [--check] [--times] [--again] [--no-solutions] [--kernel NAME] [--jobs N] [name ...]

--train   leaves the shipped checkpoints out, so that every training happens
--write   writes notebooks/NAME.ipynb: the text's cells with the outputs of this run, under stable cell ids
--check   runs nothing: the committed .ipynb hold the cells of the .md, were executed, and are small enough, and each
          notebook says what it needs and has its exercises solved (exercises.py)
--times   says of each notebook which eight cells took longest
--jobs    how many run at a time: without it as many as there are cores; with 1 it says how the seconds of each compare with what they
          should be
--again   runs also what passed before and has not changed since; so do --train, --write, --times and CI=true
--no-solutions  leaves the solutions out
name      the beginning of a notebook's name, as 02, solutions or solutions/02 (default: all)

A notebook runs in its own folder. Solutions train nothing that a notebook ships: they find its checkpoints in ../checkpoints,
with --train too.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "kernels"))
from common import end_session, jupyter_env  # noqa: E402
from exercises import exercise_faults  # noqa: E402
from passed import Passed  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
GOAL = {True: 90, False: 20}  # seconds on 2 cores that a notebook should stay under by itself, with training and without
LIMIT = 900  # seconds after which a notebook is stopped: something hangs
LARGEST = 400_000  # bytes of a committed .ipynb
# A path of the machine that ran a notebook: this one's folders, and where users and temporary files lie on any other.
HERE = "|".join(re.escape(str(path)) for path in (ROOT, Path.home(), Path(tempfile.gettempdir())))
MACHINE = re.compile(r"(?<![\w.:/])(?:{}|/(?:root|home|tmp|Users|private|var/folders))/[^\s\"]+".format(HERE))


def main():
    options = arguments()
    names = [n for n in all_names() if not options.names or any(n.startswith(prefix) for prefix in options.names)]
    names = [n for n in names if "/" not in n or not options.no_solutions]
    if not names:
        sys.exit("notebooks: no .md in notebooks/ begins with {}".format(options.names or "a digit"))
    os.environ.update(jupyter_env())
    if options.check:
        faults = {name: committed_faults(name) for name in names}
    else:
        faults = run_all(names, options)
    for name, found in faults.items():
        for fault in found:
            print("FAIL {}: {}".format(name, fault), flush=True)
    print("notebooks: {} of {} pass".format(sum(not f for f in faults.values()), len(faults)), flush=True)
    return 1 if any(faults.values()) else 0


def all_names():
    """The notebooks, and their solutions as solutions/NAME."""
    paths = sorted(NOTEBOOKS.glob("*.md")) + sorted(NOTEBOOKS.glob("solutions/*.md"))
    return [p.relative_to(NOTEBOOKS).with_suffix("").as_posix() for p in paths if p.name[:1].isdigit()]


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    for flag in ("--train", "--write", "--check", "--times", "--again", "--no-solutions"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--kernel", default="gonb")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def run_all(names, options):
    again = options.again or options.train or options.write or options.times or os.environ.get("CI") == "true"
    passed, faults = Passed(NOTEBOOKS, options.kernel), {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {}
        for name in names:
            if not again and passed.before(name):
                print("{:<42} passed before, and nothing that it uses has changed since; --again runs it".format(name), flush=True)
                faults[name] = []
            else:
                runs[name] = passed.key(name), pool.submit(run_one, name, options)
        for name, (key, run) in runs.items():
            faults[name] = run.result()
            if not faults[name] and not options.train:
                passed.keep(name, key)
    return faults


def run_one(name, options):
    """Executes one notebook in a fresh folder and returns what is wrong with it."""
    notebook, train = read_source(name, options.kernel), options.train and "/" not in name
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        home = Path(folder) / "notebooks"
        shutil.copytree(str(NOTEBOOKS), str(home), ignore=leave_out(train))
        start = time.monotonic()
        stopped, cells = execute(notebook, (home / name).parent, options.kernel, folder)
        seconds = time.monotonic() - start
    of_goal = "   {:.2f} of {} s".format(seconds / GOAL[train], GOAL[train]) if options.jobs == 1 else ""
    print("{:<42} {:6.1f} s{}".format(name, seconds, of_goal), flush=True)
    for took, line in sorted(cells, reverse=True)[:8] if options.times else []:
        print("  {:6.1f} s  {}".format(took, line), flush=True)
    faults = stopped + cell_faults(notebook)
    if options.write and not faults:
        faults = write_notebook(name, notebook)
    return faults


def leave_out(train):
    names = [".ipynb_checkpoints", "*.ipynb", "runs"] + (["checkpoints"] if train else [])
    return shutil.ignore_patterns(*names)


def read_source(name, kernel):
    """The .md as a notebook, for the given kernel, each cell with an id made from what it says."""
    notebook = jupytext.read(NOTEBOOKS / (name + ".md"))
    seen = {}
    for cell in notebook.cells:
        n = seen[cell.source] = seen.get(cell.source, 0) + 1
        cell["id"] = hashlib.sha256("{} {}".format(n, cell.source).encode()).hexdigest()[:8]
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.setdefault("kernelspec", {})["name"] = kernel
    notebook.metadata["language_info"] = {"name": "go", "file_extension": ".go", "mimetype": "text/x-go"}
    return notebook


def execute(notebook, home, kernel, temporary):
    """Runs all cells, whatever they do; returns why it stopped early, if it did, and each cell's seconds and first line. Nothing that
    it started outlives it."""
    seconds = []
    deadline = time.monotonic() + LIMIT
    client = NotebookClient(
        notebook, kernel_name=kernel, allow_errors=True, coalesce_streams=True, record_timing=False,
        timeout_func=lambda cell: max(1, deadline - time.monotonic()), resources={"metadata": {"path": str(home)}})
    client.create_kernel_manager()
    session = None
    try:
        with client.setup_kernel(env=dict(os.environ, TMPDIR=temporary)):
            session = client.km.provisioner.pid
            client.reset_execution_trackers()
            for index, cell in enumerate(notebook.cells):
                start = time.monotonic()
                client.execute_cell(cell, index)
                seconds.append((time.monotonic() - start, first_line(cell)))
    except CellTimeoutError:
        return ["stopped after {} s in the cell that begins {!r}".format(LIMIT, first_line(cell))], seconds
    except DeadKernelError:
        return ["the kernel died in the cell that begins {!r}".format(first_line(cell))], seconds
    finally:
        end_session(session)
    return [], seconds


def cell_faults(notebook):
    """Every cell is looked at: errors, cells that never ran, and paths of this machine in an output."""
    faults = []
    for n, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        where = "code cell {} ({!r})".format(n + 1, first_line(cell))
        if cell.source.strip() and cell.get("execution_count") is None:
            faults.append(where + " was not executed")
        errors = [output.evalue for output in cell.outputs if output.output_type == "error"]
        if errors:
            faults.append("{}: {}\n{}".format(where, errors[0], said(cell)))
        paths = MACHINE.findall(json.dumps(cell.outputs, ensure_ascii=False).replace("\\n", "\n").replace("\\t", "\t"))
        if paths and not errors:
            faults.append("{} prints a path of this machine: {}".format(where, paths[0][:80]))
    return faults


def said(cell):
    """The last lines of a failed cell's texts, for the report."""
    texts = [o.get("text") or "\n".join(o.get("traceback", [])) for o in cell.outputs if o.output_type in ("stream", "error")]
    return "\n".join("    " + line for line in "\n".join(texts).strip().splitlines()[-15:])


def first_line(cell):
    lines = [line for line in cell.source.splitlines() if line.strip() and not line.startswith(("%", "import", ")"))]
    return (lines or [""])[0].strip()[:60]


def write_notebook(name, notebook):
    text = nbformat.writes(notebook) + "\n"
    if len(text.encode()) > LARGEST:
        return ["the executed notebook has {} bytes, at most {} are committed: make its figures smaller".format(len(text.encode()), LARGEST)]
    path = NOTEBOOKS / (name + ".ipynb")
    temporary = path.with_name(".{}.new".format(path.name))
    temporary.write_text(text, encoding="utf-8")
    os.replace(str(temporary), str(path))
    return []


def committed_faults(name):
    """What is wrong with the committed .ipynb and with the exercises of its .md, if anything."""
    exercises = [] if "/" in name else exercise_faults(NOTEBOOKS, name)
    return exercises + executed_faults(name)


def executed_faults(name):
    path, again = NOTEBOOKS / (name + ".ipynb"), "; run make notebooks"
    if not path.exists():
        return ["there is no {}{}".format(path.name, again)]
    if path.stat().st_size > LARGEST:
        return ["{} has {} bytes, at most {} are committed".format(path.name, path.stat().st_size, LARGEST)]
    committed, source = nbformat.read(str(path), 4), jupytext.read(NOTEBOOKS / (name + ".md"))
    if cells(committed) != cells(source):
        return ["its cells differ from those of {}.md{}".format(name, again)]
    return [fault + again for fault in cell_faults(committed)]


def cells(notebook):
    return [(cell.cell_type, cell.source.strip()) for cell in notebook.cells]


if __name__ == "__main__":
    sys.exit(main())
