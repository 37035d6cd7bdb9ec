"""Opens a notebook in JupyterLab in Chromium as a reader does, runs all its cells, and looks at every output.

    .venv/bin/python tests/browser/run.py [--notebook 00-start-here] [--folder notebooks] [--shots FOLDER] [--as-is] [--all] [--limit SECONDS]

It works on a copy of the folder, starts the server as make lab does, and fails on an error in an output, on a cell that
did not run, and on a request to any other machine.

--shots   saves what the reader sees, page by page, as FOLDER/NAME-01.png, ...
--as-is   runs nothing: the committed outputs as they show in a fresh clone, where the notebook is not trusted
--all     then opens every notebook of the folder as committed, and looks at its figures, its mathematics and its sliders (look.py)
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import TimeoutError as Late
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "kernels"))
from common import end_session  # noqa: E402
from look import SETTINGS, flags, look  # noqa: E402

CHROMIUM = [p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p]
QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
WIDTH, HEIGHT = 1200, 1500

# What the page knows of its notebook, read from JupyterLab's model: cells that are out of sight are not in the page.
CELLS = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const kernel = panel?.context?.sessionContext?.session?.kernel;
  if (!kernel || !panel.context.isReady) return null;
  const cells = [...panel.content.model.sharedModel.cells].map(c => c.toJSON()).filter(c => c.cell_type === 'code');
  return {status: kernel.status, connected: kernel.connectionStatus === 'connected', cells: cells.map(c => ({source: [].concat(c.source).join(''), count: c.execution_count,
    errors: c.outputs.filter(o => o.output_type === 'error').map(o => o.evalue)}))};
}"""


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--notebook", default="00-start-here")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks")
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--as-is", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--limit", type=int, default=600)
    options = parser.parse_args()
    if not CHROMIUM:
        sys.exit("browser: no Chromium on PATH; mend it with: sudo apt-get install -y chromium")
    with tempfile.TemporaryDirectory(prefix="browser-") as folder:
        shutil.copytree(str(options.folder), folder + "/notebooks")
        server, address = start_lab(folder, options.notebook)
        try:
            faults = visit(address, Path(folder), options)
        finally:
            stop_lab(server)
        if faults:
            print(Path(folder, "lab.log").read_text())
    for fault in faults:
        print("FAIL {}: {}".format(options.notebook, fault))
    print("browser: {} {}".format(options.notebook, "FAIL" if faults else "ok"))
    return 1 if faults else 0


# The server.

def start_lab(folder, notebook):
    """Starts the server and returns it with the address, once it answers."""
    log = open(folder + "/lab.log", "w+")
    env = dict(os.environ, TMPDIR=folder, JUPYTERLAB_WORKSPACES_DIR=folder + "/workspaces", JUPYTERLAB_SETTINGS_DIR=folder + "/settings")
    for name, content in SETTINGS.items():
        Path(folder, "settings", name).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, "settings", name).write_text(content)
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "kernels" / "lab.py"), "--root", folder, "--open", "notebooks/{}.ipynb".format(notebook),
         "--no-browser", "--LabApp.expose_app_in_browser=True"] + flags(Path(folder)), stdout=log, stderr=log, start_new_session=True, env=env)
    for _ in range(600):
        time.sleep(0.1)
        log.seek(0)
        said = log.read()
        found = re.search(r"is in (\S+/address-\d+)", said)
        if server.poll() is not None:
            sys.exit("browser: the lab did not start:\n" + said)
        if found and answers(Path(found.group(1)).read_text().strip()):
            address = Path(found.group(1)).read_text().strip()
            token = urlsplit(address).query.partition("=")[2]
            if token in said + " ".join(psutil.Process(server.pid).cmdline()):
                stop_lab(server)
                sys.exit("browser: the lab's log or its arguments hold its token")
            return server, address
    stop_lab(server)
    sys.exit("browser: the lab did not answer in 60 s:\n" + said)


def answers(address):
    parts = urlsplit(address)
    try:
        with urllib.request.urlopen("{}://{}/api/status?{}".format(parts.scheme, parts.netloc, parts.query), timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def stop_lab(server):
    """Ends the server, which shuts its kernels down; whatever is left after 20 s is ended."""
    kernels = [child.pid for child in psutil.Process(server.pid).children()] if psutil.pid_exists(server.pid) else []
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    for kernel in kernels:
        end_session(kernel)


# The browser.

def visit(address, folder, options):
    """Opens the address and returns what is wrong with the page."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=CHROMIUM[0], headless=True, args=QUIET, chromium_sandbox=os.geteuid() != 0,
            viewport={"width": WIDTH, "height": HEIGHT})
        try:
            page = context.pages[0]
            strangers = set()
            page.on("request", lambda request: strangers.add(host(request.url)))
            faults = read(page, address, options)
            if options.all and not faults:
                faults = look(page, folder)
            return faults + ["asks another machine: " + h for h in sorted(strangers - {"127.0.0.1", ""})]
        finally:
            context.close()


def host(url):
    return urlsplit(url).hostname or "" if url.startswith(("http", "ws")) else ""


def read(page, address, options):
    page.goto(address, timeout=60_000)
    try:
        page.wait_for_function("window.jupyterapp && ({})()?.connected".format(CELLS), timeout=60_000)
        if not options.as_is:
            menu(page, "Edit", "Clear Outputs of All Cells")
            menu(page, "Run", "Run All Cells")
            page.wait_for_function(
                "(() => {{ const now = ({})(); return now && now.status === 'idle' &&"
                " now.cells.every(c => !c.source.trim() || c.count !== null); }})()".format(CELLS), timeout=options.limit * 1000)
    except Late:
        faults = ["not done in time; the page holds: {}".format(page.evaluate(CELLS))]
    else:
        faults = ["{!r}: {}".format(c["source"][:60], error) for c in page.evaluate(CELLS)["cells"] for error in c["errors"]]
    if options.shots:
        shoot(page, options.shots, options.notebook)
    return faults


def menu(page, name, entry):
    page.get_by_role("menubar").get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def shoot(page, folder, notebook):
    """Saves the notebook in pages of one screen each, top to bottom."""
    folder.mkdir(parents=True, exist_ok=True)
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    scroller = "document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer')"
    page.evaluate(scroller + ".scrollTo(0, 0)")
    for n in range(1, 60):
        page.wait_for_timeout(700)
        page.screenshot(path=str(folder / "{}-{:02d}.png".format(notebook, n)))
        moved = page.evaluate("(() => {{ const s = {}; const before = s.scrollTop; s.scrollBy(0, s.clientHeight - 60); return s.scrollTop > before; }})()".format(scroller))
        if not moved:
            print("browser: {} pictures in {}".format(n, folder))
            return


if __name__ == "__main__":
    sys.exit(main())
