"""make lab: JupyterLab on this clone's notebooks, for this machine only.

    python3 kernels/lab.py [--port N] [--root FOLDER] [--open NOTEBOOK] [flags of jupyter lab]

It listens on the loopback address alone, on port 8888 or the next free one, and asks for a random token. The token is
handed over in the environment and stands in one file that only you can read, never in an argument or a log.
"""
import argparse
import os
import secrets
import socket
import sys
from pathlib import Path

from common import BIN, ROOT, VAR, jupyter_env

PORT = 8888
TRIED = 100


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--port", type=int)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--open", default="notebooks/00-start-here.ipynb")
    options, flags = parser.parse_known_args()
    if not (options.root / options.open).is_file():
        sys.exit("lab: there is no {} in {}; make notebooks writes it".format(options.open, options.root))
    port = options.port or free_port()
    env = dict(jupyter_env(), JUPYTER_TOKEN=secrets.token_hex(24))
    tell(port, "http://127.0.0.1:{}/lab/tree/{}?token={}".format(port, options.open, env["JUPYTER_TOKEN"]))
    os.chdir(str(options.root))
    os.execve(str(BIN / "python"), ["python", "-m", "jupyterlab", options.open] + settings(port, options.root) + flags, env)


def settings(port, root):
    return [
        "--ServerApp.ip=127.0.0.1", "--ServerApp.port={}".format(port), "--ServerApp.root_dir={}".format(root),
        "--ServerApp.port_retries=0",  # another port than the one in the address file would help nobody
        "--LanguageServerManager.autodetect=False",  # it starts npm, rustup and others, which write into HOME
    ] + (["--allow-root"] if os.geteuid() == 0 else [])


def free_port():
    for port in range(PORT, PORT + TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    sys.exit("lab: no free port from {} to {}: name one with LAB_ARGS=--port=N".format(PORT, PORT + TRIED - 1))


def tell(port, address):
    """Writes the address with its token to a file of mode 600; shows it only to a person before a terminal."""
    file = VAR / "address-{}".format(port)
    file.unlink() if file.exists() else None
    with os.fdopen(os.open(str(file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(address + "\n")
    print("lab: the address, with its token, is in {}".format(file), flush=True)
    if sys.stderr.isatty():
        print("lab: {}".format(address), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
